"""The sinusoidal table against the paper's formula in plain loops; its shift against itself."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.transformer import sinusoidal_table
from model_runtime.positions import sinusoidal

SIZES = [(1, 1), (1, 8), (2, 2), (50, 7), (9, 1), (64, 24), (300, 6)]
widths = st.integers(1, 17)
bases = st.floats(1, 1e6)


def in_loops(n, d, base=10000.0):
    """§3.5 of the paper, cell by cell, with Python's own floats."""
    rows = np.zeros((n, d))
    for pos in range(n):
        for i in range(d):
            rows[pos, i] = (
                math.cos(pos / base ** ((i - 1) / d)) if i % 2 else math.sin(pos / base ** (i / d))
            )
    return rows


def test_two_positions_of_two_dimensions_are_sine_and_cosine_of_the_position():
    expected = np.array([[0.0, 1.0], [math.sin(1), math.cos(1)]])
    np.testing.assert_allclose(sinusoidal.table(2, 2), expected, atol=1e-15)


def test_the_doubled_exponent_makes_a_hundredth_a_ten_thousandth():
    assert sinusoidal.table(2, 4)[1, 2] == pytest.approx(0.0100, abs=5e-7)
    assert sinusoidal.table(2, 4, doubled=True)[1, 2] == pytest.approx(0.0001, abs=5e-9)


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("base", [1.0, 10.0, 10000.0, 5e5])
def test_the_table_equals_the_formula_in_loops(n, d, base):
    found = sinusoidal.table(n, d, base)
    assert found.shape == (n, d)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, in_loops(n, d, base), atol=1e-6)


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_table_equals_the_one_that_our_models_use(n, d):
    theirs = sinusoidal_table(n, d).numpy()
    np.testing.assert_allclose(sinusoidal.table(n, d), theirs, atol=1e-6)


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_doubled_table_equals_the_right_one_of_the_base_squared(n, d):
    wrong = sinusoidal.table(n, d, 100.0, doubled=True)
    np.testing.assert_allclose(wrong, in_loops(n, d, 100.0**2), atol=1e-6)


def test_the_row_before_the_first_has_its_sines_turned_round():
    (row,) = sinusoidal.table_at(np.array([-1]), 3)
    slow = 1 / 10000 ** (2 / 3)
    np.testing.assert_allclose(row, [-math.sin(1), math.cos(1), -math.sin(slow)], atol=1e-15)


@pytest.mark.parametrize("d", [1, 2, 7, 64])
@pytest.mark.parametrize("base", [1.0, 10.0, 10000.0])
def test_rows_at_any_positions_are_those_of_the_table(d, base):
    at = np.array([5, 0, 299, 5])
    found = sinusoidal.table_at(at, d, base)
    assert found.shape == (4, d) and found.dtype == np.float64
    np.testing.assert_array_equal(found, sinusoidal.table(300, d, base)[at])
    back = in_loops(51, d, base)[[3, 50]]
    back[:, ::2] *= -1  # sin(−a) = −sin a, cos(−a) = cos a
    np.testing.assert_allclose(sinusoidal.table_at(np.array([-3, -50]), d, base), back, atol=1e-6)


def test_an_odd_width_ends_with_a_sine_without_a_partner():
    found = sinusoidal.table(20, 5)
    np.testing.assert_allclose(found[:, 4], np.sin(np.arange(20) / 10000**0.8), atol=1e-12)


def test_wavelengths_go_from_two_pi_towards_two_pi_times_the_base():
    assert sinusoidal.wavelengths(1) == pytest.approx([2 * math.pi])
    assert sinusoidal.wavelengths(4) == pytest.approx([2 * math.pi, 200 * math.pi])
    assert sinusoidal.wavelengths(4, doubled=True) == pytest.approx([2 * math.pi, 2e4 * math.pi])
    assert sinusoidal.wavelengths(5, 32.0) == pytest.approx(
        [2 * math.pi * 32 ** (i / 5) for i in (0, 2, 4)]
    )


