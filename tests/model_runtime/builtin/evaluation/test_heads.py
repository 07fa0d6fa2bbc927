"""Shares on a neighbour, on models whose attention is known beforehand."""

import numpy as np
import pytest
import torch

from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.evaluation.heads import named, neighbour_shares, self_patterns
from model_runtime.builtin.transformer import Transformer


def uniform(topology):
    """A model whose queries are all zero, so that every visible key gets the same share."""
    torch.manual_seed(0)
    config = TransformerConfig(
        topology=topology,
        source_vocab_size=9,
        target_vocab_size=9,
        context_length=8,
        d_model=8,
        n_heads=2,
        d_ff=8,
        n_layers=3,
    )
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("attn.w_q.weight"):
                parameter.zero_()
    return model


def test_patterns_come_layer_by_layer_and_head_by_head():
    assert self_patterns(uniform("decoder"), [4, 5, 6]).shape == (3, 2, 3, 3)


def test_a_uniform_encoder_gives_each_neighbour_one_part_in_n():
    model = uniform("encoder")
    for offset in (-1, 1):
        assert neighbour_shares(model, [[4, 5, 6, 7]], offset) == pytest.approx(0.25)


def test_a_uniform_decoder_sees_no_next_token():
    model = uniform("decoder")
    # Rows 1, 2, 3 see 2, 3 and 4 keys, the token before among them.
    expected = (1 / 2 + 1 / 3 + 1 / 4) / 3
    assert neighbour_shares(model, [[4, 5, 6, 7]], -1) == pytest.approx(expected)
    assert neighbour_shares(model, [[4, 5, 6, 7]], 1) == pytest.approx(0.0)


def test_every_query_counts_the_same_in_long_and_short_sentences():
    model = uniform("decoder")
    shares = neighbour_shares(model, [[4, 5], [4, 5, 6, 7]], -1)
    assert shares == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_the_best_head_is_named_by_layer_and_head():
    told = named(np.array([[0.1, 0.2], [0.75, 0.3]]))
    assert told["best_head"] == {"layer": 1, "head": 0, "share": 0.75}
    assert told["per_head"] == [[0.1, 0.2], [0.75, 0.3]]
