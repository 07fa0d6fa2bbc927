"""Positions taken away: what stays the same, what does not, and what the shipped models make of it.

Small cases by hand; shares and bits against softmax in numpy; what is written against a model that
was made without positions.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.builtin.tokenization import symbols
from model_runtime.errors import NoSuchHead
from model_runtime.positions.experiments import shuffled_words, without
from model_runtime.positions.placing import Placing, nowhere
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny

KINDS = tuple(kind for kind in tiny.POSITIONS if kind != "none")
HOWS = ("removed", "shuffled")
TEXT = "The cat is playing."
# Every topology, and positions that are added, learned and turned.
SHIPPED = ("translator", "zh-en", "writer", "blanks", "dates", "induction", "positions@alibi")


@cache
def made(topology, positions="learned"):
    model, _ = tiny.opened(topology, positions=positions)
    return model, trace(model, TEXT)


@cache
def shipped(name):
    model = catalog.open_model(f"builtin:{name}")
    return model, trace(model, model.info.examples[0])


def letters(text, positions="sinusoidal"):
    """An encoder of three letters without special tokens, and a trace."""
    tokenizer = symbols("abc", starts=False, ends=False)
    model, _ = tiny.opened("encoder", target=tokenizer, positions=positions)
    return model, trace(model, text)


def shares(row):
    """Softmax of a row of logits, in more than 64 bits."""
    exps = np.exp(row.astype(np.longdouble) - row.max())
    return exps / exps.sum()


def changed(model, seen, *, how="removed", seed=0):
    """Positions removed, or shuffled by a seed."""
    return without(model, seen, how, seed)


def reordered(model, seen, *, seed=0):
    """The words shuffled by a seed."""
    return shuffled_words(model, seen, seed)


# ── Positions removed or shuffled ────────────────────────────────────────────────────


def test_of_two_tokens_shuffled_each_is_told_the_others_position():
    model, seen = letters("ab")
    for seed in range(5):
        assert changed(model, seen, how="shuffled", seed=seed).order == (1, 0)


def test_two_equal_letters_without_positions_predict_the_same_and_share_equally():
    model, seen = letters("aa")
    result = changed(model, seen, how="removed")
    first, second = result.predictions
    assert first.after == second.after
    right, wrong = result.pattern("encoder", 0, 1)
    np.testing.assert_allclose(wrong, 0.5, rtol=0, atol=1e-7)
    assert np.abs(right - 0.5).max() > 1e-3


@pytest.mark.parametrize("positions", tiny.POSITIONS)
def test_one_token_cannot_be_shuffled(positions):
    model, seen = letters("a", positions)
    result = changed(model, seen, how="shuffled")
    assert result.why_not == ("no positions" if positions == "none" else "one token")
    assert not result.predictions and result.moved is None and not result.patterns
    removed = changed(model, seen, how="removed")
    # A vector that is added makes a difference to a single token; a distance cannot.
    expected = {"none": "no positions", "rotary": "one token", "alibi": "one token"}
    assert removed.why_not == expected.get(positions, "")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["translator", "positions@none"])
def test_only_a_model_without_positions_has_none_to_lose(name, how):
    result = changed(*shipped(name), how=how)
    assert result.why_not == ("no positions" if name == "positions@none" else "")
    assert bool(result.predictions) == (name == "translator")
    if result.why_not:
        with pytest.raises(NoSuchHead):
            result.pattern("encoder", 0, 0)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("positions", KINDS)
@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
def test_patterns_are_those_of_the_right_pass_and_of_the_changed_one(topology, positions, how):
    model, seen = made(topology, positions)
    result = changed(model, seen, how=how, seed=3)
    if how == "removed":
        assert result.order == ()
        places = nowhere(model.info)
    else:
        n = len(seen.tokens(result.stack)[0])
        assert sorted(result.order) == list(range(n)) and result.order != tuple(range(n))
        places = Placing(**{result.stack: result.order})
    arrays = model.run_placed(seen.reading, places)
    for stack in seen.info.stacks:
        at = {"cross": "decoder.1.cross"}.get(stack, f"{stack}.1.attn")
        for head in (0, 1):
            right, wrong = result.pattern(stack, 1, head)
            assert (right == seen.record(stack, 1).pattern(head)).all()
            assert (wrong == arrays[f"{at}.pattern"][head]).all()
            assert wrong.dtype == right.dtype and wrong.shape == right.shape
            np.testing.assert_allclose(wrong.sum(axis=1), 1.0, rtol=0, atol=1e-6)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", SHIPPED)
def test_predictions_are_the_likeliest_tokens_of_both_passes(name, how):
    model, seen = shipped(name)
    result = changed(model, seen, how=how, seed=1)
    places = nowhere(model.info) if how == "removed" else Placing(**{result.stack: result.order})
    wrong = model.run_placed(seen.reading, places)["logits"]
    assert len(result.predictions) == len(seen.logits) == len(wrong)
    differ, bits = 0, 0.0
    for found, row, other in zip(result.predictions, seen.logits, wrong, strict=True):
        right_shares, wrong_shares = shares(row), shares(other)
        for guess, its in ((found.before, right_shares), (found.after, wrong_shares)):
            assert guess.rank == 1 and guess.id == np.argmax(its)
            assert guess.share == pytest.approx(float(its[guess.id]), abs=1e-9)
        assert found.kept.id == found.before.id
        assert found.kept.share == pytest.approx(float(wrong_shares[found.kept.id]), abs=1e-9)
        assert found.kept.rank == 1 + (other > other[found.kept.id]).sum()
        differ += found.before.id != found.after.id
        bits += float((right_shares * np.log2(right_shares / wrong_shares)).sum())
    assert result.moved.changed == differ and result.moved.positions == len(wrong)
    assert result.moved.divergence == pytest.approx(bits / len(wrong), rel=1e-4, abs=1e-6)
    assert result.moved.divergence > 0.01


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("topology", ["encoder-decoder", "decoder"])
def test_what_the_model_wrote_itself_it_writes_again(topology, how):
    model, seen = made(topology)
    result = changed(model, seen, how=how, seed=2)
    places = nowhere(model.info) if how == "removed" else Placing(**{result.stack: result.order})
    reading = model.read_placed(seen.request, places)
    assert reading.target_is_own and result.rewritten == replace(seen, reading=reading).target_text
    assert result.unfinished == reading.unfinished
    typed = trace(model, TEXT, "猫在床" if topology == "encoder-decoder" else "dog")
    assert changed(model, typed, how=how).rewritten is None


def test_an_encoder_writes_nothing():
    assert changed(*made("encoder"), how="removed").rewritten is None


def test_a_model_that_turns_letters_round_needs_their_positions():
    model = catalog.open_model("builtin:reversal")
    seen = trace(model, "headlight")
    assert seen.target_text == "thgildaeh"
    result = changed(model, seen, how="removed")
    assert result.moved.changed >= 5
    # A decoder that has lost count does not stop, and the context is full.
    assert result.unfinished and len(result.rewritten) == model.info.context_length - 1


@pytest.mark.parametrize("name", SHIPPED)
def test_a_seed_gives_one_order_and_another_seed_another(name):
    model, seen = shipped(name)
    first, again, other = (changed(model, seen, how="shuffled", seed=seed) for seed in (4, 4, 5))
    assert first.order == again.order != other.order
    assert first.predictions == again.predictions and first.rewritten == again.rewritten
    assert sorted(first.order) == list(range(len(seen.tokens(seen.info.stacks[0])[0])))


def test_a_head_that_is_not_there_is_named():
    result = changed(*made("encoder"), how="removed")
    for place in (("encoder", 0, 2), ("encoder", 2, 0), ("encoder", 0, -1), ("cross", 0, 0)):
        with pytest.raises(NoSuchHead):
            result.pattern(*place)


# ── The same words in another order ──────────────────────────────────────────────────


def test_two_letters_swap_and_without_positions_so_do_their_rows():
    model, seen = letters("ab")
    result = reordered(model, seen)
    assert result.order == (1, 0) and not result.causal
    assert [[t.text for t in side] for side in result.tokens] == [["a", "b"], ["b", "a"]]
    _, backwards = letters("ba")
    final = backwards.intermediates["encoder.final"]
    assert (result.own.rows == seen.intermediates["encoder.final"]).all()
    assert (result.own.rows_shuffled == final[::-1]).all()
    assert (
        result.own.difference
        == np.abs(final[::-1] - result.own.rows).max() / np.abs(result.own.rows).max()
    )
    np.testing.assert_allclose(result.none.rows_shuffled, result.none.rows, rtol=0, atol=1e-6)
    assert result.own.difference > 0.01 > 1e-6 > result.none.difference


@pytest.mark.parametrize("positions", tiny.POSITIONS)
@pytest.mark.parametrize("topology", ["encoder", "encoder-decoder"])
def test_without_positions_an_encoder_takes_a_text_for_a_set(topology, positions):
    result = reordered(*made(topology, positions), seed=1)
    assert result.stack == "encoder" and not result.causal
    assert result.none.difference <= 1e-5
    assert result.own.difference <= 1e-5 if positions == "none" else result.own.difference > 0.01
    order = np.ix_(result.order, result.order)
    for layer, head in ((0, 0), (1, 1)):
        straight, shuffled = result.none.pattern(layer, head)
        np.testing.assert_allclose(shuffled, straight[order], rtol=0, atol=1e-5)
        straight, shuffled = result.own.pattern(layer, head)
        moved = np.abs(shuffled - straight[order]).max()
        assert moved <= 1e-5 if positions == "none" else moved > 1e-3


@pytest.mark.parametrize("positions", tiny.POSITIONS)
def test_a_causal_mask_tells_an_order_even_without_positions(positions):
    model, seen = made("decoder", positions)
    result = reordered(model, seen, seed=1)
    assert result.stack == "decoder" and result.causal
    assert result.none.difference > 0.01
    assert (result.own.rows == seen.intermediates["decoder.final"]).all()
    for case in (result.own, result.none):
        later = ~np.tri(len(result.order), dtype=bool)
        assert not any(case.pattern(1, 0)[side][later].any() for side in (0, 1))


@pytest.mark.parametrize("name", SHIPPED)
def test_special_tokens_stay_and_all_others_are_shuffled_by_the_seed(name):
    model, seen = shipped(name)
    result, again, other = (reordered(model, seen, seed=seed) for seed in (0, 0, 1))
    assert result.order == again.order != other.order
    straight, shuffled = result.tokens
    assert straight == seen.tokens(result.stack)[0]
    assert sorted(result.order) == list(range(len(straight))) and shuffled != straight
    assert all(shuffled[t.position] is t for t in straight if t.is_special)


@pytest.mark.parametrize("name", ["translator", "zh-en", "blanks", "positions@rotary"])
def test_shipped_encoders_without_positions_take_a_text_for_a_set(name):
    result = reordered(*shipped(name))
    assert result.none.difference <= 1e-5 and result.own.difference > 1e-1


def test_the_one_that_never_had_positions_takes_a_text_for_a_set_as_it_is():
    result = reordered(*shipped("positions@none"))
    assert result.own.difference == result.none.difference <= 1e-5


@pytest.mark.parametrize("name", ["writer", "induction"])
def test_shipped_decoders_without_positions_do_not(name):
    result = reordered(*shipped(name))
    assert result.causal and result.none.difference > 1e-1 and result.own.difference > 1e-1


def test_one_token_between_special_ones_has_nothing_to_change_places_with():
    model, seen = shipped("positions@rotary")
    one = trace(model, "a")
    assert len(one.reading.source) == 3
    result = reordered(model, one)
    assert result.why_not == "one token" and result.order == ()
    assert result.own is None and result.none is None
    assert reordered(model, seen).why_not == ""


def test_what_is_kept_cannot_be_written_to():
    case = reordered(*made("encoder")).none
    kept = changed(*made("encoder"), how="removed").patterns.values()
    for array in (case.rows, case.rows_shuffled, *case.patterns, *case.patterns_shuffled, *kept):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
