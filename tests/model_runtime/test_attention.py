"""The closed form: by hand, in plain loops, against torch, and for all inputs that fit."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from model_runtime.attention import AttentionRecord
from tests.model_runtime.reference import pattern_in_loops, z_in_loops


def record(q, k, v=None, scale=1.0, **more):
    """A record from nested lists; v defaults to k."""
    arrays: dict[str, Any] = {
        name: np.asarray(value, dtype=bool if name == "mask" else np.float32)
        for name, value in more.items()
        if name in ("bias", "mask", "sinks")
    }
    more = {name: value for name, value in more.items() if name not in arrays}
    q, k = np.asarray(q, dtype=np.float32), np.asarray(k, dtype=np.float32)
    v = k if v is None else np.asarray(v, dtype=np.float32)
    return AttentionRecord("encoder", 0, q, k, v, scale, **arrays, **more)


def random_record(seed=0, *, heads=4, kv_heads=4, queries=5, keys=7, d_head=6, d_value=3, **more):
    rng = np.random.default_rng(seed)
    return record(
        rng.normal(size=(heads, queries, d_head)),
        rng.normal(size=(kv_heads, keys, d_head)),
        rng.normal(size=(kv_heads, keys, d_value)),
        d_head**-0.5,
        **more,
    )


def random_mask(seed=0, *, heads=4, queries=5, keys=7):
    mask = np.random.default_rng(seed).random((heads, queries, keys)) < 0.6
    mask[:, :, 0] = True
    return mask


def every_kind():
    """One record for each addition to the formula, and one with all of them."""
    rng = np.random.default_rng(9)
    bias, sinks = rng.normal(size=(4, 5, 7)), rng.normal(size=4)
    mask = random_mask()
    yield "plain", random_record()
    yield "masked", random_record(mask=mask)
    yield "one mask for all heads", random_record(mask=mask[:1])
    yield "biased", random_record(bias=bias)
    yield "one bias for all heads", random_record(bias=bias[:1])
    yield "softcapped", random_record(softcap=0.5)
    yield "with sinks", random_record(sinks=sinks)
    yield "two key heads", random_record(kv_heads=2)
    yield "one key head", random_record(kv_heads=1)
    yield "one query", random_record(queries=1)
    all_of_it = {"mask": mask, "bias": bias, "softcap": 0.7, "sinks": sinks}
    yield "everything", random_record(kv_heads=2, **all_of_it)


KINDS = dict(every_kind())


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("rows", [slice(None), slice(1, 4), slice(4, 9)])
@pytest.mark.parametrize("heads", [slice(None), slice(1, 3), slice(2, 2)])
def test_some_heads_at_once_are_those_heads_one_by_one(kind, heads, rows):
    which = range(4)[heads]
    for name in ("visible", "dot", "scores", "pattern", "z"):
        found = getattr(kind, name)(heads, rows)
        each = [getattr(kind, name)(head, rows) for head in which]
        assert found.shape[0] == len(which)
        for one, expected in zip(found, each, strict=True):
            np.testing.assert_allclose(one, expected, rtol=1e-14, atol=1e-15)
    if kind.sinks is not None:
        for one, head in zip(kind.sink(heads, rows), which, strict=True):
            np.testing.assert_array_equal(one, kind.sink(head, rows))


@pytest.mark.parametrize("at_hand", [1, 36, 71, 10**6])
def test_parts_are_all_heads_in_order_and_no_more_at_a_time_than_is_at_hand(monkeypatch, at_hand):
    monkeypatch.setattr("model_runtime.attention.AT_HAND", at_hand)
    parts = list(random_record().parts())  # maps of 5 × 7 cells
    assert [head for part in parts for head in range(4)[part]] == [0, 1, 2, 3]
    assert all(part.stop - part.start == max(1, min(at_hand // 35, 4)) for part in parts)


def test_a_score_is_the_product_of_query_and_key_over_root_d():
    one = record([[[0.1, 0.2, 0.3]]], [[[0.4, 0.5, 0.6]]], scale=3**-0.5)
    assert one.dot(0).item() == pytest.approx(0.32, abs=1e-6)
    assert one.scores(0).item() == pytest.approx(0.184752, abs=1e-6)


def test_a_single_key_gets_the_whole_share_and_z_is_its_value():
    one = record([[[0.1, 0.2, 0.3]]], [[[0.4, 0.5, 0.6]]], [[[7.0, 8.0]]])
    assert one.pattern(0).tolist() == [[1.0]]
    assert one.z(0).tolist() == [[7.0, 8.0]]


def test_scores_of_zero_and_log_three_share_one_to_three():
    two = record([[[1.0]]], [[[0.0], [np.log(3.0)]]], [[[4.0], [8.0]]])
    np.testing.assert_allclose(two.pattern(0), [[0.25, 0.75]], atol=1e-6)
    np.testing.assert_allclose(two.z(0), [[7.0]], atol=1e-5)


def test_a_bias_is_added_after_the_scale():
    biased = record([[[2.0]]], [[[3.0]]], scale=0.5, bias=[[[10.0]]])
    assert biased.scores(0).tolist() == [[13.0]]


def test_a_softcap_bends_the_scaled_score_and_not_the_bias():
    capped = record([[[2.0]]], [[[3.0]]], scale=0.5, softcap=2.0, bias=[[[10.0]]])
    assert capped.scores(0).item() == pytest.approx(10 + 2 * np.tanh(1.5), abs=1e-12)


def test_a_sink_of_the_same_score_takes_half():
    halved = record([[[1.0]]], [[[5.0]]], sinks=[5.0])
    assert halved.pattern(0).tolist() == [[0.5]]


def test_patterns_equal_the_formula_in_plain_loops(kind):
    for head in range(kind.n_heads):
        np.testing.assert_allclose(kind.pattern(head), pattern_in_loops(kind, head), atol=1e-12)


def test_z_equals_the_formula_in_plain_loops(kind):
    for head in range(kind.n_heads):
        np.testing.assert_allclose(kind.z(head), z_in_loops(kind, head), atol=1e-12)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("biased", [True, False])
def test_z_equals_torchs_scaled_dot_product_attention(kv_heads, masked, biased):
    bias = np.random.default_rng(1).normal(size=(4, 5, 7)).astype(np.float32)
    mask = random_mask() if masked else np.ones((4, 5, 7), dtype=bool)
    ours = random_record(
        kv_heads=kv_heads,
        **({"bias": bias} if biased else {}),
        **({"mask": mask} if masked else {}),
    )
    masked_bias = np.where(mask, bias if biased else 0.0, -np.inf).astype(np.float32)
    q, k, v, added = (torch.tensor(a)[None] for a in (ours.q, ours.k, ours.v, masked_bias))
    theirs = scaled_dot_product_attention(q, k, v, added, enable_gqa=True)[0]
    for head in range(4):
        np.testing.assert_allclose(ours.z(head), theirs[head], atol=1e-5)


def test_each_row_of_a_pattern_sums_to_one_less_the_sinks_share(kind):
    for head in range(kind.n_heads):
        pattern = kind.pattern(head)
        left = np.ones(len(pattern))
        if kind.sinks is not None:
            scores = np.where(kind.visible(head), kind.scores(head), -np.inf)
            exps = np.exp(np.concatenate([scores, np.full((5, 1), kind.sinks[head])], axis=1))
            left -= exps[:, -1] / exps.sum(axis=1)
        assert (pattern >= 0).all()
        np.testing.assert_allclose(pattern.sum(axis=1), left, atol=1e-12)


def test_masked_cells_are_exactly_zero():
    masked = KINDS["masked"]
    for head in range(4):
        assert (masked.pattern(head)[~masked.visible(head)] == 0).all()
        assert (masked.pattern(head)[masked.visible(head)] > 0).all()


def test_masked_cells_keep_their_score():
    masked, plain = KINDS["masked"], KINDS["plain"]
    np.testing.assert_array_equal(masked.scores(2), plain.scores(2))


def test_a_row_that_sees_nothing_is_all_zero():
    mask = np.ones((1, 5, 7), dtype=bool)
    mask[0, 3] = False
    for sinks in ({}, {"sinks": [0.0, 1.0, -1.0, 2.0]}):
        blind = random_record(mask=mask, **sinks)
        assert (blind.pattern(1)[3] == 0).all()
        assert (blind.z(1)[3] == 0).all()
        np.testing.assert_array_equal(blind.pattern(1)[2], random_record(**sinks).pattern(1)[2])


def test_a_row_range_is_a_slice_of_the_whole(kind):
    for method in (kind.dot, kind.scores, kind.pattern, kind.z, kind.visible):
        whole = method(kind.n_heads - 1)
        for rows in (slice(0, 1), slice(1, 3), slice(4, None), slice(None, None, 2), slice(2, 2)):
            part = method(kind.n_heads - 1, rows)
            assert part.shape == whole[rows].shape
            # Products of other shapes may differ in the last bit.
            np.testing.assert_allclose(part, whole[rows], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "read"),
    [(4, 4, [0, 1, 2, 3]), (4, 2, [0, 0, 1, 1]), (4, 1, [0, 0, 0, 0]), (6, 2, [0, 0, 0, 1, 1, 1])],
)
def test_neighbouring_query_heads_share_a_key_head(heads, kv_heads, read):
    grouped = random_record(heads=heads, kv_heads=kv_heads)
    assert grouped.n_heads == heads
    assert [grouped.kv_head(head) for head in range(heads)] == read


@pytest.mark.parametrize("method", ["dot", "scores", "pattern", "z", "visible", "kv_head"])
@pytest.mark.parametrize("head", [-1, 4, 10**9])
@pytest.mark.parametrize("kind", ["plain", "everything"])
def test_a_head_that_is_not_there_is_an_index_error(kind, method, head):
    with pytest.raises(IndexError, match="of 4"):
        getattr(KINDS[kind], method)(head)


def test_it_names_all_that_takes_memory():
    plain = record([[[1.0, 2.0]]], [[[1.0, 2.0]]], [[[1.0]]])
    assert [a.nbytes for a in plain.arrays if a is not None] == [8, 8, 4]
    full = record([[[1.0]]], [[[1.0]]], mask=[[[True]]], sinks=[1.0])
    assert [a.nbytes for a in full.arrays if a is not None] == [4, 4, 4, 1, 4]


def test_numbers_are_64_bit_whatever_was_recorded(kind):
    for method in (kind.dot, kind.scores, kind.pattern, kind.z):
        assert method(0).dtype == np.float64


sizes = st.integers(1, 6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), queries=sizes, keys=sizes, size=st.floats(-3, 18))
def test_scores_of_any_size_make_shares(seed, queries, keys, size):
    rng = np.random.default_rng(seed)
    large = np.float64(10) ** size
    wild = record(
        rng.normal(size=(1, queries, 3)) * large,
        rng.normal(size=(1, keys, 3)) * large,
        mask=np.ones((1, queries, keys), dtype=bool),
    )
    pattern = wild.pattern(0)
    assert np.isfinite(pattern).all() and (pattern >= 0).all()
    np.testing.assert_allclose(pattern.sum(axis=1), 1, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-1e4, 1e4, width=32))
def test_one_bias_for_a_whole_row_changes_no_share(seed, shift):
    plain = random_record(seed)
    shifted = random_record(seed, bias=np.full((1, 5, 7), shift))
    np.testing.assert_allclose(shifted.pattern(0), plain.pattern(0), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(7)))
def test_keys_in_another_order_are_columns_in_another_order(seed, order):
    plain = random_record(seed)
    turned = record(plain.q, plain.k[:, order], plain.v[:, order], plain.scale)
    np.testing.assert_allclose(turned.pattern(1), plain.pattern(1)[:, order], atol=1e-12)
    np.testing.assert_allclose(turned.z(1), plain.z(1), atol=1e-12)


def test_each_query_may_have_a_sink_of_its_own():
    """Scores 0, 0 and a sink of log 2: shares 1/4, 1/4, and half for the sink; a sink of
    −∞ takes nothing."""
    zeros = np.zeros((1, 2, 1), dtype=np.float32)
    sinks = np.array([[np.log(2), -np.inf]], dtype=np.float32)
    own = AttentionRecord("decoder", 0, zeros, zeros, zeros + 1, 1.0, sinks=sinks)
    np.testing.assert_allclose(own.pattern(0), [[0.25, 0.25], [0.5, 0.5]], atol=1e-7)
    np.testing.assert_allclose(own.pattern(0, slice(1, 2)), [[0.5, 0.5]], atol=1e-7)
    np.testing.assert_allclose(own.z(0), [[0.5], [1.0]], atol=1e-7)
