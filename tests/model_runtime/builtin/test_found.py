"""What built-in models say that they tell positions by, beside what their passes have in them."""

import numpy as np
import pytest

from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny

SENTENCE = "The cat is playing."


def opened(topology, positions):
    return tiny.opened(topology, positions=positions)[0]


@pytest.fixture(params=tiny.TOPOLOGIES)
def topology(request):
    return request.param


def stacks_of(topology):
    return tuple(name for name in ("encoder", "decoder") if name in topology)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_each_stack_has_the_table_whose_rows_the_pass_added(topology, positions):
    model = opened(topology, positions)
    found = model.encodings
    assert [one.stacks for one in found] == [(name,) for name in stacks_of(topology)]
    seen = trace(model, SENTENCE)
    for one in found:
        (stack,) = one.stacks
        assert (one.kind, one.made_by) == (positions, "Stack")
        assert one.where == f"{stack}.position_table"
        assert one.table.shape == (model.info.context_length, model.info.d_model)
        added = seen.intermediates[f"{stack}.positions"]
        np.testing.assert_array_equal(one.table[: len(added)], added)


def test_a_learned_table_is_the_weights_themselves():
    model, inside = tiny.opened("encoder", positions="learned")
    (found,) = model.encodings
    assert inside.encoder is not None
    assert np.shares_memory(found.table, inside.encoder.position_table.detach().numpy())


def test_the_first_pair_turns_by_one_radian_a_position_and_the_others_slower(topology):
    model = opened(topology, "rotary")
    (found,) = model.encodings
    assert (found.kind, found.stacks) == ("rotary", stacks_of(topology))
    assert (found.where, found.made_by) == ("rotate", "MultiHeadAttention")
    rotation, d_head = found.rotation, model.info.d_head
    assert (rotation.pairing, rotation.attention_factor, rotation.layers) == ("neighbours", 1.0, "")
    settings = rotation.settings
    assert (settings.d_rotated, settings.base, settings.scaling) == (d_head, 10000.0, "default")
    wanted = [10000 ** (-2 * pair / d_head) for pair in range(d_head // 2)]
    np.testing.assert_allclose(rotation.frequencies, wanted, rtol=1e-6)


def test_what_the_pass_turned_is_turned_by_these_frequencies(topology):
    model = opened(topology, "rotary")
    (found,) = model.encodings
    seen = trace(model, SENTENCE)
    for stack in found.stacks:
        before = seen.intermediates[f"{stack}.0.attn.q_unrotated"].astype(np.float64)
        after = seen.record(stack, 0).q
        angles = np.arange(before.shape[1])[:, None] * found.rotation.frequencies
        pairs = (before[..., 0::2] + 1j * before[..., 1::2]) * np.exp(1j * angles)
        np.testing.assert_allclose(after[..., 0::2], pairs.real, rtol=0, atol=1e-5)
        np.testing.assert_allclose(after[..., 1::2], pairs.imag, rtol=0, atol=1e-5)


def test_two_heads_have_slopes_of_a_sixteenth_and_a_256th(topology):
    model = opened(topology, "alibi")
    (found,) = model.encodings
    assert (found.kind, found.stacks) == ("alibi", stacks_of(topology))
    assert (found.where, found.made_by) == ("alibi_bias", "MultiHeadAttention")
    assert found.slopes.tolist() == [1 / 16, 1 / 256]
    seen = trace(model, SENTENCE)
    for stack in found.stacks:
        bias = seen.record(stack, 0).bias
        assert bias is not None
        np.testing.assert_array_equal(bias[:, 3, 1], -2 * found.slopes)


def test_a_model_without_positions_says_so(topology):
    (found,) = opened(topology, "none").encodings
    assert (found.kind, found.stacks) == ("none", stacks_of(topology))
    assert (found.where, found.made_by) == ("", "")
    assert (found.table, found.rotation, found.slopes, found.buckets) == (None, None, None, None)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "alibi"])
def test_nobody_can_write_to_what_was_found(positions):
    for one in opened("encoder-decoder", positions).encodings:
        arrays = (one.table, one.slopes, one.rotation and one.rotation.frequencies)
        kept = [array for array in arrays if array is not None]
        assert len(kept) == 1
        assert kept[0].dtype == np.float32
        assert not kept[0].flags.writeable
