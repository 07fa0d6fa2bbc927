"""The views of biases: the paper's slopes, the library's buckets, and what a pass has recorded."""

import math

import numpy as np
import pytest
import torch
from transformers.models.t5.modeling_t5 import T5Attention

from model_runtime.positions.encodings import Buckets
from tests.viz.positions.seen import panels, set_to, texts, xs, ys
from viz.positions import relative
from viz.positions import texts as texts_of_page
from viz.positions.relative import Recorded

CAUSAL = pytest.mark.parametrize("causal", [True, False])


# ── ALiBi ────────────────────────────────────────────────────────────────────────────


def alibi(slopes=None, causal=True, **asked):
    values = set_to(relative.alibi_controls(0 if slopes is None else len(slopes)), **asked)
    return relative.alibi(slopes, values, str, causal)


def test_two_heads_of_three_positions_by_hand():
    made = alibi(heads=2, n=3, head=1)
    assert made[1] == []
    chart, map_ = panels(made)["alibi-distances"], panels(made)["alibi-matrix"]
    assert {name: y.tolist() for name, y in ys(chart).items()} == {
        "head 0, slope 0.0625": [0, -1 / 16, -1 / 8],
        "head 1, slope 0.003906": [0, -1 / 256, -1 / 128],
    }
    nan = math.nan
    by_hand = [[0, nan, nan], [-1 / 256, 0, nan], [-1 / 128, -1 / 256, 0]]
    np.testing.assert_array_equal(map_.values, by_hand)
    assert map_.hatched == "masked"


@pytest.mark.parametrize("heads", [1, 8, 16])
def test_slopes_of_a_power_of_two_are_the_papers(heads):
    lines = panels(alibi(heads=heads, n=2))["alibi-distances"].lines
    expected = [-(2 ** (-8 * (h + 1) / heads)) for h in range(heads)]
    assert [line.y[1] for line in lines] == pytest.approx(expected, rel=1e-12)


@CAUSAL
def test_a_models_own_slopes_are_shown_to_both_sides_of_an_encoder(causal):
    slopes = np.array([0.5, 0.25], dtype=np.float32)
    map_ = panels(alibi(slopes, causal, n=6, head=0))["alibi-matrix"]
    for query, key in np.ndindex(6, 6):
        expected = math.nan if causal and key > query else -0.5 * abs(query - key)
        np.testing.assert_array_equal(map_.values[query, key], expected)


def test_of_many_heads_sixteen_are_drawn_the_first_and_the_last_among_them():
    lines = panels(alibi(heads=64, n=2))["alibi-distances"].lines
    names = [line.name.split(",")[0] for line in lines]
    assert len(names) == len(set(names)) == 16
    assert (names[0], names[-1]) == ("head 0", "head 63")


def test_a_head_that_there_is_not_is_said_and_the_first_is_shown():
    made = alibi(heads=2, head=2, n=3)
    assert made[1] == ["There are 2 heads, counted from 0, so 2 cannot be shown."]
    assert panels(made)["alibi-matrix"].title.endswith("head 0")


# ── T5's buckets ─────────────────────────────────────────────────────────────────────


def buckets(own=None, **asked):
    values = set_to(relative.bucket_controls(own=own is not None), **asked)
    return relative.buckets(own, values, str)


def librarys(distances, count, far, both):
    """The buckets of transformers' own T5."""
    return T5Attention._relative_position_bucket(
        torch.tensor(distances), bidirectional=both, num_buckets=count, max_distance=far
    ).tolist()


def own_buckets(both, count=8, heads=3, far=20):
    table = np.random.default_rng(0).normal(size=(count, heads)).astype(np.float32)
    return Buckets(table, both, far)


def test_near_distances_have_a_bucket_each_and_far_ones_share_one():
    chart = panels(buckets(buckets=8, far=20, both=1, n=3))["buckets-numbers"]
    assert xs(chart).tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert ys(chart)["bucket"].tolist() == [2, 2, 1, 0, 5, 6, 6]


@pytest.mark.parametrize(
    ("count", "far", "both"), [(32, 128, 1), (32, 128, 0), (9, 40, 1), (4, 8, 0)]
)
def test_buckets_by_hand_are_the_librarys(count, far, both):
    made = buckets(buckets=count, far=far, both=both, n=200)
    chart = panels(made)["buckets-numbers"]
    distances = list(range(-200, 201 if both else 1))
    assert made[1] == [] and xs(chart).tolist() == distances
    assert ys(chart)["bucket"].tolist() == librarys(distances, count - count % 2, far, bool(both))


@pytest.mark.parametrize(
    ("count", "far", "both"),
    [(32, 128, 1), (32, 128, 0), (9, 40, 1), (4, 8, 0), (4, 8, 1), (8, 20, 1), (256, 66, 1),
     (256, 2048, 0), (64, 1000, 1)],
)  # fmt: skip
def test_the_last_bucket_begins_where_the_librarys_does(count, far, both):
    (said,) = texts(buckets(buckets=count, far=far, both=both, n=4))
    numbers = librarys(list(range(0, -4 * far, -1)), count - count % 2, far, bool(both))
    first = numbers.index(max(numbers))
    assert set(numbers[first:]) == {max(numbers)} and 0 < first <= far
    assert f"From {first} on all distances share one." in said
    own = Buckets(np.zeros((count - count % 2, 2), np.float32), bool(both), far)
    assert f"From {first} on all" in texts(buckets(own, n=4))[0]


