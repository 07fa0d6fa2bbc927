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
    sections, problems = sinusoidal.sections(values_of(d_model, **asked), str)
    assert problems == []
    return sections, problems


def values_of(d_model=64, **asked):
    """The controls as they are set."""
    own = sinusoidal.controls(d_model, {k: str(v) for k, v in asked.items()}, str)
    return set_to(own, **asked)


def formulas(made):
    """{title of a section: its formulas}"""
    return {make().title: make().formulas for make in made[0]}


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
        assert right == f"{formula(1, column, d, base):.4f}".replace("-", "−")
        assert wrong == f"{mistaken(1, column, d, base):.4f}".replace("-", "−")


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
        drawn = {line.name: line for line in found["sinusoidal-dimensions"].lines}
        right, wrong = drawn[f"dimension {c}"], drawn[f"dimension {c}, mistaken"]
        assert right.tone == wrong.tone and (right.dashed, wrong.dashed) == (False, True)
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


@pytest.mark.parametrize(("d", "base"), [(3, 10_000), (7, 100), (512, 1_000_000)])
def test_wavelengths_run_from_2_pi_towards_the_base_times_as_much(d, base):
    sections = made(d=d, base=base, dims="0")
    chart = panels(sections)["sinusoidal-wavelengths"]
    expected = [2 * math.pi * base ** (2 * i / d) for i in range(math.ceil(d / 2))]
    np.testing.assert_allclose(ys(chart)["wavelength"], expected, rtol=1e-12)
    first, last = chart.rulers
    assert (first.at, first.along, first.said) == (2 * math.pi, "y", "2π")
    assert last.at == pytest.approx(2 * math.pi * base) and last.said == f"{base} · 2π"
    assert f"stop short of {base} · 2π" in chart.about
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


def test_of_an_odd_width_another_sentence_is_said_and_no_formula():
    dots = page_texts.DOT_IS_DISTANCE, page_texts.DOT_OF_ODD
    for d, said in ((16, dots[0]), (17, dots[1]), (1, dots[1])):
        sections = made(d=d, dims="0")
        assert [text for text in texts(sections) if text in dots] == [said]
        assert len(formulas(sections)["Near and far"]) == (d % 2 == 0)
    # What is said of it: the product of positions 1 and 3 is not that of 2 and 4.
    rows = [[formula(p, c, 3, 10) for c in range(3)] for p in range(5)]
    products = [float(np.dot(rows[p], rows[p + 2])) for p in (1, 2)]
    assert abs(products[0] - products[1]) > 0.1
    for at, product in zip((1, 2), products, strict=True):
        chart = panels(made(d=3, base=10, at=at, dims="0"))["sinusoidal-dots"]
        drawn = dict(zip(xs(chart), ys(chart)["dot product"], strict=True))
        assert drawn[2] == pytest.approx(product, abs=1e-12)


@pytest.mark.parametrize(
    ("base", "written"), [(10_000, "10000"), (500, "500"), (1.5, "1.5"), (1_000_000, "1000000")]
)
def test_formulas_hold_the_base_that_is_set(base, written):
    found = formulas(made(d=16, base=base, dims="0"))
    for title, power, n in (
        ("The table", "{" + written + "^{2i/d}}", 2),
        ("Wavelengths", r"\cdot " + written + "^{2i/d}", 1),
        ("Near and far", "{" + written + "^{2i/d}}", 1),
    ):
        assert [power in latex for latex in found[title]] == [True] * n
    assert not any("BASE" in latex for every in found.values() for latex in every)


@pytest.mark.parametrize(
    ("d", "base", "told"),
    [(8, 100, True), (512, 10_000, True), (7, 10_000, False), (8, 99, False), (512, 1.5, False)],
)
def test_of_few_dimensions_or_a_small_base_nothing_is_said_of_clocks(d, base, told):
    assert (page_texts.CLOCKS in texts(made(d=d, base=base, dims="0"))) == told


