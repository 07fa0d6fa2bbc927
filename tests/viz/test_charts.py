"""Charts as plotly's description: only properties that plotly knows, true points, no live text."""

import csv
import io
import math

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model_runtime.reference import NASTY
from viz import charts
from viz.charts import Axis, Chart, Line, Ruler, tones
from viz.labels import in_plotly, visible
from viz.theme import Ground, palette

GROUNDS: tuple[Ground, ...] = ("light", "dark")


def chart(*lines, **changed):
    """A chart of some lines."""
    x, y = changed.pop("x", Axis("position")), changed.pop("y", Axis("value"))
    return Chart("some-chart", "Some chart", x, y, lines, **changed)


def line(*ys, **changed):
    return Line(changed.pop("name", "a line"), np.array(ys, dtype=np.float64), **changed)


def lines_of(content):
    """The lines of a CSV."""
    return list(csv.reader(io.StringIO(content, newline="")))


# ── What plotly is told ──────────────────────────────────────────────────────────────

EVERY_KIND = {
    "a line": chart(line(1, 2)),
    "lines in an order": chart(line(1, 2, tone=0.0), line(2, 3, tone=1.0, dashed=True)),
    "a band": chart(line(0, 1, tone="quiet"), line(2, 3, tone="quiet", area=True)),
    "points": chart(line(1, 2, points=True, tone="accent")),
    "arrows in a square": chart(line(0, 1, ends=True), square=True),
    "bars with names": chart(line(1, 2), line(3, 4), bars=True, x=Axis("t", ticks=("a", "b"))),
    "a ruler across": chart(line(1, 2), rulers=(Ruler(1.5, "here", "y"),)),
    "a ruler upright": chart(line(1, 2), rulers=(Ruler(1, "here", "x"),)),
    "powers of ten": chart(
        line(1, 100), y=Axis("t", log=True, range=(1, 1000)), rulers=(Ruler(10, "ten", "y"),)
    ),
    "a gap": chart(line(1, math.nan, 2, x=np.array([0.5, 1.5, 2.5]))),
    "nothing": chart(),
}


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("made", EVERY_KIND.values(), ids=EVERY_KIND)
def test_plotly_knows_every_property(made, ground):
    for rough in (False, True):
        figure = go.Figure(
            data=charts.data(made, ground, rough=rough), layout=charts.layout(made, ground)
        )
        assert len(figure.data) == len(made.lines)


def test_plotly_would_refuse_a_property_that_it_does_not_know():
    with pytest.raises(ValueError, match="dashed"):
        go.Figure(data=[{"type": "scatter", "line": {"dashed": True}}])


def test_two_numbers_are_two_points_of_a_line():
    (trace,) = charts.data(chart(line(3, 4)), "light")
    assert (trace["type"], trace["mode"], trace["x"]) == ("scatter", "lines", None)
    assert trace["y"].tolist() == [3, 4]
    assert not charts.layout(chart(line(3, 4)), "light")["showlegend"]
    assert charts.layout(chart(line(3), line(4)), "light")["showlegend"]


@pytest.mark.parametrize("text", ["<b>x</b>", "a & b", "&amp;", "$x$", "a\0b\n", *NASTY])
def test_no_name_tick_title_or_ruler_is_live(text):
    made = chart(
        line(1, name=text),
        x=Axis(text, ticks=(text,)),
        y=Axis(text),
        rulers=(Ruler(1, text, "y"),),
    )
    (trace,) = charts.data(made, "light")
    layout = charts.layout(made, "light")
    said = [
        trace["name"],
        layout["xaxis"]["title"]["text"],
        layout["yaxis"]["title"]["text"],
        *layout["xaxis"]["ticktext"],
        layout["annotations"][0]["text"],
    ]
    assert said == [in_plotly(text)] * 5
    # plotly reads $x$ as mathematics only where MathJax is loaded, and no page loads it.
    assert ("$x$" in said[0]) == ("$x$" in text)


def test_a_line_with_an_order_has_a_place_on_the_map_and_stands_out_from_the_ground():
    for ground in GROUNDS:
        stops = palette(ground)["sequential"]
        light, dark = (
            charts.data(chart(line(1, 2, tone=tone)), ground)[0]["line"]["color"]
            for tone in (0.0, 1.0)
        )
        assert dark == stops[-1]
        assert 3 <= stops.index(light) <= 6
        for tone, same in ((-1.0, light), (2.0, dark)):
            assert charts.data(chart(line(1, 2, tone=tone)), ground)[0]["line"]["color"] == same


@pytest.mark.parametrize("role", ["accent", "ink", "quiet"])
def test_a_role_is_a_colour_of_the_ground(role):
    for ground in GROUNDS:
        joined, single = charts.data(chart(line(1, 2, tone=role), line(1, tone=role)), ground)
        colour = dict(palette(ground))[role]
        assert joined["line"]["color"] == single["marker"]["color"] == colour


@pytest.mark.parametrize("rough", [False, True])
def test_a_line_of_one_point_is_drawn_as_a_point(rough):
    for one in (line(3), line(3, dashed=True), line(3, x=np.array([7.0])), line(3, ends=True)):
        single, same = charts.data(chart(one, line(3, points=True, x=one.x)), "light", rough=rough)
        assert single["mode"] == same["mode"] == "markers"
        assert single["marker"] == same["marker"] and "line" not in single
    (two,) = charts.data(chart(line(3, 4)), "light", rough=rough)
    assert two["mode"] == "lines" and "marker" not in two


