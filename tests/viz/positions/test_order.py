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
    ((name, _, verdict),) = shown["order-differences"].rows
    assert (name, verdict) == ("without positions", "the same rows")
    rows, moved = (shown[f"order-none-rows{end}"].values for end in ("", "-moved"))
    np.testing.assert_allclose(moved, 0, rtol=0, atol=1e-4 * np.abs(rows).max())


def test_a_model_that_never_had_positions_has_one_comparison_only():
    sections = order.sections(found("positions@none"), 0, 0, str)
    assert [one.title for one in sections[1:]] == ["Without positions"]
    assert sections[0].text == (texts.ORDER, texts.ORDER_NEVER)
    assert not any(name.startswith("order-own") for name in panels(made(found("positions@none"))))


def test_with_positions_the_rows_differ_and_without_they_do_not():
    result = found("positions@rotary")
    none, own = panels(made(result))["order-differences"].rows
    assert (none[0], own[0]) == ("without positions", "as the model is")
    assert (none[2], own[2]) == ("the same rows", "other rows")
    assert float(own[1]) > 1e-2 > 1e-4 > float(none[1])
    sections = order.sections(result, 0, 0, str)
    assert [one.title for one in sections[1:]] == ["Without positions", "As the model is"]
    assert sections[0].text == (texts.ORDER, texts.ORDER_OWN)


def test_the_formula_of_a_set_stands_over_what_is_one_alone():
    for name in ("blanks", "positions@none"):
        sections = order.sections(found(name), 0, 0, str)
        assert {one.title: one.formulas for one in sections if one.formulas} == {
            "Without positions": (r"\text{encoder}(P X) = P \, \text{encoder}(X)",)
        }
        assert [one.title for one in sections if one.source] == ["Without positions"]
    # A decoder sees no set, with or without positions.
    for one in order.sections(found("induction"), 0, 0, str):
        assert (one.formulas, one.source) == ((), "")


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
    limits = {shown[f"order-own-rows{end}"].limit for end in ("", "-moved")}
    assert limits == {float(np.abs(seen.intermediates["encoder.final"]).max())}
    for name, two in (("none", result.none), ("own", result.own)):
        assert two is not None
        rows, moved = (shown[f"order-{name}-rows{end}"].values for end in ("", "-moved"))
        np.testing.assert_array_equal(rows, two.rows)
        np.testing.assert_array_equal(moved, two.rows_shuffled - two.rows)
        assert np.abs(moved).max() / np.abs(rows).max() == pytest.approx(two.difference, rel=1e-6)


def test_a_decoder_shows_nothing_where_a_query_must_not_look():
    result = found("induction")
    shown = panels(made(result))
    n = len(result.order)
    for name in ("own", "none"):
        for end in ("", "-shuffled"):
            pattern = shown[f"order-{name}-pattern{end}"]
            np.testing.assert_array_equal(np.isnan(pattern.values), ~np.tri(n, dtype=bool))
            assert pattern.hatched == "masked"
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
