"""A map too large to be sent whole comes as a picture and as tiles, and these are the map's."""

from dataclasses import replace

import numpy as np
import pytest

from model_runtime.levels import MASKED, coarsest
from model_runtime.views import HeadPlace, Look, View
from tests.model_runtime.layered import layered_trace
from tests.model_runtime.test_levels import blocks, dense
from tests.viz.reading import level_of, read_frame
from viz.attention_map import head_frame, payload, row_frame
from viz.components.attention import Chosen
from viz.long_maps import MOST_WHOLE, as_levels, picture_frame, tile_frame

TRACE = layered_trace(21)
PLACE = HeadPlace(6, 1)
HALF = 5e-4  # a share in 16 bits


@pytest.fixture
def small(monkeypatch):
    """Limits that 21 tokens exceed: four tiles a side, and a picture of 6 × 6 at level 2."""
    monkeypatch.setattr("viz.long_maps.MOST_WHOLE", 20 * 20)
    monkeypatch.setattr("viz.long_maps.TILE", 6)
    monkeypatch.setattr("model_runtime.levels.MOST_SIDE", 6)


def look(view=None):
    return Look(TRACE, "decoder", view or View())


def stack_of(trace, view=None):
    sent = payload(trace, view or View(), Chosen("decoder"), api="", query="", say=str)
    return read_frame(sent)[0]["stacks"][0]


def test_a_map_that_may_be_sent_whole_is():
    assert as_levels(look()) is None
    assert stack_of(TRACE)["levels"] is None
    header, _ = read_frame(head_frame(TRACE, "decoder", PLACE, View()))
    assert "level" not in header


def test_the_largest_map_that_is_sent_whole_needs_one_level_more():
    side = int(MOST_WHOLE**0.5)
    assert side * side == MOST_WHOLE and coarsest(side, side) == 1


def test_a_larger_map_says_how_it_is_asked_for(small):
    assert stack_of(TRACE)["levels"] == {"coarsest": 2, "tile": 6}
    # Without the special tokens there is one row and one column less: 20 × 20 cells.
    assert stack_of(TRACE, View(specials=False))["levels"] is None


def test_the_head_route_answers_a_picture_of_a_larger_map(small):
    expected = blocks(dense(look(), PLACE), 2)
    sent = head_frame(TRACE, "decoder", PLACE, View())
    header, cells, tops = level_of(sent)
    assert (header["rows"], header["cols"], header["level"]) == (6, 6, 2)
    np.testing.assert_allclose(cells, expected, atol=HALF)
    np.testing.assert_allclose(tops, expected.max(axis=1), atol=HALF)
    np.testing.assert_array_equal(cells == MASKED, expected == MASKED)
    assert sent == picture_frame(look(), PLACE)


@pytest.mark.parametrize(
    ("place", "view", "sums"),
    [
        (HeadPlace(1, 0), View(), True),
        (HeadPlace(3, 1), View(), False),  # a sink takes some
        (HeadPlace(1, None), View(mean="heads"), True),
    ],
)
def test_a_picture_says_whether_rows_sum_to_one(small, place, view, sums):
    assert level_of(picture_frame(look(view), place))[0]["sums_to_one"] is sums


def test_one_row_at_the_end_that_sees_nothing_is_enough_for_not_all_to_sum_to_one(small):
    first, *others = TRACE.records
    assert first.mask is not None
    mask = first.mask.copy()
    mask[:, -1] = False
    trace = replace(TRACE, records=(replace(first, mask=mask), *others))
    sent = picture_frame(Look(trace, "decoder", View()), HeadPlace(1, 0))
    assert level_of(sent)[0]["sums_to_one"] is False


def test_tiles_of_level_0_are_the_exact_map(small):
    expected = dense(look(), PLACE).astype(np.float32)
    for down in range(4):
        tiles = [level_of(tile_frame(look(), PLACE, 0, down, across)) for across in range(4)]
        rows = expected[down * 6 : down * 6 + 6]
        np.testing.assert_array_equal(np.hstack([cells for _, cells, _ in tiles]), rows)
        for header, cells, tops in tiles:
            assert cells.dtype == np.float32 and header["level"] == 0
            np.testing.assert_array_equal(tops, rows.max(axis=1))


def test_tiles_of_a_level_are_those_of_its_picture(small):
    expected = blocks(dense(look(), PLACE), 1)
    for down in range(2):
        tiles = [level_of(tile_frame(look(), PLACE, 1, down, across)) for across in range(2)]
        rows = expected[down * 6 : down * 6 + 6]
        np.testing.assert_allclose(np.hstack([t[1] for t in tiles]), rows, atol=HALF)
        for header, _, tops in tiles:
            assert header["level"] == 1
            np.testing.assert_allclose(tops, rows.max(axis=1), atol=HALF)


@pytest.mark.parametrize("tile", [(-1, 0, 0), (3, 0, 0), (0, 4, 0), (0, 0, 4), (1, -1, 0)])
def test_a_tile_that_is_not_there_is_said(small, tile):
    with pytest.raises(IndexError):
        tile_frame(look(), PLACE, *tile)


def test_a_row_of_a_larger_map_has_all_its_numbers(small):
    whole = look().map(PLACE)
    header, body = read_frame(row_frame(TRACE, "decoder", PLACE, 20, View()))
    for name in ("pattern", "scores", "dot"):
        row = np.frombuffer(body, "<f4", 21, header[name])
        np.testing.assert_allclose(row, getattr(whole, name)[20], rtol=1e-6, atol=1e-7)
