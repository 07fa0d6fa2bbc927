"""What an address asks of controls: what fits is taken, for the rest one sentence and the default.

No text of an address, however odd, is an error.
"""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model_runtime.reference import NASTY
from viz.labels import visible
from viz.positions.controls import (
    MOST_IN_LIST,
    NO_NUMBER,
    NO_WHOLE_NUMBER,
    OUTSIDE,
    Control,
    described,
    read,
)

LENGTH = Control("n", "number", "length", 100, 1, 2048)
BASE = Control("base", "number", "base", 10_000, 1.01, 1_000_000, whole=False, log=True)
SHIFT = Control("by", "number", "shift", 5, -9, 9)
DIMS = Control("dims", "numbers", "dimensions", (0, 1), 0, 99)
WAY = Control("how", "choice", "positions", "removed", options=(("removed", "x"), ("a b", "y")))
WRONG = Control("wrong", "switch", "the mistake", False)
ALL = (LENGTH, BASE, SHIFT, DIMS, WAY, WRONG)

HUGE = "9" * 5000
BRACES = (
    "{}",
    "{0}",
    "{label}",
    "{value}",
    "{low}",
    "{",
    "}",
    "{{}}",
    "{x!r:>9999999}",
    "%s %(n)d",
)


def asked(control, text, say=str):
    """(value, problems) of one control."""
    values, problems = read([control], {control.name: text}, say)
    return values.plain()[control.name], problems


def fits(control, value):
    """Whether a value is one that a control can have."""
    if control.kind == "switch":
        return isinstance(value, bool)
    if control.kind == "choice":
        return value in [known for known, _ in control.options]
    if control.kind == "numbers":
        within = all(control.low <= one <= control.high for one in value)
        return within and 0 < len(set(value)) == len(value) <= MOST_IN_LIST
    return math.isfinite(value) and control.low <= value <= control.high


def test_nothing_asked_is_every_default():
    values, problems = read(ALL, {}, str)
    assert problems == []
    assert values.plain() == {
        "n": 100, "base": 10_000, "by": 5, "dims": [0, 1], "how": "removed", "wrong": False,
    }  # fmt: skip
    assert read(ALL, {"other": "7"}, str)[0].plain() == values.plain()


def test_each_kind_of_value_is_read_as_its_kind():
    url = {"n": "7", "base": "2.5", "by": "-3", "dims": "4,2", "how": "a b", "wrong": "1"}
    values, problems = read(ALL, url, str)
    assert problems == []
    assert (values.whole("n"), values.number("base"), values.whole("by")) == (7, 2.5, -3)
    assert values.numbers("dims") == (4, 2)
    assert (values.choice("how"), values.on("wrong")) == ("a b", True)


@pytest.mark.parametrize(
    ("control", "text", "value"),
    [
        (LENGTH, "1", 1),
        (LENGTH, "2048", 2048),
        (LENGTH, "+7", 7),
        (LENGTH, " 7\n", 7),
        (LENGTH, "007", 7),
        (SHIFT, "-0", 0),
        (SHIFT, "-9", -9),
        (BASE, "1.01", 1.01),
        (BASE, "1e4", 1e4),
        (BASE, "1E+4", 1e4),
        (BASE, "20000e-1", 2000),
        (BASE, "2.", 2),
        (BASE, "1000000", 1_000_000),
        (DIMS, "5", [5]),
        (DIMS, "5,5,5,4", [5, 4]),
        (DIMS, "3，2、1;0 9", [3, 2, 1, 0, 9]),
        (DIMS, ",,4,,", [4]),
        (DIMS, "0,1,2,3,4,5,6,7", [0, 1, 2, 3, 4, 5, 6, 7]),
        (WAY, "a b", "a b"),
        (WRONG, "1", True),
        (WRONG, "0", False),
    ],
)
def test_a_value_that_fits_is_taken(control, text, value):
    found, problems = asked(control, text)
    assert (found, problems) == (value, [])
    assert type(found) is type(value) or control.name == "base"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "7x", "1e999", "1e3", "NaN", "nan", "inf", "-inf", "0x10", "7.0", "1_000",
        "--7", "+", "-", "7 8", "７", "٧", "七", "½", "²", "\0", "True", HUGE, *BRACES, *NASTY[1:],
    ],
)  # fmt: skip
def test_what_is_no_number_leaves_the_default_and_one_sentence(text):
    found, problems = asked(LENGTH, text)
    cut = visible(text[:40]) + ("…" if len(text) > 40 else "")
    assert found == 100
    assert problems == [NO_WHOLE_NUMBER.format(label="length", low=1, high=2048, value=cut)]


