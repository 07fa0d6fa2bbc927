"""What a mistake does to a pass is measured as it is named, and where it does nothing, said why."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.breaking import MISTAKES, Breakable, broken, why_not
from model_runtime.builtin.tokenization import symbols
from model_runtime.errors import NoSuchHead
from model_runtime.steps.parts import Place
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny

SHIPPED = ("translator", "writer", "blanks", "induction", "dates")


@cache
def traced(name):
    model = catalog.open_model(f"builtin:{name}")
    return model, trace(model, model.info.examples[0])


@cache
def made(topology, **choices):
    model, _ = tiny.opened(topology, **choices)
    written = "猫在床上" if topology == "encoder-decoder" else None
    return model, trace(model, "The cat is playing.", written)


@cache
def found(name, mistake, stack=None):
    """A mistake in a shipped model, at a place in the middle of a stack's first layer."""
    model, seen = traced(name)
    stack = stack or seen.info.stacks[0]
    n_queries, n_keys = (len(tokens) for tokens in seen.tokens(stack))
    return broken(model, seen, mistake, Place(stack, 0, 1, n_queries // 2, n_keys // 3))


def told(result, name=None):
    """(right, wrong) of one number, the first if none is named."""
    number = next(t for t in result.telltales if name in (None, t.name))
    return number.right, number.wrong


def stacks(name):
    return traced(name)[1].info.stacks


EVERYWHERE = [(name, stack) for name in SHIPPED for stack in stacks(name)]


# ── The numbers that give it away ────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SHIPPED)
def test_without_the_root_scores_vary_d_times_as_much_and_entropy_falls(name):
    result = found(name, "no_root")
    right, wrong = told(result)
    assert result.telltales[0].name == "score variance"
    assert wrong / right == pytest.approx(result.trace.info.d_head, rel=1e-4)
    right, wrong = told(result, "entropy")
    assert wrong < right


@pytest.mark.parametrize("name", SHIPPED)
def test_with_the_models_root_scores_vary_h_times_less_and_entropy_rises(name):
    result = found(name, "root_of_model")
    assert result.telltales[0].name == "entropy"
    right, wrong = told(result)
    assert wrong > right
    right, wrong = told(result, "score variance")
    assert right / wrong == pytest.approx(result.trace.info.n_heads, rel=1e-4)


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_after_softmax_a_mask_leaves_rows_that_sum_to_less_than_1(name, stack):
    result = found(name, "mask_after", stack)
    if "decoder" not in stacks(name):
        assert result.why_not == "no mask"
        return
    assert result.place.stack == "decoder" and result.asked.stack == stack
    right, wrong = told(result)
    assert right == pytest.approx(1.0) and wrong < 0.999
    sums = result.damaged.wrong.sum(axis=1)
    assert wrong == pytest.approx(sums.min()) and sums[-1] == pytest.approx(1.0, abs=1e-5)
    assert not result.damaged.wrong[~result.damaged.visible].any()


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_over_the_wrong_axis_columns_sum_to_1_and_rows_do_not(name, stack):
    result = found(name, "wrong_axis", stack)
    right, wrong = told(result)
    assert right == pytest.approx(1.0)
    assert abs(wrong - 1.0) > 0.1
    assert told(result, "column sum")[1] == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(result.damaged.wrong.sum(axis=0), 1.0, atol=1e-5)
    assert np.allclose(result.damaged.right.sum(axis=1), 1.0)
    sums = result.damaged.wrong.sum(axis=1)
    assert wrong == sums[np.abs(sums - 1).argmax()]


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_without_transposing_hardly_a_row_is_its_own_tokens(name, stack):
    result = found(name, "reshaped_heads", stack)
    right, wrong = told(result)
    n_keys = len(result.trace.tokens(stack)[1])
    assert result.telltales[0].most == right == n_keys
    assert wrong <= n_keys / 2


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_without_projection_a_score_is_the_same_both_ways(name, stack):
    result = found(name, "no_projection", stack)
    assert result.telltales[0].name == ("own columns" if stack == "cross" else "asymmetry")
    right, wrong = told(result)
    assert right > 1.0 and wrong < 1e-4


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("translator", "position length"),
        ("writer", "position length"),
        ("blanks", "position length"),
        ("dates", "position length"),
        ("induction", "position turn"),
    ],
)
def test_without_positions_they_add_nothing(name, number):
    result = found(name, "no_positions")
    right, wrong = told(result)
    assert result.telltales[0].name == number
    assert right > 1.0 and wrong == 0.0


