"""Each switch shows what `model_runtime.views.Look` says, and comes undone when clicked again."""

import numpy as np
import pytest
from playwright.sync_api import expect

from model_runtime.types import StackName
from model_runtime.views import HeadPlace, Look, Mean, View
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    PHONE,
    STACKS,
    Reader,
    assert_same_map,
    first_text,
    model,
    row_names,
    traced,
    true_map,
)

WORDS = "The unbelievably enthusiastic grandmother photographed butterflies."
PLACE = HeadPlace(1, 2)


def shows_look(reader: Reader, text: str, stack: StackName, place: HeadPlace, view: View) -> None:
    """See the map and its labels as `view` makes them."""
    look = Look(traced(text), stack, view)
    twin = reader.twin()
    assert_same_map(twin, look.map(place))
    assert twin.rows == row_names(look)
    assert twin.cols == ["".join(t.text for t in group.tokens) for group in look.columns]


@pytest.mark.parametrize(
    "switch,view",
    [
        ("specials", View(specials=False)),
        ("first", View(first=False)),
        ("words", View(words=True)),
    ],
)
def test_a_switch_changes_all_stacks_and_back(page: OpenPage, switch: str, view: View) -> None:
    text = WORDS if switch == "words" else first_text()
    reader = Reader(page(f"/?text={text}&layer={PLACE.layer}&head={PLACE.head}"))
    reader.switch(switch)
    assert switch in reader.url()
    for stack in STACKS:
        reader.choose_stack(stack)
        shows_look(reader, text, stack, PLACE, view)
    reader.switch(switch)
    assert switch not in reader.url()
    shows_look(reader, text, "cross", PLACE, View())


def test_words_are_merged_in_a_text_that_has_pieces(page: OpenPage) -> None:
    assert len(Look(traced(WORDS), "cross", View(words=True)).columns) < len(
        traced(WORDS).reading.source
    )
    reader = Reader(page(f"/?text={WORDS}&stack=encoder", viewport=PHONE))
    reader.switch("words")
    merged = "".join(reader.tokens("key"))
    assert merged.startswith("The" + "unbelievably")
    assert "unbelievably" in reader.tokens("key")
    reader.hover(2, 1)
    assert set(reader.account()) == {"share"}
    expect(reader.tooltip).to_contain_text("no score of its own")


def test_rows_sum_to_one_without_the_first_token(page: OpenPage) -> None:
    reader = Reader(page("/?first=0"))
    for stack in STACKS:
        reader.choose_stack(stack)
        for layer, head in ((0, 0), (2, 4)):
            reader.choose(layer, head)
            shares = np.nan_to_num(reader.twin().shares)
            sums = shares.sum(axis=1)
            empty = np.isnan(true_map(first_text(), stack, layer, head, View(first=False)).pattern)
            np.testing.assert_allclose(sums[~empty.all(axis=1)], 1.0, atol=1e-5)


@pytest.mark.parametrize("index,mean", [(1, "heads"), (2, "layers"), (3, "both")])
def test_a_mean_is_the_mean_of_its_heads(page: OpenPage, index: int, mean: Mean) -> None:
    reader = Reader(page("/?layer=1&head=2"))
    reader.mean(index)
    info, view = model().info, View(mean=mean)
    places = Look(traced(first_text()), "cross", view).places
    names = [
        f"{'mean' if place.layer is None else place.layer},"
        f"{'mean' if place.head is None else place.head}"
        for place in places
    ]
    cells = reader.root.locator("[data-cell]")
    assert cells.evaluate_all("(all) => all.map((cell) => cell.dataset.cell)") == names
    name, place = names[-1], places[-1]
    reader.choose(*name.split(","))
    assert_same_map(reader.twin(), true_map(first_text(), "cross", place.layer, place.head, view))
    layers = range(info.n_layers) if place.layer is None else [place.layer]
    heads = range(info.n_heads) if place.head is None else [place.head]
    single = [true_map(first_text(), "cross", i, j).pattern for i in layers for j in heads]
    np.testing.assert_allclose(reader.twin().shares, np.mean(single, axis=0), atol=1e-5)


def test_all_switches_together(page: OpenPage) -> None:
    reader = Reader(page(f"/?text={WORDS}"))
    for switch in ("specials", "first", "words"):
        reader.switch(switch)
    reader.mean(1)
    reader.choose(2, "mean")
    view = View(specials=False, first=False, words=True, mean="heads")
    shows_look(reader, WORDS, "cross", HeadPlace(2, None), view)
    assert "[EOS]" not in reader.tokens("key")


def test_a_head_and_its_stack_stay_when_a_switch_changes(page: OpenPage) -> None:
    reader = Reader(page("/?stack=encoder&layer=2&head=5"))
    reader.set("scale", "log")
    reader.root.locator('[data-query="1"]').click()
    reader.tab.mouse.move(2, 2)
    reader.switch("specials")
    reader.shows(stack="encoder", layer=2, head=5, scale="log")


def test_every_switch_says_what_it_changes(page: OpenPage) -> None:
    reader = Reader(page())
    helps = reader.tab.locator(".st-key-switches").get_by_test_id("stTooltipIcon")
    for key in ("specials", "first", "words"):
        helped = reader.tab.locator(f".st-key-{key}").get_by_test_id("stTooltipIcon")
        helped.first.hover()
        expect(reader.tab.get_by_test_id("stTooltipContent")).to_contain_text(".")
        reader.tab.mouse.move(2, 2)
        expect(reader.tab.get_by_test_id("stTooltipContent")).to_have_count(0)
    assert helps.count() >= 3
