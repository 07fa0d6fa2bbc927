"""The sinusoidal view: its numbers are the paper's, worked out here one by one in plain loops."""

import math

import numpy as np
import pytest

from tests.viz.positions.seen import panels, set_to, texts, xs, ys
from viz import charts
from viz.positions import sinusoidal
from viz.positions import texts as page_texts


def made(d_model=64, **asked):
    """The sections at these settings, without complaints."""
    sections, problems = sinusoidal.sections(set_to(sinusoidal.controls(d_model), **asked), str)
    assert problems == []
    return sections, problems


def formula(position, column, d, base=10_000.0):
    """Vaswani et al. 2017, §3.5: one cell."""
    angle = position / base ** (2 * (column // 2) / d)
    return math.cos(angle) if column % 2 else math.sin(angle)


def mistaken(position, column, d, base=10_000.0):
    """The column's number taken for i, and it is 2i already."""
    angle = position / base ** (2 * (column - column % 2) / d)
    return math.cos(angle) if column % 2 else math.sin(angle)


def test_of_four_dimensions_every_cell_of_two_positions_is_the_papers():
    table = panels(made(d=4, n=2, dims="0,1", at="0,1"))["sinusoidal-table"]
    by_hand = [[0.0, 1.0, 0.0, 1.0], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    np.testing.assert_allclose(table.values, by_hand, rtol=0, atol=1e-15)
    assert (table.limit, table.picks) == (1.0, "dims")


def test_the_mistake_shows_in_the_third_cell_of_position_1():
    assert f"{formula(1, 2, 4):.4f}" == "0.0100"
    assert f"{mistaken(1, 2, 4):.4f}" == "0.0001"
    rows = panels(made(d=4, n=60, dims="0"))["sinusoidal-mistake"].rows
    assert rows == (("PE[1, 2]", "d = 4, 10000", "0.0100", "0.0001"),)


@pytest.mark.parametrize(("d", "base"), [(5, 10_000), (64, 10_000), (192, 500), (2, 10_000)])
def test_the_mistakes_own_cells_are_those_of_the_table_that_is_shown(d, base):
    rows = panels(made(d=d, base=base, dims="0"))["sinusoidal-mistake"].rows
    assert rows[0][0] == "PE[1, 2]" and len(rows) == 1 + (d > 2) + (d > 4)
    for (_, _, right, wrong), column in zip(rows[1:], (2, 4), strict=False):
        assert right == f"{formula(1, column, d, base):.4f}"
        assert wrong == f"{mistaken(1, column, d, base):.4f}"


@pytest.mark.parametrize(("d", "n", "base"), [(1, 1, 10_000), (7, 9, 100), (64, 60, 10_000)])
def test_table_and_curves_are_the_formulas(d, n, base):
    dims, at = [0, d - 1], [0, n - 1]
    found = panels(made(d=d, n=n, base=base, dims=f"0,{d - 1}", at=f"0,{n - 1}"))
    expected = np.array([[formula(p, c, d, base) for c in range(d)] for p in range(n)])
    np.testing.assert_allclose(found["sinusoidal-table"].values, expected, rtol=0, atol=1e-12)
    over_position = ys(found["sinusoidal-dimensions"])
    assert list(over_position) == [f"dimension {c}" for c in dict.fromkeys(dims)]
    for c in dims:
        np.testing.assert_allclose(
            over_position[f"dimension {c}"], expected[:, c], rtol=0, atol=1e-12
        )
    over_dimension = ys(found["sinusoidal-positions"])
    assert list(over_dimension) == [f"position {p}" for p in dict.fromkeys(at)]
    for p in at:
        np.testing.assert_allclose(over_dimension[f"position {p}"], expected[p], rtol=0, atol=1e-12)


def test_switched_on_the_mistake_has_curves_of_its_own_beside_the_right_ones():
    found = panels(made(d=8, n=30, dims="2,3", at="1,20", wrong="1"))
    lines = ys(found["sinusoidal-dimensions"])
    assert list(lines) == [
        "dimension 2", "dimension 2, mistaken", "dimension 3", "dimension 3, mistaken",
    ]  # fmt: skip
    for c in (2, 3):
        for name, cell in ((f"dimension {c}", formula), (f"dimension {c}, mistaken", mistaken)):
            expected = [cell(p, c, 8) for p in range(30)]
            np.testing.assert_allclose(lines[name], expected, rtol=0, atol=1e-12)
    across = ys(found["sinusoidal-positions"])["position 20, mistaken"]
    np.testing.assert_allclose(across, [mistaken(20, c, 8) for c in range(8)], rtol=0, atol=1e-12)
    waves = ys(found["sinusoidal-wavelengths"])
    right, wrong = waves["wavelength"], waves["wavelength, mistaken"]
    np.testing.assert_allclose(wrong * 2 * math.pi, right**2, rtol=1e-12)


def test_the_mistake_is_told_last_and_next_to_the_curves_where_it_is_drawn():
    titles = [make().title for make in made(d=8, dims="0")[0]]
    told = "The common exponent mistake"
    assert (titles.index(told), len(titles)) == (4, 5)
    assert [make().title for make in made(d=8, dims="0", wrong="1")[0]].index(told) == 1


@pytest.mark.parametrize(("d", "base"), [(2, 10_000), (7, 100), (512, 10_000)])
def test_wavelengths_run_from_2_pi_towards_the_base_times_as_much(d, base):
    sections = made(d=d, base=base, dims="0")
    chart = panels(sections)["sinusoidal-wavelengths"]
    expected = [2 * math.pi * base ** (2 * i / d) for i in range(math.ceil(d / 2))]
    np.testing.assert_allclose(ys(chart)["wavelength"], expected, rtol=1e-12)
    first, last = chart.rulers
    assert (first.at, first.along, first.said) == (2 * math.pi, "y", "2π")
    assert last.at == pytest.approx(2 * math.pi * base) and last.said == f"{base} · 2π"
    assert f"of {len(expected)} pairs" in chart.about and f"{expected[-1]:,.1f}" in chart.about
    charts.layout(chart, "light")


@pytest.mark.parametrize("at", [0, 7, 19])
def test_the_dot_product_depends_on_the_distance_alone(at):
    found = panels(made(d=16, n=20, at=at, dims="0"))
    dots, cosines = found["sinusoidal-dots"], found["sinusoidal-cosines"]
    distances = [p - at for p in range(20)]
    assert xs(dots).tolist() == xs(cosines).tolist() == distances
    # sin a · sin b + cos a · cos b = cos(a − b), for each of 8 pairs.
    expected = [
        sum(math.cos(away / 10_000 ** (2 * i / 16)) for i in range(8)) for away in distances
    ]
    np.testing.assert_allclose(ys(dots)["dot product"], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ys(cosines)["cosine"], np.array(expected) / 8, rtol=0, atol=1e-12)
    assert dots.title == f"Dot product with position {at}"


@pytest.mark.parametrize("by", [0, 1, 5, -3])
def test_the_matrix_of_a_shift_takes_every_position_by_so_much(by):
    sections = made(d=8, n=40, by=by, dims="0", at="0")
    matrix = panels(sections)["sinusoidal-shift"].values
    for p in range(3, 40):
        here = [formula(p, c, 8) for c in range(8)]
        there = [formula(p + by, c, 8) for c in range(8)]
        np.testing.assert_allclose(matrix @ here, there, rtol=0, atol=1e-12)
    before, after = page_texts.SHIFT.format(k=by, n=40, error="\0").split("\0")
    (said,) = (text for text in texts(sections) if text.startswith(before))
    assert said.endswith(after)
    assert float(said.removeprefix(before).removesuffix(after)) < 1e-12


def test_of_a_wide_shift_a_corner_is_shown_and_an_odd_width_is_said():
    wide = panels(made(d=100, dims="0"))["sinusoidal-shift"]
    assert wide.values.shape == (64, 64) and wide.title == "M, first 64 dimensions"
    assert panels(made(d=64, dims="0"))["sinusoidal-shift"].title == "M"
    odd = made(d=9, dims="0")
    assert panels(odd)["sinusoidal-shift"].values.shape == (8, 8)
    assert any(text.startswith("d is odd") for text in texts(odd))
    one = made(d=1, n=1, dims="0", at="0")
    assert "sinusoidal-shift" not in panels(one) and texts(one)


def test_what_is_not_in_the_table_is_said_and_left_out():
    own = sinusoidal.controls(64)
    sections, problems = sinusoidal.sections(set_to(own, d=4, n=5, dims="9,2,63", at="5,4"), str)
    assert problems == [
        "dimensions: there are 4, counted from 0, so 9, 63 cannot be shown.",
        "positions: there are 5, counted from 0, so 5 cannot be shown.",
    ]
    found = panels((sections, problems))
    assert list(ys(found["sinusoidal-dimensions"])) == ["dimension 2"]
    assert list(ys(found["sinusoidal-positions"])) == ["position 4"]


@pytest.mark.parametrize("wrong", ["0", "1"])
def test_a_picture_without_any_line_is_still_a_picture(wrong):
    own = sinusoidal.controls(64)
    asked = set_to(own, d=4, n=5, dims="9", at="9", wrong=wrong)
    sections, problems = sinusoidal.sections(asked, str)
    found = panels((sections, problems))
    assert len(problems) == 2
    assert found["sinusoidal-dimensions"].lines == found["sinusoidal-positions"].lines == ()
    assert found["sinusoidal-dots"].title == "Dot product with position 0"


@pytest.mark.parametrize("d_model", [1, 2, 3, 16, 192, 768, 4096])
def test_it_opens_at_the_width_of_a_model_and_has_nothing_to_complain_of(d_model):
    own = sinusoidal.controls(d_model)
    values = set_to(own)
    assert values.whole("d") == min(d_model, 1024)
    sections, problems = sinusoidal.sections(values, str)
    assert problems == []
    assert panels((sections, problems))["sinusoidal-table"].values.shape[1] == min(d_model, 1024)
    assert values.numbers("dims")[0] == 0
