"""Tokens that are told other positions: each kind against its formula, the model never touched.

Compared with a deep copy whose table is permuted, with numpy's complex numbers, with loops, and
with a model that was made without positions.
"""

import copy
import threading
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from model_runtime.builtin import passes
from model_runtime.builtin.opened import ids_of
from model_runtime.builtin.placed import with_places
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from model_runtime.builtin.transformer import Transformer
from model_runtime.positions.placing import Placeable, Placing, nowhere
from model_runtime.tracing import trace
from model_runtime.types import Request
from tests.model_runtime.builtin import tiny

TEXT = "The cat is playing."
KINDS = tuple(kind for kind in tiny.POSITIONS if kind != "none")
EVERY = pytest.mark.parametrize("topology", tiny.TOPOLOGIES)


@cache
def made(topology, positions, **choices):
    """(a tiny model, the Transformer inside, a trace)"""
    model, inside = tiny.opened(topology, positions=positions, **choices)
    written = "猫在床上睡" if topology == "encoder-decoder" else None
    return model, inside, trace(model, TEXT, written)


def forward(inside, reading):
    """Everything that a pass of any Transformer records, by name."""
    return passes.recorded(inside, *ids_of(reading))


def stacks(topology):
    return topology.split("-")


def told(topology, *at):
    """The same positions for every stack."""
    return Placing(**{stack: at for stack in stacks(topology)})


def n_tokens(seen):
    return max(len(seen.tokens(stack)[0]) for stack in seen.info.stacks)


def assert_same(found, expected, atol=0.0):
    """Equal arrays under all names that both have, the logits among them."""
    names = found.keys() & expected.keys()
    assert "logits" in names and len(names) > 20
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=atol, err_msg=name)


# ── The smallest cases ───────────────────────────────────────────────────────────────


def test_two_tokens_without_positions_that_swap_places_swap_their_rows():
    model, _, seen = made("encoder", "learned")
    first, second = seen.reading.source[1:3]
    assert first.id != second.id
    rows, swapped = (
        model.run_placed(replace(seen.reading, source=two), nowhere(model.info))["encoder.final"]
        for two in ((first, second), (second, first))
    )
    np.testing.assert_allclose(swapped, rows[::-1], rtol=0, atol=1e-6)
    assert np.abs(rows[0] - rows[1]).max() > 0.1


def test_two_tokens_told_each_others_positions_get_each_others_rows_of_the_table():
    model, inside, seen = made("encoder", "learned")
    two = replace(seen.reading, source=seen.reading.source[:2])
    found = model.run_placed(two, Placing(encoder=(1, 0)))
    table = inside.encoder.position_table.detach().numpy()
    assert (found["encoder.positions"] == table[[1, 0]]).all()
    expected = found["encoder.embedding"] + table[[1, 0]]
    assert (found["encoder.0.resid_pre"] == expected).all()


def test_a_slope_of_a_sixteenth_takes_five_sixteenths_off_five_apart():
    model, _, seen = made("encoder", "alibi")
    two = replace(seen.reading, source=seen.reading.source[:2])
    found = model.run_placed(two, Placing(encoder=(7, 2)))["encoder.0.attn.bias"]
    assert found[0].tolist() == [[0, -5 / 16], [-5 / 16, 0]]
    assert found[1].tolist() == [[0, -5 / 256], [-5 / 256, 0]]


# ── The places that they have ────────────────────────────────────────────────────────


@EVERY
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", tiny.POSITIONS)
def test_told_their_own_positions_tokens_make_the_same_pass_to_the_last_bit(
    positions, norm, topology
):
    model, inside, seen = made(topology, positions, norm=norm)
    ordinary = forward(inside, seen.reading)
    assert (ordinary["logits"] == seen.logits).all()
    for places in (told(topology, *range(n_tokens(seen))), told(topology, 0, 1), Placing()):
        found = model.run_placed(seen.reading, places)
        assert found.keys() == ordinary.keys()
        assert_same(found, ordinary)


# ── Other places ─────────────────────────────────────────────────────────────────────


@EVERY
@pytest.mark.parametrize("positions", KINDS)
def test_seven_places_on_only_a_table_makes_another_pattern(positions, topology):
    model, inside, seen = made(topology, positions)
    ordinary = forward(inside, seen.reading)
    found = model.run_placed(seen.reading, told(topology, *range(7, 7 + n_tokens(seen))))
    for stack in stacks(topology):
        for layer in (0, 1):
            name = f"{stack}.{layer}.attn.pattern"
            moved = np.abs(found[name] - ordinary[name]).max()
            assert moved <= 1e-5 if positions in ("rotary", "alibi") else moved > 1e-2, name


