"""The colours: well formed, apart from each other, and running one way."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from viz.theme import component_theme, palette, plotly_colorscale

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"
GROUNDS = ("light", "dark")


def luminance(colour):
    """WCAG 2: relative luminance, 0…1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_21_between_black_and_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_is_written_the_same_way(ground):
    written = json.dumps(palette(ground))
    colours = re.findall(r'"(#[^"]*)"', written)
    assert len(colours) == written.count("#") >= 7 + 2 * 17
    for colour in colours:
        assert re.fullmatch(r"#[0-9a-f]{6}", colour)


@pytest.mark.parametrize("ground", GROUNDS)
def test_text_can_be_read_on_its_ground(ground):
    colours = palette(ground)
    assert contrast(colours["ink"], colours["ground"]) >= 7
    assert contrast(colours["quiet"], colours["ground"]) >= 4.5
    assert contrast(colours["accent"], colours["ground"]) >= 3


@pytest.mark.parametrize("ground", GROUNDS)
def test_more_is_always_further_from_the_ground(ground):
    colours = palette(ground)
    steps = [contrast(colour, colours["ground"]) for colour in colours["sequential"]]
    assert all(a < b for a, b in pairwise(steps))
    assert steps[0] < 1.25


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_signed_value_runs_away_from_zero_alike_on_both_sides(ground):
    colours = palette(ground)
    steps = [contrast(colour, colours["ground"]) for colour in colours["diverging"]]
    assert len(steps) % 2 == 1
    middle = len(steps) // 2
    assert all(a > b for a, b in pairwise(steps[: middle + 1]))
    assert all(a < b for a, b in pairwise(steps[middle:]))
    assert steps[0] == pytest.approx(steps[-1], rel=0.2)


def test_the_browser_gets_both_grounds():
    theme = component_theme()
    assert theme == {"light": palette("light"), "dark": palette("dark")}
    assert json.loads(json.dumps(theme)) == theme


@pytest.mark.parametrize("ground", GROUNDS)
def test_streamlit_has_the_same_ground_ink_and_accent(ground):
    theme, colours = tomllib.loads(CONFIG.read_text())["theme"][ground], palette(ground)
    assert theme["backgroundColor"] == colours["ground"]
    assert theme["textColor"] == colours["ink"]
    assert theme["primaryColor"] == colours["accent"]


def test_plotlys_scale_runs_from_zero_to_one_in_equal_steps():
    assert plotly_colorscale(["#a", "#b", "#c"]) == [[0.0, "#a"], [0.5, "#b"], [1.0, "#c"]]
    with pytest.raises(ValueError, match="at least two"):
        plotly_colorscale(["#a"])
