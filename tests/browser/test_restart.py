"""A server that is killed and started again: open pages find it, and show what they showed."""

import os
import signal

from playwright.sync_api import Browser

from model_runtime.views import View
from tests.browser.driving import Watch, settle
from tests.browser.test_attention_driver import Reader, assert_same_map, true_map
from tests.browser.test_connection import COMPLAINTS, WORDS, see_it_lost
from tests.conftest import free_port, running


def test_after_a_kill_a_page_shows_the_same_and_what_is_typed_next_is_heard(
    browser: Browser,
) -> None:
    port = free_port()
    watch = Watch(f"127.0.0.1:{port}", expected_errors=[*COMPLAINTS])
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}", locale="en-US")
    watch.follow(context)
    with running(port) as (process, _):
        tab = context.new_page()
        tab.goto("/?stack=cross&layer=0&head=0")
        reader = Reader(tab)
        reader.enter(WORDS)
        reader.switch("specials")
        reader.choose(2, 1)
        before, recording = reader.url(), reader.trace_id()
        reader.box("text").fill("Half a sen")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        see_it_lost(reader)
    with running(port):
        settle(tab)
        assert reader.url() == before
        reader.shows(stack="cross", layer=2, head=1)
        assert_same_map(reader.twin(), true_map(WORDS, "cross", 2, 1, View(specials=False)))
        assert reader.box("text").input_value() == "Half a sen"
        there = reader.source()
        reader.box("text").press("Enter")  # the first message that the new process hears
        reader.changed(there)
        assert recording not in reader.source()
        reader.shows(stack="cross", layer=2, head=1)
        typed = true_map("Half a sen", "cross", 2, 1, View(specials=False))
        assert_same_map(reader.twin(), typed)
        assert reader.url() == before | {"text": "Half a sen"}
        context.close()
    assert watch.problems() == []
