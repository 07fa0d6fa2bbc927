"""Every step of built-in models beside a second Transformer in plain numpy and 64 bits."""

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.errors import NoSuchStep
from model_runtime.steps import walk
from model_runtime.steps.parts import Place
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny
from tests.model_runtime.steps.checking import (
    all_steps,
    assert_close,
    assert_whole,
    by_rule,
    n_bytes,
    result_of,
)
from tests.model_runtime.steps.traced import first_place, opened, reference_of

SENTENCE = "The cat is playing."
LONG = "The cat is sleeping on the bed and the dog is sleeping on the floor. " * 6
TINY = [
    (topology, {"norm": norm, "positions": positions, "activation": activation})
    for topology in tiny.TOPOLOGIES
    for norm, activation in (("pre", "relu"), ("post", "gelu"))
    for positions in tiny.POSITIONS
]


def assert_every_step_is_true(traced, insides, reference, place, around=None):
    steps = all_steps(traced, insides, place, around)
    for step in steps:
        if step.result is None:
            assert step.rule in ("tokens", "missing")
            continue
        assert_whole(step)
        at = place if step.section == place.stack else None
        layer = place.layer
        whole = reference.whole(step.section, step.name, layer, place.head)
        rows, cols = list(result_of(step).rows.kept), list(result_of(step).cols.kept)
        assert whole.shape == (result_of(step).rows.size, result_of(step).cols.size)
        assert_close(result_of(step).values, whole[np.ix_(rows, cols)], whole[rows])
        assert_close(by_rule(step), result_of(step).values, whole[rows])
        if at and step.name in ("dot", "scale", "bias", "mask", "softmax"):
            assert step.cell == (at.query, at.key)
    return steps


# ── The values ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ref", catalog.references())
def test_every_step_of_a_model_that_ships_equals_a_second_computation(ref):
    traced, insides, reference = opened(ref)
    assert_every_step_is_true(traced, insides, reference, first_place(traced))


@pytest.mark.parametrize(("topology", "choices"), TINY)
def test_every_step_of_every_architecture_equals_a_second_computation(topology, choices):
    model, _ = tiny.opened(topology, **choices)
    traced = trace(model, SENTENCE)
    reference = reference_of(model.insides, traced)
    for stack in traced.info.stacks:
        record = traced.record(stack, 1)
        query, key = record.q.shape[1] - 1, min(1, record.k.shape[1] - 1)
        place = walk.settled(traced, stack, 1, 1, query, key)
        assert_every_step_is_true(traced, model.insides, reference, place)


