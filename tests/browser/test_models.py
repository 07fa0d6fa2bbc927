"""Choosing a model: its line, its variants, and what of the reader's choices it keeps."""

import re
from functools import cache
from typing import Literal

import pytest
from playwright.sync_api import expect

from model_runtime import catalog
from model_runtime.catalog import Entry
from model_runtime.types import StackName
from model_runtime.views import Look, View
from shell import lineup
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    assert_same_map,
    first_text,
    model,
    row_names,
    traced,
    true_map,
)
from tests.browser.test_front_page import bottom, nothing_is_beside

MINE = "She reads a good book."


@cache
def decoder() -> Entry:
    """A decoder alone that reads what the default model reads."""
    return alone("decoder")


@cache
def encoder() -> Entry:
    """An encoder alone that fills blanks."""
    return alone("encoder")


def alone(family: str) -> Entry:
    """A model of a family that reads what the default model reads."""
    reads = catalog.entry(catalog.DEFAULT).reads
    return next(e for e in catalog.entries() if e.family == family and e.reads == reads)


@cache
def snapshots() -> tuple[Entry, ...]:
    """A model at several points of its training."""
    return with_variants(snapshots=True)


@cache
def kinds() -> tuple[Entry, ...]:
    """A model made in several ways."""
    return with_variants(snapshots=False)


def with_variants(*, snapshots: bool) -> tuple[Entry, ...]:
    """All variants of the first model that has them of this sort."""
    all_of_each = map(lineup.variants, lineup.names())
    return next(v for v in all_of_each if len(v) > 1 and lineup.are_snapshots(v) == snapshots)


def shows_model(reader: Reader, ref: str, text: str, target: str | None = None) -> None:
    """The whole page is of a model and a text: boxes, tokens, and the chosen head's numbers."""
    trace = traced(text, target, ref=ref)
    expect(reader.box("text")).to_have_value(text)
    stack, layer, head = place(reader)
    assert reader.tokens("query") == row_names(Look(trace, stack, View()))
    assert_same_map(reader.twin(), true_map(text, stack, layer, head, target=target, ref=ref))
    assert reader.url().get("model", catalog.DEFAULT) == ref
    assert reader.tab.get_by_test_id("stException").count() == 0


def place(reader: Reader) -> tuple[StackName, int, int]:
    """The stack, layer and head that are shown."""
    named = reader.root.get_attribute("data-stack")
    stacks: tuple[StackName, ...] = ("encoder", "decoder", "cross")
    (stack,) = [known for known in stacks if known == named]
    layer, head = (int(reader.root.get_attribute(f"data-{n}") or "") for n in ("layer", "head"))
    return stack, layer, head


def opening(ref: str) -> tuple[StackName, int, int]:
    """The stack, layer and head that a model opens with."""
    start = model(ref).info.opens_at
    return start.stack, start.layer, start.head


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_list_shows_every_line_whole(
    page: OpenPage, viewport: tuple[int, int], locale: Literal["en-US", "zh-CN"]
) -> None:
    reader = Reader(page(viewport=viewport, locale=locale))
    reader.tab.locator(".st-key-_model input").click()
    options = reader.tab.get_by_role("option")
    expect(options).to_have_count(len(lineup.names()))
    for option, name in zip(options.all(), lineup.names(), strict=True):
        assert option.inner_text().startswith(f"{name} — ")
        assert re.search("[一-龥]", option.inner_text()) or locale == "en-US"
        beyond = "(node) => [...node.querySelectorAll('*'), node].map((n) => [n.scrollWidth - \
n.clientWidth, n.scrollHeight - n.clientHeight]).flat()"
        assert max(option.evaluate(beyond)) <= 0, name
        box = option.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= viewport[0]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("kind", [decoder, encoder])
def test_another_model_shows_the_same_sentence(page: OpenPage, kind, viewport) -> None:
    reader = Reader(page(viewport=viewport))
    reader.pick(kind().name)
    shows_model(reader, kind().ref, first_text())
    assert place(reader) == opening(kind().ref)
    assert reader.alerts.count() == 0
    assert nothing_is_beside(reader, viewport[0])
    shown = reader.tab.locator(".st-key-_model input").input_value()
    assert shown.startswith(kind().name)
    reader.pick("translator")
    shows_model(reader, catalog.DEFAULT, first_text())


