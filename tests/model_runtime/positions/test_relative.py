"""Slopes and buckets against transformers' own functions; a bias by distance against loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from transformers import T5Config
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor
from transformers.models.t5.modeling_t5 import T5Attention

from model_runtime.builtin.transformer import alibi_bias
from model_runtime.positions.encodings import Buckets
from model_runtime.positions.relative import (
    alibi,
    alibi_slopes,
    bias_by_distance,
    bucket,
    bucket_bias,
)

# ── ALiBi ────────────────────────────────────────────────────────────────────────────


def test_the_slopes_of_eight_heads_are_a_half_to_a_256th():
    assert alibi_slopes(8).tolist() == [2.0**-n for n in range(1, 9)]
    assert alibi_slopes(1).tolist() == [2.0**-8]


def test_three_heads_have_the_slopes_of_two_and_the_first_of_four():
    assert alibi_slopes(3).tolist() == [2.0**-4, 2.0**-8, 2.0**-2]


@pytest.mark.parametrize("n_heads", [*range(1, 34), 40, 64, 71, 112])
def test_alibi_is_that_of_bloom_and_of_mpt(n_heads):
    n = 12
    ours = alibi(alibi_slopes(n_heads), n, n, causal=True)
    # Bloom's begins with 0 at the first key: the same, but for a number that softmax takes back.
    bloom = build_alibi_tensor(torch.ones(1, n), n_heads, torch.float32)[:, 0].numpy()
    for query in range(n):
        row = ours[:, query, : query + 1]
        np.testing.assert_allclose(row - row[:, :1], bloom[:, : query + 1], atol=1e-6)
    mpt = build_mpt_alibi_tensor(n_heads, n)[:, 0].numpy()
    np.testing.assert_allclose(ours[:, -1], mpt, atol=1e-6)


@pytest.mark.parametrize("n_heads", [1, 2, 4, 8, 16])
def test_alibi_is_that_of_our_own_models(n_heads):
    theirs = alibi_bias(n_heads, 9, 7).numpy()
    found = alibi(alibi_slopes(n_heads), 9, 7, causal=False)
    np.testing.assert_allclose(found, theirs, atol=1e-6)


def test_alibi_of_one_head_by_hand():
    slopes = np.array([0.5], dtype=np.float32)
    found = alibi(slopes, 2, 3, causal=False)
    assert found.dtype == np.float64
    assert found.tolist() == [[[0, -0.5, -1], [-0.5, 0, -0.5]]]
    assert not np.signbit(found[0, 0, 0])


def test_nothing_is_added_to_what_a_causal_mask_hides():
    causal, whole = (alibi(alibi_slopes(2), 4, 5, causal=causal) for causal in (True, False))
    hidden = np.broadcast_to(np.triu(np.ones((4, 5), dtype=bool), k=1), whole.shape)
    np.testing.assert_array_equal(np.isnan(causal), hidden)
    np.testing.assert_array_equal(causal[~hidden], whole[~hidden])


def test_what_makes_no_alibi_is_said():
    with pytest.raises(ValueError, match="one head or more, not 0"):
        alibi_slopes(0)
    with pytest.raises(ValueError, match="one number a head"):
        alibi(np.ones((2, 1)), 3, 3, causal=False)
    with pytest.raises(ValueError, match="0 queries and 3 keys"):
        alibi(np.ones(2), 0, 3, causal=False)


# ── Buckets ──────────────────────────────────────────────────────────────────────────

FAR = np.arange(-2048, 2049)
SETTINGS = [
    (n, most, both_ways)
    for n, most in (
        *(
            (n, most)
            for n in (4, 8, 16, 20, 32, 33, 64, 128, 320)
            for most in (128, 256, 800, 1280)
        ),
        (32, 20),
        # A distance of each falls otherwise with a logarithm of 64 bits, or with numpy's of 32.
        (18, 128),
        (36, 32),
        (38, 16),
        (72, 100),
    )
    for both_ways in (True, False)
    if most > n // (4 if both_ways else 2)
]


def test_eight_buckets_both_ways_by_hand():
    # Four each way: 0 and 1 alone, then 2…5 and from 6 on, for 2·√(16/2) is 5.7.
    distances = np.array([-30, -6, -5, -2, -1, 0, 1, 2, 5, 6, 30])
    found = bucket(distances, 8, 16, both_ways=True)
    assert found.tolist() == [3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7]
    assert found.dtype == np.intp


def test_one_way_all_keys_from_the_query_on_share_its_bucket():
    found = bucket(np.array([-3, -2, -1, 0, 1, 99]), 8, 16, both_ways=False)
    assert found.tolist() == [3, 2, 1, 0, 0, 0]


@pytest.mark.parametrize(("n_buckets", "max_distance", "both_ways"), SETTINGS)
def test_every_distance_is_in_the_bucket_that_transformers_puts_it_in(
    n_buckets, max_distance, both_ways
):
    theirs = T5Attention._relative_position_bucket(
        torch.tensor(FAR),
        bidirectional=both_ways,
        num_buckets=n_buckets,
        max_distance=max_distance,
    )
    found = bucket(FAR, n_buckets, max_distance, both_ways=both_ways)
    np.testing.assert_array_equal(found, theirs)


@given(st.integers(4, 100), st.integers(101, 3000), st.booleans())
def test_buckets_go_up_with_the_distance_and_end_at_the_last(n_buckets, max_distance, both_ways):
    steps = np.arange(4000)
    before = bucket(-steps, n_buckets, max_distance, both_ways=both_ways)
    after = bucket(steps[1:], n_buckets, max_distance, both_ways=both_ways)
    last = (n_buckets // 2 if both_ways else n_buckets) - 1
    assert (np.diff(before) >= 0).all()
    assert (before[0], before[-1]) == (0, last)
    assert (before[max_distance:] == last).all()
    np.testing.assert_array_equal(after, before[1:] + last + 1 if both_ways else 0)


def test_distances_may_be_a_matrix():
    distances = np.arange(5) - np.arange(4)[:, None]
    found = bucket(distances, 32, 128, both_ways=True)
    assert found.shape == (4, 5)
    assert found[3, 1] == bucket(np.array([-2]), 32, 128, both_ways=True)[0]


@pytest.mark.parametrize(("n_buckets", "both_ways"), [(0, False), (1, False), (3, True)])
def test_too_few_buckets_are_said(n_buckets, both_ways):
    with pytest.raises(ValueError, match="too few to halve"):
        bucket(FAR, n_buckets, 128, both_ways=both_ways)


@pytest.mark.parametrize("max_distance", [-1, 8, 16])
def test_a_furthest_distance_that_has_a_bucket_of_its_own_is_said(max_distance):
    with pytest.raises(ValueError, match="the first 16 distances leave none"):
        bucket(FAR, 32, max_distance, both_ways=False)


def test_the_bias_of_a_distance_is_the_row_of_its_bucket():
    table = np.arange(16, dtype=np.float32).reshape(8, 2)  # [bucket, head]
    found = bucket_bias(Buckets(table, both_ways=True, max_distance=16), np.array([0, -1, 1, 30]))
    assert found.dtype == np.float64
    assert found.tolist() == [[0, 2, 10, 14], [1, 3, 11, 15]]


@pytest.mark.parametrize("decoder", [True, False])
def test_the_bias_is_what_a_t5_adds(decoder):
    torch.manual_seed(0)
    config = T5Config(d_model=12, d_kv=4, num_heads=3, is_decoder=decoder)
    attention = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    theirs = attention.compute_bias(40, 40)[0].detach().numpy()
    weight = attention.relative_attention_bias.weight.detach().numpy()
    buckets = Buckets(weight, both_ways=not decoder, max_distance=128)
    distances = np.arange(-39, 40)
    found = bucket_bias(buckets, distances)
    for query, key in np.ndindex(40, 40):
        np.testing.assert_allclose(found[:, key - query + 39], theirs[:, query, key], atol=1e-6)


# ── Any bias ─────────────────────────────────────────────────────────────────────────


def sorted_in_loops(bias, visible):
    found: dict[int, list[float]] = {}
    for query, key in np.ndindex(bias.shape):
        if visible[query, key]:
            found.setdefault(query - key, []).append(float(bias[query, key]))
    return dict(sorted(found.items()))


def same(found, expected):
    assert found.distances.tolist() == list(expected)
    values = list(expected.values())
    assert found.mean == pytest.approx([sum(some) / len(some) for some in values], abs=1e-6)
    assert found.least.tolist() == [min(some) for some in values]
    assert found.most.tolist() == [max(some) for some in values]
    assert found.spread == max((max(some) - min(some) for some in values), default=0)


def test_a_bias_of_two_by_two_by_hand():
    found = bias_by_distance(np.array([[1.0, 2.0], [3.0, 5.0]]))
    assert found.distances.tolist() == [-1, 0, 1]
    assert found.mean.tolist() == [2, 3, 3]
    assert (found.least.tolist(), found.most.tolist()) == ([2, 1, 3], [2, 5, 3])
    assert found.spread == 4


@given(st.data(), npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))
def test_a_bias_is_sorted_by_its_distance(data, shape):
    bias = data.draw(npst.arrays(np.float64, shape, elements=st.floats(-9, 9)))
    visible = data.draw(npst.arrays(np.bool_, shape))
    same(bias_by_distance(bias), sorted_in_loops(bias, np.ones(shape, dtype=bool)))
    same(bias_by_distance(bias, visible), sorted_in_loops(bias, visible))


# More rows than are sorted at a time; more keys than queries, and fewer.
@pytest.mark.parametrize("shape", [(256, 3), (257, 300), (600, 40)])
def test_a_large_bias_is_sorted_block_by_block(shape):
    rng = np.random.default_rng(0)
    bias, visible = rng.normal(size=shape).astype(np.float32), rng.random(shape) < 0.7
    same(bias_by_distance(bias, visible), sorted_in_loops(bias, visible))


def test_alibi_depends_on_distance_alone_and_half_of_it_is_behind_the_mask():
    (bias,) = alibi(np.array([0.25]), 300, 300, causal=True)
    found = bias_by_distance(bias, np.isfinite(bias))
    assert found.distances.tolist() == list(range(300))
    np.testing.assert_allclose(found.mean, -0.25 * np.arange(300), atol=1e-9)
    assert found.spread == 0


def test_one_cell_out_of_line_is_the_spread():
    (bias,) = alibi(np.array([0.25]), 50, 50, causal=False)
    bias[30, 7] -= 2
    found = bias_by_distance(bias)
    assert found.spread == 2
    assert found.distances[(found.most - found.least).argmax()] == 23


def test_what_is_masked_may_be_anything_and_what_is_seen_must_be_finite():
    bias = np.array([[0.0, -np.inf], [1.0, np.nan]])
    found = bias_by_distance(bias, np.isfinite(bias))
    assert found.distances.tolist() == [0, 1]
    np.testing.assert_array_equal(bias, [[0, -np.inf], [1, np.nan]])  # as it was
    with pytest.raises(ValueError, match="not finite"):
        bias_by_distance(bias)


def test_a_bias_that_is_all_masked_has_no_distance():
    found = bias_by_distance(np.ones((2, 2)), np.zeros((2, 2), dtype=bool))
    assert found.distances.size == found.mean.size == 0
    assert found.spread == 0


@pytest.mark.parametrize(
    ("bias", "visible"),
    [
        (np.ones(3), None),
        (np.ones((1, 2, 2)), None),
        (np.ones((2, 2)), np.ones((2, 3), dtype=bool)),
    ],
)
def test_a_bias_that_is_no_matrix_is_said(bias, visible):
    with pytest.raises(ValueError, match=r"both \[query, key\]"):
        bias_by_distance(bias, visible)
