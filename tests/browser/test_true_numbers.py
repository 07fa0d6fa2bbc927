"""Every number on the page is the trace's own: map, tooltip, readout, table and measures."""

from dataclasses import fields
from math import exp

import numpy as np
import pytest
from playwright.sync_api import expect

from model_runtime.measures import measures
from model_runtime.types import StackName
from model_runtime.views import Look, View
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    CLOSE,
    DESKTOP,
    PHONE,
    STACKS,
    Reader,
    assert_same_map,
    first_text,
    row_names,
    traced,
    true_map,
)

HEADS = ((0, 0), (2, 5), (1, 3))
RELATIVE = 2e-5  # of a score, whose size is not bounded by 1


def cells_of(stack: StackName) -> list[tuple[int, int]]:
    """Some cells to point at: the corners that are not masked, and one between."""
    visible = traced(first_text()).record(stack, 0).visible(0)
    rows, cols = visible.shape
    return [(0, 0), (rows - 1, 0), (rows - 1, cols - 1), (rows // 2, min(2, cols - 1))]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_click_on_a_head_shows_its_true_shares(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page(viewport=viewport))
    for stack in STACKS:
        reader.choose_stack(stack)
        for layer, head in HEADS:
            reader.choose(layer, head)
            twin = reader.twin()
            assert f"L{layer} H{head}" in twin.caption
            assert_same_map(twin, true_map(first_text(), stack, layer, head))
            record = traced(first_text()).record(stack, layer)
            assert np.array_equal(np.isnan(twin.shares), ~record.visible(head))
        assert twin.rows == row_names(Look(traced(first_text()), stack, View()))
        assert twin.cols == [token.text for token in traced(first_text()).tokens(stack)[1]]


@pytest.mark.parametrize("stack", STACKS)
def test_the_tooltip_computes_a_share_from_the_record(page: OpenPage, stack: StackName) -> None:
    layer, head = 2, 5
    reader = Reader(page(f"/?stack={stack}&layer={layer}&head={head}"))
    record = traced(first_text()).record(stack, layer)
    pattern, scores, dot = record.pattern(head), record.scores(head), record.dot(head)
    visible = record.visible(head)
    for row, col in cells_of(stack):
        reader.hover(row, col)
        said = reader.account()
        top = scores[row][visible[row]].max()
        total = np.exp(scores[row][visible[row]] - top).sum()
        assert said["dot"] == pytest.approx(dot[row, col], rel=RELATIVE, abs=1e-4)
        assert said["score"] == pytest.approx(scores[row, col], rel=RELATIVE, abs=CLOSE)
        assert said["exp"] == pytest.approx(exp(scores[row, col] - top), rel=1e-4, abs=CLOSE)
        assert said["sum"] == pytest.approx(total, rel=1e-4)
        assert said["share"] == pytest.approx(pattern[row, col], abs=CLOSE)


def test_what_the_tooltip_writes_is_what_it_holds(page: OpenPage) -> None:
    reader = Reader(page("/?stack=encoder&layer=1&head=2"))
    reader.hover(1, 3)
    held, written = reader.account(), reader.written()
    for name, value in written.items():
        assert value == pytest.approx(held[name], rel=1e-5), name
    assert {"dot", "score", "share"} <= set(written)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_readout_says_head_tokens_and_share(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page(viewport=viewport))
    trace = traced(first_text())
    for layer, head in HEADS:
        reader.choose(layer, head)
        reader.hover(2, 1)
        share = true_map(first_text(), "cross", layer, head).pattern[2, 1]
        predicted, key = trace.reading.target[3].text, trace.reading.source[1].text
        for said in (f"L{layer} H{head}", predicted, key, f"{share:.2f}"):
            expect(reader.readout).to_contain_text(said)


def test_a_masked_cell_is_named_so_and_has_no_share(page: OpenPage) -> None:
    reader = Reader(page("/?stack=decoder&layer=0&head=0"))
    reader.hover(0, 2)
    assert not traced(first_text()).record("decoder", 0).visible(0)[0, 2]
    expect(reader.readout).to_contain_text("masked")
    expect(reader.tooltip).to_contain_text("masked")


def test_the_measures_are_those_of_the_chosen_head(page: OpenPage) -> None:
    reader = Reader(page())
    for stack in STACKS:
        reader.choose_stack(stack)
        for layer, head in HEADS:
            reader.choose(layer, head)
            record = traced(first_text()).record(stack, layer)
            expected = measures(
                record.pattern(head), record.visible(head), same_sequence=stack != "cross"
            )
            for field in fields(expected):
                place = reader.root.locator(f"[data-measure={field.name}]")
                value = getattr(expected, field.name)
                if value is None:  # makes no sense between two texts, so it is not said
                    expect(place).to_have_count(0)
                    continue
                said = place.get_attribute("data-value") or "nan"
                assert float(said) == pytest.approx(value, abs=1e-4), field.name


def test_a_target_of_my_own_is_what_the_decoder_is_shown_to_write(page: OpenPage) -> None:
    reader = Reader(page())
    reader.enter("狗在床上。", key="target")
    trace = traced(first_text(), "狗在床上。")
    assert reader.tokens("query") == [token.text for token in trace.reading.target[1:]]
    reader.choose(2, 1)
    expected = true_map(first_text(), "cross", 2, 1, target="狗在床上。")
    assert_same_map(reader.twin(), expected)


def test_the_shares_do_not_depend_on_how_they_are_coloured(page: OpenPage) -> None:
    reader = Reader(page("/?layer=2&head=2"))
    for scale in ("log", "row", "linear"):
        reader.set("scale", scale)
        assert_same_map(reader.twin(), true_map(first_text(), "cross", 2, 2))
