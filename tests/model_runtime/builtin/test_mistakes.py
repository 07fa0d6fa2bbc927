"""Each mistake is the wrong formula and nothing else; the right model never notices.

Compared with the wrong formulas in numpy's 64 bits, written apart from torch.
"""

import math
import threading
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from model_runtime import catalog
from model_runtime.breaking import MISTAKES
from model_runtime.builtin import passes
from model_runtime.builtin.mistakes import (
    WRONGS,
    InSteps,
    MaskAfterSoftmax,
    NoRoot,
    ReshapedHeads,
    RootOfModel,
    SoftmaxOverQueries,
    turned_into,
    with_mistake,
)
from model_runtime.builtin.opened import ids_of
from model_runtime.builtin.transformer import MultiHeadAttention
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny

# Every topology, and positions that are added, learned and turned.
SHIPPED = ("translator", "writer", "blanks", "induction", "dates")
RUNNING = tuple(name for name in MISTAKES if name != "concatenated")


@cache
def traced(name):
    model = catalog.open_model(f"builtin:{name}")
    return model, trace(model, model.info.examples[0])


@cache
def made(topology, **choices):
    model, inside = tiny.opened(topology, **choices)
    return model, inside, trace(model, "The cat is playing.")


# ── The smallest cases ───────────────────────────────────────────────────────────────


def attention_of(kind):
    """Two heads of one number each, with weights that nothing here uses."""
    attention = MultiHeadAttention(tiny.config_of("encoder", 4, 4, d_model=2, n_heads=2))
    turned_into(kind)(attention)
    return attention


def attended(kind, q, k, mask=None):
    """The pattern of one head whose q and k are single numbers."""
    found: dict[str, torch.Tensor] = {}
    shape = [torch.tensor(x, dtype=torch.float32)[None, None, :, None] for x in (q, k, k)]
    attention_of(kind).attend(*shape, bias=None, mask=mask, record=found.__setitem__)
    return found["pattern"][0, 0].double().numpy(), found["scores"][0, 0].double().numpy()


def test_without_the_root_a_score_is_the_bare_product():
    q = torch.tensor([[[[1.0, 2.0, 2.0, 4.0]]]])
    assert attention_of(InSteps).scores(q, q).item() == 12.5  # 25 / √4
    assert attention_of(NoRoot).scores(q, q).item() == 25.0
    q = q.expand(1, 4, 1, 4)  # four heads of four: √16
    assert attention_of(RootOfModel).scores(q, q)[0, 0].item() == 6.25


def test_a_mask_after_softmax_keeps_a_third_of_three_equal_shares():
    mask = torch.ones(3, 3, dtype=torch.bool).tril()
    pattern, _ = attended(MaskAfterSoftmax, [1, 1, 1], [2, 2, 2], mask)
    assert np.allclose(pattern, np.tril(np.full((3, 3), 1 / 3)), atol=1e-7)
    right, _ = attended(InSteps, [1, 1, 1], [2, 2, 2], mask)
    assert np.allclose(right.sum(axis=1), 1)


def test_over_the_wrong_axis_three_queries_share_out_one_key():
    pattern, _ = attended(SoftmaxOverQueries, [1, 1, 1], [5])
    assert np.allclose(pattern, 1 / 3, atol=1e-7)
    assert np.allclose(attended(InSteps, [1, 1, 1], [5])[0], 1)


def test_a_mere_reshape_gives_the_first_head_the_first_token_whole():
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])  # two tokens, two heads of one number
    assert attention_of(ReshapedHeads).split_heads(x).tolist() == [[[[1], [2]], [[3], [4]]]]
    assert MultiHeadAttention.split_heads(attention_of(InSteps), x).tolist() == [
        [[[1], [3]], [[2], [4]]]
    ]


@pytest.mark.parametrize("positions", tiny.POSITIONS)
@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
def test_attention_cut_in_steps_is_the_right_one_to_the_last_bit(topology, positions):
    _model, inside, seen = made(topology, positions=positions)
    again = with_mistake(inside, "no_root")
    for module in again.modules():
        turned_into(InSteps)(module)
    arrays = passes.recorded(again, *ids_of(seen.reading))
    assert (arrays["logits"] == seen.logits).all()
    for name, array in seen.intermediates.items():
        assert (arrays[name] == array).all()


# ── The wrong formulas ───────────────────────────────────────────────────────────────


def softmax(scores, axis=-1):
    exp = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exp / exp.sum(axis=axis, keepdims=True)


def norm(x, weights, name):
    spread = x - x.mean(axis=1, keepdims=True)
    spread /= np.sqrt((spread**2).mean(axis=1, keepdims=True) + 1e-5)
    return spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def turned(x):
    """Each pair as a complex number, times e^(i·angle)."""
    angle = np.arange(x.shape[1])[:, None] / 10000 ** (np.arange(0, x.shape[2], 2) / x.shape[2])
    pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)
    return np.stack([pairs.real, pairs.imag], axis=-1).reshape(x.shape)


def table(config, weights, stack, n):
    """What positions add to the embedding."""
    if config.positions == "learned":
        return weights[f"{stack}.position_table"][:n]
    if config.positions != "sinusoidal":
        return 0.0
    return [
        [
            (math.cos if column % 2 else math.sin)(
                row / 10000 ** ((column - column % 2) / config.d_model)
            )
            for column in range(config.d_model)
        ]
        for row in range(n)
    ]