def test_a_sine_begins_again_after_its_wavelength():
    # With base 2^(d/2) the wavelengths are 2π, 4π, 8π, …; 710 is 2π·113 to five digits.
    assert sinusoidal.wavelengths(8, 16.0) == pytest.approx(2 * math.pi * 2.0 ** np.arange(4))
    rows = sinusoidal.table(711, 2, 16.0)
    np.testing.assert_allclose(rows[710], rows[0], atol=1e-4)


def test_the_shift_of_one_pair_is_a_turn_by_the_distance():
    sin, cos = math.sin(3), math.cos(3)
    np.testing.assert_allclose(sinusoidal.shift(2, 3), [[cos, sin], [-sin, cos]], atol=1e-15)
    np.testing.assert_array_equal(sinusoidal.shift(6, 0), np.eye(6))
    assert sinusoidal.shift(1, 3).shape == (0, 0)


@given(d=widths, by=st.integers(-50, 50), base=bases)
@settings(deadline=None)
def test_the_shift_moves_every_row_by_the_same_matrix(d, by, base):
    rows = in_loops(120, d, base)[:, : d - d % 2]
    matrix = sinusoidal.shift(d, by, base)
    for position in range(max(0, -by), 120 - max(0, by)):
        np.testing.assert_allclose(matrix @ rows[position], rows[position + by], atol=1e-6)


@given(d=widths, by=st.integers(-50, 50))
def test_a_shift_and_the_shift_back_undo_each_other(d, by):
    there, back = sinusoidal.shift(d, by), sinusoidal.shift(d, -by)
    np.testing.assert_allclose(there @ back, np.eye(d - d % 2), atol=1e-12)
    np.testing.assert_allclose(there.T, back, atol=1e-12)


@pytest.mark.parametrize("by", [-700, -1, 0, 1, 2047])
@pytest.mark.parametrize("d", [1, 2, 33, 512])
def test_the_shift_is_exact_at_every_position(d, by):
    assert sinusoidal.shift_error(2048, d, by) < 1e-9


def test_the_error_of_the_shift_is_that_of_the_whole_matrix(monkeypatch):
    n, d, by = 40, 7, 5
    turn = sinusoidal._turn
    monkeypatch.setattr(sinusoidal, "_turn", lambda d, by, base: turn(d, by + 1, base))
    rows, matrix = in_loops(n + by, d)[:, :6], sinusoidal.shift(d, by)
    expected = max(np.abs(matrix @ rows[p] - rows[p + by]).max() for p in range(n))
    assert expected > 0.1
    assert sinusoidal.shift_error(n, d, by) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "d", "base", "why"),
    [
        (0, 4, 10.0, "one position or more, not 0"),
        (3, 0, 10.0, "one dimension or more, not 0"),
        (3, 4, 0.5, "the base must be a number from 1"),
        (3, 4, math.nan, "the base must be a number from 1"),
        (3, 4, math.inf, "the base must be a number from 1"),
    ],
)
def test_what_makes_no_table_is_said(n, d, base, why):
    with pytest.raises(ValueError, match=why):
        sinusoidal.table(n, d, base)
    with pytest.raises(ValueError, match=why):
        sinusoidal.shift_error(n, d, 1, base)
    if n:
        with pytest.raises(ValueError, match=why):
            sinusoidal.wavelengths(d, base)
        with pytest.raises(ValueError, match=why):
            sinusoidal.shift(d, 1, base)
        with pytest.raises(ValueError, match=why):
            sinusoidal.table_at(np.array([1]), d, base)


def test_the_largest_base_overflows_nowhere():
    largest = sinusoidal.LARGEST_BASE
    assert np.isfinite(sinusoidal.wavelengths(1024, largest, doubled=True)).all()
    assert np.isfinite(sinusoidal.table(3, 1024, largest, doubled=True)).all()
