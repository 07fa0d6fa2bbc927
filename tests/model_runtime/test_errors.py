"""Every error says what is wrong, with its values, and braces in them are just braces."""

import pytest

from model_runtime import catalog, errors
from model_runtime.errors import (
    HeadlightError,
    NoSuchHead,
    NothingToTrace,
    TextTooLong,
    UnknownModel,
)
from tests.model_runtime.reference import NASTY, translator

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


def test_an_error_is_its_sentence_filled_in():
    error = NoSuchHead(model="translator", stack="cross", layer=2, head=9)
    assert str(error) == "translator has no cross L2 H9."
    assert error.values == {"model": "translator", "stack": "cross", "layer": 2, "head": 9}


def test_the_message_is_a_catalog_key_that_the_values_fill():
    error = TextTooLong(characters=300_000, most=200_000)
    assert error.message.format(**error.values) == str(error)
    assert "300000" in str(error) and "{" not in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_has_one_base(kind):
    assert issubclass(kind, HeadlightError)
    assert kind is HeadlightError or kind.message


def test_nothing_to_trace_needs_no_values():
    assert str(NothingToTrace()) == NothingToTrace.message


@pytest.mark.parametrize("hostile", NASTY)
def test_values_are_never_read_as_places(hostile):
    assert hostile in str(UnknownModel(ref=hostile, known="{ref}"))
    assert "{ref}" in str(UnknownModel(ref=hostile, known="{ref}"))


@pytest.mark.parametrize("ref", ["builtin:", "builtin:nothing", "builtin:../models/translator"])
def test_a_model_that_is_not_there_is_said_with_those_that_are(ref):
    with pytest.raises(UnknownModel) as raised:
        catalog.open_model(ref)
    assert raised.value.values["ref"] == ref
    assert catalog.DEFAULT in str(raised.value)


@pytest.mark.parametrize("ref", ["", "\0", "a b", "../x y\n", "org/name/more"])
def test_what_is_no_reference_is_answered_with_what_one_looks_like(ref):
    with pytest.raises(HeadlightError) as raised:
        catalog.open_model(ref)
    assert type(raised.value) in (errors.UnreadableReference, errors.OutsideRoots)


def test_the_default_model_comes_first_and_opens():
    assert catalog.references()[0] == catalog.DEFAULT
    assert len(set(catalog.references())) == len(catalog.references())
    assert translator().info.ref == catalog.DEFAULT


def test_the_default_model_opens_at_a_head_that_it_has():
    info = translator().info
    assert info.opens_at.stack in info.stacks
    assert 0 <= info.opens_at.layer < info.n_layers
    assert 0 <= info.opens_at.head < info.n_heads
    assert info.d_head * info.n_heads == info.d_model
    assert info.examples and all(text.strip() for text in info.examples)
