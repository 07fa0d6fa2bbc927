"""The view of shuffled tokens: which stood where, and each pattern and row as it was computed."""

from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.positions.experiments import shuffled_words
from model_runtime.positions.placing import Placeable
from model_runtime.tracing import trace
from tests.viz.positions.seen import panels, set_to
from viz.positions import order, texts


@cache
def found(name, text=None, seed=1):
    model = catalog.open_model(f"builtin:{name}")
    assert isinstance(model, Placeable)
    return shuffled_words(model, trace(model, text or model.info.examples[0]), seed)


def made(result, layer=0, head=0):
    return [
        lambda section=section: section for section in order.sections(result, layer, head, str)
    ], []


def test_two_letters_change_places_and_their_rows_do_not():
    result = found("positions@none", "ab")
    shown = panels(made(result))
    assert shown["order-tokens"].header == ("position", "0", "1", "2", "3")
    assert shown["order-tokens"].rows == (
        ("in order", "[BOS]", "a", "b", "[EOS]"),
        ("shuffled", "[BOS]", "b", "a", "[EOS]"),
    )
    own, none = shown["order-differences"].rows
    assert (own[0], none[0]) == ("as the model is", "without positions")
    assert own[2] == none[2] == "the same rows"
    rows, shuffled = (shown[f"order-none-rows{end}"].values for end in ("", "-shuffled"))
    np.testing.assert_allclose(shuffled, rows, rtol=0, atol=1e-4 * np.abs(rows).max())


def test_with_positions_the_rows_differ_and_without_they_do_not():
    own, none = panels(made(found("positions@rotary")))["order-differences"].rows
    assert (own[2], none[2]) == ("other rows", "the same rows")
    assert float(own[1]) > 1e-2 > 1e-4 > float(none[1])


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 3)])
def test_patterns_and_rows_are_those_that_were_computed(layer, head):
    result = found("blanks")
    shown = panels(made(result, layer, head))
    seen = result.trace
    recorded = seen.record("encoder", layer).pattern(head)
    np.testing.assert_allclose(shown["order-own-pattern"].values, recorded, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(
        shown["order-own-rows"].values, seen.intermediates["encoder.final"]
    )
    place = np.ix_(result.order, result.order)
    np.testing.assert_allclose(
        shown["order-none-pattern-shuffled"].values,
        shown["order-none-pattern"].values[place],
        rtol=0,
        atol=1e-5,
    )
    texts_in_order = tuple(token.text for token in seen.reading.source)
    for name in ("order-own-pattern", "order-none-pattern"):
        assert shown[name].rows.labels == shown[name].columns.labels == texts_in_order
        shuffled = shown[f"{name}-shuffled"].columns.labels
        assert shuffled == tuple(texts_in_order[i] for i in result.order)
    limits = {shown[f"order-own-rows{end}"].limit for end in ("", "-shuffled")}
    assert limits == {float(np.abs(seen.intermediates["encoder.final"]).max())}


def test_a_decoder_shows_nothing_where_a_query_must_not_look():
    result = found("induction")
    shown = panels(made(result))
    n = len(result.order)
    for name in ("own", "none"):
        for end in ("", "-shuffled"):
            hidden = np.isnan(shown[f"order-{name}-pattern{end}"].values)
            np.testing.assert_array_equal(hidden, ~np.tri(n, dtype=bool))
    assert shown["order-differences"].about == texts.ORDER_DECODER
    assert panels(made(found("blanks")))["order-differences"].about == texts.ORDER_ENCODER


def test_one_token_cannot_be_shuffled_and_that_is_said():
    (section,) = order.sections(found("positions@none", "a"), 0, 0, str)
    assert section.panels == () and "at least two tokens" in section.text[0]


def test_it_opens_at_the_head_of_the_model():
    values = set_to(order.controls(3, 8, 2, 5))
    assert (values.whole("seed"), values.whole("layer"), values.whole("head")) == (1, 2, 5)
    assert {control.name: control.high for control in order.controls(3, 8, 2, 5)} == {
        "seed": 99, "layer": 2, "head": 7,
    }  # fmt: skip
