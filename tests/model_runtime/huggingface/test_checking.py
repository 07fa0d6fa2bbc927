"""The self-check finds what is not the model's own, and says which part and why."""

import dataclasses

import numpy as np
import pytest
import torch

from model_runtime.attention import AttentionRecord
from model_runtime.huggingface import checking
from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.checking import (
    IMPRECISE,
    NO_SOFTMAX,
    NOT_QUERIES,
    NOT_SHOWN,
    NOT_TOKENS,
    TOO_FAR,
    logits_of,
    probe,
    reasons,
    rounding,
)
from model_runtime.huggingface.places import Place
from model_runtime.huggingface.recorder import record
from model_runtime.types import Remark
from tests.model_runtime.huggingface.random_models import inputs_of, random_model


def probed(kind, family="decoder"):
    return probe(random_model(kind), inputs_of(kind), family)


@pytest.fixture
def spoilt(monkeypatch):
    """Makes the recording of Llama wrong in a way of the test's choosing."""

    def spoil(change, calls=slice(None)):
        def recorded(model, inputs, implementation, **kwargs):
            found = record(model, inputs, implementation, **kwargs)
            for call in found.calls[calls] if implementation == "eager" else ():
                change(call)
            return found

        monkeypatch.setattr(checking, "record", recorded)
        return probed("llama")

    return spoil


def test_an_exact_model_is_shown_whole():
    found = probed("llama")
    assert found.result.remarks == ()
    assert found.result.logits == 0
    assert max(found.result.pattern, found.result.z) <= 1e-5
    assert found.plan.shown == {Place("decoder", 0), Place("decoder", 1)}
    assert len(found.attentions) == 2


def test_an_encoder_decoder_has_three_stacks():
    places = probed("t5", "encoder-decoder").plan.shown
    assert places == {Place(s, n) for s in ("encoder", "decoder", "cross") for n in (0, 1)}


@pytest.mark.parametrize(
    ("kind", "family", "two_sided"), [("llama", "decoder", False), ("bert", "encoder", True)]
)
def test_it_sees_whether_a_query_looks_ahead(kind, family, two_sided):
    assert probed(kind, family).is_two_sided is two_sided


@pytest.mark.parametrize(
    ("kind", "long", "following"),
    [("llama", "sdpa", False), ("gemma2", "eager", False), ("bloom", "eager", True)],
)
def test_long_texts_go_the_quick_way_where_it_comes_to_the_same(kind, long, following):
    plan = probed(kind).plan
    assert (plan.long, plan.following) == (long, following)


def test_a_model_without_softmax_attention_is_told_in_one_sentence():
    found = probed("mamba")
    assert found.plan.shown == frozenset()
    assert [remark.message for remark in found.result.remarks] == [NO_SOFTMAX]
    assert found.result.remarks[0].values == {"architecture": "MambaForCausalLM"}


def wrong_scale(call: AttentionCall) -> None:
    call.scale *= 1.1


def dropped_mask(call: AttentionCall) -> None:
    call.added = None


def wrong_keys(call: AttentionCall) -> None:
    call.k = call.k.flip(2)


def wrong_values(call: AttentionCall) -> None:
    call.v = call.v + 0.1


def not_a_number(call: AttentionCall) -> None:
    call.z = torch.full_like(call.q, float("nan"))


@pytest.mark.parametrize(
    "change", [wrong_scale, dropped_mask, wrong_keys, wrong_values, not_a_number]
)
def test_a_wrong_number_is_caught_and_not_shown(spoilt, change):
    found = spoilt(change)
    assert found.plan.shown == frozenset()
    (remark,) = found.result.remarks
    assert remark.message == NOT_SHOWN
    assert remark.values["where"] == "decoder L0 L1"
    assert remark.values["why"].message == TOO_FAR


def test_every_remark_can_be_said(spoilt):
    """A sentence whose places are not those of its values would fail where it is shown."""
    for kind, family in (("mamba", "decoder"), ("llama", "decoder")):
        for remark in probed(kind, family).result.remarks:
            assert "{" not in remark.message.format(**remark.values)
    (remark,) = spoilt(wrong_scale).result.remarks
    why = remark.values["why"]
    said = remark.message.format(**remark.values | {"why": why.message.format(**why.values)})
    assert said.startswith("Not shown (decoder L0 L1): recomputed")
    assert "{" not in Remark(IMPRECISE, {"where": "", "error": ""}).message.format(
        where="", error=""
    )
    assert NOT_TOKENS.format(found=4, tokens=9)


