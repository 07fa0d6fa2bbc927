"""Checkpoints from a folder, opened and shown in Chromium: the very numbers, and what fails.

They are tiny and random, but whole: tokenizer and weights on disk, opened by transformers. The
server of this file may open those of one folder, and nothing from the Hub.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page, expect

from model_runtime import settings
from model_runtime.steps import walk
from model_runtime.types import StackName
from shell import lineup
from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    assert_same_map,
    first_text,
    model,
    traced,
    true_map,
)
from tests.browser.test_front_page import nothing_is_beside
from tests.browser.test_positions import VIEWS, Viewer
from tests.browser.test_steps import Walker
from tests.conftest import ROOT, START_SECONDS, end, free_port, wait_for
from tests.model_runtime.huggingface.checkpoints import make
from viz.labels import WORD_JOINER

SHOWN = (
    "bert", "roberta", "deberta-v2", "gpt2", "llama", "mistral", "gemma2", "bloom", "falcon",
    "t5", "bart",
)  # fmt: skip
OTHERS = ("llama-chat", "electra-classifying", "bert-alone", "mamba", "jamba")
MINE = "The cat sleeps, 猫 too."


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that checkpoints may be opened from; some in it are broken."""
    root = tmp_path_factory.mktemp("checkpoints").resolve()
    for family in (*SHOWN, *OTHERS):
        make(family, root / family)
    weights = (make("gpt2", root / "broken") / "model.safetensors").read_bytes()
    (root / "broken" / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    (root / "empty").mkdir()
    return root


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may open what is in `root`; so may this process, to compare."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    allowed = {"HEADLIGHT_LOCAL_ROOTS": str(root), "HEADLIGHT_HUB": "off"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    log = tmp_path_factory.mktemp("log") / "server.log"
    with log.open("wb") as output, pytest.MonkeyPatch.context() as patched:
        for name, value in allowed.items():
            patched.setenv(name, value)
        settings.settings.cache_clear()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(f"{address}/", process, log, time.monotonic() + START_SECONDS)
            yield address
        finally:
            end(process)
            settings.settings.cache_clear()


def at(ref: object, **more: str) -> str:
    """The address of a page that shows a checkpoint."""
    return "/?" + urlencode({"model": str(ref), **more}, quote_via=quote)


def type_model(tab: Page, ref: object) -> None:
    """Type into the model's box, as somebody does who has read the line under it."""
    tab.get_by_test_id("stMain").evaluate("(node) => node.scrollTo(0, 0)")
    box = tab.locator(".st-key-_model input")
    box.click()
    box.fill(str(ref))
    box.press("Enter")


def shows(reader: Reader, ref: object, text: str) -> None:
    """The page is of a checkpoint and a text, and the numbers are those of this process."""
    expect(reader.box("text")).to_have_value(text)
    expect(reader.tab.locator(".st-key-_model input")).to_have_value(str(ref) + WORD_JOINER)
    stack, layer, head = place(reader)
    assert_same_map(reader.twin(), true_map(text, stack, layer, head, ref=str(ref)))
    assert reader.tab.get_by_test_id("stException").count() == 0


def place(reader: Reader) -> tuple[StackName, int, int]:
    named = {"encoder": "encoder", "decoder": "decoder", "cross": "cross"}
    stack: StackName = named[reader.root.get_attribute("data-stack") or ""]  # type: ignore[assignment]
    layer, head = (int(reader.root.get_attribute(f"data-{n}") or "") for n in ("layer", "head"))
    return stack, layer, head


def remembers(tab: Page, refs: list[str]) -> None:
    """The list under the model's box, and once the server knows of it the box's lines after the
    built-in models, hold these."""
    menu = tab.locator(".st-key-_recent details")
    if refs:
        menu.locator("summary").click()
        expect(menu.locator(".row bdi")).to_have_text(refs)
        menu.locator("summary").click()
    else:
        expect(menu).to_be_hidden()
    box = tab.locator(".st-key-_model input")
    options = tab.get_by_role("option")
    until = time.monotonic() + 30
    lines = None
    while lines != refs and time.monotonic() < until:
        tab.wait_for_timeout(100)
        settle(tab)
        box.click()
        expect(options.first).to_be_visible()
        texts = options.all_inner_texts()[len(lineup.names()) :]
        lines = [text.removesuffix(WORD_JOINER) for text in texts]
        box.press("Escape")
    assert lines == refs


# ── Shown exactly ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("family", SHOWN)
def test_every_stack_of_a_checkpoint_shows_its_own_numbers(
    page: OpenPage, root: Path, family: str
) -> None:
    ref = root / family
    info = model(str(ref)).info
    for stack in info.stacks:
        asked = at(ref, text=MINE, stack=stack, layer="1", head="2")
        reader = Reader(page(asked))
        assert place(reader) == (stack, 1, 2)
        shows(reader, ref, MINE)
        expect(reader.tab.locator(".st-key-summary")).to_contain_text(info.architecture)
        expect(reader.tab.locator(".st-key-footer")).to_contain_text("checked: recomputed")
        # A random model hardly ever ends its text by itself.
        assert not [said for said in reader.alerts.all_inner_texts() if "still writing" not in said]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("family", ["bert", "llama-chat", "t5"])
def test_a_checkpoint_opens_with_its_first_example_and_fits_the_screen(
    page: OpenPage, root: Path, family: str, viewport: tuple[int, int]
) -> None:
    reader = Reader(page(at(root / family), viewport=viewport))
    info = model(str(root / family)).info
    shows(reader, root / family, info.examples[0])
    assert place(reader) == (info.opens_at.stack, info.opens_at.layer, info.opens_at.head)
    assert nothing_is_beside(reader, viewport[0])
    reader.tab.locator(".st-key-footer button").first.scroll_into_view_if_needed()
    reader.tab.locator(".st-key-footer button", has_text="parameters").click()
    card = reader.tab.locator(".facts")
    expect(card).to_contain_text(info.architecture)
    expect(card).to_contain_text("32 bits")


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "t5"])
def test_the_steps_of_a_checkpoint_are_walked_and_its_attention_is_exact(
    page: OpenPage, root: Path, watch: Watch, family: str
) -> None:
    watch.expected_errors.append(r"404 .*/steps/_stcore/")
    ref = str(root / family)
    walker = Walker(page(at(ref, text=MINE).replace("/?", "/steps?")))
    made = traced(MINE, ref=ref)
    refs = walk.outline(made, walker.place, None)
    for ref_ in refs[:: max(1, len(refs) // 12)]:
        walker.tab.goto(at(ref, text=MINE, step=ref_.id).replace("/?", "/steps?"))
        walker = Walker(walker.tab)
        walker.at(ref_.id)
        assert (walker.root.locator(".missing:visible").count() == 1) == bool(ref_.missing)
    stack = made.info.opens_at.stack
    for name in ("dot", "softmax", "weigh"):
        id_ = f"{stack}.{name}"
        walker.tab.goto(at(ref, text=MINE, step=id_).replace("/?", "/steps?"))
        walker = Walker(walker.tab)
        walker.at(id_)
        result = walk.step(made, None, walker.place, id_, whole=True).result
        assert result
        row, col = walker.cell()
        own = float(result.values[result.rows.kept.index(row), result.cols.kept.index(col)])
        assert walker.value() == pytest.approx(own, rel=1e-5, abs=1e-7)
        assert walker.value("computed") == pytest.approx(own, rel=1e-5, abs=1e-7)


def test_a_hybrid_shows_the_layers_that_have_attention(page: OpenPage, root: Path) -> None:
    ref = root / "jamba"
    (layer,) = {record.layer for record in traced(MINE, ref=str(ref)).records}
    reader = Reader(page(at(ref, text=MINE)))
    assert place(reader)[1] == layer
    shows(reader, ref, MINE)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_model_without_attention_shows_tokens_and_what_it_predicts(
    page: OpenPage, root: Path, viewport: tuple[int, int]
) -> None:
    tab = page(at(root / "mamba", text=MINE), viewport=viewport)
    expect(tab.get_by_test_id("stAlert")).to_contain_text("MambaForCausalLM")
    expect(tab.locator("ol.tokens")).to_contain_text("猫")
    tab.locator('[data-headlight="predictions"]').scroll_into_view_if_needed()
    expect(tab.locator(".predictions")).to_be_visible()
    assert tab.locator('[data-headlight="attention"]').count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport[0]


# ── Picking ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_typed_folder_is_opened_with_the_text_that_is_there(
    page: OpenPage, root: Path, viewport: tuple[int, int]
) -> None:
    reader = Reader(page(viewport=viewport))
    for family in ("gpt2", "bert", "bart"):
        before = reader.source()
        type_model(reader.tab, root / family)
        reader.changed(before)
        shows(reader, root / family, first_text())
        assert reader.url()["model"] == str(root / family)
        assert reader.url()["text"] == first_text()
    reader.pick("translator")
    expect(reader.box("text")).to_have_value(first_text())
    assert "model" not in reader.url() and "text" not in reader.url()
    assert reader.alerts.count() == 0


def test_a_name_that_goes_on_from_the_one_in_the_box_is_taken_whole(
    page: OpenPage, root: Path
) -> None:
    reader = Reader(page(at(root / "llama", text=MINE)))
    for typed in (root / "llama-chat", root / "llama"):
        type_model(reader.tab, typed)
        expect(reader.tab.locator(".st-key-_model input")).to_have_value(str(typed) + WORD_JOINER)
        reader.ready()
        shows(reader, typed, MINE)


def test_the_address_is_of_the_head_that_is_shown_whatever_failed_before(
    page: OpenPage, root: Path
) -> None:
    reader = Reader(page())
    reader.choose_stack("cross")
    reader.choose(2, 3)
    type_model(reader.tab, root / "empty")
    expect(reader.tab.locator(".st-key-ways_on")).to_be_visible()
    type_model(reader.tab, root / "llama")
    expect(reader.root).to_have_attribute("data-stack", "decoder")
    reader.ready()
    stack, layer, head = place(reader)
    expect(reader.tab).to_have_url(re.compile(f"stack={stack}.*layer={layer}.*head={head}"))
    reader.tab.reload()
    again = Reader(reader.tab)
    assert place(again) == (stack, layer, head)
    assert again.alerts.count() == 0


def test_what_is_typed_in_a_chinese_page_is_answered_in_chinese(page: OpenPage) -> None:
    reader = Reader(page(locale="zh-CN"))
    type_model(reader.tab, "builtin:nothing")
    expect(reader.alerts.first).to_contain_text("没有")


ENCODINGS = {
    "bert": ("learned", "bert.embeddings.position_embeddings"),
    "gpt2": ("learned", "transformer.wpe"),
    "llama": ("rotary", "model.rotary_emb"),
    "t5": ("relative", "relative_attention_bias"),
    "bloom": ("relative", "build_alibi_tensor"),
    "mamba": ("order", "none was found"),
}


@pytest.mark.parametrize("family", ENCODINGS)
def test_the_positions_of_a_checkpoint_are_named_with_their_place(
    page: OpenPage, watch: Watch, root: Path, family: str
) -> None:
    watch.expected_errors.append(r"404 .*/positions/_stcore/(health|host-config)")
    view, where = ENCODINGS[family]
    viewer = Viewer(page("/positions" + at(root / family)[1:]))
    expect(viewer.root).to_have_attribute("data-view", view)
    expect(viewer.root.locator(".found")).to_contain_text(where)
    for name in VIEWS:
        viewer.open(name)
        assert viewer.root.locator("[data-panel]").count() > 0


def test_back_and_forward_walk_through_checkpoints(page: OpenPage, root: Path) -> None:
    reader = Reader(page(at(root / "gpt2", text=MINE)))
    before = reader.source()
    type_model(reader.tab, root / "bert")
    reader.changed(before)
    for step, family in ((reader.tab.go_back, "gpt2"), (reader.tab.go_forward, "bert")):
        before = reader.source()
        step()
        reader.changed(before)
        shows(reader, root / family, MINE)


def test_recent_checkpoints_survive_a_reload_and_are_forgotten_on_request(
    page: OpenPage, root: Path
) -> None:
    tab = Reader(page(at(root / "gpt2", text=MINE))).tab
    remembers(tab, [str(root / "gpt2")])
    tab.goto(at(root / "bert", text=MINE))
    Reader(tab)
    both = [str(root / "bert"), str(root / "gpt2")]
    remembers(tab, both)
    tab.goto("/")
    Reader(tab)
    remembers(tab, both)
    tab.reload()
    Reader(tab)
    remembers(tab, both)
    tab.locator(".st-key-_recent summary").click()
    tab.get_by_role("button", name=f"forget {root / 'bert'}").click()
    tab.locator(".st-key-_recent summary").click()
    remembers(tab, both[1:])
    tab.locator(".st-key-_recent summary").click()
    tab.get_by_role("button", name="forget all").click()
    remembers(tab, [])
    tab.reload()
    Reader(tab)
    remembers(tab, [])


def test_what_is_wrong_with_an_address_stays_said_when_the_list_is_told(
    page: OpenPage, root: Path
) -> None:
    tab = Reader(page(at(root / "gpt2", text=MINE))).tab
    tab.goto("/?mean=q&layer=77")
    reader = Reader(tab)
    expect(reader.alerts).to_have_count(2)
    remembers(tab, [str(root / "gpt2")])
    assert reader.alerts.count() == 2


def test_the_line_under_the_box_names_what_may_be_typed(page: OpenPage) -> None:
    expect(page().locator(".st-key-_recent .hint")).to_have_text("or type a folder")


# ── Other texts ──────────────────────────────────────────────────────────────────────


def test_a_second_text_is_read_after_the_first(page: OpenPage, root: Path) -> None:
    reader = Reader(page(at(root / "bert", text="one cat")))
    alone = reader.tokens("key")
    reader.enter("two dogs", key="pair")
    assert reader.url()["pair"] == "two dogs"
    assert len(reader.tokens("key")) > len(alone)
    assert reader.tokens("key")[: len(alone)] == alone


def test_a_chat_template_is_put_around_the_text_on_request(page: OpenPage, root: Path) -> None:
    reader = Reader(page(at(root / "llama-chat", text="one cat")))
    alone = reader.tokens("key")
    reader.switch("chat")
    assert reader.url()["chat"] == "1"
    assert len(reader.tokens("key")) > len(alone)
    plain = Reader(page(at(root / "llama", text="one cat")))
    assert plain.tab.locator(".st-key-chat").count() == 0


def test_a_head_that_gives_labels_has_no_box_to_write_into(page: OpenPage, root: Path) -> None:
    reader = Reader(page(at(root / "electra-classifying", text=MINE)))
    shows(reader, root / "electra-classifying", MINE)
    assert reader.box("target").count() == 0
    expect(reader.tab.locator(".st-key-summary")).to_contain_text("gives the text a label")


# ── What fails ───────────────────────────────────────────────────────────────────────

BAD = ("empty", "broken", "no-such-folder", "gpt2/config.json", "../..")


@pytest.mark.parametrize("bad", [*BAD, "/etc", "org/name"])
def test_what_cannot_be_opened_is_said_and_nothing_is_lost(
    page: OpenPage, root: Path, bad: str
) -> None:
    reader = Reader(page(at(root / "gpt2", text=MINE)))
    ref = bad if bad.startswith("/") or bad == "org/name" else str(root / bad)
    type_model(reader.tab, ref)
    expect(reader.alerts).to_have_count(1)
    settle(reader.tab)
    assert reader.tab.get_by_test_id("stException").count() == 0
    said = reader.alerts.inner_text()
    assert "did not foresee" not in said and len(said) > 40
    expect(reader.box("text")).to_have_value(MINE)
    names = reader.tab.locator(".st-key-_recent .row bdi").all_text_contents()
    assert names == [str(root / "gpt2")]
    reader.tab.get_by_role("button", name="back to").click()
    expect(reader.alerts).to_have_count(0)
    reader.ready()
    shows(reader, root / "gpt2", MINE)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_an_address_that_cannot_be_opened_leads_to_a_page_that_goes_on(
    page: OpenPage, root: Path, viewport: tuple[int, int], locale: Literal["en-US", "zh-CN"]
) -> None:
    tab = page(at(root / "empty", text=MINE), viewport=viewport, locale=locale)
    expect(tab.get_by_test_id("stAlert")).to_have_count(1)
    expect(tab.locator(".st-key-text input")).to_have_value(MINE)
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    tab.locator(".st-key-ways_on button").first.click()
    reader = Reader(tab)
    expect(reader.box("text")).to_have_value(MINE)
    assert "model" not in reader.url()