@EVERY
@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_permuted_places_are_those_of_a_permuted_table(positions, topology):
    model, inside, seen = made(topology, positions)
    order = np.random.default_rng(1).permutation(n_tokens(seen)).tolist()
    permuted = copy.deepcopy(inside)
    for stack in stacks(topology):
        table = getattr(permuted, stack).position_table.data
        table[: len(order)] = table[order].clone()
    found = model.run_placed(seen.reading, told(topology, *order))
    assert_same(found, forward(permuted, seen.reading))
    assert np.abs(found["logits"] - seen.logits).max() > 0.01


@EVERY
def test_rotary_queries_and_keys_are_turned_by_the_angles_of_the_positions_told(topology):
    model, _, seen = made(topology, "rotary", d_model=24)  # pairs of two frequencies and more
    at = np.random.default_rng(2).permutation(n_tokens(seen)) * 5
    found = model.run_placed(seen.reading, told(topology, *at.tolist()))
    for stack in stacks(topology):
        for letter in "qk":
            x = found[f"{stack}.1.attn.{letter}_unrotated"].astype(np.float64)
            n, d = x.shape[1:]
            angle = at[:n, None] / 10000 ** (np.arange(0, d, 2) / d)
            turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)
            ours = found[f"{stack}.1.attn.{letter}"]
            np.testing.assert_allclose(ours[..., 0::2], turned.real, rtol=0, atol=1e-5)
            np.testing.assert_allclose(ours[..., 1::2], turned.imag, rtol=0, atol=1e-5)


@EVERY
def test_alibi_takes_off_by_the_distance_of_the_positions_told(topology):
    model, _, seen = made(topology, "alibi")
    at = np.random.default_rng(3).permutation(n_tokens(seen)).tolist()
    found = model.run_placed(seen.reading, told(topology, *at))
    for stack in stacks(topology):
        bias = found[f"{stack}.0.attn.bias"]
        for head, query, key in np.ndindex(bias.shape):
            assert bias[head, query, key] == -abs(at[query] - at[key]) * 16.0 ** -(head + 1)


@pytest.mark.parametrize("positions", KINDS)
def test_a_decoder_looks_back_only_whatever_it_is_told(positions):
    model, _, seen = made("decoder", positions)
    n = n_tokens(seen)
    found = model.run_placed(seen.reading, told("decoder", *reversed(range(n))))
    for layer in (0, 1):
        assert not found[f"decoder.{layer}.attn.pattern"][:, ~np.tri(n, dtype=bool)].any()
        assert (found[f"decoder.{layer}.attn.mask"] == np.tri(n, dtype=bool)).all()


@pytest.mark.parametrize("positions", KINDS)
def test_each_stack_is_told_its_own(positions):
    model, inside, seen = made("encoder-decoder", positions)
    ordinary = forward(inside, seen.reading)
    for stack, other in (("encoder", "decoder"), ("decoder", "encoder")):
        found = model.run_placed(seen.reading, Placing(**{stack: (5, 2, 9)}))
        changed = {name for name in found if not (found[name] == ordinary[name]).all()}
        assert f"{stack}.0.attn.pattern" in changed and "logits" in changed
        first = f"{other}.0."  # what comes before the stacks meet
        for name in found:
            if name.startswith(first) and ".attn." in name:
                assert name not in changed


# ── No place ─────────────────────────────────────────────────────────────────────────


@EVERY
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", KINDS)
def test_no_position_for_any_token_is_a_model_made_without(positions, norm, topology):
    model, inside, seen = made(topology, positions, norm=norm)
    without = Transformer(replace(inside.config, positions="none")).eval()
    weights = {n: w for n, w in inside.state_dict().items() if "position_table" not in n}
    without.load_state_dict(weights)
    found = model.run_placed(seen.reading, nowhere(model.info))
    expected = forward(without, seen.reading)
    assert expected.keys() <= found.keys()
    assert_same(found, expected)
    assert np.abs(found["logits"] - seen.logits).max() > 1e-3


@pytest.mark.parametrize("positions", KINDS)
def test_one_token_alone_may_have_no_position(positions):
    model, inside, seen = made("encoder", positions)
    ordinary = forward(inside, seen.reading)
    found = model.run_placed(seen.reading, Placing(encoder=(0, 1, None)))
    others = np.arange(n_tokens(seen)) != 2
    at = "encoder.0.attn"
    if positions == "rotary":
        for letter in "qk":
            assert (found[f"{at}.{letter}"][:, 2] == found[f"{at}.{letter}_unrotated"][:, 2]).all()
            ours, theirs = found[f"{at}.{letter}"], ordinary[f"{at}.{letter}"]
            assert (ours[:, others] == theirs[:, others]).all()
    elif positions == "alibi":
        bias = found[f"{at}.bias"]
        assert not bias[:, 2].any() and not bias[:, :, 2].any()
        keep = np.ix_([0, 1], others, others)
        assert (bias[keep] == ordinary[f"{at}.bias"][keep]).all()
    else:
        assert not found["encoder.positions"][2].any()
        kept = found["encoder.positions"][others] == ordinary["encoder.positions"][others]
        assert kept.all()


