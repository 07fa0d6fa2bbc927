"""Attention written by hand in a model file is recorded as exactly as any other.

References: numbers worked out by hand, torch's own attention, and the patterns that
transformers returns from a run that nobody follows.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from model_runtime.huggingface.fallback import follow, inside_interface
from model_runtime.huggingface.softmaxes import LOST, MIXED
from tests.model_runtime.huggingface.bypassing_models import (
    BYPASSING,
    bypassing_model,
    inputs_for,
    returned_patterns,
)


class ByHand(nn.Module):
    """One head, attention as on a blackboard: q, k and v are the input itself."""

    def __init__(self, bias=None, softmax=torch.softmax):
        super().__init__()
        self.bias = bias
        self.softmax = softmax

    def forward(self, x):
        scores = x @ x.transpose(-1, -2) / math.sqrt(x.shape[-1])
        if self.bias is not None:
            scores = scores + self.bias
        return self.softmax(scores, -1) @ x


class Named(nn.Module):
    """Something in a layer with a name."""

    def __init__(self, attention):
        super().__init__()
        self.layers = nn.ModuleList([attention])

    def forward(self, x):
        return self.layers[0](x)


TWO_TOKENS = torch.tensor([[[[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]]])


def followed(model, *args, **kwargs):
    with torch.no_grad(), follow(model) as calls:
        output = model(*args, **kwargs)
    return calls, output


def test_two_tokens_by_hand():
    (call,), z = followed(Named(ByHand()), TWO_TOKENS)
    own = call.own("decoder", 0)
    # q·k is 4 with itself and 0 with the other; a half of that, and exp: e² to 1.
    share = math.exp(2) / (math.exp(2) + 1)
    assert call.module == "layers.0"
    assert call.scale == 0.5
    assert call.added is None and call.visible is None
    np.testing.assert_allclose(own.record.dot(0), [[4, 0], [0, 4]])
    np.testing.assert_allclose(own.pattern[0], [[share, 1 - share], [1 - share, share]], atol=1e-6)
    np.testing.assert_allclose(own.z, z[0].numpy())
    assert own.error() <= 1e-6


@pytest.mark.parametrize(
    "softmax",
    [
        torch.softmax,
        nn.functional.softmax,
        lambda scores, axis: scores.softmax(dim=axis),
        lambda scores, axis: nn.Softmax(dim=axis)(scores),
        lambda scores, axis: nn.functional.softmax(scores.float(), axis, dtype=torch.float32),
    ],
)
def test_every_way_to_write_softmax_is_seen(softmax):
    (call,), _ = followed(ByHand(softmax=softmax), TWO_TOKENS)
    assert call.own("decoder", 0).error() <= 1e-6


def test_what_is_added_to_the_scores_is_the_bias_and_what_hides_is_the_mask():
    bias = torch.tensor([[0.5, -1e4], [0.25, -0.75]])
    (call,), _ = followed(ByHand(bias), TWO_TOKENS)
    record = call.own("decoder", 0).record
    np.testing.assert_allclose(record.bias, [[[0.5, 0.0], [0.25, -0.75]]], atol=1e-6)
    assert record.mask.tolist() == [[[True, False], [True, True]]]


def test_a_mask_alone_is_no_bias():
    causal = torch.tensor([[0.0, torch.finfo(torch.float32).min], [0.0, 0.0]])
    (call,), _ = followed(ByHand(causal), TWO_TOKENS)
    record = call.own("decoder", 0).record
    assert record.bias is None
    assert record.mask.tolist() == [[[True, False], [True, True]]]


def test_a_row_in_which_all_is_hidden_is_shared_out_as_the_model_does():
    hidden = torch.full((2, 2), torch.finfo(torch.float32).min)
    (call,), _ = followed(ByHand(hidden), TWO_TOKENS)
    own = call.own("decoder", 0)
    np.testing.assert_allclose(own.pattern[0], 0.5)
    assert own.error() <= 1e-6


def test_a_row_that_is_set_to_0_after_the_softmax_sees_nothing():
    def attend(x):
        second = torch.tensor([[False], [True]])
        return (x @ x.mT).softmax(-1).masked_fill(second, 0.0) @ x

    (call,), _ = followed(lambda_module(attend), TWO_TOKENS)
    own = call.own("decoder", 0)
    assert own.record.mask.tolist() == [[[True, True], [False, False]]]
    assert own.error() <= 1e-6


def test_a_product_with_positions_is_bias():
    positions = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.0, 0.0]])

    def attend(x):
        scores = x @ x.mT + torch.einsum("bhid,jd->bhij", x, positions)
        return scores.softmax(-1) @ x

    (call,), _ = followed(lambda_module(attend), TWO_TOKENS)
    record = call.own("decoder", 0).record
    np.testing.assert_allclose(record.k[0], TWO_TOKENS[0, 0].numpy())
    np.testing.assert_allclose(record.bias[0], [[2.0, 1.0], [0.0, 0.5]], atol=1e-6)


def test_a_product_in_two_parts_is_one_product():
    def attend(x):
        front, back = x[..., :2], x[..., 2:]
        scores = torch.einsum("bhid,bhjd->bhij", front, front) * 0.5
        scores = torch.baddbmm(scores[0], back[0], back[0].mT, alpha=0.25)[None]
        return torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), x)

    x = TWO_TOKENS + torch.arange(8.0).view(1, 1, 2, 4) / 8
    (call,), z = followed(lambda_module(attend), x)
    record = call.own("decoder", 0).record
    assert record.bias is None
    expected = x[0, 0, :, :2] @ x[0, 0, :, :2].T * 0.5 + x[0, 0, :, 2:] @ x[0, 0, :, 2:].T * 0.25
    np.testing.assert_allclose(record.scores(0), expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(record.z(0), z[0, 0].numpy(), atol=1e-6)


@pytest.mark.parametrize(
    "attend, why",
    [
        (lambda x: (x @ x.mT).tanh().softmax(-1) @ x, LOST),
        (lambda x: ((x @ x.mT) * torch.tensor([1.0, 2.0])).softmax(-1) @ x, LOST),
        (lambda x: (x @ x.mT).softmax(-1).square() @ x, MIXED),
        (lambda x: (x @ x.mT).softmax(-1) @ (x @ x.mT).softmax(-1), MIXED),
    ],
)
def test_what_is_no_softmax_of_scores_times_v_is_said_to_be_none(attend, why):
    (call,), _ = followed(lambda_module(attend), TWO_TOKENS)
    assert call.trouble == why


def test_softmax_of_what_is_no_product_is_not_attention():
    router = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=-1))
    calls, _ = followed(router, TWO_TOKENS[0])
    assert calls == []


def test_shares_that_mix_no_values_are_not_attention():
    calls, _ = followed(lambda_module(lambda x: (x @ x.mT).softmax(-1)), TWO_TOKENS)
    assert calls == []


def test_softmax_over_another_axis_than_the_keys_is_not_attention():
    calls, _ = followed(ByHand(softmax=lambda scores, _: scores.softmax(-2)), TWO_TOKENS)
    assert calls == []


def test_values_cast_to_the_type_of_the_pattern_are_values():
    def attend(x):
        pattern = (x @ x.mT).softmax(-1)
        return pattern @ x.type_as(pattern)

    (call,), _ = followed(lambda_module(attend), TWO_TOKENS)
    assert call.trouble == ""


def test_what_the_interface_computes_is_left_to_it():
    class Inside(ByHand):
        def forward(self, x):
            token = inside_interface.set(True)
            try:
                return super().forward(x)
            finally:
                inside_interface.reset(token)

    calls, _ = followed(Inside(), TWO_TOKENS)
    assert calls == []


def test_torchs_own_attention_is_seen_without_a_pattern():
    def attend(x):
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    (call,), z = followed(lambda_module(attend), TWO_TOKENS)
    own = call.own("decoder", 0)
    assert own.pattern is None
    assert own.record.mask.tolist() == [[[True, False], [True, True]]]
    np.testing.assert_allclose(own.z, z[0].numpy())
    assert own.error() <= 1e-6


def test_a_pass_that_fails_leaves_the_model_as_it_was():
    attention = ByHand(bias=torch.zeros(3, 3))
    model = Named(attention)
    with pytest.raises(RuntimeError):
        followed(model, TWO_TOKENS)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    attention.bias = None
    assert len(followed(model, TWO_TOKENS)[0]) == 1


def lambda_module(compute):
    class Computes(nn.Module):
        def forward(self, x):
            return compute(x)

    return Computes()


@pytest.mark.parametrize("kind", BYPASSING)
@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_recomputed_from_what_was_recorded_it_is_what_the_model_computed(kind, padded):
    model = bypassing_model(kind)
    calls, output = followed(model, **inputs_for(model, padded))
    with torch.no_grad():
        plain = model(**inputs_for(model, padded))
    assert len(calls) == BYPASSING[kind].n_calls
    assert torch.equal(output[0], plain[0])
    for call in calls:
        assert call.trouble == ""
        for batch in range(2):
            assert call.own("decoder", 0, batch).error() <= 1e-5


@pytest.mark.parametrize("kind", BYPASSING)
def test_the_patterns_are_those_that_transformers_returns_itself(kind):
    model = bypassing_model(kind)
    inputs = inputs_for(model, padded=False)
    with torch.no_grad():
        returned = returned_patterns(kind, model(**inputs, output_attentions=True))
    calls, _ = followed(model, **inputs)
    assert len(calls) == len(returned)
    for call, theirs in zip(calls, returned, strict=True):
        record = call.own("decoder", 0, batch=1).record
        ours = np.stack([record.pattern(head) for head in range(record.n_heads)])
        np.testing.assert_allclose(ours, theirs[1].numpy(), atol=1e-5)


def test_blooms_bias_is_alibi():
    model = bypassing_model("bloom")
    calls, _ = followed(model, **inputs_for(model, padded=False))
    slopes = [2.0 ** (-2 * (head + 1)) for head in range(4)]  # of 4 heads, as in the paper
    n = calls[0].q.shape[2]
    for call in calls:
        record = call.own("decoder", 0).record
        bias = np.array(slopes)[:, None, None] * np.arange(n)[None, None]
        np.testing.assert_allclose(record.bias, np.where(record.mask, bias, 0.0), atol=1e-5)
        assert call.scale == pytest.approx(8**-0.5)


def test_one_key_for_all_heads_is_kept_once():
    model = bypassing_model("falcon")
    calls, _ = followed(model, **inputs_for(model, padded=False))
    assert {(call.q.shape[1], call.k.shape[1], call.v.shape[1]) for call in calls} == {(4, 1, 1)}


def test_debertas_bias_is_what_depends_on_positions():
    model = bypassing_model("deberta-v2")
    attention: Any = model.get_submodule("deberta.encoder.layer.0.attention.self")
    compute, computed = attention.disentangled_attention_bias, []

    def compute_and_keep(*args):
        computed.append(compute(*args))
        return computed[-1]

    attention.disentangled_attention_bias = compute_and_keep
    try:
        calls, _ = followed(model, **inputs_for(model, padded=False))
    finally:
        del attention.disentangled_attention_bias
    theirs = computed[0].view(2, 4, 11, 11)[1].numpy()
    np.testing.assert_allclose(calls[0].own("encoder", 0, batch=1).record.bias, theirs, atol=1e-5)