def test_a_sinusoidal_position_is_as_long_as_half_its_pairs():
    right, _ = told(found("translator", "no_positions"))
    assert right == pytest.approx(math.sqrt(192 / 2), rel=1e-5)  # sin² + cos² = 1 in each pair


def test_without_alibi_nothing_is_taken_off_for_distance():
    model, seen = made("encoder", positions="alibi")
    n = len(seen.reading.source)
    result = broken(model, seen, "no_positions", Place("encoder", 0, 1, 2, 1))
    right, wrong = told(result)
    assert right == pytest.approx((n - 1) * 2**-8) and wrong == 0.0


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_without_residual_the_stream_no_longer_resembles_itself(name, stack):
    result = found(name, "no_residual", stack)
    right, wrong = told(result)
    assert -1 <= wrong < 0.4 < right <= 1
    assert result.damaged.kind == "stream" and result.damaged.columns == ()


@pytest.mark.parametrize(("name", "stack"), EVERYWHERE)
def test_with_layernorm_after_the_addition_the_stream_cannot_grow(name, stack):
    result = found(name, "other_norm", stack)
    right, wrong = told(result)
    assert right == pytest.approx(result.damaged.right.var(axis=1).mean())
    assert wrong == pytest.approx(result.damaged.wrong.var(axis=1).mean())
    assert wrong < right


def test_with_layernorm_before_it_in_a_model_trained_otherwise_it_grows():
    model, seen = made("decoder", norm="post")
    result = broken(model, seen, "other_norm", Place("decoder", 1, 0, 2, 1))
    right, wrong = told(result)
    assert result.variant == "post" and wrong > right


@pytest.mark.parametrize("name", SHIPPED)
def test_concatenation_doubles_the_columns_and_stops(name):
    model, seen = traced(name)
    result = found(name, "concatenated")
    d_model = seen.info.d_model
    assert told(result) == (d_model, 2 * d_model)
    assert f"[{d_model}]" in result.error and f"{2 * d_model}]" in result.error
    assert result.damaged is None and result.moved is None
    assert result.right is None and result.wrong is None
    assert result.error == model.run_wrong(seen.reading, "concatenated").error


def test_concatenation_stops_at_the_first_sublayer_wherever_one_looks():
    model, seen = made("encoder-decoder", norm="post")
    result = broken(model, seen, "concatenated", Place("cross", 1, 1, 0, 0))
    assert (result.place.stack, result.place.layer) == ("encoder", 0)
    assert told(result) == (16, 32)


# ── Where it makes no difference ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("topology", "choices", "mistake", "why"),
    [
        ("encoder", {}, "mask_after", "no mask"),
        ("decoder", {"positions": "none"}, "no_positions", "no positions"),
        ("decoder", {"n_heads": 1}, "root_of_model", "one head"),
        ("encoder", {"n_heads": 1}, "reshaped_heads", "one head"),
    ],
)
def test_where_a_mistake_makes_no_difference_it_is_said_why(topology, choices, mistake, why):
    model, seen = made(topology, **choices)
    result = broken(model, seen, mistake, Place(seen.info.stacks[0], 0, 0, 0, 0))
    assert result.why_not == why_not(model.insides, seen, mistake) == why
    assert result.telltales == () and result.damaged is None and result.moved is None
    # It is true: nothing moves.
    assert np.allclose(model.run_wrong(seen.reading, mistake).arrays["logits"], seen.logits)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary", "alibi"])
