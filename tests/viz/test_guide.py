"""What is said of how to read the page is true of the attention that is shown."""

from dataclasses import replace

import numpy as np
import pytest

from tests.model_runtime.layered import layered_trace
from tests.model_runtime.reference import made_trace, tokens, traced
from viz import guide

PLAIN = traced("The cat sleeps.")


def said(trace, stacks=None):
    return guide.how_to_read(trace.info.stacks if stacks is None else stacks, str, trace)


def test_an_ordinary_model_is_said_to_be_nothing_special():
    plain = guide.how_to_read(PLAIN.info.stacks, str)
    assert said(PLAIN) == plain
    assert guide.THREE_STACKS in plain


def test_windows_sinks_caps_biases_and_missing_layers_are_named():
    found = said(layered_trace())
    for sentence in (guide.NEARBY, guide.SINKS, guide.CAPPED, guide.BIASED, guide.HYBRID):
        assert sentence in found
        assert sentence not in said(PLAIN)


def test_rows_name_a_prediction_only_where_there_is_one():
    trace = layered_trace()
    assert guide.DECODER in said(trace)
    silent = replace(trace, info=replace(trace.info, predicts="nothing"))
    assert guide.SILENT_DECODER in said(silent) and guide.DECODER not in said(silent)


@pytest.mark.parametrize("nearby", [False, True])
def test_an_encoder_that_sees_only_its_neighbourhood_is_not_said_to_see_all(nearby):
    trace = made_trace(tokens("a", "b", "c"), tokens("[BOS]", "b"))
    near = np.abs(np.subtract.outer(np.arange(3), np.arange(3))) < 2
    records = tuple(
        replace(r, mask=near[None] if nearby else None)
        for r in trace.records
        if r.stack == "encoder"
    )
    trace = replace(trace, records=records, info=replace(trace.info, stacks=("encoder",)))
    assert (guide.NEARBY in said(trace)) == nearby
    assert (guide.ENCODER in said(trace)) != nearby


def test_a_pair_is_said_to_be_divided():
    trace = made_trace(tokens("a", "b"), tokens("[BOS]", "b"))
    source = (trace.reading.source[0], replace(trace.reading.source[1], part=1))
    pair = replace(trace, reading=replace(trace.reading, source=source))
    assert guide.PAIR in said(pair) and guide.PAIR not in said(trace)


def test_every_sentence_goes_through_the_language():
    trace = layered_trace()
    marked = guide.how_to_read(trace.info.stacks, lambda text: f"«{text}»", trace)
    assert all(line.startswith("- «") and line.endswith("»") for line in marked.splitlines())
