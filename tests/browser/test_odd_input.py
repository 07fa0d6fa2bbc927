"""Odd texts and addresses are answered with a sentence, never with a traceback."""

from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

from model_runtime.errors import NothingToTrace
from model_runtime.tracing import MAX_CHARACTERS
from model_runtime.types import StackName
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
from tests.hostile import HOSTILE

ODD = {
    name: HOSTILE[name].text
    for name in ("emoji in a sentence", "control", "overrides", "Chinese", "zalgo", "digits")
}
UNUSABLE = {
    "model": "builtin:gpt9",
    "layer": "99",
    "head": "-1",
    "row": "abc",
    "stack": "foo",
    "scale": "zzz",
    "mean": "q",
}
ALSO_UNUSABLE = {
    "layer": "²",
    "head": "1e3",
    "row": "9999",
    "view": "yyy",
    "specials": "2",
    "first": "no",
    "words": "yes",
    "lang": "tlh",
}


def opening() -> tuple[StackName, int, int]:
    """The stack, layer and head that a clean address opens with."""
    place = model().info.opens_at
    return place.stack, place.layer, place.head


def has_no_traceback(reader: Reader) -> bool:
    """Whether Streamlit shows no exception."""
    return reader.tab.get_by_test_id("stException").count() == 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_an_empty_text_says_what_to_do_and_the_box_stays(
    page: OpenPage, viewport: tuple[int, int]
) -> None:
    reader = Reader(page(viewport=viewport))
    for text in ("", "   "):
        reader.box("text").fill(text)
        reader.box("text").press("Enter")
        expect(reader.alerts).to_contain_text(NothingToTrace.message)
        settle(reader.tab)
        assert reader.box("text").input_value() == text
        assert has_no_traceback(reader)
        reader.box("text").fill(first_text())
        reader.box("text").press("Enter")
        expect(reader.alerts).to_have_count(0)
        reader.ready()
        assert_same_map(reader.twin(), true_map(first_text(), *opening()))


def test_one_token_is_a_map_too(page: OpenPage) -> None:
    reader = Reader(page("/?text=cat&specials=0&stack=encoder"))
    assert reader.tokens("key") == ["cat"]
    assert reader.twin().shares.shape == (1, 1)
    reader.hover(0, 0)
    assert has_no_traceback(reader)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_two_thousand_words_are_cut_and_the_count_is_told(
    page: OpenPage, viewport: tuple[int, int]
) -> None:
    reader = Reader(page(viewport=viewport))
    text = " ".join(["cat", "dog", "bird", "house"] * 500)
    reader.enter(text)
    reading, context = traced(text).reading, model().info.context_length
    assert reading.left_out > 1000
    expect(reader.alerts.first).to_contain_text(f"{reading.left_out:,}")
    expect(reader.alerts.first).to_contain_text(str(context))
    assert len(reader.tokens("key")) == context
    reader.choose(0, 1)
    reader.enter(first_text())
    assert reader.alerts.count() == 0


def test_odd_characters_are_read_token_by_token(page: OpenPage) -> None:
    reader = Reader(page("/?stack=encoder&layer=1&head=1"))
    for text in ODD.values():
        reader.enter(text)
        assert len(reader.tokens("key")) == len(traced(text).reading.source)
        assert_same_map(reader.twin(), true_map(text, "encoder", 1, 1))
        assert reader.box("text").input_value() == text
        assert reader.url()["text"] == text
        shown = "".join(reader.tokens("key"))
        assert not any(ord(character) < 32 for character in shown)
        assert "\u202e" not in shown
        assert has_no_traceback(reader)


def test_control_characters_come_out_of_the_address_too(page: OpenPage) -> None:
    text = ODD["control"] + "\ttab\nline"
    reader = Reader(page(f"/?text={quote(text)}&stack=encoder&layer=1&head=1"))
    assert_same_map(reader.twin(), true_map(text, "encoder", 1, 1))
    assert has_no_traceback(reader)


def test_a_text_too_long_for_an_address_stays_in_the_box(page: OpenPage) -> None:
    reader = Reader(page())
    text = "cat " * 12_000
    reader.enter(text)
    assert "text" not in reader.url()
    expect(reader.notices).to_contain_text("too long for a link")
    reader.switch("specials")
    assert reader.box("text").input_value() == text
    assert len(reader.tokens("key")) == model().info.context_length - 1


def test_a_text_beyond_all_bounds_is_refused_with_a_sentence(page: OpenPage) -> None:
    reader = Reader(page())
    reader.box("text").fill("x" * (MAX_CHARACTERS + 1))
    reader.box("text").press("Enter")
    expect(reader.alerts.last).to_contain_text(str(MAX_CHARACTERS + 1))
    assert len(reader.box("text").input_value()) == MAX_CHARACTERS + 1
    assert has_no_traceback(reader)


def test_unknown_characters_are_named_in_a_notice(page: OpenPage) -> None:
    reader = Reader(page(f"/?text={quote(ODD['emoji in a sentence'])}"))
    unknown = {t.text for t in traced(ODD["emoji in a sentence"]).reading.source if t.is_unknown}
    assert "🍎" in unknown
    expect(reader.alerts.first).to_contain_text("🍎")


def test_a_target_in_the_wrong_language_is_traced_as_it_is(page: OpenPage) -> None:
    reader = Reader(page("/?layer=1&head=1"))
    target = "The cat sleeps."
    reader.enter(target, key="target")
    assert_same_map(reader.twin(), true_map(first_text(), "cross", 1, 1, target=target))
    assert has_no_traceback(reader)


@pytest.mark.parametrize("address", [UNUSABLE, ALSO_UNUSABLE])
def test_an_unusable_parameter_gives_a_sentence_each(
    page: OpenPage, address: dict[str, str]
) -> None:
    reader = Reader(page("/?" + urlencode(address)))
    assert reader.alerts.count() == len(address)
    said = [text.replace("\u2060", "") for text in reader.alerts.all_inner_texts()]
    for name, value in address.items():
        assert [text for text in said if value in text and name in text] != [], name
    assert has_no_traceback(reader)
    assert_same_map(reader.twin(), true_map(first_text(), *opening()))
    reader.choose(2, 2)
    assert_same_map(reader.twin(), true_map(first_text(), opening()[0], 2, 2))


def test_an_unknown_path_is_said_to_be_one_and_the_page_is_behind(
    page: OpenPage, watch: Watch
) -> None:
    watch.expected_errors += ["404", "does not seem to exist"]
    reader = Reader(page("/nonsense?layer=0&head=3"))
    dialog = reader.tab.get_by_role("dialog")
    expect(dialog).to_contain_text("does not seem to exist")
    reader.tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    reader.shows(layer=0, head=3)
    reader.choose(1, 1)
