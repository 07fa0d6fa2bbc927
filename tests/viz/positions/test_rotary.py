"""The rotary view: arrows, wavelengths and scores against complex numbers, worked out here."""

import cmath
import math

import numpy as np
import pytest

from model_runtime.positions.encodings import SCALINGS, RotarySettings, Rotation
from tests.viz.positions.seen import panels, set_to, texts, xs, ys
from viz.positions import rotary
from viz.positions import texts as page_texts
from viz.positions.controls import read
from viz.positions.rotary import Own, Vectors


def rotation(d=4, pairing="neighbours", factor=1.0, base=10_000.0, **settings):
    """Not scaled, unless the settings say so."""
    frequencies = np.array([base ** (-2 * i / d) for i in range(d // 2)], dtype=np.float32)
    return Rotation(RotarySettings(d, base, **settings), frequencies, pairing, factor)


def vectors(d=4, n=9, seed=0, recorded=None):
    """Queries and keys as a model of 3 layers with 8 heads each might have them."""
    q, k = np.random.default_rng(seed).normal(size=(2, n, d))
    shown = tuple("abcdefghi"[:n])
    recorded = np.zeros((n, n)) if recorded is None else recorded
    return Vectors(q, k, 0, 1, 3, 8, shown, recorded)


def own(turned=None, seen=None, **asked):
    """The sections of a model's own rotation, without complaints."""
    one = Own(turned or rotation(), "model.rotary_emb", seen)
    values = set_to(rotary.controls([one], {}, str), **asked)
    sections, problems = rotary.sections(one, values, str)
    assert problems == []
    return sections, problems


def by_hand(**asked):
    """The sections of a rotation that is set by hand."""
    values = set_to(rotary.controls([], {}, str), **asked)
    return rotary.sections(None, values, str)


def formulas(made):
    """All formulas, in their order."""
    return [latex for make in made[0] for latex in make().formulas]


def turned_pairs(vector, at, frequencies, pairing):
    """RoFormer, eq. 34: each pair as one complex number, times e^(i·position·frequency)."""
    half = len(frequencies)
    for i, frequency in enumerate(frequencies):
        a, b = (2 * i, 2 * i + 1) if pairing == "neighbours" else (i, i + half)
        yield complex(vector[a], vector[b]) * cmath.exp(1j * at * float(frequency))


def score(q, k, m, n, frequencies, pairing):
    """q·k of two turned vectors: what both pairs have in common, added up."""
    both = zip(
        turned_pairs(q, m, frequencies, pairing),
        turned_pairs(k, n, frequencies, pairing),
        strict=True,
    )
    turned = sum((a * b.conjugate()).real for a, b in both)
    return turned + float(np.dot(q[2 * len(frequencies) :], k[2 * len(frequencies) :]))


def test_a_right_angle_by_hand():
    quarter = Rotation(RotarySettings(2), np.array([math.pi / 2], np.float32), "neighbours")
    seen = Vectors(np.eye(2), np.eye(2), 0, 0, 1, 1, ("a", "b"), np.zeros((2, 2)))
    found = panels(own(quarter, seen, m=1, k=0))
    ends = {line.name: (line.x.tolist(), line.y.tolist()) for line in found["rotary-circle"].lines}
    # The query (0, 1) turned by 90° points left; the key (1, 0) at 0 stays.
    np.testing.assert_allclose(ends["query at 1"], ([0, -1], [0, 0]), rtol=0, atol=1e-7)
    assert ends["query, not turned"] == ([0, 0], [0, 1])
    assert ends["key at 0"] == ends["key, not turned"] == ([0, 1], [0, 0])
    assert found["rotary-circle"].title == "Pair 0: 90° a position"
    assert found["rotary-moved"].rows[0] == ("1", "0", "1", "−1.0000", "−1.0000")


@pytest.mark.parametrize("pairing", ["neighbours", "halves"])
@pytest.mark.parametrize("pair", [0, 1, 2])
@pytest.mark.parametrize("factor", [1.0, 1.25])
def test_arrows_end_where_complex_numbers_say(pairing, pair, factor):
    turned, seen = rotation(6, pairing, factor), vectors(6)
    found = panels(own(turned, seen, i=pair, m=7, k=3, both=2))
    arrows = {line.name: line for line in found["rotary-circle"].lines}
    for vector, at, name in (
        (seen.q[7], None, "query, not turned"),
        (seen.q[7], 9, "query at 9"),
        (seen.k[3], None, "key, not turned"),
        (seen.k[3], 5, "key at 5"),
    ):
        expected = list(turned_pairs(vector, at or 0, turned.frequencies, pairing))[pair]
        expected *= 1 if at is None else factor  # what yarn multiplies sines and cosines by
        line = arrows[name]
        assert (line.x[0], line.y[0]) == (0, 0)
        assert complex(line.x[1], line.y[1]) == pytest.approx(expected, abs=1e-12)
    reach = max(abs(complex(line.x[1], line.y[1])) for line in arrows.values())
    for axis in (found["rotary-circle"].x, found["rotary-circle"].y):
        assert axis.range == pytest.approx((-1.15 * reach, 1.15 * reach))


@pytest.mark.parametrize("pairing", ["neighbours", "halves"])
@pytest.mark.parametrize("d_head", [4, 7])
def test_the_score_stays_however_far_both_are_moved(pairing, d_head):
    turned, seen = rotation(4, pairing), vectors(d_head)
    found = panels(own(turned, seen, m=5, k=2, both=37))
    rows = found["rotary-moved"].rows
    assert [row[:3] for row in rows] == [
        (str(5 + by), str(2 + by), "3") for by in (0, 37, 1, 10, 100)
    ]
    expected = score(seen.q[5], seen.k[2], 5, 2, turned.frequencies, pairing)
    assert {row[3] for row in rows} == {f"{expected:.4f}".replace("-", "−")}


@pytest.mark.parametrize("pairing", ["neighbours", "halves"])
@pytest.mark.parametrize("factor", [1.0, 1.25])
def test_what_the_pairs_give_makes_up_the_score(pairing, factor):
    turned, seen = rotation(6, pairing, factor), vectors(6)
    parts = []
    for pair in range(3):
        table = panels(own(turned, seen, i=pair, m=5, k=2, both=37))["rotary-moved"]
        assert table.header[-1] == f"of it, pair {pair}"
        a, b = (
            list(turned_pairs(vector, at, turned.frequencies, pairing))[pair]
            for vector, at in ((seen.q[5], 5), (seen.k[2], 2))
        )
        expected = factor**2 * (a * b.conjugate()).real
        assert {row[4] for row in table.rows} == {f"{expected:.4f}".replace("-", "−")}
        parts.append(float(table.rows[0][4].replace("−", "-")))
    whole = float(table.rows[0][3].replace("−", "-"))
    assert sum(parts) == pytest.approx(whole, abs=2.5e-4)  # four numbers rounded to 4 digits
    assert whole == pytest.approx(
        factor**2 * score(seen.q[5], seen.k[2], 5, 2, turned.frequencies, pairing), abs=1e-4
    )


@pytest.mark.parametrize(
    ("pairing", "pair", "dimensions"),
    [("neighbours", 0, (0, 1)), ("neighbours", 2, (4, 5)), ("halves", 0, (0, 3)),
     ("halves", 2, (2, 5))],
)  # fmt: skip
def test_the_axes_are_named_by_the_dimensions_that_make_a_pair(pairing, pair, dimensions):
    circle = panels(own(rotation(6, pairing), vectors(7), i=pair))["rotary-circle"]
    assert (circle.x.title, circle.y.title) == tuple(f"dimension {one}" for one in dimensions)
    seen = vectors(7)
    line = next(line for line in circle.lines if line.name == "query, not turned")
    assert (line.x[1], line.y[1]) == tuple(seen.q[5, list(dimensions)])


def test_formulas_hold_the_base_that_is_set():
    assert r"\theta_i = 500000^{-2i/d}" in formulas(by_hand(base=500_000))
    assert r"\theta_i = 1.5^{-2i/d}" in formulas(by_hand(base=1.5))
    assert r"\theta_i = 1000000^{-2i/d}" in formulas(by_hand(base=1_000_000))
    assert r"\theta_i = 300^{-2i/d}" in formulas(own(rotation(base=300.0)))
    assert not any("BASE" in latex for latex in formulas(own()))


@pytest.mark.parametrize("pairing", ["neighbours", "halves"])
@pytest.mark.parametrize("factor", [1.0, 1.25])
def test_the_curve_of_scores_is_that_of_complex_numbers(pairing, factor):
    turned, seen = rotation(6, pairing, factor), vectors(6)
    chart = panels(own(turned, seen, m=4, k=1, n=50))["rotary-scores"]
    assert xs(chart).tolist() == list(range(51))
    frequencies = turned.frequencies
    expected = [
        factor**2 * score(seen.q[4], seen.k[1], away, 0, frequencies, pairing) for away in range(51)
    ]
    np.testing.assert_allclose(ys(chart)["q · k"], expected, rtol=0, atol=1e-12)
    assert [(ruler.at, ruler.along, ruler.said) for ruler in chart.rulers] == [(3, "x", "here: 3")]


def test_a_key_after_its_query_is_not_on_the_curve():
    assert panels(own(seen=vectors(), m=1, k=4))["rotary-scores"].rulers == ()


def test_what_was_recorded_is_told_beside_the_tokens_it_is_of():
    recorded = np.arange(81.0).reshape(9, 9) / 7
    (said, *_) = texts(own(seen=vectors(recorded=recorded), m=5, k=2))
    assert "L0 H1, query 5 “f”, key 2 “c”" in said and f": {47 / 7:.4f}." in said


def test_without_vectors_every_pair_is_one_and_nothing():
    sections = own(rotation(8, "halves"), n=30)
    expected = [sum(math.cos(away * 10.0 ** (-i)) for i in range(4)) for away in range(31)]
    np.testing.assert_allclose(
        ys(panels(sections)["rotary-scores"])["q · k"], expected, rtol=0, atol=1e-5
    )
    assert texts(sections)[0] == page_texts.ONES_OF_CHECKPOINT
    assert texts(by_hand())[0] == page_texts.ONES


def test_wavelengths_are_a_whole_turn_over_each_frequency():
    chart = panels(own(rotation(8, original_length=512)))["rotary-wavelengths"]
    (line,) = chart.lines
    np.testing.assert_allclose(line.y, [2 * math.pi * 10.0**i for i in range(4)], rtol=1e-6)
    assert [(ruler.at, ruler.said) for ruler in chart.rulers] == [(512, "trained on 512")]
    assert chart.y.log


def test_a_pair_that_does_not_turn_has_no_wavelength():
    still = Rotation(RotarySettings(4), np.array([1.0, 0.0], np.float32), "neighbours")
    waves = ys(panels(own(still))["rotary-wavelengths"])["as it is used"]
    assert waves[0] == pytest.approx(2 * math.pi) and math.isnan(waves[1])


def test_scaled_frequencies_stand_beside_plain_ones_and_their_factor_is_said():
    slower = rotation(8, factor=1.5, scaling="linear", original_length=512)
    slower = Rotation(slower.settings, slower.frequencies / 4, "halves", 1.5)
    sections = own(slower)
    lines = ys(panels(sections)["rotary-wavelengths"])
    np.testing.assert_allclose(lines["as it is used"], 4 * lines["not scaled"], rtol=1e-6)
    said = " ".join(texts(sections))
    assert "“linear”" in said and "multiplied by 1.5 as well" in said
    assert "turns pair 0 by 0.25 rad, and the last pair by 0.00025 rad" in said


@pytest.mark.parametrize("scaling", rotary.SCALINGS_BY_HAND)
def test_a_scaling_has_its_own_source_and_no_scaling_has_none(scaling):
    found = by_hand(scaling=scaling, factor=4, trained=128)
    (source,) = (make().source for make in found[0] if make().title == "Frequencies")
    names = {"linear": "Chen", "dynamic": "NTK", "yarn": "Peng", "llama3": "Llama 3.1"}
    assert source.startswith(names.get(scaling, "")) and bool(source) == (scaling in names)


def test_every_scaling_that_there_is_has_a_source():
    assert {*SCALINGS} - {*page_texts.SCALINGS} == {"default"}
    assert len(set(page_texts.SCALINGS.values())) == len(page_texts.SCALINGS)


def test_a_dynamic_scaling_says_which_length_it_is_shown_for():
    told = page_texts.DYNAMIC.format(n=512)
    for scaling in rotary.SCALINGS_BY_HAND:
        said = texts(by_hand(scaling=scaling, factor=4, trained=128))
        assert (told in said) == (scaling == "dynamic")


@pytest.mark.parametrize(
    ("scaling", "slowest", "fastest"),
    [("default", 1, 1), ("linear", 4, 4), ("dynamic", 13, 1), ("yarn", 4, 1), ("llama3", 4, 1)],
)
def test_by_hand_a_scaling_slows_the_last_pair_and_mostly_not_the_first(scaling, slowest, fastest):
    found = by_hand(d=64, scaling=scaling, factor=4, trained=128, base=10_000)
    assert found[1] == []
    chart = panels(found)["rotary-wavelengths"]
    plain = np.array([2 * math.pi * 10_000 ** (2 * i / 64) for i in range(32)])
    ratio = ys(chart)["as it is used"] / plain
    assert ratio[-1] == pytest.approx(slowest, rel=1e-5)
    assert ratio[0] == pytest.approx(fastest, rel=1e-5)
    assert ("not scaled" in ys(chart)) == (scaling != "default")


def test_by_hand_an_odd_width_turns_one_dimension_less():
    assert len(ys(panels(by_hand(d=7)[:2])["rotary-wavelengths"])["as it is used"]) == 3


def test_a_pair_that_there_is_not_is_said_and_the_first_is_shown():
    sections, problems = by_hand(d=4, i=2)
    assert problems == ["There are 2 pairs, counted from 0, so 2 cannot be shown."]
    assert panels((sections, problems))["rotary-circle"].title.startswith("Pair 0:")


@pytest.mark.parametrize(
    ("how", "width", "number"),
    [("0", 4, 0), ("1", 6, 1), ("hand", 256, None), ("", 4, 0), ("2", 4, 0), (" hand ", 256, None)],
)
def test_the_controls_are_those_of_the_rotation_that_is_asked_for(how, width, number):
    both = [Own(rotation(4), "narrow", vectors(4, n=3)), Own(rotation(6), "wide", vectors(6, n=7))]
    controls = {control.name: control for control in rotary.controls(both, {"how": how}, str)}
    assert controls["i"].high == width // 2 - 1
    assert controls["m"].high == (4096 if number is None else (2, 6)[number])
    assert ("layer" in controls) == (number is not None) == ("base" not in controls)
    values, _problems = read(list(controls.values()), {"how": how}, str)
    assert rotary.chosen(both, values) is (None if number is None else both[number])


def test_without_rotations_of_its_own_one_is_set_by_hand():
    assert rotary.chosen([], set_to(rotary.controls([], {}, str))) is None


def test_why_q_and_k_are_ones_is_said_once():
    for made in (by_hand(), own()):
        assert sum("(1, 0, 1, 0, …)" in said for said in texts(made)) == 1


@pytest.mark.parametrize("n", [1, 2, 9])
def test_the_controls_reach_as_far_as_the_text(n):
    one = Own(rotation(), "model.rotary_emb", vectors(n=n))
    names = {control.name: control for control in rotary.controls([one], {}, str)}
    assert (names["m"].high, names["k"].high, names["i"].high) == (n - 1, n - 1, 1)
    assert (names["m"].default, names["k"].default) == (min(5, n - 1), min(2, n - 1))
    assert names["how"].options == (("0", "model.rotary_emb"), ("hand", "by hand"))
    assert "d" not in names
    for name, default, high in (("layer", 0, 2), ("head", 1, 7)):
        assert (names[name].default, names[name].low, names[name].high) == (default, 0, high)
    hand = {control.name: control for control in rotary.controls([one], {"how": "hand"}, str)}
    assert {"how", "d", "base", "scaling", "factor", "trained"} < set(hand)
    assert hand["m"].high == 4096
    unseen = rotary.controls([Own(rotation(), "model.rotary_emb", None)], {}, str)
    assert not {"layer", "head"} & ({*hand} | {control.name for control in unseen})