def test_of_one_wavelength_nothing_is_said_of_the_last():
    assert panels(made(d=2, dims="0"))["sinusoidal-wavelengths"].about == ""
    assert panels(made(d=3, dims="0"))["sinusoidal-wavelengths"].about


@pytest.mark.parametrize("by", [0, 1, 5, -3, -40])
@pytest.mark.parametrize("at", [0, 7, 19])
@pytest.mark.parametrize("d", [2, 9, 100])
def test_a_shifted_position_lies_on_the_one_that_it_is_shifted_to(d, at, by):
    chart = panels(made(d=d, n=20, by=by, at=at, dims="0"))["sinusoidal-shifted"]
    pairs = d - d % 2
    here, there = ([formula(p, c, d) for c in range(pairs)] for p in (at, at + by))
    assert chart.title == f"Position {at}, shifted by M, is position {at + by}"
    before, after, shifted = chart.lines
    assert (before.name, after.name) == (f"PE[{at}]", f"PE[{at + by}]")
    assert shifted.name == f"M · PE[{at}]" and shifted.points
    for line, expected in ((before, here), (after, there), (shifted, there)):
        np.testing.assert_allclose(line.y, expected, rtol=0, atol=1e-12)


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
    asked = values_of(d=4, n=5, dims="9,2,63", at="5,4")
    sections, problems = sinusoidal.sections(asked, str)
    assert problems == [
        "dimensions: there are 4, counted from 0, so 9, 63 cannot be shown.",
        "positions: there are 5, counted from 0, so 5 cannot be shown.",
    ]
    found = panels((sections, problems))
    assert list(ys(found["sinusoidal-dimensions"])) == ["dimension 2"]
    assert list(ys(found["sinusoidal-positions"])) == ["position 4"]


@pytest.mark.parametrize("wrong", ["0", "1"])
def test_a_picture_without_any_line_is_still_a_picture(wrong):
    asked = values_of(d=4, n=5, dims="9", at="9", wrong=wrong)
    sections, problems = sinusoidal.sections(asked, str)
    found = panels((sections, problems))
    assert len(problems) == 2
    assert found["sinusoidal-dimensions"].lines == found["sinusoidal-positions"].lines == ()
    assert found["sinusoidal-dots"].title == "Dot product with position 0"


@pytest.mark.parametrize("d_model", [1, 2, 3, 16, 192, 768, 4096])
def test_it_opens_at_the_width_of_a_model_and_has_nothing_to_complain_of(d_model):
    values = values_of(d_model)
    assert values.whole("d") == min(d_model, 1024)
    sections, problems = sinusoidal.sections(values, str)
    assert problems == []
    assert panels((sections, problems))["sinusoidal-table"].values.shape[1] == min(d_model, 1024)
    assert values.numbers("dims")[0] == 0


@pytest.mark.parametrize(
    ("d", "dims"),
    [(1, (0,)), (2, (0, 1)), (3, (0, 1)), (4, (0, 1, 2)), (16, (0, 1, 2, 4, 8)),
     (768, (0, 1, 96, 192, 384))],
)  # fmt: skip
@pytest.mark.parametrize("d_model", [1, 64, 4096])
def test_the_curves_it_opens_with_fit_the_width_that_is_asked_for(d_model, d, dims):
    values = values_of(d_model, d=d)
    assert values.numbers("dims") == dims
    drawn = panels(made(d_model, d=d))["sinusoidal-dimensions"].lines
    assert [line.name for line in drawn] == [f"dimension {one}" for one in dims]


@pytest.mark.parametrize("d", ["", "0", "x", "1e9", "-4", "99999"])
def test_of_a_width_that_there_is_not_it_opens_as_without(d):
    own = {control.name: control.default for control in sinusoidal.controls(24, {"d": d}, str)}
    assert own == {control.name: control.default for control in sinusoidal.controls(24, {}, str)}
    assert (own["d"], own["dims"]) == (24, (0, 1, 3, 6, 12))