def test_of_a_single_token_softmax_has_nothing_to_share_out(positions):
    letters = symbols("abc", starts=False, ends=False)
    model, _ = tiny.opened("encoder", target=letters, positions=positions)
    seen = trace(model, "a")
    place = Place("encoder", 0, 0, 0, 0)
    for mistake in ("no_root", "root_of_model", "wrong_axis", "reshaped_heads"):
        assert broken(model, seen, mistake, place).why_not == "one token"
        assert (model.run_wrong(seen.reading, mistake).arrays["logits"] == seen.logits).all()
    moves = broken(model, seen, "no_positions", place)
    assert moves.why_not == ("" if positions == "sinusoidal" else "one token")


def test_a_mask_hides_nothing_from_a_single_token():
    model, _ = tiny.opened("decoder", target=symbols("abc", starts=False, ends=False))
    seen = trace(model, "a", "b")
    assert why_not(model.insides, seen, "mask_after") == "one token"


def test_distances_are_looked_for_where_they_count():
    model, seen = made("encoder-decoder", positions="rotary")
    result = broken(model, seen, "no_positions", Place("cross", 1, 1, 1, 4))
    assert result.place == Place("decoder", 1, 1, 1, 1)
    assert result.asked == Place("cross", 1, 1, 1, 4)
    from_encoder = broken(model, seen, "mask_after", Place("encoder", 0, 1, 2, 1))
    assert from_encoder.place.query == len(seen.tokens("decoder")[0]) - 1


# ── The answers ──────────────────────────────────────────────────────────────────────


def softmax(logits):
    exp = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("mistake", ["wrong_axis", "no_residual"])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_answers_are_the_softmax_of_the_logits_on_the_same_tokens(name, mistake):
    model, seen = traced(name)
    result = found(name, mistake)
    logits = model.run_wrong(seen.reading, mistake).arrays["logits"]
    assert logits.shape == seen.logits.shape
    right, wrong = softmax(seen.logits), softmax(logits)
    for answer, shares in ((result.right, right), (result.wrong, wrong)):
        best = sorted(shares[result.position], reverse=True)[:5]
        assert [guess.share for guess in answer.guesses] == pytest.approx(best, rel=1e-9)
    assert result.moved.positions == len(right)
    changed = right.argmax(axis=1) != wrong.argmax(axis=1)
    assert result.moved.changed == changed.sum()
    divergence = (right * np.log2(right / wrong)).sum(axis=1).mean()
    assert result.moved.divergence == pytest.approx(divergence, rel=1e-6)
    if seen.info.writes:
        ids = [token.id for token in seen.reading.target[1:]]
        rows = np.arange(len(ids))
        assert result.moved.real_right == pytest.approx(right[rows, ids].mean())
        assert result.moved.real_wrong == pytest.approx(wrong[rows, ids].mean())
        assert result.wrong.real.share == pytest.approx(
            wrong[result.position, ids[result.position]]
        )
    else:
        assert result.moved.real_right is result.right.real is None


def test_the_answer_to_a_place_in_an_encoder_is_the_first_token_written():
    assert found("translator", "no_root", "encoder").position == 0
    assert found("translator", "no_root", "cross").position == 4
    assert found("blanks", "no_root").position == found("blanks", "no_root").place.query


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", ("positions@alibi", "positions@none", "reversal", "addition"))
def test_every_mistake_is_told_of_every_other_model_in_every_layer(name, mistake):
    model, seen = traced(name)
    assert isinstance(model, Breakable)
    for stack in seen.info.stacks:
        result = broken(model, seen, mistake, Place(stack, seen.info.n_layers - 1, 0, 0, 0))
        assert bool(result.why_not) != bool(result.telltales)
        for number in result.telltales:
            assert np.isfinite([number.right, number.wrong]).all()
        assert (result.moved is None) == bool(result.why_not or result.error)


def test_a_place_that_is_not_there_is_refused():
    model, seen = made("decoder")
    place = Place("decoder", 0, 0, 0, 0)
    with pytest.raises(NoSuchHead):
        broken(model, seen, "no_root", replace(place, layer=9))
    for beyond in (replace(place, head=2), replace(place, query=99), replace(place, key=-1)):
        with pytest.raises(IndexError):
            broken(model, seen, "no_root", beyond)
    with pytest.raises(KeyError):
        broken(model, seen, "spelling", place)
