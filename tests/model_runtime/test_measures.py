"""What a few numbers say of patterns and logits whose numbers are known beforehand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.measures import (
    Guess,
    Measures,
    Measuring,
    guess_of,
    likeliest,
    measures,
    measures_of,
)


def measured(pattern, visible=None, *, same_sequence=True):
    pattern = np.asarray(pattern, dtype=float)
    visible = np.ones(pattern.shape, dtype=bool) if visible is None else visible
    return measures(pattern, visible, same_sequence=same_sequence)


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_a_uniform_pattern_has_all_the_entropy_there_is(n):
    found = measured(np.full((n, n), 1 / n))
    assert found.entropy == pytest.approx(math.log2(n), abs=1e-12)
    assert found.entropy_share == pytest.approx(1, abs=1e-12)
    assert found.first == found.own == found.previous == pytest.approx(1 / n, abs=1e-12)


def test_an_identity_looks_at_its_own_token_only():
    assert measured(np.eye(4)) == Measures(0.0, 0.0, 0.0, 0.25, 0.0, 1.0)


def test_a_shift_looks_at_the_previous_token_only():
    shift = np.eye(5, k=-1)
    shift[0, 0] = 1  # the first token has none before it
    assert measured(shift) == Measures(0.0, 0.0, 4 / 5, 2 / 5, 1.0, 1 / 5)


def test_every_query_on_the_first_key():
    sink = np.zeros((4, 4))
    sink[:, 0] = 1
    assert measured(sink) == Measures(0.0, 0.0, (0 + 1 + 2 + 3) / 4, 1.0, 1 / 3, 1 / 4)


def test_shares_of_a_half_and_two_quarters_are_one_and_a_half_bits():
    found = measured([[0.5, 0.25, 0.25]], same_sequence=False)
    assert found.entropy == pytest.approx(1.5)
    assert found.entropy_share == pytest.approx(1.5 / math.log2(3))


def test_entropy_is_compared_with_the_visible_keys_only():
    n = 6
    causal = np.tril(np.ones((n, n), dtype=bool))
    found = measured(causal / causal.sum(axis=1, keepdims=True), causal)
    assert found.entropy == pytest.approx(np.mean([math.log2(i) for i in range(1, n + 1)]))
    assert found.entropy_share == pytest.approx(1, abs=1e-12)


def test_a_row_with_one_visible_key_does_not_count_for_the_share():
    visible = np.array([[True, False], [True, True]])
    assert measured([[1.0, 0.0], [0.5, 0.5]], visible).entropy_share == pytest.approx(1)
    assert measured([[1.0, 0.0], [0.5, 0.5]], visible).entropy == pytest.approx(0.5)


def test_masked_cells_count_for_nothing():
    visible = np.array([[True, False], [True, True]])
    assert measured([[1.0, 9.0], [0.5, 0.5]], visible) == measured(
        [[1.0, 0.0], [0.5, 0.5]], visible
    )


def test_one_token_has_no_previous_and_nothing_to_compare():
    assert measured([[1.0]]) == Measures(0.0, None, 0.0, 1.0, None, 1.0)


def test_two_sequences_have_no_distance_no_previous_and_no_own():
    found = measured([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], same_sequence=False)
    assert (found.distance, found.previous, found.own) == (None, None, None)
    assert found.first == 0.25


def test_what_no_key_gets_is_the_sinks():
    found = measures(
        np.array([[0.5, 0.25], [0.0, 0.75]]),
        np.ones((2, 2), bool),
        same_sequence=True,
        has_sink=True,
    )
    assert found.sink == 0.25
    assert measured([[0.5, 0.5]]).sink is None


@pytest.mark.parametrize("same_sequence", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_of_rows_and_of_keys_measure_as_the_whole(same_sequence, dtype):
    n = 9
    visible = np.tri(n, dtype=bool)
    pattern = np.where(visible, np.random.default_rng(0).random((n, n)), 0)
    pattern /= pattern.sum(axis=1, keepdims=True)
    measuring = Measuring(same_sequence=same_sequence)
    for start, stop, first in ((0, 4, 0), (4, 5, 0), (5, 9, 2)):
        # Of the last rows nothing goes to the first two keys, so their block begins later.
        pattern[5:, :2] = 0
        part = pattern[start:stop, first:stop].astype(dtype)
        seen = visible[start:stop].sum(axis=1)
        measuring.add(part, seen, np.arange(start, stop), first)
    whole = measured(pattern, visible, same_sequence=same_sequence)
    (found,) = measuring.results()
    for name, value in vars(whole).items():
        assert vars(found)[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("same_sequence", [True, False])
def test_several_patterns_at_once_measure_as_each_alone(same_sequence):
    rng = np.random.default_rng(1)
    visible = rng.random((5, 6, 6)) < np.linspace(0.1, 1, 5)[:, None, None]
    visible[:, :, 0] = True
    visible[0, :, 1:] = False  # rows of one key: nothing to compare
    patterns = np.where(visible, rng.random((5, 6, 6)), 0)
    patterns /= patterns.sum(axis=2, keepdims=True) * 1.25
    found = measures_of(patterns, visible, same_sequence=same_sequence, has_sink=True)
    assert len(found) == 5
    assert found[0].entropy_share is None
    for one, pattern, seen in zip(found, patterns, visible, strict=True):
        alone = measures(pattern, seen, same_sequence=same_sequence, has_sink=True)
        assert vars(one) == pytest.approx(vars(alone), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    queries=st.integers(1, 9),
    keys=st.integers(1, 9),
    cut=st.floats(0, 1),
)
def test_measures_of_any_pattern_stay_in_their_range(seed, queries, keys, cut):
    rng = np.random.default_rng(seed)
    visible = rng.random((queries, keys)) >= cut * 0.9
    visible[:, 0] = True
    pattern = np.where(visible, rng.random((queries, keys)) ** 8 + 1e-12, 0)
    pattern /= pattern.sum(axis=1, keepdims=True)
    found = measured(pattern, visible, same_sequence=queries == keys)
    assert -1e-12 <= found.entropy <= math.log2(keys) + 1e-12
    for share in (found.entropy_share, found.first, found.previous, found.own):
        assert share is None or -1e-12 <= share <= 1 + 1e-12
    assert found.distance is None or 0 <= found.distance <= keys - 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [0.1, 5, 300])
def test_the_likeliest_tokens_are_those_of_torchs_softmax(seed, spread):
    logits = np.random.default_rng(seed).normal(0, spread, 997).astype(np.float32)
    true = torch.softmax(torch.from_numpy(logits).double(), dim=-1)
    shares, ids = true.topk(7)
    found = likeliest(logits, 7)
    assert [guess.rank for guess in found] == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_allclose([guess.share for guess in found], shares.numpy(), rtol=1e-12)
    np.testing.assert_allclose(true[[guess.id for guess in found]], shares.numpy())
    if spread < 300:  # else the shares beyond the first are equal: all but 0
        assert [guess.id for guess in found] == ids.tolist()


def test_each_token_is_said_the_same_alone_as_in_the_list():
    logits = np.array([1.0, 3.0, 2.0, 3.0, -np.inf, 1.0])
    listed = likeliest(logits, 99)
    assert [guess.id for guess in listed] == [1, 3, 2, 0, 5, 4]
    assert [guess_of(logits, guess.id) for guess in listed] == list(listed)
    assert sum(guess.share for guess in listed) == pytest.approx(1, abs=1e-15)
    assert listed[-1] == Guess(4, 0.0, 6)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_a_short_list_is_the_beginning_of_the_whole_one_also_among_equals(k):
    for logits in ([1.0, 3.0, 2.0, 3.0, 3.0, 1.0], [2.0] * 6, [1.0, np.nan, 0.0, np.nan, -np.inf]):
        whole = [guess.id for guess in likeliest(np.array(logits), 99)]
        assert [guess.id for guess in likeliest(np.array(logits), k)] == whole[:k]


def test_logits_too_large_for_exp_have_shares_too():
    assert [guess.share for guess in likeliest(np.array([1e4, 1e4, -1e4]), 2)] == [0.5, 0.5]
