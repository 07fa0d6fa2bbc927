"""A matrix for the browser: no peak is lost, what stands for what is told, the file holds all."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import heatmap
from viz.heatmap import HeatMap, Side, pooled


def shown(values, **changed):
    """A picture of some numbers."""
    sides = changed.pop("rows", Side("position")), changed.pop("columns", Side("dimension"))
    return HeatMap("some-map", "Some map", np.asarray(values, dtype=np.float64), *sides, **changed)


def lines_of(content):
    return list(csv.reader(io.StringIO(content, newline="")))


def farthest(values):
    """Of some numbers the one farthest from 0, the positive one of two; NaN where there is none."""
    found = math.nan
    for value in values:
        is_farther = math.isnan(found) or abs(value) > abs(found)
        if not math.isnan(value) and (is_farther or value == -found > 0):
            found = value
    return found


def test_a_matrix_with_room_stays_as_it_is():
    cells, high, wide = pooled(np.array([[1.5, -2.0], [math.nan, 0.0]]), 2, 2)
    assert (high, wide) == (1, 1) and cells.dtype == np.float32
    np.testing.assert_array_equal(cells, np.array([[1.5, -2.0], [math.nan, 0.0]]))


def test_of_four_numbers_the_one_farthest_from_0_stands_with_its_sign():
    cells, high, wide = pooled(np.array([[1.0, -3.0], [2.0, 0.5]]), 1, 1)
    assert (cells.tolist(), high, wide) == ([[-3.0]], 2, 2)
    assert pooled(np.array([[3.0, -3.0]]), 1, 1)[0].tolist() == [[3.0]]


def test_nothing_is_there_only_where_all_is_nothing():
    nan = math.nan
    cells, _, _ = pooled(np.array([[nan, nan, nan, -1.0], [nan, nan, 0.0, nan]]), 1, 2)
    np.testing.assert_array_equal(cells, [[nan, -1.0]])


def test_what_does_not_divide_evenly_ends_in_a_smaller_cell():
    cells, high, wide = pooled(np.arange(1.0, 8.0)[None], 1, 3)
    assert (cells.tolist(), high, wide) == ([[3.0, 6.0, 7.0]], 1, 3)


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    room=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 9),
)
def test_every_cell_is_what_a_slow_loop_finds(shape, room, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(-4, 5, shape) / 4
    values[rng.random(shape) < 0.4] = math.nan
    cells, high, wide = pooled(values, *room)
    assert (high, wide) == tuple(math.ceil(n / most) for n, most in zip(shape, room, strict=True))
    assert cells.shape == (math.ceil(shape[0] / high), math.ceil(shape[1] / wide))
    assert cells.shape[0] <= room[0] and cells.shape[1] <= room[1]
    for row, column in np.ndindex(cells.shape):
        block = values[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
        expected = farthest(block.ravel().tolist())
        np.testing.assert_array_equal(cells[row, column], expected)


def test_the_strongest_colour_is_the_largest_number_unless_another_is_given():
    assert heatmap.limit(shown([[1, -3], [math.nan, 2]])) == 3
    assert heatmap.limit(shown([[1, -3]], limit=0.5)) == 0.5


@pytest.mark.parametrize("values", [[[0.0, 0.0]], [[math.nan]]])
def test_a_matrix_of_nothing_has_a_colour_scale_all_the_same(values):
    assert heatmap.limit(shown(values)) == 1


def test_what_is_hatched_changes_neither_the_cells_nor_the_file():
    values = [[1.0, math.nan], [2.0, 3.0]]
    plain, masked = shown(values), shown(values, hatched="masked")
    assert (plain.hatched, masked.hatched) == ("", "masked")
    assert heatmap.as_csv(plain) == heatmap.as_csv(masked)
    assert heatmap.limit(plain) == heatmap.limit(masked) == 3


def test_a_csv_is_the_whole_matrix_with_its_names():
    sides = {"rows": Side("token", ("a", "b")), "columns": Side("dimension")}
    assert lines_of(heatmap.as_csv(shown([[1, math.nan], [-0.1, 1 / 3]], **sides))) == [
        ["token \\ dimension", "0", "1"],
        ["a", "1", ""],
        ["b", "-0.1", "0.333333333"],
    ]


def test_a_csv_is_not_pooled_and_holds_all_32_bits():
    values = np.random.default_rng(0).normal(size=(300, 400)).astype(np.float32)
    rows = lines_of(heatmap.as_csv(shown(values)))
    assert len(rows) == 301 and {len(row) for row in rows} == {401}
    read = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]], dtype=np.float32)
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a"])
def test_no_name_in_a_csv_is_a_formula(text):
    side = Side("token", (text,))
    assert lines_of(heatmap.as_csv(shown([[-1]], rows=side, columns=side))) == [
        ["token \\ token", f"'{text}"],
        [f"'{text}", "-1"],
    ]