def test_what_is_right_is_shown_beside_what_is_wrong(spoilt):
    found = spoilt(wrong_scale, slice(1, 2))
    assert found.plan.shown == {Place("decoder", 0)}
    assert found.result.remarks[0].values["where"] == "decoder L1"
    assert found.result.pattern <= 1e-5


def test_a_difference_of_rounding_is_shown_and_said(spoilt, monkeypatch):
    def slightly(call):
        call.z = call.z + 5e-5 * max(1.0, float(call.z.abs().max()))

    assert spoilt(slightly).plan.shown == frozenset()
    monkeypatch.setattr(checking, "rounding", lambda record: 1e-4)
    found = spoilt(slightly)
    assert len(found.plan.shown) == 2
    assert [remark.message for remark in found.result.remarks] == [IMPRECISE]
    assert found.result.z == pytest.approx(5e-5, rel=0.1)


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_32_bits_round_within_the_bound_and_it_grows_with_the_scores(size):
    generator = np.random.default_rng(0)
    q, k = (generator.normal(size=(1, 50, 64)).astype(np.float32) for _ in range(2))
    record = AttentionRecord("encoder", 0, q * np.float32(size), k, k, 64**-0.5)
    scores = torch.from_numpy(record.q) @ torch.from_numpy(k).mT * 64**-0.5
    theirs = torch.softmax(scores, dim=-1).numpy()[0]
    assert np.abs(record.pattern(0) - theirs).max() <= rounding(record)
    assert rounding(record) == pytest.approx(size * 4e-6, rel=0.5)


def test_what_the_recording_says_of_itself_is_the_reason(spoilt):
    def troubled(call):
        call.trouble = "It is too odd."

    found = spoilt(troubled, slice(0, 1))
    assert found.result.remarks[0].values["why"] == Remark("It is too odd.", {})


def test_keys_that_are_no_tokens_are_not_shown(spoilt):
    def compressed(call):
        call.k = call.k[:, :, :4]

    found = spoilt(compressed, slice(0, 1))
    assert found.result.remarks[0].values["why"] == Remark(NOT_TOKENS, {"found": 4, "tokens": 9})


def test_queries_that_are_no_tokens_are_not_shown(spoilt):
    def pooled(call):
        call.q = call.q[:, :, :5]

    found = spoilt(pooled, slice(0, 1))
    assert found.result.remarks[0].values["why"] == Remark(NOT_QUERIES, {"found": 5, "tokens": 9})


def test_what_is_not_shown_takes_no_number_from_what_is(spoilt):
    """As if every module made two calls, and the second looked at something else."""

    def twice(model, inputs, implementation, **kwargs):
        found = record(model, inputs, implementation, **kwargs)
        if implementation == "sdpa":
            return found
        again = [dataclasses.replace(call, k=call.k[:, :, :4]) for call in found.calls]
        found.calls = [call for pair in zip(found.calls, again, strict=True) for call in pair]
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checking, "record", twice)
        assert probed("llama").plan.shown == {Place("decoder", 0), Place("decoder", 1)}


def test_layers_that_share_a_reason_share_a_sentence():
    why, other = Remark("One.", {}), Remark("Two.", {"n": 2})
    hidden = {
        Place("encoder", 0): why,
        Place("encoder", 1): other,
        Place("encoder", 2): Remark("One.", {}),
        Place("cross", 0): why,
    }
    assert reasons(hidden) == [
        Remark(NOT_SHOWN, {"where": "encoder L0 L2, cross L0", "why": why}),
        Remark(NOT_SHOWN, {"where": "encoder L1", "why": other}),
    ]


def test_logits_have_a_row_for_each_position_or_one_for_the_text():
    @dataclasses.dataclass
    class Output:
        logits: torch.Tensor | None = None
        start_logits: torch.Tensor | None = None
        end_logits: torch.Tensor | None = None

    assert logits_of(Output()) is None
    for output, shape in (
        (Output(torch.zeros(1, 5, 9)), (1, 5, 9)),
        (Output(torch.zeros(1, 3)), (1, 1, 3)),
    ):
        found = logits_of(output)
        assert found is not None and found.shape == shape
    span = logits_of(Output(None, torch.zeros(1, 5), torch.ones(1, 5)))
    assert span is not None and span[0].tolist() == [[0, 1]] * 5
