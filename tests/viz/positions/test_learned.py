"""The view of a model's table: the very rows, and what is alike in them, against plain loops."""

import math

import numpy as np
import pytest

from model_runtime.positions.encodings import Encoding
from tests.viz.positions.seen import panels, set_to, texts, xs, ys
from viz.positions import learned


def encoding(table, kind="learned", where="model.wpe.weight"):
    return Encoding(kind, ("decoder",), where, "Embedding", table=np.asarray(table, np.float32))


def random_table(n, d, seed=0):
    """Rows that differ, as those of a model do."""
    return encoding(np.random.default_rng(seed).normal(size=(n, d)))


def shown(*encodings, **asked):
    """The sections of some tables at these settings, without complaints."""
    own = learned.controls(list(encodings))
    sections, problems = learned.sections(list(encodings), set_to(own, **asked), str)
    assert problems == []
    return sections, problems


def cosine(a, b):
    """Of two rows, one product after the other."""
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a) * sum(float(y) ** 2 for y in b))


def test_three_rows_of_two_numbers_by_hand():
    found = panels(shown(encoding([[3, 4], [0, 2], [-3, -4]]), at="0,2"))
    np.testing.assert_array_equal(found["learned-table"].values, [[3, 4], [0, 2], [-3, -4]])
    assert ys(found["learned-norms"])["|p|"].tolist() == [5, 2, 5]
    assert ys(found["learned-dimensions"])["dimension 1"].tolist() == [4, 2, -4]
    assert ys(found["learned-positions"])["position 2"].tolist() == [-3, -4]
    alike = found["learned-similarity"].values
    np.testing.assert_allclose(alike, [[1, 0.8, -1], [0.8, 1, -0.8], [-1, -0.8, 1]], atol=1e-15)
    far = ys(found["learned-distances"])
    np.testing.assert_allclose(far["mean"], [1, 0, -1], atol=1e-15)
    np.testing.assert_allclose(far["least"], [1, -0.8, -1], atol=1e-15)
    np.testing.assert_allclose(far["most"], [1, 0.8, -1], atol=1e-15)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_only_the_rows_that_are_asked_for_are_shown(n):
    table = random_table(40, 6)
    found = panels(shown(table, n=n, at="0", dims="5,0"))
    rows = table.table[:n]
    np.testing.assert_array_equal(found["learned-table"].values, rows)
    assert list(ys(found["learned-dimensions"])) == ["dimension 5", "dimension 0"]
    np.testing.assert_array_equal(ys(found["learned-dimensions"])["dimension 5"], rows[:, 5])
    expected = [[cosine(a, b) for b in rows] for a in rows]
    np.testing.assert_allclose(found["learned-similarity"].values, expected, rtol=0, atol=1e-12)
    far = ys(found["learned-distances"])
    for away in range(n):
        those = [expected[i][i + away] for i in range(n - away)]
        assert far["mean"][away] == pytest.approx(np.mean(those), abs=1e-12)
        assert far["least"][away] == pytest.approx(min(those), abs=1e-12)
        assert far["most"][away] == pytest.approx(max(those), abs=1e-12)


def test_cosines_are_counted_from_the_first_position_that_is_asked_for():
    table = random_table(30, 6)
    chart = panels(shown(table, at="12,3"))["learned-cosines"]
    assert chart.title == "Cosine with position 12"
    assert xs(chart).tolist() == [p - 12 for p in range(30)]
    expected = [cosine(table.table[12], row) for row in table.table]
    np.testing.assert_allclose(ys(chart)["cosine"], expected, rtol=0, atol=1e-12)


def test_components_are_the_eigenvectors_of_the_covariance():
    table = random_table(50, 8).table.astype(np.float64) * np.arange(1, 9)
    sections = shown(encoding(table), at="0")
    rows = table.astype(np.float32).astype(np.float64)
    centred = rows - rows.mean(axis=0)
    shares, directions = np.linalg.eigh(centred.T @ centred)
    shares, directions = shares[::-1] / shares.sum(), directions[:, ::-1]
    lines = panels(sections)["learned-components"].lines
    for i, line in enumerate(lines):
        assert line.name == f"component {i + 1}, {shares[i]:.1%}"
        scores = centred @ directions[:, i]
        np.testing.assert_allclose(np.abs(line.y), np.abs(scores), rtol=0, atol=1e-9)
        assert line.y[np.abs(line.y).argmax()] > 0
    assert len(lines) == 3
    assert any(f"{shares[:3].sum():.1%} of their variance" in said for said in texts(sections))
    path, start = panels(sections)["learned-path"].lines
    np.testing.assert_array_equal(path.x, lines[0].y)
    np.testing.assert_array_equal(path.y, lines[1].y)
    assert (start.x.tolist(), start.y.tolist()) == ([path.x[0]], [path.y[0]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 2), (3, 700)])
def test_a_table_of_hardly_anything_is_shown(shape):
    sections = shown(random_table(*shape))
    found = panels(sections)
    assert found["learned-table"].values.shape == shape
    assert ("learned-path" in found) == (min(shape) > 1)
    assert not any("nan" in said for said in texts(sections))


def test_equal_rows_have_no_direction():
    lines = panels(shown(encoding(np.ones((5, 4)))))["learned-components"].lines
    assert lines[0].name == "component 1, 0.0%"
    assert not any(line.y.any() for line in lines)


def test_a_table_of_zeros_has_a_colour_scale():
    found = panels(shown(encoding(np.zeros((5, 4)))))
    assert found["learned-table"].limit == 1
    assert not ys(found["learned-norms"])["|p|"].any()


def test_the_strongest_colour_begins_where_one_value_in_200_is_beyond():
    table = np.arange(1.0, 401.0).reshape(40, 10)
    map_ = panels(shown(encoding(table)))["learned-table"]
    assert (np.abs(table) > map_.limit).sum() == 2
    assert f"±{map_.limit:.3g}" in map_.about


def test_of_two_tables_one_can_be_chosen_and_each_keeps_its_own_size():
    first, second = random_table(20, 6, 1), encoding(np.ones((7, 4)), where="decoder.table")
    own = learned.controls([first, second])
    assert own[0].options == (("0", "model.wpe.weight"), ("1", "decoder.table"))
    found = panels(shown(first, second, table="1", n=20, at="0"))
    np.testing.assert_array_equal(found["learned-table"].values, np.ones((7, 4)))
    asked = set_to(own, table="1", dims="5,1", at="19,6")
    sections, problems = learned.sections([first, second], asked, str)
    assert problems == [
        "dimensions: there are 4, counted from 0, so 5 cannot be shown.",
        "positions: there are 7, counted from 0, so 19 cannot be shown.",
    ]
    assert list(ys(panels((sections, problems))["learned-positions"])) == ["position 6"]
    assert "table" not in [control.name for control in learned.controls([first])]


def test_a_table_by_the_formula_is_not_said_to_be_learned():
    by_formula = encoding(np.ones((3, 4)), kind="sinusoidal")
    assert "formula" in texts(shown(by_formula))[0]
    assert panels(shown(by_formula))["learned-norms"].about == ""
    assert "was learned" in texts(shown(random_table(3, 4)))[0]


def test_a_long_table_is_compared_in_part_and_drawn_whole():
    found = panels(shown(random_table(1500, 3), n=1500, at="1400"))
    assert found["learned-similarity"].values.shape == (1024, 1024)
    assert len(ys(found["learned-cosines"])["cosine"]) == 1500
    assert found["learned-table"].values.shape == (1500, 3)