@pytest.mark.parametrize("kind", [decoder, encoder])
def test_an_address_with_a_model_alone_opens_its_first_example(page: OpenPage, kind) -> None:
    reader = Reader(page(f"/?model={kind().ref}"))
    shows_model(reader, kind().ref, kind().examples[0])
    assert set(reader.url()) == {"model"}


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_decoder_alone_writes_on_or_reads_my_continuation(page: OpenPage, viewport) -> None:
    ref, text = decoder().ref, "The old man opened the"
    reader = Reader(page(f"/?model={ref}&text={text}", viewport=viewport))
    expect(reader.tab.locator(".st-key-target label")).to_contain_text("Continuation")
    own = traced(text, ref=ref).target_text
    assert own
    expect(reader.own_target).to_have_text(f"→ {own}")
    reader.enter("door and smiled.", key="target")
    shows_model(reader, ref, text, "door and smiled.")
    expect(reader.own_target).to_have_count(0)


def test_an_encoder_alone_has_no_target_and_a_left_over_one_changes_nothing(page: OpenPage) -> None:
    plain = Reader(page(f"/?model={encoder().ref}"))
    left_over = Reader(page(f"/?model={encoder().ref}&target=left+over"))
    for reader in (plain, left_over):
        expect(reader.box("target")).to_have_count(0)
        expect(reader.own_target).to_have_count(0)
        shows_model(reader, encoder().ref, encoder().examples[0])
        assert set(reader.url()) == {"model"}
    assert plain.trace_id() == left_over.trace_id()


def test_what_i_typed_stays_with_every_model(page: OpenPage) -> None:
    reader = Reader(page())
    reader.enter(MINE)
    for entry in (decoder(), encoder(), snapshots()[-1], catalog.entry(catalog.DEFAULT)):
        reader.pick(entry.name)
        expect(reader.box("text")).to_have_value(MINE)
        assert reader.url()["text"] == MINE
    shows_model(reader, catalog.DEFAULT, MINE)


def test_an_example_makes_way_where_something_else_is_read(page: OpenPage) -> None:
    reader = Reader(page())
    last = snapshots()[-1]
    reader.pick(last.name)
    shows_model(reader, last.ref, last.examples[0])
    assert place(reader) == opening(last.ref)
    assert "text" not in reader.url()


def test_a_head_that_the_reader_chose_is_kept_where_there_is_one(page: OpenPage) -> None:
    reader = Reader(page())
    reader.choose_stack("decoder")
    reader.choose(1, 3)
    reader.pick(decoder().name)
    assert place(reader) == ("decoder", 1, 3)
    shows_model(reader, decoder().ref, first_text())
    reader.pick("translator")
    assert place(reader) == ("decoder", 1, 3)


def test_who_chose_no_head_sees_where_each_model_opens(page: OpenPage) -> None:
    line = [entry for entry in catalog.entries() if entry.family == "decoder"]
    reader = Reader(page(f"/?model={line[0].ref}"))
    for entry in (*line[1:], line[0]):
        reader.pick(entry.name)
        assert place(reader) == opening(entry.ref)