@pytest.mark.parametrize("ref", ["builtin:translator", "builtin:writer", "builtin:blanks"])
@pytest.mark.parametrize("around", [None, 0, 100])
def test_every_step_of_a_long_text_is_folded_and_still_true(ref, around):
    traced, insides, reference = opened(ref, LONG)
    stack = traced.info.stacks[-1]
    n_queries = traced.record(stack, 1).q.shape[1]
    assert max(len(tokens) for tokens in traced.tokens(stack)) > 48
    for query in (0, n_queries // 2, n_queries - 1):
        place = walk.settled(traced, stack, 1, 3, query, None)
        steps = assert_every_step_is_true(traced, insides, reference, place, around)
        for step in steps:
            assert n_bytes(step) <= 60_000, step.name
            if around is not None and step.result is not None:
                cols = result_of(step).cols
                assert around in cols.kept or around >= cols.size, step.name


def test_the_rest_makes_a_folded_sum_whole():
    traced, insides, _ = opened("builtin:writer", LONG)
    place = walk.settled(traced, "decoder", 1, 3, 40, None)
    for name in ("weigh", "ffn_out"):
        folded = walk.step(traced, insides, place, f"decoder.{name}")
        whole = walk.step(traced, insides, place, f"decoder.{name}", whole=True)
        assert folded.rest is not None and whole.rest is None
        assert np.abs(folded.rest).max() > 1e-3  # what is left out is not nothing
        rows = list(result_of(folded).rows.kept)
        cols = list(result_of(folded).cols.kept)
        assert_close(by_rule(folded), by_rule(whole)[np.ix_(rows, cols)])


def test_the_terms_that_are_kept_are_the_largest_of_the_cell():
    traced, insides, _ = opened("builtin:writer", LONG)
    place = walk.settled(traced, "decoder", 1, 3, 40, None)
    folded = walk.step(traced, insides, place, "decoder.ffn_out")
    whole = walk.step(traced, insides, place, "decoder.ffn_out", whole=True)
    row, col = folded.cell
    products = np.abs(whole.operands["A"].values[row] * whole.operands["B"].values[:, col])
    kept = list(folded.operands["A"].cols.kept)
    assert products[kept].min() >= np.delete(products, kept).max()


@pytest.mark.parametrize("ref", ["builtin:translator", "builtin:positions@rotary"])
def test_every_operand_with_a_source_is_that_array(ref):
    traced, insides, _ = opened(ref)
    checked = 0
    place = first_place(traced)
    for step in all_steps(traced, insides, place):
        head = place.head
        for matrix in step.operands.values():
            source = array_called(traced, insides, matrix, head)
            if source is None:
                continue
            rows, cols = list(matrix.rows.kept), list(matrix.cols.kept)
            if matrix.symbol == "E":
                tokens = traced.tokens(step.section)[0]
                rows = [tokens[row].id for row in rows]
            np.testing.assert_array_equal(matrix.values, source[np.ix_(rows, cols)])
            checked += 1
    assert checked > 15


def array_called(traced, insides, matrix, head):
    name = matrix.source
    if name in traced.intermediates:
        array = traced.intermediates[name]
        if array.ndim == 3 and matrix.symbol in "QK":
            return np.hstack(list(array))
        return array[head] if array.ndim == 3 else array
    if name in insides.weights:
        weight = insides.weights[name]
        if weight.ndim == 1:
            return weight[None]
        return weight if matrix.symbol == "E" else weight.T
    return None


# ── The order ────────────────────────────────────────────────────────────────────────


def names_of(refs, section):
    return [ref.name for ref in refs if ref.section == section]


def test_an_encoder_decoder_is_walked_from_the_text_to_the_probabilities():
    traced, insides, _ = opened("builtin:translator")
    refs = walk.outline(traced, first_place(traced), insides)
    order = list(dict.fromkeys((ref.section, ref.name in walk.FFN + walk.END) for ref in refs))
    assert order == [
        ("encoder", False), ("encoder", True), ("decoder", False), ("cross", False),
        ("decoder", True),
    ]  # fmt: skip
    assert refs[0].id == "encoder.tokens" and refs[-1].id == "decoder.probabilities"
    assert "unembed" not in names_of(refs, "encoder")
    assert names_of(refs, "cross")[0] == "norm"
    assert names_of(refs, "decoder") == list(walk.NAMES)


@pytest.mark.parametrize("ref", ["builtin:writer", "builtin:blanks"])
def test_one_stack_is_walked_once_and_has_every_step(ref):
    traced, insides, _ = opened(ref)
    refs = walk.outline(traced, first_place(traced), insides)
    assert tuple(ref.name for ref in refs) == walk.NAMES
    assert len({ref.section for ref in refs}) == 1


def test_after_the_addition_comes_the_norm_of_a_post_norm_model():
    model, _ = tiny.opened("encoder-decoder", norm="post")
    traced = trace(model, SENTENCE)
    refs = walk.outline(traced, Place("cross", 0, 0, 0, 0), model.insides)
    for section in ("encoder", "decoder", "cross"):
        names = names_of(refs, section)
        assert names.index("norm") == names.index("add_attn") + 1
    names = names_of(refs, "decoder")
    assert names[names.index("add_ffn") + 1 :][:2] == ["ffn_norm", "next"]
    assert {ref.missing for ref in refs if ref.name == "final_norm"} == {"not in this model"}


@pytest.mark.parametrize(
    ("positions", "lacking"),
    [
        ("sinusoidal", {"rotate_q", "rotate_k", "bias"}),
        ("learned", {"rotate_q", "rotate_k", "bias"}),
        ("rotary", {"positions", "bias"}),
        ("alibi", {"positions", "rotate_q", "rotate_k"}),
        ("none", {"positions", "rotate_q", "rotate_k", "bias"}),
    ],
)
def test_what_an_architecture_lacks_is_said(positions, lacking):
    model, _ = tiny.opened("decoder", positions=positions)
    traced = trace(model, SENTENCE)
    refs = walk.outline(traced, Place("decoder", 0, 0, 0, 0), model.insides)
    missing = {ref.name: ref.missing for ref in refs if ref.missing}
    assert set(missing) == lacking | {"softcap"}
    assert set(missing.values()) == {"not in this model"}
    step = walk.step(traced, model.insides, Place("decoder", 0, 0, 0, 0), "decoder.softcap")
    assert (step.rule, step.result, step.why) == ("missing", None, "not in this model")


def test_the_steps_of_the_text_carry_its_tokens():
    traced, insides, _ = opened("builtin:translator")
    place = first_place(traced)
    tokens = walk.step(traced, insides, place, "decoder.tokens")
    ids = walk.step(traced, insides, place, "decoder.ids")
    assert tokens.tokens == traced.tokens("decoder")[0] and tokens.result is None
    assert [token.id for token in ids.tokens] == result_of(ids).values[:, 0].tolist()


@pytest.mark.parametrize("id_", ["", "dot", "decoder.", "cross.tokens", "encoder.unembed", "a.b.c"])
def test_a_step_that_is_not_in_the_walk_is_refused(id_):
    traced, insides, _ = opened("builtin:translator")
    with pytest.raises(NoSuchStep) as raised:
        walk.step(traced, insides, first_place(traced), id_)
    assert raised.value.values == {"step": id_}


def test_of_the_projections_the_columns_of_the_head_are_kept():
    traced, insides, _ = opened("builtin:translator")
    place = Place("cross", 1, 4, 2, 3)
    for name in ("q_all", "k_all", "v_all"):
        cols = result_of(walk.step(traced, insides, place, f"cross.{name}")).cols
        assert cols.kept == tuple(range(128, 160)) and cols.size == 192
        near = result_of(walk.step(traced, insides, place, f"cross.{name}", 20)).cols
        assert near.kept == (*range(12, 29), *range(128, 160))


# ── The end ──────────────────────────────────────────────────────────────────────────


def test_the_twenty_likeliest_and_the_token_that_follows_are_kept():
    traced, insides, _ = opened("builtin:writer")
    place = walk.settled(traced, "decoder", 0, 0, 3, None)
    step = walk.step(traced, insides, place, "decoder.probabilities")
    logits = traced.logits[3].astype(np.float64)
    kept = set(result_of(step).cols.kept)
    following = traced.reading.target[4].id
    assert kept == {*np.argsort(-logits, kind="stable")[:20].tolist(), following}
    assert step.cell == (3, logits.argmax())
    log_z = np.log(np.exp(logits - logits.max()).sum()) + logits.max()
    assert step.numbers["log_z"] == pytest.approx(log_z, rel=1e-12)
    names = traced.info.vocabulary
    assert result_of(step).cols.labels == tuple(names[i] for i in result_of(step).cols.kept)


def test_an_unlikely_token_that_follows_is_kept_beside_the_likeliest():
    traced = trace(catalog.open_model("builtin:writer"), "The cat is", "wooden zebra soup")
    unlikely = 0
    for query in range(len(traced.reading.target) - 1):
        place = walk.settled(traced, "decoder", 0, 0, query, None)
        insides = opened("builtin:writer")[1]
        kept = result_of(walk.step(traced, insides, place, "decoder.unembed")).cols.kept
        following = traced.reading.target[query + 1].id
        assert following in kept
        unlikely += len(kept) == 21
    assert unlikely


def test_unfolded_a_step_has_everything_and_a_huge_one_stays_folded():
    traced, insides, _ = opened("builtin:translator", LONG)
    place = first_place(traced)
    q_all = walk.step(traced, insides, place, "encoder.q_all", whole=True)
    assert all(
        len(axis.kept) == axis.size
        for matrix in (*q_all.operands.values(), result_of(q_all))
        for axis in (matrix.rows, matrix.cols)
    )
    unembed = walk.step(traced, insides, place, "decoder.unembed", whole=True)
    assert len(result_of(unembed).cols.kept) < 30


def test_weights_are_looked_at_and_not_copied():
    model, inside = tiny.opened("decoder")
    insides = model.insides
    weight = insides.weights["decoder.layers.0.attn.w_q.weight"]
    own = inside.get_parameter("decoder.layers.0.attn.w_q.weight").detach().numpy()
    assert np.shares_memory(weight, own)
    with pytest.raises(ValueError):
        weight[0, 0] = 1.0
    with pytest.raises(TypeError):
        insides.weights["new"] = weight  # type: ignore[index]
    assert insides.config is inside.config
    assert set(insides.weights) == set(inside.state_dict())