@pytest.mark.parametrize("text", ["0", "-1", "2049", "999999999", "-0"])
def test_a_number_out_of_range_leaves_the_default_and_one_sentence(text):
    found, problems = asked(LENGTH, text)
    assert found == 100
    assert problems == [OUTSIDE.format(label="length", low=1, high=2048, value=text)]


@pytest.mark.parametrize(
    "text",
    [
        "e5",
        ".e5",
        "+e5",
        ".",
        "-.",
        "1e",
        "1e+",
        "1e999",
        "1e100",
        "NaN",
        "Infinity",
        "1,5",
        "１.５",
        HUGE,
    ],
)
def test_what_is_no_decimal_number_leaves_the_default(text):
    found, problems = asked(BASE, text)
    assert found == 10_000 and len(problems) == 1
    cut = text[:40] + "…" * (len(text) > 40)
    assert problems == [NO_NUMBER.format(label="base", low=1.01, high=1000000, value=cut)]


@pytest.mark.parametrize("text", ["1", "1.0099", "1e99", "-5", "0", "-0", "1e-99", "1000001"])
def test_a_decimal_number_out_of_range_leaves_the_default(text):
    found, problems = asked(BASE, text)
    assert found == 10_000
    assert problems == [OUTSIDE.format(label="base", low=1.01, high=1000000, value=text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", [0, 1]),
        (",", [0, 1]),
        ("x", [0, 1]),
        ("100", [0, 1]),
        ("-1", [0, 1]),
        ("５", [0, 1]),
        (HUGE, [0, 1]),
        ("{0}", [0, 1]),
        ("5,x", [5]),
        ("x,7,100,-1,7,3", [7, 3]),
        ("1.5,2", [2]),
        ("0,1,2,3,4,5,6,7,8,9,x", [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_of_a_list_what_fits_is_taken_and_one_sentence_says_what_is_allowed(text, value):
    found, problems = asked(DIMS, text)
    cut = visible(text[:40]) + ("…" if len(text) > 40 else "")
    assert found == value
    assert problems == [
        f"dimensions takes numbers from 0 to 99, so of “{cut}” the rest was left out."
    ]


def test_of_more_than_eight_the_first_eight_are_taken():
    found, problems = asked(DIMS, "9,8,7,6,5,4,3,2,1")
    assert found == [9, 8, 7, 6, 5, 4, 3, 2]
    assert problems == [
        "dimensions takes 8 at most, so the rest of “9,8,7,6,5,4,3,2,1” was left out."
    ]


@pytest.mark.parametrize("text", ["", "Removed", "a  b", "{label}", "\0", HUGE, *NASTY])
def test_a_choice_that_there_is_not_leaves_the_default(text):
    found, problems = asked(WAY, text)
    assert found == "removed" and len(problems) == 1
    assert problems[0].startswith("positions: there is no “")
    assert visible(text[:40]) in problems[0]


@pytest.mark.parametrize("text", ["", "2", "true", "on", "01", "１", "-0", "{0}"])
def test_a_switch_is_0_or_1(text):
    assert asked(WRONG, text) == (False, [f"the mistake: there is no “{text}” here."])


@pytest.mark.parametrize("text", BRACES)
@pytest.mark.parametrize("control", ALL, ids=lambda control: control.name)
def test_braces_are_shown_to_the_letter(control, text):
    found, problems = asked(control, text)
    assert fits(control, found) and len(problems) == 1 and text in problems[0]


@given(text=st.text(max_size=60) | st.from_regex(r"[-+.,e0-9，{}]{0,12}", fullmatch=True))
@pytest.mark.parametrize("control", ALL, ids=lambda control: control.name)
def test_any_text_gives_a_value_that_fits_and_no_more_than_one_sentence(control, text):
    found, problems = asked(control, text)
    assert fits(control, tuple(found) if control.kind == "numbers" else found)
    assert len(problems) <= 1
    for said in problems:
        assert said.startswith(control.label) and visible(text[:40]) in said
    json.dumps(found, allow_nan=False)


def test_every_sentence_and_label_goes_through_the_language():
    _, (said,) = asked(LENGTH, "x", lambda text: f"«{text}»")
    assert said == f"«{NO_WHOLE_NUMBER}»".format(label="«length»", low=1, high=2048, value="x")


def test_what_the_browser_draws_says_all_of_a_control():
    length, base, _, dims, way, wrong = described(ALL, str.upper)
    assert length == {
        "name": "n", "kind": "number", "label": "LENGTH", "default": 100, "low": 1, "high": 2048,
        "whole": True, "log": False, "options": [], "help": "",
    }  # fmt: skip
    assert (base["whole"], base["log"], base["low"]) == (False, True, 1.01)
    assert dims["default"] == [0, 1]
    assert way["options"][1] == {"value": "a b", "text": "y"}
    assert wrong["default"] is False
    json.dumps([length, base, dims, way, wrong])