def test_t5s_last_bucket_begins_at_91_and_not_at_its_largest_distance():
    (said,) = texts(buckets(buckets=32, far=128, both=1))
    assert "From 91 on" in said


@pytest.mark.parametrize(
    ("count", "both", "least"), [(32, 1, 9), (32, 0, 17), (256, 1, 65), (256, 0, 129)]
)
def test_a_largest_distance_that_leaves_no_bucket_to_share_is_said(count, both, least):
    made = buckets(buckets=count, far=8, both=both, n=4)
    assert made[1] == [f"largest distance goes from {least} to 2048, so 8 was not taken."]
    allowed = buckets(buckets=count, far=least, both=both, n=4)
    assert allowed[1] == [] and texts(made) == texts(allowed)
    np.testing.assert_array_equal(
        ys(panels(made)["buckets-numbers"])["bucket"],
        ys(panels(allowed)["buckets-numbers"])["bucket"],
    )


@pytest.mark.parametrize("both", [True, False])
def test_a_models_own_buckets_are_what_its_table_says_of_each_distance(both):
    own = own_buckets(both)
    made = buckets(own, n=30, head=2)
    found = panels(made)
    distances = list(range(-30, 31 if both else 1))
    numbers = librarys(distances, 8, 20, both)
    lines = ys(found["buckets-distances"])
    assert made[1] == [] and list(lines) == ["head 0", "head 1", "head 2"]
    for head in range(3):
        assert lines[f"head {head}"].tolist() == [float(own.table[b, head]) for b in numbers]
    by_distance = dict(zip(distances, lines["head 2"], strict=True))
    for query, key in np.ndindex(30, 30):
        expected = by_distance.get(key - query, math.nan)
        np.testing.assert_array_equal(found["buckets-matrix"].values[query, key], expected)
    assert np.isnan(found["buckets-matrix"].values).any() == (not both)
    assert found["buckets-matrix"].hatched == "masked"


def test_a_head_that_a_model_has_not_is_said():
    made = buckets(own_buckets(True), head=3)
    assert made[1] == ["There are 3 heads, counted from 0, so 3 cannot be shown."]


# ── What was recorded ────────────────────────────────────────────────────────────────


def recorded(bias, visible=None, **asked):
    """The section of a bias; its layer is one of two."""
    bias = np.asarray(bias, dtype=np.float32)
    names = tuple("abcdefgh"[: bias.shape[1]]), tuple("stuvwxyz"[: bias.shape[2]])
    found = Recorded(bias, visible, *names, "encoder L1", 1)
    values = set_to(relative.recorded_controls([0, 1], found), **asked)
    return [lambda: relative.recorded(found, values, str)], []


def test_a_bias_of_three_tokens_by_hand():
    made = recorded([[[0, 5, 6], [7, 2, 9], [4, 8, 1]]])
    map_, chart = panels(made)["recorded-matrix"], panels(made)["recorded-head"]
    np.testing.assert_array_equal(map_.values, [[0, 5, 6], [7, 2, 9], [4, 8, 1]])
    assert (map_.rows.labels, map_.columns.labels) == (("a", "b", "c"), ("s", "t", "u"))
    # Cells (0, 1) and (1, 2) are keys one after their queries, and hold 5 and 9.
    assert {name: by_distance(chart, name) for name in ys(chart)} == {
        "least": {2: 6, 1: 5, 0: 0, -1: 7, -2: 4},
        "most": {2: 6, 1: 9, 0: 2, -1: 8, -2: 4},
        "mean": {2: 6, 1: 7, 0: 1, -1: 7.5, -2: 4},
    }
    assert chart.x.title == "key − query"
    assert chart.about == texts_of_page.BIAS_OF_MORE.format(spread="4")


def test_of_two_tokens_each_row_less_its_own():
    chart = panels(recorded([[[0, 5], [7, 2]]]))["recorded-head"]
    assert {name: by_distance(chart, name) for name in ys(chart)} == {
        "mean": {1: 5 - 0, 0: 0, -1: 7 - 2}
    }
    assert chart.about == texts_of_page.BIAS_OF_DISTANCE_AND_ROW.format(spread="0")


def by_distance(chart, name):
    """{key − query: value} of one line."""
    (line,) = (line for line in chart.lines if line.name == name)
    return dict(zip(line.x.tolist(), line.y.tolist(), strict=True))


