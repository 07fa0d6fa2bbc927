"""Where each part of a model looks, from every place that one can come from."""

import pytest

from model_runtime.errors import NoSuchHead
from model_runtime.steps import walk
from model_runtime.steps.parts import Place
from tests.model_runtime.steps.checking import result_of
from tests.model_runtime.steps.traced import first_place, opened


def test_with_no_key_it_is_the_one_with_the_largest_share():
    traced, _, _ = opened("builtin:translator")
    pattern = traced.record("cross", 2).pattern(0)
    place = walk.settled(traced, "cross", 2, 0, 3, None)
    assert place == Place("cross", 2, 0, 3, int(pattern[3].argmax()))


def test_places_that_are_not_there_are_refused():
    traced, _, _ = opened("builtin:translator")
    for layer, head in ((3, 0), (-1, 0), (0, 6), (0, -1)):
        with pytest.raises(NoSuchHead):
            walk.settled(traced, "cross", layer, head, 0, 0)
    n_queries, n_keys = traced.record("cross", 0).q.shape[1], traced.record("cross", 0).k.shape[1]
    for query, key in ((n_queries, 0), (-1, 0), (0, n_keys), (0, -1)):
        with pytest.raises(IndexError):
            walk.settled(traced, "cross", 0, 0, query, key)


def cells(traced, insides, place, name="dot"):
    return {
        section: walk.step(traced, insides, place, f"{section}.{name}").cell
        for section in ("encoder", "decoder", "cross")
    }


def test_from_cross_attention_the_encoder_looks_at_the_key_and_the_decoder_at_the_query():
    traced, insides, _ = opened("builtin:translator")
    place = Place("cross", 1, 2, 3, 5)
    found = cells(traced, insides, place)
    assert found["cross"] == (3, 5)
    assert found["encoder"] == (5, traced.record("encoder", 1).pattern(2)[5].argmax())
    assert found["decoder"] == (3, traced.record("decoder", 1).pattern(2)[3].argmax())


def test_from_the_decoder_the_encoder_looks_at_what_the_query_looks_at():
    traced, insides, _ = opened("builtin:translator")
    place = Place("decoder", 1, 2, 4, 1)
    found = cells(traced, insides, place)
    key = traced.record("cross", 1).pattern(2)[4].argmax()
    assert found["decoder"] == (4, 1) and found["cross"] == (4, key)
    assert found["encoder"][0] == key


def test_from_the_encoder_the_decoder_looks_from_the_query_that_looks_most_there():
    traced, insides, _ = opened("builtin:translator")
    place = Place("encoder", 1, 2, 4, 1)
    found = cells(traced, insides, place)
    query = traced.record("cross", 1).pattern(2)[:, 4].argmax()
    assert found["encoder"] == (4, 1) and found["cross"] == (query, 4)
    assert found["decoder"][0] == query


def test_keys_and_values_of_cross_attention_come_from_the_encoder():
    traced, insides, _ = opened("builtin:translator")
    place = first_place(traced)
    for letter in "kv":
        step = walk.step(traced, insides, place, f"cross.{letter}_all")
        assert step.operands["A"].source == "encoder.final"
        assert step.operands["B"].source == f"decoder.layers.2.cross.w_{letter}.weight"
        assert result_of(step).rows.size == len(traced.reading.source)
