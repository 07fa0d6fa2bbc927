"""Attention in blocks is put together again: the same numbers, at the right tokens.

References: numbers that are their own labels, whole attention under a mask, and the patterns
that transformers returns from a run that nobody follows.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from model_runtime.huggingface.fallback import follow
from model_runtime.huggingface.joining import OWN_KEYS
from model_runtime.huggingface.labels import NOWHERE, Labelled, Labels

SIZES: dict[str, dict[str, Any]] = {
    "longformer": {"attention_window": 4, "hidden_size": 32, "intermediate_size": 40},
    "led": {"attention_window": 4},
    "longt5": {"local_radius": 3},
    "longt5 with global": {
        "local_radius": 3,
        "encoder_attention_type": "transient-global",
        "global_block_size": 4,
    },
    "pegasus_x": {"block_size": 4, "num_global_tokens": 3},
    "big_bird": {"block_size": 2, "num_random_blocks": 1, "hidden_size": 32},
    "bigbird_pegasus": {"block_size": 2, "num_random_blocks": 2},
    "canine": {"hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4},
}
COMMON = {
    "vocab_size": 99,
    "d_model": 32,
    "d_ff": 40,
    "d_kv": 8,
    "num_layers": 2,
    "num_heads": 4,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 40,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
}
ENCODERS = ("longformer", "big_bird", "canine")


def blocked_model(kind):
    name = kind.split()[0]
    default = transformers.AutoConfig.for_model(name)
    common = {key: value for key, value in COMMON.items() if hasattr(default, key)}
    config = transformers.AutoConfig.for_model(name, **(common | SIZES[kind]))
    torch.manual_seed(0)
    auto = transformers.AutoModel.from_config
    if name in ("longformer", "big_bird"):
        auto = transformers.AutoModelForMaskedLM.from_config
    model = auto(config, attn_implementation="eager").eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.2)
    return model.requires_grad_(False)


def inputs_for(kind, n_tokens, padded=0):
    ids = torch.randint(3, 99, (2, n_tokens), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    if padded:
        ids[1, -padded:] = 0
        mask[1, -padded:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    return inputs if kind in ENCODERS else inputs | {"decoder_input_ids": ids[:, :5]}


def followed(model, inputs):
    with torch.no_grad(), follow(model) as calls:
        output = model(**inputs)
    return calls, output


def in_blocks(calls):
    """The calls of the modules that work in blocks."""
    return [call for call in calls if "decoder" not in call.module]


# What moves numbers moves their labels: here every number is its own label.


@pytest.mark.parametrize(
    "move",
    [
        lambda t: t.view(2, 12).transpose(0, 1).reshape(4, 6),
        lambda t: nn.functional.pad(t, (0, 1, 2, 0), value=-1.0)[..., 1:],
        lambda t: torch.cat([t[:, 1:], torch.full((2, 1, 4), -1.0), t[:, :1]], dim=1),
        lambda t: t.as_strided((2, 2, 2, 4), (12, 4, 4, 1)),
        lambda t: torch.gather(t, 1, torch.tensor([[[2] * 4], [[0] * 4]])),
        lambda t: torch.stack(t.split(1, dim=1)).squeeze(2),
        lambda t: t.transpose(0, 2).contiguous().flip(0).unsqueeze(1).repeat(1, 3, 1, 1),
    ],
)
def test_labels_go_where_the_numbers_go(move):
    numbers = torch.arange(24.0).view(2, 3, 4)
    labelled, moved = labels_of(numbers, move)
    assert torch.equal(labelled.get(moved).of, moved.long())


def test_labels_are_written_into_a_view_as_the_numbers_are():
    def copy(t):
        whole = t.new_full((2, 6, 4), -1.0)
        whole[:, 1::2] = t
        part = whole.view(2, 3, 2, 4)
        part[:, 0, 0] = t[:, 2]
        return whole

    labelled, moved = labels_of(torch.arange(24.0).view(2, 3, 4), copy)
    assert torch.equal(labelled.get(moved).of, moved.long())


def test_a_factor_and_a_bias_are_noted():
    labelled, moved = labels_of(torch.arange(4.0), lambda t: (t * 3.0 / 2.0)[1:] + 0.5)
    assert labelled.get(moved).factor == 1.5
    assert labelled.get(moved).is_biased


def labels_of(numbers, move):
    """`move(numbers)` with every step followed."""
    labelled = Labelled(lambda addend: False)
    labelled.set(numbers, Labels(numbers.long()))

    class Following(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            labelled.follow(func.__name__.strip("_"), func, args, kwargs or {}, out)
            return out

    with Following():
        return labelled, move(numbers)


def test_padding_comes_from_nowhere():
    labelled, moved = labels_of(torch.ones(2), lambda t: nn.functional.pad(t, (1, 0)))
    assert labelled.get(moved).of.tolist() == [NOWHERE, 1, 1]


# By hand: four tokens in two blocks.


class CanineAttention(nn.Module):
    """One head; each token sees its own block of two. Goes by the name of one that is known."""

    def __init__(self):
        super().__init__()
        self.same = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.same.weight)

    def forward(self, hidden):
        blocks = self.same(hidden).view(1, 2, 2, 2)
        scores = blocks @ blocks.transpose(-1, -2) / math.sqrt(2)
        return (scores.softmax(-1) @ blocks).view(1, 4, 2)


def test_two_blocks_of_two_tokens_are_four_tokens_under_a_mask():
    hidden = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [3.0, 0.0]]])
    model = CanineAttention()
    with torch.no_grad(), follow(model) as calls:
        z = model(hidden)
    (call,) = calls
    own = call.own("encoder", 0)
    two = np.ones((2, 2), dtype=bool)
    np.testing.assert_array_equal(own.record.visible(0), np.kron(np.eye(2, dtype=bool), two))
    assert own.record.bias is None
    assert own.record.scale == pytest.approx(2**-0.5)
    np.testing.assert_allclose(own.record.q[0], hidden[0].numpy())
    np.testing.assert_allclose(own.z[0], z[0].numpy(), atol=1e-6)
    assert own.error() <= 1e-6


# Real ones.


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("n_tokens, padded", [(32, 0), (27, 0), (32, 5)])
def test_recomputed_from_the_blocks_it_is_what_the_model_computed(kind, n_tokens, padded):
    model = blocked_model(kind)
    inputs = inputs_for(kind, n_tokens, padded)
    calls, output = followed(model, inputs)
    with torch.no_grad():
        plain = model(**inputs)
    assert torch.equal(output[0], plain[0])
    assert len(in_blocks(calls)) == (4 if kind == "canine" else 2)
    for call in calls:
        assert call.trouble == ""
        for text in range(2):
            assert call.own("encoder", 0, text).error() <= 1e-5


def test_what_longformer_pads_to_whole_windows_is_left_out():
    calls, _ = followed(blocked_model("longformer"), inputs_for("longformer", 27))
    assert {tuple(call.pattern.shape) for call in calls} == {(2, 4, 27, 27)}


def test_longformers_bands_are_the_diagonals_of_the_pattern():
    model = blocked_model("longformer")
    inputs = inputs_for("longformer", 32)
    calls, _ = followed(model, inputs)
    with torch.no_grad():
        bands = model(**inputs, output_attentions=True).attentions  # [text, head, query, offset]
    for call, band in zip(calls, bands, strict=True):
        for offset in range(-2, 3):
            ours = call.pattern.diagonal(offset, dim1=2, dim2=3)
            rows = slice(max(0, -offset), 32 - max(0, offset))
            np.testing.assert_allclose(ours, band[:, :, rows, offset + 2].numpy(), atol=1e-6)
        assert call.visible.sum(-1).max() == 5


def test_longt5s_bias_is_its_table_of_distances():
    model = blocked_model("longt5")
    calls, _ = followed(model, inputs_for("longt5", 12))
    first = in_blocks(calls)[0]
    attention = model.get_submodule(first.module)
    distances = torch.arange(12)[None, :] - torch.arange(12)[:, None]
    bucket = attention._relative_position_bucket(distances, num_buckets=32, max_distance=128)
    table = attention.relative_attention_bias(bucket).permute(2, 0, 1).numpy()
    record = first.own("encoder", 0).record
    assert record.mask is not None
    np.testing.assert_array_equal(record.mask[0], distances.abs().numpy() <= 3)
    np.testing.assert_allclose(record.bias, np.where(record.mask, table, 0.0), atol=1e-5)


def test_a_block_that_big_bird_sees_twice_has_ln_2_added():
    calls, _ = followed(blocked_model("big_bird"), inputs_for("big_bird", 32))
    bias = calls[0].own("encoder", 0).record.bias
    # At rest its random block is the first one, which every block but the outermost sees anyway.
    expected = np.zeros((32, 32))
    expected[2:-2, :2] = math.log(2)
    np.testing.assert_allclose(bias, np.broadcast_to(expected, bias.shape), atol=1e-5)


def test_global_positions_come_after_the_tokens():
    calls, _ = followed(blocked_model("pegasus_x"), inputs_for("pegasus_x", 32))
    first = in_blocks(calls)[0]
    assert first.q.shape[2] == first.k.shape[2] == 32 + 3
    shown = first.visible[0, 0]
    assert shown[-3:].all() and shown[:, -3:].all()
    assert int(shown[0].sum()) == 4 + 3


def test_keys_of_their_own_for_some_queries_are_said_to_be_too_much():
    model = blocked_model("longformer")
    inputs = inputs_for("longformer", 32)
    first_is_global = torch.zeros_like(inputs["input_ids"])
    first_is_global[:, 0] = 1
    calls, _ = followed(model, inputs | {"global_attention_mask": first_is_global})
    assert [call.trouble for call in calls] == [OWN_KEYS, OWN_KEYS]