def test_where_no_vector_is_there_is_no_position():
    with pytest.raises(ValueError, match="position -1"):
        Placing(encoder=(0, -1))
    with pytest.raises(ValueError, match="position -2"):
        Placing(decoder=(None, -2))
    model, _, seen = made("encoder", "learned")
    with pytest.raises(IndexError):
        model.run_placed(seen.reading, Placing(encoder=(24,)))
    far = made("encoder", "rotary")
    assert np.isfinite(far[0].run_placed(far[2].reading, Placing(encoder=(10**6,)))["logits"]).all()


# ── Writing ──────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def written(inside, source, ids, n):
    """`ids` and up to n likeliest tokens after them, one whole pass for each."""
    memory = inside.encode(torch.tensor([source])) if source else None
    ids = list(ids)
    for _ in range(n):
        scores = inside.logits(inside.decode(torch.tensor([ids]), memory))[0, -1].clone()
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -torch.inf
        ids.append(int(scores.argmax()))
        if ids[-1] == EOS_ID:
            break
    return ids


@pytest.mark.parametrize("positions", tiny.POSITIONS)
@pytest.mark.parametrize("topology", ["encoder-decoder", "decoder"])
def test_what_is_written_is_written_without_positions(positions, topology):
    model, inside, _ = made(topology, positions)
    request = Request("builtin:tiny", TEXT)
    reading = model.read(request)
    assert model.read_placed(request, Placing()) == reading
    weights = {n: w for n, w in inside.state_dict().items() if "position_table" not in n}
    without = Transformer(replace(inside.config, positions="none")).eval()
    without.load_state_dict(weights)
    found = model.read_placed(request, nowhere(model.info))
    assert found.source == reading.source and found.target_is_own
    given = [token.id for token in reading.target[: reading.n_given]] or [BOS_ID]
    n = 6 if topology == "decoder" else inside.config.context_length - 1
    source = [token.id for token in reading.source]
    assert [t.id for t in found.target] == written(without, source, given, n)


def test_an_encoder_and_a_typed_target_are_read_as_ever():
    model, _, seen = made("encoder", "learned")
    assert model.read_placed(seen.request, nowhere(model.info)) == seen.reading
    model, _, seen = made("encoder-decoder", "learned")
    assert model.read_placed(seen.request, nowhere(model.info)) == seen.reading


# ── The model itself ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("positions", tiny.POSITIONS)
def test_the_model_stays_as_it_is_and_shares_its_weights(positions):
    model, inside, seen = made("encoder-decoder", positions)
    kinds = [(name, type(module)) for name, module in inside.named_modules()]
    before = {name: tensor.clone() for name, tensor in inside.state_dict().items()}
    placed = with_places(inside, nowhere(model.info))
    theirs = dict((*inside.named_parameters(), *inside.named_buffers()))
    mine = dict((*placed.named_parameters(), *placed.named_buffers()))
    assert mine.keys() == theirs.keys()
    assert all(tensor is theirs[name] for name, tensor in mine.items())
    assert not set(placed.modules()) & set(inside.modules())
    model.run_placed(seen.reading, told("encoder-decoder", 3, 1, None))
    assert [(name, type(module)) for name, module in inside.named_modules()] == kinds
    assert all(torch.equal(t, before[name]) for name, t in inside.state_dict().items())
    assert (model.run(seen.reading).logits == seen.logits).all()


def test_what_is_recorded_cannot_be_written_to():
    model, _, seen = made("encoder", "learned")
    arrays = model.run_placed(seen.reading, Placing())
    for array in arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_right_and_placed_passes_at_once_do_not_disturb_each_other():
    model, _, seen = made("decoder", "learned")
    removed = model.run_placed(seen.reading, nowhere(model.info))["logits"]
    found, ends = [], threading.Event()

    def remove():
        while not ends.is_set():
            found.append(model.run_placed(seen.reading, nowhere(model.info))["logits"])

    other = threading.Thread(target=remove)
    other.start()
    right = [model.run(seen.reading).logits for _ in range(20)]
    ends.set()
    other.join()
    assert all((logits == seen.logits).all() for logits in right)
    assert found and all((logits == removed).all() for logits in found)


def test_a_built_in_model_can_be_told():
    assert isinstance(made("encoder", "learned")[0], Placeable)