def test_a_bias_of_the_distance_alone_has_one_curve_and_says_so():
    away = np.arange(6) - np.arange(6)[:, None]
    chart = panels(recorded([away * 0.5, away * -1.0], head=1))["recorded-head"]
    assert list(ys(chart)) == ["mean"]
    assert by_distance(chart, "mean") == {d: -float(d) for d in range(-5, 6)}
    assert chart.about == texts_of_page.BIAS_OF_DISTANCE.format(spread="0")
    every = panels(recorded([away * 0.5, away * -1.0]))["recorded-distances"]
    assert by_distance(every, "head 0") == {d: 0.5 * d for d in range(-5, 6)}


@pytest.mark.parametrize("causal", [True, False])
def test_a_bias_that_grows_with_the_key_is_shown_less_each_rows_own(causal):
    # BLOOM adds slope · key to every row: less what a row adds to its own token,
    # slope · (key − query).
    sees = np.tri(6, dtype=bool) if causal else np.ones((6, 6), bool)
    bias = np.broadcast_to(np.array([0.5, 0.25])[:, None, None] * np.arange(6), (2, 6, 6))
    made = recorded(bias, sees, head=1)
    chart = panels(made)["recorded-head"]
    furthest = 0 if causal else 5
    assert list(ys(chart)) == ["mean"]
    assert by_distance(chart, "mean") == {d: 0.25 * d for d in range(-5, furthest + 1)}
    assert chart.about == texts_of_page.BIAS_OF_DISTANCE_AND_ROW.format(spread="0")
    every = panels(made)["recorded-distances"]
    assert by_distance(every, "head 0") == {d: 0.5 * d for d in range(-5, furthest + 1)}
    # The matrix stays as it was added.
    np.testing.assert_array_equal(
        panels(made)["recorded-matrix"].values, np.where(sees, bias[1], np.nan)
    )


def test_a_bias_of_one_number_for_each_row_is_of_the_distance_once_the_row_is_taken_off():
    # Every row is raised by a number of its own; softmax sees the distance alone.
    away = -np.abs(np.arange(5) - np.arange(5)[:, None]).astype(np.float64)
    raised = away + np.array([3.0, -1.0, 0.5, 8.0, 2.0])[:, None]
    chart = panels(recorded(raised[None]))["recorded-head"]
    assert by_distance(chart, "mean") == {d: -abs(float(d)) for d in range(-4, 5)}
    assert "softmax does not see" in chart.about


def test_a_bias_of_queries_and_other_keys_has_no_diagonal_of_its_own():
    bias = np.broadcast_to(np.arange(4.0), (1, 3, 4))
    chart = panels(recorded(bias))["recorded-head"]
    assert list(ys(chart)) == ["least", "most", "mean"] and "up to 2" in chart.about


@pytest.mark.parametrize("hidden", [-math.inf, float(np.finfo(np.float32).min)])
def test_however_large_it_is_what_is_masked_makes_no_bias_one_of_the_distance(hidden):
    sees = np.tri(4, dtype=bool)
    bias = np.where(sees, np.arange(16.0).reshape(4, 4) ** 2, hidden)[None]
    chart = panels(recorded(bias, sees))["recorded-head"]
    assert list(ys(chart)) == ["least", "most", "mean"]
    assert by_distance(chart, "most")[0] - by_distance(chart, "least")[0] == 15**2


def test_a_row_whose_own_token_is_masked_has_nothing_to_be_taken_off():
    sees = ~np.eye(4, dtype=bool)
    bias = np.where(sees, np.arange(16.0).reshape(4, 4), -np.inf)[None]
    chart = panels(recorded(bias, sees))["recorded-head"]
    assert list(ys(chart)) == ["least", "most", "mean"]
    assert by_distance(chart, "mean")[3] == 3.0 and 0 not in xs(chart)


def test_what_is_masked_counts_for_nothing():
    causal = np.tri(4, dtype=bool)
    bias = np.where(causal, 1.0, -np.inf)[None]
    found = panels(recorded(bias, causal))
    np.testing.assert_array_equal(found["recorded-matrix"].values, np.where(causal, 1.0, math.nan))
    assert found["recorded-matrix"].hatched == "masked"
    assert by_distance(found["recorded-head"], "mean") == {0: 1, -1: 1, -2: 1, -3: 1}


def test_the_curves_are_the_means_of_a_plain_loop():
    bias = np.random.default_rng(0).normal(size=(2, 5, 7))
    found = panels(recorded(bias, head=1))
    for head in (0, 1):
        for away, mean in zip(
            xs(found["recorded-distances"]),
            ys(found["recorded-distances"])[f"head {head}"],
            strict=True,
        ):
            those = [bias[head, q, k] for q, k in np.ndindex(5, 7) if k - q == away]
            assert mean == pytest.approx(sum(those) / len(those), abs=1e-6)


def test_a_bias_that_all_heads_share_is_shown_for_the_one_it_has():
    found = Recorded(np.zeros((1, 2, 2), np.float32), None, ("a", "b"), ("a", "b"), "L0", 0)
    controls = relative.recorded_controls([0], found)
    assert [(control.name, control.high) for control in controls] == [("head", 0)]
    layers = relative.recorded_controls([1, 3], found)[0]
    assert layers.options == (("1", "1"), ("3", "3"))
