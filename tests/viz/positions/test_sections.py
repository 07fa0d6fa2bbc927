"""The frame of a view, read back as the browser reads it: every number where it is said to be."""

import csv
import io
import json
import math
import re

import numpy as np
import pytest

from model_runtime.positions.encodings import Encoding
from tests.model_runtime.reference import NASTY
from tests.viz.positions.seen import decoded, set_to
from viz import charts, heatmap
from viz.charts import Axis, Chart, Line
from viz.heatmap import HeatMap, Side
from viz.positions import learned, relative, rotary, sinusoidal
from viz.positions.controls import Control, Values
from viz.positions.sections import Link, Section, Table, View, answer, at_once, file

POSITION = Side("position")
MAP = HeatMap("some-map", "A map", np.array([[1.0, -2.0], [np.nan, 0.5]]), POSITION, POSITION)
CHART = Chart(
    "some-chart",
    "A chart",
    Axis("position"),
    Axis("value"),
    (
        Line("plain", np.array([3.0, np.nan])),
        Line("over x", np.array([1.0, 2.0, 4.0]), np.array([-1, 0, 1])),
    ),
)
TABLE = Table("some-table", "A table", ("", "a"), (("1", "<b>"),), about="small")
LENGTH = Control("n", "number", "length", 7, 1, 9)


def view(*sections, problems=()):
    return View([LENGTH], Values({"n": 7}), [at_once(one) for one in sections], problems)


def section(*panels, **changed):
    return Section(changed.pop("title", "A section"), panels, **changed)


def by_name(header):
    return {p["name"]: p for one in header["sections"] if one for p in one["panels"]}


# ── What is in a frame ───────────────────────────────────────────────────────────────


def test_a_map_a_chart_and_a_table_come_back_with_their_numbers():
    found = by_name(decoded(answer(view(section(MAP, CHART), section(TABLE)), "light", str)))
    np.testing.assert_array_equal(found["some-map"]["cells"], MAP.values)
    assert {k: found["some-map"][k] for k in ("kind", "n_rows", "n_columns", "high", "wide")} == {
        "kind": "map", "n_rows": 2, "n_columns": 2, "high": 1, "wide": 1,
    }  # fmt: skip
    assert (found["some-map"]["limit"], found["some-map"]["unsigned"]) == (2, False)
    assert found["some-map"]["hatched"] == ""
    plain, over = found["some-chart"]["data"]
    assert plain["x"] is None and over["x"].tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(plain["y"], [3, np.nan])
    assert over["y"].tolist() == [1, 2, 4]
    assert found["some-chart"]["layout"] == json.loads(json.dumps(charts.layout(CHART, "light")))
    table = found["some-table"]
    assert (table["header"], table["rows"]) == (["", "a"], [["1", "<b>"]])
    assert (table["kind"], table["title"], table["about"]) == ("table", "A table", "small")


def test_controls_values_and_problems_are_told():
    header = decoded(answer(view(problems=["no such thing"]), "light", str))
    assert header["values"] == {"n": 7} and header["problems"] == ["no such thing"]
    assert [one["name"] for one in header["controls"]] == ["n"]
    assert header["sections"] == []


def test_words_formulas_and_links_stand_in_their_section():
    link = Link("open it", {"model": "builtin:blanks"})
    one = section(text=("a & b",), formulas=(r"x^2",), source="a paper", links=(link,))
    (found,) = decoded(answer(view(one), "light", str))["sections"]
    assert found["text"] == ["a & b"] and found["source"] == "a paper"
    assert found["links"] == [{"said": "open it", "parameters": {"model": "builtin:blanks"}}]
    assert re.fullmatch(r"<math.*<msup><mi>x</mi><mn>2</mn></msup>.*</math>", found["formulas"][0])


def test_what_a_cell_without_a_number_is_can_be_said():
    masked = HeatMap("some-map", "", MAP.values, POSITION, POSITION, hatched="masked")
    assert (
        by_name(decoded(answer(view(section(masked)), "light", str)))["some-map"]["hatched"]
        == "masked"
    )


@pytest.mark.parametrize("text", [*NASTY, "\ud800"])
def test_any_text_fits_into_a_frame(text):
    side = Side("token", (text,))
    map_ = HeatMap("some-map", text, np.array([[1.0]]), side, side)
    found = decoded(answer(view(section(map_, title=text, text=(text,))), "light", str))
    (back,) = found["sections"]
    assert (back["title"], back["text"]) == (text, [text])
    assert back["panels"][0]["rows"]["labels"] == [text]


@pytest.mark.parametrize("only", [set(), {0}, {1}, {2, 0}, {7}, {0, 1, 2}])
def test_of_sections_that_are_not_asked_for_nothing_is_made(only):
    made = []

    def later(number):
        def make():
            made.append(number)
            return section(MAP, title=str(number))

        return make

    one = View([], Values({}), [later(0), later(1), later(2)])
    sections = decoded(answer(one, "light", str, only))["sections"]
    assert [found["title"] if found else None for found in sections] == [
        str(i) if i in only else None for i in range(3)
    ]
    assert made == sorted(only & {0, 1, 2})