def test_a_head_that_is_not_there_gives_way_without_a_word(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=2&head=5&row=4"))
    for entry in (decoder(), encoder()):
        reader.pick(entry.name)
        assert place(reader) == opening(entry.ref)
        assert reader.alerts.count() == 0
        reader.shows(row="")
        reader.pick("translator")
        assert reader.alerts.count() == 0


def test_a_hand_made_address_to_a_stack_that_is_not_there_gets_a_sentence(page: OpenPage) -> None:
    reader = Reader(page(f"/?model={decoder().ref}&stack=cross&layer=0&head=1"))
    expect(reader.alerts).to_have_count(1)
    expect(reader.alerts).to_contain_text("cross")


def step(reader: Reader, key: str) -> None:
    """Press an arrow on the slider of training steps, and wait for the new picture."""
    before = reader.source()
    reader.tab.locator(".st-key-_variant input[type=range]").press(key)
    reader.changed(before)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_one_watches_a_head_form_step_by_step(page: OpenPage, viewport: tuple[int, int]) -> None:
    line = snapshots()
    text = line[-1].examples[1]
    reader = Reader(
        page(f"/?model={line[-1].ref}&text={text.replace('+', '%2B')}", viewport=viewport)
    )
    reader.choose_stack("encoder")
    reader.choose(0, 2)
    reader.root.locator('[data-query="1"]').click()
    reader.tab.mouse.move(2, 2)
    for earlier in reversed(line[:-1]):
        step(reader, "ArrowLeft")
        reader.shows(stack="encoder", layer=0, head=2, row=1)
        shows_model(reader, earlier.ref, text)
        assert reader.url()["row"] == "1"
        expect(reader.tab.locator(".st-key-summary")).to_contain_text(earlier.summary["en"][-12:])
    assert nothing_is_beside(reader, viewport[0])
    before = reader.source()
    reader.tab.locator(".st-key-_variant input[type=range]").press("End")
    reader.changed(before)
    shows_model(reader, line[-1].ref, text)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_kinds_of_a_model_are_one_click_apart(page: OpenPage, viewport) -> None:
    line = kinds()
    reader = Reader(page(f"/?model={line[0].ref}&layer=1&head=1", viewport=viewport))
    radios = reader.tab.locator(".st-key-_variant [role=radio]")
    expect(radios).to_have_count(len(line))
    for index, entry in list(enumerate(line))[1:]:
        before = reader.source()
        radios.nth(index).click()
        reader.changed(before)
        shows_model(reader, entry.ref, entry.examples[0])
        assert place(reader)[1:] == (1, 1)
    for radio in radios.all():
        box = radio.bounding_box()
        assert box is not None and box["x"] + box["width"] <= viewport[0]
    assert nothing_is_beside(reader, viewport[0])


def test_the_pictures_of_variants_are_above_the_fold_too(page: OpenPage) -> None:
    for entry in (kinds()[0], snapshots()[-1]):
        reader = Reader(page(f"/?model={entry.ref}", viewport=DESKTOP))
        for name in (".grid-pane", ".map-pane", ".lines-pane", ".measures"):
            assert bottom(reader.root.locator(name)) <= DESKTOP[1], name


def test_a_reload_and_a_second_tab_show_the_same_variant(page: OpenPage) -> None:
    line = snapshots()
    reader = Reader(page(f"/?model={line[-1].ref}"))
    step(reader, "ArrowLeft")
    address = reader.tab.url
    reader.tab.reload()
    shows_model(Reader(reader.tab), line[-2].ref, line[-2].examples[0])
    assert reader.tab.url == address
    second = reader.tab.context.new_page()
    second.goto(address)
    shows_model(Reader(second), line[-2].ref, line[-2].examples[0])


def test_back_and_forward_walk_through_models_and_variants(page: OpenPage) -> None:
    line = snapshots()
    reader = Reader(page("/?stack=cross&layer=2&head=3"))
    reader.pick(decoder().name)
    reader.pick(line[-1].name)
    step(reader, "ArrowLeft")
    walk = [
        (catalog.DEFAULT, first_text(), ("cross", 2, 3)),
        (decoder().ref, first_text(), opening(decoder().ref)),
        (line[-1].ref, line[-1].examples[0], opening(line[-1].ref)),
        (line[-2].ref, line[-2].examples[0], opening(line[-2].ref)),
    ]
    for forward in (False, True):
        for ref, text, seen in walk[1:] if forward else reversed(walk[:-1]):
            # The component follows the address at once, with the numbers it has.
            old = re.compile(f"/{reader.trace_id()}/")
            reader.tab.go_forward() if forward else reader.tab.go_back()
            export = reader.root.locator("[data-export=csv]")
            expect(export).not_to_have_attribute("href", old)
            reader.ready()
            shows_model(reader, ref, text)
            assert place(reader) == seen
            assert reader.alerts.count() == 0


def test_the_words_of_the_page_fit_the_model(page: OpenPage) -> None:
    words = {encoder().ref: "encoder alone", decoder().ref: "decoder alone"}
    for ref, said in words.items():
        reader = Reader(page(f"/?model={ref}"))
        reader.tab.get_by_text("how to read this").click()
        expect(reader.tab.get_by_text("Every token asks")).to_be_visible()
        expect(reader.tab.locator("li", has_text=said).first).to_be_visible()
        assert "cross" not in reader.tab.locator("li").all_inner_texts()
        assert reader.tab.get_by_text("translation", exact=False).count() == 0
