"""Attention of any architecture, from its record alone: soft caps, sinks, biases, shared keys."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from model_runtime.attention import AttentionRecord
from model_runtime.steps import walk
from model_runtime.steps.parts import Place
from model_runtime.types import Reading
from tests.model_runtime.reference import made_trace, pattern_in_loops, tokens, z_in_loops
from tests.model_runtime.steps.checking import (
    all_steps,
    assert_close,
    assert_whole,
    by_rule,
    result_of,
)

ATTENTION = ("split", "dot", "scale", "softcap", "bias", "mask", "softmax", "weigh", "heads")
RNG = np.random.default_rng(5)


def record_of(n=6, n_kv=2, **more):
    def normal(*shape):
        return RNG.normal(size=shape).astype(np.float32)

    return AttentionRecord("decoder", 0, normal(4, n, 8), normal(n_kv, n, 8), normal(n_kv, n, 5),
                           0.4, **more)  # fmt: skip


def causal(n=6):
    return np.tril(np.ones((1, n, n), dtype=bool))


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


RECORDS = {
    "plain": record_of(),
    "causal": record_of(mask=causal()),
    "grouped": record_of(n_kv=1, mask=causal()),
    "softcapped": record_of(softcap=1.5, mask=causal()),
    "biased": record_of(bias=normal(4, 6, 6), mask=causal()),
    "biased alike": record_of(bias=normal(1, 6, 6)),
    "sink": record_of(sinks=normal(4), mask=causal()),
    "everything": record_of(
        softcap=2.0, bias=normal(4, 6, 6), mask=causal(), sinks=normal(4), n_kv=4
    ),
    "long": record_of(40, softcap=2.0, bias=normal(4, 40, 40), mask=causal(40), sinks=normal(4)),
}


def trace_of(record):
    n = record.q.shape[1]
    made = made_trace((), tokens(*(f"t{i}" for i in range(n + 1))))
    info = replace(made.info, family="decoder", stacks=("decoder",))
    return replace(
        made,
        info=info,
        reading=Reading((), made.reading.target, True),
        records=(record,),
        intermediates=MappingProxyType({}),
        logits=normal(n, 10),
    )


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("head", [0, 3])
def test_every_step_of_attention_equals_loops_over_cells(kind, head):
    record = RECORDS[kind]
    trace = trace_of(record)
    place = walk.settled(trace, "decoder", 0, head, 4, 2)
    steps = {step.name: step for step in all_steps(trace, None, place)}
    for step in steps.values():
        if step.result is not None:
            assert_whole(step)
            assert_close(by_rule(step), result_of(step).values)
    pattern, z = pattern_in_loops(record, head), z_in_loops(record, head)
    for name, whole in (("softmax", pattern), ("weigh", z)):
        result = steps[name].result
        assert_close(
            result.values, whole[np.ix_(list(result.rows.kept), list(result.cols.kept))],
            whole[list(result.rows.kept)],
        )  # fmt: skip
    side_by_side = np.hstack([z_in_loops(record, h) for h in range(4)])
    heads = steps["heads"].result
    assert_close(heads.values, side_by_side[np.ix_(list(heads.rows.kept), list(heads.cols.kept))])


@pytest.mark.parametrize("kind", RECORDS)
def test_each_step_begins_with_what_the_last_one_made(kind):
    trace = trace_of(RECORDS[kind])
    place = walk.settled(trace, "decoder", 0, 1, 4, 2)
    made = None
    for step in all_steps(trace, None, place):
        if step.name in ATTENTION[1:7] and step.rule != "missing":
            if made is not None:
                np.testing.assert_array_equal(step.operands["A"].values, made)
            made = result_of(step).values


def test_what_a_record_lacks_is_not_in_the_model():
    missing = {
        kind: {
            step.name
            for step in all_steps(trace_of(record), None, Place("decoder", 0, 0, 0, 0))
            if step.why == "not in this model"
        }
        & {"scale", "softcap", "bias", "mask"}
        for kind, record in RECORDS.items()
    }
    assert missing["plain"] == {"softcap", "bias", "mask"}
    assert missing["biased alike"] == {"softcap", "mask"}
    assert missing["everything"] == set()


def test_scores_that_are_not_scaled_have_no_such_step():
    trace = trace_of(replace(RECORDS["plain"], scale=1.0))
    step = walk.step(trace, None, Place("decoder", 0, 0, 0, 0), "decoder.scale")
    assert step.why == "not in this model"


def test_a_sink_takes_what_the_keys_leave():
    trace = trace_of(RECORDS["sink"])
    step = walk.step(trace, None, Place("decoder", 0, 2, 4, 0), "decoder.softmax")
    assert step.operands["sink"].values.shape == (6, 1)
    assert result_of(step).values[4].sum() + step.numbers["sink_share"] == pytest.approx(
        1.0, abs=1e-12
    )
    assert step.numbers["sink_share"] > 0.001


def test_a_sink_however_large_overflows_nothing():
    record = replace(RECORDS["sink"], sinks=np.full(4, 2000, dtype=np.float32))
    step = walk.step(trace_of(record), None, Place("decoder", 0, 2, 4, 0), "decoder.softmax")
    assert np.isfinite(step.operands["sum"].values).all()
    assert step.numbers["sink_share"] == 1.0
    assert not by_rule(step).any()


def test_a_query_that_sees_nothing_gives_no_shares():
    mask = causal()
    mask[0, 3] = False
    trace = trace_of(replace(RECORDS["causal"], mask=mask))
    step = walk.step(trace, None, Place("decoder", 0, 0, 3, 0), "decoder.softmax")
    assert not result_of(step).values[3].any()
    np.testing.assert_array_equal(by_rule(step)[3], 0.0)


def test_what_was_not_recorded_is_said_and_the_rest_stands():
    trace = replace(trace_of(RECORDS["plain"]), records=())
    place = Place("decoder", 0, 0, 2, 0)
    refs = {ref.name: ref.missing for ref in walk.outline(trace, place, None)}
    assert {refs[name] for name in ATTENTION} == {"not recorded"}
    assert refs["tokens"] == refs["ids"] == refs["unembed"] == refs["probabilities"] == ""


def test_grouped_heads_read_the_same_keys_and_values():
    trace = trace_of(RECORDS["plain"])
    dots = [walk.step(trace, None, Place("decoder", 0, h, 0, 0), "decoder.dot") for h in range(4)]
    for one, other, same in ((0, 1, True), (2, 3, True), (1, 2, False)):
        equal = np.array_equal(dots[one].operands["B"].values, dots[other].operands["B"].values)
        assert equal is same


def test_of_an_answer_span_there_are_logits_and_no_shares_of_a_vocabulary():
    trace = trace_of(RECORDS["plain"])
    span = replace(
        trace,
        info=replace(trace.info, predicts="answer span", vocabulary=()),
        logits=normal(6, 2),
    )
    refs = {r.name: r.missing for r in walk.outline(span, Place("decoder", 0, 0, 2, 0), None)}
    assert refs["unembed"] == "" and refs["probabilities"] == "not in this model"


def test_labels_of_a_whole_text_have_one_row():
    trace = trace_of(RECORDS["plain"])
    info = replace(trace.info, predicts="text labels", vocabulary=("good", "bad"))
    labels = replace(trace, info=info, logits=np.array([[1.0, 2.0]], dtype=np.float32))
    step = walk.step(labels, None, Place("decoder", 0, 0, 4, 0), "decoder.probabilities")
    e = np.exp(1.0)
    np.testing.assert_allclose(result_of(step).values, [[1 / (1 + e), e / (1 + e)]])
    assert step.cell == (0, 1) and result_of(step).cols.labels == ("good", "bad")


def test_a_model_that_predicts_nothing_ends_without_logits():
    trace = trace_of(RECORDS["plain"])
    info = replace(trace.info, predicts="nothing", vocabulary=())
    nothing = replace(trace, info=info, logits=np.zeros((0, 0), dtype=np.float32))
    refs = {r.name: r.missing for r in walk.outline(nothing, Place("decoder", 0, 0, 2, 0), None)}
    assert refs["unembed"] == refs["probabilities"] == "not in this model"


def test_of_a_long_text_logits_are_there_where_they_were_kept():
    trace = trace_of(RECORDS["long"])
    late = replace(trace, logits=trace.logits[30:], logits_start=30)
    early = walk.step(late, None, Place("decoder", 0, 0, 29, 0), "decoder.unembed")
    assert early.why == "not recorded"
    step = walk.step(late, None, Place("decoder", 0, 0, 35, 0), "decoder.probabilities")
    assert min(result_of(step).rows.kept) >= 30 and result_of(step).rows.size == 40
    exps = np.exp(trace.logits[35].astype(np.float64))
    row = result_of(step).rows.kept.index(35)
    np.testing.assert_allclose(result_of(step).values[row], exps / exps.sum(), rtol=1e-12)