def test_a_long_line_is_thinned_only_while_a_slider_moves():
    y = np.random.default_rng(0).normal(size=4000)
    one = view(section(Chart("long-one", "", Axis("x"), Axis("y"), (Line("a", y),))))
    whole = by_name(decoded(answer(one, "light", str)))["long-one"]["data"][0]
    np.testing.assert_array_equal(whole["y"], y.astype(np.float32))
    rough = by_name(decoded(answer(one, "light", str, {0})))["long-one"]["data"][0]
    assert len(rough["y"]) <= charts.FEW
    np.testing.assert_array_equal(rough["y"], y[rough["x"].astype(int)].astype(np.float32))


def test_a_large_map_is_pooled_and_says_how_much():
    values = np.random.default_rng(0).normal(size=(2048, 700))
    one = view(section(HeatMap("some-map", "", values, POSITION, POSITION)))
    found = by_name(decoded(answer(one, "dark", str)))["some-map"]
    assert (found["n_rows"], found["n_columns"]) == (2048, 700)
    assert (found["high"], found["wide"]) == (13, 3)
    block = values[13:26, 3:6].astype(np.float32)
    assert found["cells"][1, 1] == block.flat[np.abs(block).argmax()]
    assert found["limit"] == np.abs(values).max()


# ── Files ────────────────────────────────────────────────────────────────────────────


def test_a_picture_is_a_file_by_its_name():
    one = view(section(MAP), section(CHART, TABLE))
    assert file(one, "some-map.csv") == ("headlight-some-map.csv", heatmap.as_csv(MAP))
    assert file(one, "some-chart.csv") == ("headlight-some-chart.csv", charts.as_csv(CHART))
    _, text = file(one, "some-chart.csv") or ("", "")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[2] == ["plain", "1", ""] and lines[3] == ["over x", "-1", "1"]


@pytest.mark.parametrize(
    "name",
    ["", "some-map", "some-map.CSV", "some-map.csv.csv", "other.csv", "some-table.csv", "A.csv",
     "some map.csv", "../some-map.csv", "\0.csv", "a" * 5000 + ".csv", "some-map.csv\n", "☃.csv"],
)  # fmt: skip
def test_a_picture_that_is_not_there_is_no_file(name):
    assert file(view(section(MAP, TABLE)), name) is None


# ── Every formula at its edges ───────────────────────────────────────────────────────


def shown(made, problems=0):
    """All pictures of a view as they arrive; everything in them is a number or nothing."""
    sections, said = made
    assert len(said) == problems
    one = View([], Values({}), sections, said)
    for ground in ("light", "dark"):
        found = by_name(decoded(answer(one, ground, str)))
    answer(one, "light", str, set(range(len(sections))))
    for panel in found.values():
        if panel["kind"] == "map":
            assert not np.isinf(panel["cells"]).any() and panel["limit"] > 0
        if panel["kind"] == "chart":
            assert not any(np.isinf(trace["y"]).any() for trace in panel["data"])
    assert len(found) == sum(len(make().panels) for make in sections)
    return found


EDGES = [(1, 1), (1, 2), (2, 1), (5, 7), (1, 513), (2048, 512)]  # length, width


@pytest.mark.parametrize("wrong", [0, 1])
@pytest.mark.parametrize(("n", "d"), EDGES)
def test_sines_of_any_size_fit_into_a_frame(n, d, wrong):
    asked = {"n": n, "d": d, "dims": "0", "at": "0", "wrong": wrong, "by": -3}
    values = set_to(sinusoidal.controls(64, {"d": str(d)}, str), **asked)
    map_ = shown(sinusoidal.sections(values, str))["sinusoidal-table"]
    assert map_["cells"].shape == (math.ceil(n / map_["high"]), math.ceil(d / map_["wide"]))


@pytest.mark.parametrize(("n", "d"), EDGES)
def test_tables_of_any_size_fit_into_a_frame(n, d):
    table = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    tables = [Encoding("learned", ("encoder",), "a", "A", table=table)]
    values = set_to(learned.controls(tables), n=n, dims=d - 1, at=n - 1)
    assert shown(learned.sections(tables, values, str))["learned-table"]["n_rows"] == n


@pytest.mark.parametrize("d", [2, 3, 255, 256])
@pytest.mark.parametrize("scaling", rotary.SCALINGS_BY_HAND)
@pytest.mark.parametrize(
    "settings",
    [{"base": 1.01, "factor": 1, "trained": 2, "n": 1}, {"base": 10**6, "factor": 64, "n": 4096}],
)
def test_rotations_of_any_size_fit_into_a_frame(d, scaling, settings):
    values = set_to(rotary.controls([], {}, str), d=d, scaling=scaling, m=4096, k=0, **settings)
    shown(rotary.sections(None, values, str))


@pytest.mark.parametrize("n", [1, 2, 512])
def test_biases_of_any_size_fit_into_a_frame(n):
    for heads in (1, 12, 64):
        values = set_to(relative.alibi_controls(), heads=heads, n=n)
        shown(relative.alibi(None, values, str, causal=True))
    for both in (0, 1):
        values = set_to(relative.bucket_controls(own=False), n=n, both=both)
        shown(relative.buckets(None, values, str))
