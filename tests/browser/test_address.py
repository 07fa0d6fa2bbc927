"""The address holds what is seen: a reload, a second tab and the back button bring it back."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from model_runtime.views import View
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    PHONE,
    Reader,
    assert_same_map,
    first_text,
    model,
    traced,
    true_map,
)

TEXT, OTHER = "She reads a good book.", "We live in a small house."


def seen(reader: Reader) -> dict[str, object]:
    """All that a reader sees and has chosen."""
    looks = ("stack", "layer", "head", "row", "scale", "view")
    pressed = reader.tab.locator(".st-key-switches :is([type=checkbox], [role=radio])")
    shown: dict[str, object] = {name: reader.root.get_attribute(f"data-{name}") for name in looks}
    shown |= {key: reader.box(key).input_value() for key in ("text", "target")}
    shown["model"] = reader.tab.locator(".st-key-_model input").input_value()
    shown["switches"] = pressed.evaluate_all(
        "(all) => all.map((one) => one.checked ?? one.ariaChecked)"
    )
    twin = reader.twin()
    shown["twin"] = [twin.caption, twin.rows, twin.cols, np.nan_to_num(twin.shares).tolist()]
    return shown


def back_to(reader: Reader, text: str, layer: int, head: int, *, forward: bool = False) -> None:
    """Press the back (or forward) button, and see the given head of the given text."""
    reader.tab.go_forward() if forward else reader.tab.go_back()
    expect(reader.box("text")).to_have_value(text)
    reader.shows(stack="cross", layer=layer, head=head)
    trace = true_map(text, "cross", layer, head)
    expect(reader.root.locator("[data-query]")).to_have_count(len(trace.pattern))
    reader.ready()
    assert_same_map(reader.twin(), trace)


@pytest.mark.parametrize("scale,view", [("log", "both"), ("row", "map")])
def test_a_reload_and_a_second_tab_show_the_same(page: OpenPage, scale: str, view: str) -> None:
    reader = Reader(page())
    reader.enter(TEXT)
    reader.enter("她读书。", key="target")
    reader.switch("specials")
    reader.choose_stack("decoder")
    reader.choose(2, 4)
    reader.root.locator('[data-query="1"]').click()
    reader.tab.mouse.move(2, 2)
    reader.set("scale", scale)
    reader.set("view", view)
    before, address = seen(reader), reader.tab.url
    reader.tab.reload()
    assert seen(Reader(reader.tab)) == before
    assert reader.tab.url == address
    second = reader.tab.context.new_page()
    second.goto(address)
    assert seen(Reader(second)) == before


def test_a_mean_and_words_are_in_the_address_too(page: OpenPage) -> None:
    reader = Reader(page(viewport=PHONE))
    reader.switch("words")
    reader.switch("first")
    reader.mean(1)
    reader.choose(2, "mean")
    before = seen(reader)
    reader.tab.reload()
    again = Reader(reader.tab)
    assert seen(again) == before
    view = View(words=True, first=False, mean="heads")
    assert_same_map(again.twin(), true_map(first_text(), "cross", 2, None, view))


def test_back_and_forward_walk_through_the_heads(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=0&head=0"))
    walk = [(0, 0), (0, 1), (2, 5), (1, 3)]
    for layer, head in walk[1:]:
        reader.choose(layer, head)
    for layer, head in reversed(walk[:-1]):
        back_to(reader, first_text(), layer, head)
    for layer, head in walk[1:]:
        back_to(reader, first_text(), layer, head, forward=True)


def test_heads_chosen_within_one_frame_are_a_step_each(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=0&head=0"))
    reader.root.evaluate(
        """(root) => {
          for (const head of ["0,1", "2,5"]) root.querySelector(`[data-cell="${head}"]`).click();
        }"""
    )
    reader.shows(stack="cross", layer=2, head=5)
    reader.tab.wait_for_url("**/*layer=2&head=5*")
    back_to(reader, first_text(), 0, 1)
    back_to(reader, first_text(), 0, 0)


def test_back_and_forward_walk_through_the_texts(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=2&head=1"))
    reader.enter(TEXT)
    reader.enter(OTHER)
    back_to(reader, TEXT, 2, 1)
    back_to(reader, first_text(), 2, 1)
    back_to(reader, TEXT, 2, 1, forward=True)
    back_to(reader, OTHER, 2, 1, forward=True)


def test_back_undoes_a_text_a_switch_and_a_head_one_by_one(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=0&head=0"))
    started = seen(reader)
    reader.choose(2, 2)
    with_head = seen(reader)
    reader.switch("specials")
    with_switch = seen(reader)
    reader.enter(TEXT)
    reader.shows(layer=2, head=2)
    for before in (with_switch, with_head, started):
        source = reader.source()
        reader.tab.go_back()
        reader.changed(source)
        assert seen(reader) == before


def test_a_target_and_the_mix_with_heads_go_back_too(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=1&head=1"))
    reader.enter("狗。", key="target")
    with_target = seen(reader)
    reader.choose(0, 4)
    reader.enter("", key="target")
    reader.choose(2, 0)
    for layer, head, target in ((0, 4, ""), (0, 4, "狗。"), (1, 1, "狗。"), (1, 1, "")):
        source = reader.source()
        reader.tab.go_back()
        reader.changed(source)
        assert reader.box("target").input_value() == target
        reader.shows(layer=layer, head=head)
        if (layer, target) == (1, "狗。"):
            assert seen(reader) == with_target


def test_back_restores_the_pinned_row_of_the_text_before(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=1&head=1"))
    reader.root.locator('[data-query="3"]').click()
    reader.tab.mouse.move(2, 2)
    with_pin = seen(reader)
    reader.enter(TEXT)
    reader.shows(row="")
    back_to(reader, first_text(), 1, 1)
    assert seen(reader) == with_pin


def test_back_undoes_a_mean(page: OpenPage) -> None:
    reader = Reader(page("/?stack=encoder&layer=2&head=4"))
    before = seen(reader)
    reader.mean(3)
    reader.shows(layer="mean", head="mean")
    source = reader.source()
    reader.tab.go_back()
    reader.changed(source)
    assert seen(reader) == before


def test_characters_with_a_meaning_in_addresses_come_back(page: OpenPage) -> None:
    text = 'a+b & c=d #e %20 ?f/g;h "i" 猫 é'
    reader = Reader(page())
    reader.enter(text)
    reader.tab.reload()
    again = Reader(reader.tab)
    assert again.box("text").input_value() == text
    assert again.tokens("key") == [token.text for token in traced(text).reading.source]


def test_two_texts_in_haste_end_at_the_second(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=1&head=1"))
    for text in (TEXT, OTHER):
        reader.box("text").fill(text)
        reader.box("text").press("Enter")
    expect(reader.root.locator('[data-key="0"] .text')).to_have_text(OTHER.split()[0])
    reader.ready()
    assert_same_map(reader.twin(), true_map(OTHER, "cross", 1, 1))
    assert reader.url()["text"] == reader.box("text").input_value() == OTHER


def test_a_head_clicked_before_the_new_text_is_there_is_kept(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=0&head=0"))
    source = reader.source()
    reader.box("text").fill(TEXT)
    reader.box("text").press("Enter")
    for layer, head in ((0, 3), (1, 3), (2, 3)):
        reader.root.locator(f'[data-cell="{layer},{head}"]').click()
    expect(reader.own_target).to_have_text(f"→ {traced(TEXT).target_text}")
    reader.changed(source)
    reader.shows(stack="cross", layer=2, head=3)
    assert_same_map(reader.twin(), true_map(TEXT, "cross", 2, 3))
    expect(reader.tab).to_have_url(re.compile("layer=2&head=3"))
    assert reader.url()["text"] == TEXT


def test_the_first_address_stays_clean(page: OpenPage) -> None:
    reader = Reader(page())
    assert reader.url() == {}
    place = model().info.opens_at
    other = 5 if place.head != 5 else 4
    reader.choose(place.layer, other)
    assert reader.url()["head"] == str(other)
    assert set(reader.url()) <= {"stack", "layer", "head"}


def test_an_example_is_a_step_that_back_undoes(page: OpenPage) -> None:
    reader = Reader(page())
    example = model().info.examples[1]
    source = reader.source()
    reader.tab.locator(".st-key-_examples").get_by_role("combobox").click()
    reader.tab.get_by_role("option", name=example).click()
    reader.changed(source)
    expect(reader.box("text")).to_have_value(example)
    assert reader.url()["text"] == example
    place = model().info.opens_at
    back_to(reader, first_text(), place.layer, place.head)
