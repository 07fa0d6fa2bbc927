"""What is said of tables whose rows are known, and of any table by plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from model_runtime.positions import sinusoidal
from model_runtime.positions.tables import (
    by_distance,
    components,
    cosines,
    dots,
    norms,
    similarity,
)

any_table = npst.arrays(
    np.float64,
    npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
    elements=st.floats(-100, 100).map(lambda x: round(x, 3)),
)


def random(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def cosine(a, b):
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def test_two_rows_at_a_right_angle_and_one_between():
    table = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]])
    assert dots(table, 0).tolist() == [9, 0, 3]
    assert cosines(table, 0) == pytest.approx([1, 0, math.sqrt(0.5)])
    assert norms(table) == pytest.approx([3, 4, math.sqrt(2)])
    half = math.sqrt(0.5)
    expected = np.array([[1, 0, half], [0, 1, half], [half, half, 1]])
    np.testing.assert_allclose(similarity(table), expected, atol=1e-12)
    np.testing.assert_allclose(similarity(table, [2, 0]), [[1, half], [half, 1]], atol=1e-12)


def test_a_row_without_length_is_like_no_row():
    table = np.array([[0.0, 0.0], [1.0, 2.0]])
    assert cosines(table, 0).tolist() == [0, 0]
    assert cosines(table, 1) == pytest.approx([0, 1])
    np.testing.assert_allclose(similarity(table), [[0, 0], [0, 1]], atol=1e-12)
    assert by_distance(table, 0).least.tolist() == [0]


@given(any_table)
def test_cosines_are_symmetric_and_equal_the_loops(table):
    found = similarity(table)
    np.testing.assert_array_equal(found, found.T)
    assert np.abs(found).max() <= 1
    for row, key in np.ndindex(found.shape):
        expected = cosine(table[row], table[key])
        assert found[row, key] == pytest.approx(expected, abs=1e-6)
        assert cosines(table, row)[key] == pytest.approx(expected, abs=1e-6)


def test_a_cosine_does_not_depend_on_how_long_the_rows_are():
    table = random(20, 8)
    tiny = table * np.geomspace(1e-9, 1e9, 20)[:, None]
    np.testing.assert_allclose(similarity(tiny), similarity(table), atol=1e-6)


def test_numbers_of_32_bits_are_reckoned_in_64():
    table = random(30, 8).astype(np.float32) * np.float32(1e25)
    assert dots(table, 2).dtype == np.float64
    assert np.isfinite(dots(table, 2)).all()
    np.testing.assert_allclose(norms(table), np.linalg.norm(table.astype(float), axis=1))


# ── By distance ──────────────────────────────────────────────────────────────────────


def test_three_rows_have_two_pairs_one_apart_and_one_two_apart():
    table = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    found = by_distance(table, 2)
    assert found.mean.tolist() == [1, -0.5, 0]
    assert found.least.tolist() == [1, -1, 0]
    assert found.most.tolist() == [1, 0, 0]


# Beside one block of rows also two, whole and not.
@pytest.mark.parametrize(("n", "furthest"), [(1, 0), (40, 39), (257, 256), (512, 3), (700, 511)])
def test_pairs_are_sorted_by_their_distance(n, furthest):
    table = random(n, 5)
    found, all_pairs = by_distance(table, furthest), similarity(table)
    for distance in range(furthest + 1):
        diagonal = np.diagonal(all_pairs, distance)
        assert found.mean[distance] == pytest.approx(diagonal.mean(), abs=1e-6)
        assert found.least[distance] == pytest.approx(diagonal.min(), abs=1e-6)
        assert found.most[distance] == pytest.approx(diagonal.max(), abs=1e-6)


def test_the_sinusoidal_table_tells_distance_alone_and_a_random_one_does_not():
    sines, chance = by_distance(sinusoidal.table(300, 32), 299), by_distance(random(300, 32), 299)
    np.testing.assert_allclose(sines.most, sines.least, atol=1e-9)
    frequencies = 10000 ** -(np.arange(0, 32, 2) / 32)
    expected = np.cos(np.arange(300)[:, None] * frequencies).mean(axis=1)
    np.testing.assert_allclose(sines.mean, expected, atol=1e-6)
    assert (chance.most - chance.least)[1:200].min() > 0.3


# ── Components ───────────────────────────────────────────────────────────────────────


def test_rows_on_a_line_have_one_component():
    found = components(np.array([[0.0, 1.0], [2.0, 1.0], [7.0, 1.0]]))
    assert found.shares == pytest.approx([1, 0])
    np.testing.assert_allclose(found.scores, [[-3, 0, 0], [-1, 0, 0], [4, 0, 0]], atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(40, 6), (6, 40), (9, 9)])
def test_components_equal_those_of_the_covariance(n, d):
    table = random(n, d) * np.linspace(1, 3, d)
    found = components(table, 4)
    values, vectors = np.linalg.eigh(np.cov(table.T, bias=True))
    shares = values[::-1] / values.sum()
    np.testing.assert_allclose(found.shares, shares[: min(n, d)], atol=1e-6)
    assert found.shares.sum() == pytest.approx(1)
    for component in range(4):
        along = (table - table.mean(axis=0)) @ vectors[:, -1 - component]
        along *= np.sign(along[np.abs(along).argmax()])
        np.testing.assert_allclose(found.scores[:, component], along, atol=1e-6)


@given(any_table, st.integers(1, 12))
def test_the_largest_score_of_every_component_is_positive(table, k):
    found = components(table, k)
    assert found.scores.shape == (len(table), k)
    assert found.shares.shape == (min(table.shape),)
    for scores in found.scores.T:
        assert scores[np.abs(scores).argmax()] >= 0


@given(any_table)
def test_all_components_together_keep_every_distance(table):
    scores = components(table, max(table.shape)).scores
    for row, other in np.ndindex(len(table), len(table)):
        expected = math.dist(table[row], table[other])
        assert math.dist(scores[row], scores[other]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "table", [random(1, 5), np.full((7, 3), 0.1), np.tile(random(1, 9), (6, 1))]
)
def test_rows_that_are_all_equal_have_no_component(table):
    found = components(table, 3)
    assert not found.shares.any()
    assert found.scores.shape == (len(table), 3)
    assert not found.scores.any()


# ── What makes no sense ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of", [norms, similarity, components, lambda t: dots(t, 0)])
@pytest.mark.parametrize(
    ("table", "why"),
    [
        (np.zeros(3), "positions and dimensions"),
        (np.zeros((0, 3)), "positions and dimensions"),
        (np.zeros((3, 0)), "positions and dimensions"),
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([[1.0, np.inf]]), "not finite"),
    ],
)
def test_what_is_no_table_is_said(of, table, why):
    with pytest.raises(ValueError, match=why):
        of(table)


@pytest.mark.parametrize("row", [-1, 4])
def test_a_row_that_is_not_there_is_said(row):
    table = random(4, 2)
    for of in (dots, cosines):
        with pytest.raises(ValueError, match=f"positions 0 to 3, not {row}"):
            of(table, row)
    with pytest.raises(ValueError, match=f"positions 0 to 3, not {row}"):
        similarity(table, [0, row])


def test_a_distance_or_a_number_of_components_that_cannot_be_is_said():
    with pytest.raises(ValueError, match="at most 3 apart, not 4"):
        by_distance(random(4, 2), 4)
    with pytest.raises(ValueError, match="not -1"):
        by_distance(random(4, 2), -1)
    with pytest.raises(ValueError, match="one component or more, not 0"):
        components(random(4, 2), 0)