def first_layer(model, seen, stack, mistake):
    """(pattern of all heads, stream after the attention) of a stack's first layer."""
    config, weights = model.insides.config, model.insides.weights
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    ids = [token.id for token in seen.tokens(stack)[0]]
    n, heads, d = len(ids), config.n_heads, config.d_head
    at = f"{stack}.layers.0"
    x = weights[f"{stack}.embedding.weight"][ids] * math.sqrt(config.d_model)
    if mistake != "no_positions":
        x = x + table(config, weights, stack, n)
    before = (config.norm == "pre") != (mistake == "other_norm")
    read = norm(x, weights, f"{at}.attn_residual.norm") if before else x

    def heads_of(letter):
        made = read
        if mistake != "no_projection":
            made = read @ weights[f"{at}.attn.w_{letter}.weight"].T
        if mistake == "reshaped_heads":
            return made.reshape(heads, n, d)
        return np.stack([made[:, h * d : (h + 1) * d] for h in range(heads)])

    q, k, v = map(heads_of, "qkv")
    if config.positions == "rotary" and mistake != "no_positions":
        q, k = turned(q), turned(k)
    divisor = {"no_root": 1.0, "root_of_model": math.sqrt(heads * d)}.get(mistake, math.sqrt(d))
    scores = np.einsum("hqd,hkd->hqk", q, k) / divisor
    if config.positions == "alibi" and mistake != "no_positions":
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        for h in range(heads):
            scores[h] -= apart * 2 ** (-8 * (h + 1) / heads)
    visible = np.tri(n, dtype=bool) if stack == "decoder" else np.ones((n, n), dtype=bool)
    if mistake == "mask_after":
        pattern = softmax(scores) * visible
    else:
        pattern = softmax(
            np.where(visible, scores, -np.inf), axis=1 if mistake == "wrong_axis" else 2
        )
    side_by_side = np.concatenate(list(pattern @ v), axis=1)
    stream = side_by_side @ weights[f"{at}.attn.w_o.weight"].T
    if mistake != "no_residual":
        stream = stream + x
    return pattern, stream if before else norm(stream, weights, f"{at}.attn_residual.norm")


def assert_as_in_numpy(model, seen, mistake):
    run = model.run_wrong(seen.reading, mistake)
    assert run.error == ""
    for stack in set(seen.info.stacks) - {"cross"}:
        pattern, stream = first_layer(model, seen, stack, mistake)
        after = "resid_cross" if (stack, "cross" in seen.info.stacks) == ("decoder", True) else ""
        found = run.arrays[f"{stack}.0.attn.pattern"]
        assert np.abs(found - pattern).max() <= 1e-5
        found = run.arrays[f"{stack}.0.{after or 'resid_mid'}"]
        assert np.abs(found - stream).max() <= 1e-5 * max(1.0, np.abs(stream).max())


@pytest.mark.parametrize("mistake", ("none", *RUNNING))
@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_layer_is_the_wrong_formula(name, mistake):
    model, seen = traced(name)
    if mistake == "none":  # the reference itself, without a mistake, is the right model
        for stack in set(seen.info.stacks) - {"cross"}:
            pattern, _ = first_layer(model, seen, stack, mistake)
            right = [seen.record(stack, 0).pattern(h) for h in range(len(pattern))]
            assert np.abs(pattern - right).max() <= 1e-5
    else:
        assert_as_in_numpy(model, seen, mistake)


@pytest.mark.parametrize("mistake", RUNNING)
@pytest.mark.parametrize("choices", [{"norm": "post"}, {"positions": "alibi"}], ids=str)
@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
def test_so_it_is_in_models_of_other_makes(topology, choices, mistake):
    model, _, seen = made(topology, **choices)
    assert_as_in_numpy(model, seen, mistake)


@pytest.mark.parametrize("normed", ["pre", "post"])
def test_what_is_concatenated_does_not_fit_as_torch_itself_says(normed):
    model, inside, seen = made("encoder", norm=normed)
    n, d_model = len(seen.reading.source), inside.config.d_model
    run = model.run_wrong(seen.reading, "concatenated")
    with pytest.raises(RuntimeError) as said:
        nn.LayerNorm(d_model)(torch.zeros(1, n, 2 * d_model))
    assert run.error == str(said.value)
    assert "logits" not in run.arrays


# ── The right model ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_right_model_stays_as_it_is(mistake):
    model, inside, seen = made("encoder-decoder")
    kinds = [(name, type(module)) for name, module in inside.named_modules()]
    before = {name: tensor.clone() for name, tensor in inside.state_dict().items()}
    model.run_wrong(seen.reading, mistake)
    assert [(name, type(module)) for name, module in inside.named_modules()] == kinds
    assert all(torch.equal(t, before[name]) for name, t in inside.state_dict().items())
    again = trace(model, seen.request.text)
    assert (again.logits == seen.logits).all()
    for name, array in seen.intermediates.items():
        assert (again.intermediates[name] == array).all()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_copy_shares_every_weight_that_it_keeps(mistake):
    _, inside, _ = made("encoder-decoder", positions="learned")
    wrong = with_mistake(inside, mistake)
    theirs = dict(inside.named_parameters())
    for name, parameter in wrong.named_parameters():
        assert parameter is theirs[name]
    assert not any(module in set(inside.modules()) for module in wrong.modules())


def test_right_and_wrong_passes_at_once_do_not_disturb_each_other():
    model, _, seen = made("decoder")
    found, ends = [], threading.Event()

    def go_wrong():
        while not ends.is_set():
            model.run_wrong(seen.reading, "no_residual")

    other = threading.Thread(target=go_wrong)
    other.start()
    for _ in range(20):
        found.append(model.run(seen.reading).logits)
    ends.set()
    other.join()
    assert all((logits == seen.logits).all() for logits in found)


def test_every_mistake_has_a_way_to_make_it():
    assert tuple(WRONGS) == MISTAKES
    with pytest.raises(KeyError):
        with_mistake(made("encoder")[1], "spelling")
