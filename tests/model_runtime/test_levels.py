"""A map from afar and close up is the dense map: pooled in 32 bits, exact where it is exact."""

from dataclasses import replace

import numpy as np
import pytest

from model_runtime import levels
from model_runtime.errors import NoSuchHead
from model_runtime.levels import MASKED, coarsest, exact, pooled
from model_runtime.views import HeadPlace, Look, View
from tests.model_runtime.layered import layered_trace
from tests.model_runtime.reference import made_trace, tokens, traced

CLOSE = 1e-6
# What is left beside the first key is shared out anew: where that is little, digits are lost.
CLOSE_RENORMALISED = 2e-5
TRACE = layered_trace(43)  # a number that no block and no level divides
VIEWS = [
    View(),
    View(specials=False),
    View(first=False),
    View(mean="heads"),
    View(mean="both", first=False, specials=False),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("model_runtime.levels._BLOCK", 10 * 43)
    monkeypatch.setattr("model_runtime.levels.BLOCK", 7 * 43)


def close(view):
    return CLOSE if view.first else CLOSE_RENORMALISED


def dense(look, place):
    """The whole map, MASKED where it is."""
    return np.where(look.mask(place), look.map(place).pattern, MASKED)


def blocks(cells, level):
    """The largest of each block, one at a time."""
    size = 2**level
    rows, cols = (-(-side // size) for side in cells.shape)
    found = np.empty((rows, cols))
    for i, j in np.ndindex(rows, cols):
        part = cells[i * size : (i + 1) * size, j * size : (j + 1) * size]
        found[i, j] = np.nan_to_num(part).max()
    return found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("level", [0, 1, 2, 6])
def test_a_level_is_the_largest_of_each_block_of_the_dense_map(view, level):
    look = Look(TRACE, "decoder", view)
    for place in look.places:
        expected = blocks(dense(look, place), level)
        found = pooled(look, place, level, slice(0, len(expected)))
        np.testing.assert_allclose(found.cells, expected, atol=close(view))
        tops = np.maximum(0, expected.max(axis=1))
        np.testing.assert_allclose(found.tops, tops, atol=close(view))


@pytest.mark.parametrize("view", VIEWS)
def test_the_map_itself_is_exact_and_keeps_what_is_nothing(view):
    look = Look(TRACE, "decoder", view)
    for place in look.places:
        whole = dense(look, place)
        found = exact(look, place, slice(3, 30), slice(5, 21))
        np.testing.assert_array_equal(found.cells, whole[3:30, 5:21].astype(np.float32))
        tops = np.nan_to_num(look.map(place).pattern[3:30]).max(axis=1)
        np.testing.assert_array_equal(found.tops, tops.astype(np.float32))


def test_a_part_of_a_level_is_that_part_of_the_whole():
    look, place = Look(TRACE, "decoder", View()), HeadPlace(6, 1)
    whole = pooled(look, place, 1, slice(0, 22))
    part = pooled(look, place, 1, slice(9, 22), slice(4, 17))
    np.testing.assert_allclose(part.cells, whole.cells[9:22, 4:17], atol=CLOSE)
    np.testing.assert_allclose(part.tops, whole.tops[9:22], atol=CLOSE)


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("view", [View(), View(words=True), View(words=True, first=False)])
def test_the_same_of_a_real_model_and_of_words(stack, view):
    look = Look(traced("Unbelievably, the electrician misunderstood."), stack, view)
    for place in look.places:
        expected = blocks(dense(look, place), 1)
        found = pooled(look, place, 1, slice(0, len(expected)))
        np.testing.assert_allclose(found.cells, expected, atol=close(view))


def test_what_no_query_may_see_is_masked_and_has_no_top():
    record = TRACE.records[0]
    mask = np.zeros((1, 43, 43), bool)
    mask[0, 8:] = True
    look = Look(replace(TRACE, records=(replace(record, mask=mask),)), "decoder", View())
    found = pooled(look, HeadPlace(1, 0), 2, slice(0, 11))
    assert (found.cells[:2] == MASKED).all() and (found.tops[:2] == 0).all()
    assert (found.cells[2:] >= 0).all()


def test_a_row_that_has_nothing_left_is_nothing_close_up_and_none_from_afar():
    trace = made_trace(tokens("a"), tokens("[BOS]", "b", "c"))
    look = Look(trace, "decoder", View(first=False))
    close = exact(look, HeadPlace(0, 0), slice(0, 1), slice(0, 1))
    afar = pooled(look, HeadPlace(0, 0), 0, slice(0, 1))
    assert np.isnan(look.map(HeadPlace(0, 0)).pattern[0]).all()
    assert close.cells[0, 0] == MASKED and close.tops[0] == 0
    assert (afar.cells[0] == MASKED).all()


@pytest.mark.parametrize(
    ("rows", "columns", "level"),
    [(1, 1, 0), (1024, 3, 0), (1025, 3, 1), (3, 2048, 1), (2049, 1, 2), (8192, 8192, 3)],
)
def test_the_coarsest_level_is_the_first_that_a_screen_can_show(rows, columns, level):
    assert coarsest(rows, columns) == level
    assert -(-max(rows, columns) // 2**level) <= levels.MOST_SIDE


def test_a_head_that_is_not_there_is_said():
    look = Look(TRACE, "decoder", View())
    with pytest.raises(NoSuchHead):
        pooled(look, HeadPlace(1, 2), 1, slice(0, 1))
    with pytest.raises(NoSuchHead):
        exact(look, HeadPlace(2, 0), slice(0, 1), slice(0, 1))