@pytest.mark.parametrize(
    ("n", "places"),
    [(1, [0]), (40, range(40)), (41, range(0, 41, 2)), (80, range(0, 80, 2)),
     (81, range(0, 81, 3)), (2048, range(0, 2048, 52))],
)  # fmt: skip
def test_names_along_an_axis_stand_at_their_places_and_never_more_than_40(n, places):
    names = tuple(f"t{i}" for i in range(n))
    axis = charts.layout(chart(line(1), x=Axis("token", ticks=names)), "light")["xaxis"]
    assert axis["tickvals"] == list(places) and len(places) <= 40
    assert axis["ticktext"] == [names[place] for place in places]


def test_a_file_has_every_name_of_an_axis():
    names = tuple(f"t{i}" for i in range(100))
    made = chart(line(*range(100)), x=Axis("token", ticks=names))
    assert [row[1] for row in lines_of(charts.as_csv(made))[1:]] == list(names)


@pytest.mark.parametrize(
    ("n", "places"),
    [(0, ()), (1, (0.7,)), (2, (0, 1)), (3, (0, 0.5, 1)), (5, (0, 0.25, 0.5, 0.75, 1))],
)
def test_tones_run_evenly_from_light_to_dark(n, places):
    assert tones(n) == places


def test_a_log_axis_has_powers_of_ten_and_its_rulers_stand_where_plotly_wants_them():
    made = chart(
        line(1, 1000),
        y=Axis("t", log=True, range=(10, 1000)),
        rulers=(Ruler(100, "a hundred", "y"),),
    )
    layout = charts.layout(made, "light")
    assert layout["yaxis"]["range"] == [1, 3]
    # plotly takes an annotation's place on a log axis as an exponent, and a shape's as it is.
    assert layout["annotations"][0]["y"] == 2
    assert (layout["shapes"][0]["y0"], layout["shapes"][0]["y1"]) == (100, 100)


def test_a_ruler_stands_on_its_own_axis():
    made = chart(line(1), rulers=(Ruler(7, "here", "x"),), y=Axis("t", log=True))
    layout = charts.layout(made, "light")
    assert (layout["shapes"][0]["x0"], layout["shapes"][0]["yref"]) == (7, "paper")
    assert layout["annotations"][0]["x"] == 7


# ── Long lines ───────────────────────────────────────────────────────────────────────


def thinned(x, y, most):
    return charts.thinned(x, y, most)


def test_a_short_line_and_one_with_a_gap_stay_as_they_are():
    x, y = np.arange(10.0), np.ones(10)
    assert thinned(x, y, 10) == (x, y)
    gap = np.where(np.arange(5000) == 7, np.nan, 1.0)
    assert thinned(None, gap, 10)[1] is gap


def test_of_eight_points_the_ends_the_lowest_and_the_highest_are_kept():
    x, y = thinned(None, np.array([0, 1, 0, 0, 0, 0, -1, 0]), 6)
    assert x.tolist() == [0, 1, 4, 6, 7]
    assert y.tolist() == [0, 1, 0, -1, 0]


@given(n=st.integers(5, 400), most=st.integers(4, 64), seed=st.integers(0, 9), whole=st.booleans())
def test_thinned_points_are_true_and_no_extreme_of_a_stretch_is_lost(n, most, seed, whole):
    rng = np.random.default_rng(seed)
    y = rng.integers(-5, 5, n) if whole else rng.normal(size=n)
    own = np.cumsum(rng.random(n) + 0.1)
    at, kept = thinned(None, y, most)
    assert len(kept) <= most or len(y) <= most
    if len(y) <= most:
        assert at is None and kept is y
        return
    assert at[0] == 0 and at[-1] == n - 1 and (np.diff(at) > 0).all()
    assert (kept == y[at]).all()
    stretch = math.ceil(n / ((most - 2) // 2))
    for start in range(0, n, stretch):
        inside = kept[(at >= start) & (at < start + stretch)]
        assert inside.min() == y[start : start + stretch].min()
        assert inside.max() == y[start : start + stretch].max()
    again, same = thinned(own, y, most)
    assert (again == own[at]).all() and (same == kept).all()


def test_only_a_picture_that_moves_is_thinned():
    long = chart(line(*np.random.default_rng(0).normal(size=4096)))
    (exact,), (rough,) = charts.data(long, "light"), charts.data(long, "light", rough=True)
    assert exact["x"] is None and len(exact["y"]) == 4096
    assert len(rough["x"]) == len(rough["y"]) <= charts.FEW


# ── As a file ────────────────────────────────────────────────────────────────────────


def test_a_csv_has_a_line_a_point():
    made = chart(line(0.1, -2, name="a"), line(5, name="b", x=np.array([-3])))
    assert lines_of(charts.as_csv(made)) == [
        ["line", "position", "value"],
        ["a", "0", "0.10000000000000001"],
        ["a", "1", "-2"],
        ["b", "-3", "5"],
    ]


def test_a_csv_holds_every_number_to_its_last_bit_and_is_not_thinned():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=3000), rng.normal(size=3000) * 10.0 ** rng.integers(-30, 30, 3000)
    rows = lines_of(charts.as_csv(chart(Line("a", y, x))))[1:]
    assert [float(row[1]) for row in rows] == x.tolist()
    assert [float(row[2]) for row in rows] == y.tolist()


def test_a_gap_is_an_empty_cell():
    assert lines_of(charts.as_csv(chart(line(1, math.nan))))[1:] == [
        ["a line", "0", "1"],
        ["a line", "1", ""],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", 'a,"b"', "a\nb", "猫"])
def test_no_cell_of_a_csv_is_a_formula(text):
    made = chart(line(1, name=text), x=Axis("token", ticks=(text,)), bars=True)
    said = f"'{text}" if text[0] in "=+-@" else text
    assert lines_of(charts.as_csv(made))[1] == [said, said, "1"]
    assert visible(text)
