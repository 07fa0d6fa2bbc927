"""One text in the five `positions` models: who names the letter before, and what they can read."""

from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.builtin import tasks
from model_runtime.errors import NothingToTrace
from model_runtime.positions.five_ways import KINDS, five, readable
from model_runtime.types import Request
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY


@cache
def opened(ref):
    return catalog.open_model(ref)


@cache
def found(text):
    return five(text, opened)


def test_they_are_the_five_that_ship():
    shipped = {e.ref for e in catalog.entries() if e.name == "positions"}
    assert {one.ref for one in found("cat")} == shipped
    assert KINDS == tiny.POSITIONS
    for one in found("cat"):
        assert opened(one.ref).insides.config.positions == one.kind
        at = opened(one.ref).info.opens_at
        assert (at.stack, at.layer, at.head) == ("encoder", one.layer, one.head)


def test_four_name_every_letter_before_and_one_names_none_but_by_chance():
    for one in found("cat"):
        named = [one.trace.info.vocabulary[guess.id] for guess in one.predicted]
        assert [t.text for t in one.trace.reading.source] == ["[BOS]", "c", "a", "t", "[EOS]"]
        assert one.right[0] is None and len(one.right) == 5
        if one.kind != "none":
            assert named[1:] == ["[BOS]", "c", "a", "t"]
            assert one.right[1:] == (True,) * 4 and one.share_right == 1.0


@pytest.mark.parametrize("text", ["headlight", "aabbaabb", "abcdefghijklmnopqrst"])
def test_right_is_what_is_the_token_before(text):
    for one in found(text):
        ids = [t.id for t in one.trace.reading.source]
        predicted = np.argmax(one.trace.logits, axis=1)
        assert [guess.id for guess in one.predicted] == predicted.tolist()
        right = (predicted[1:] == ids[:-1]).tolist()
        assert list(one.right[1:]) == right
        assert one.share_right == pytest.approx(np.mean(right))
        assert one.share_right <= 0.5 if one.kind == "none" else one.share_right == 1.0


def test_the_models_come_from_where_the_caller_keeps_them():
    asked = []

    def keep(ref):
        asked.append(ref)
        return opened(ref)

    five("cat", keep)
    assert asked == [f"builtin:positions@{kind}" for kind in KINDS]


@pytest.mark.parametrize(
    ("text", "named"), [("Cat", "'C'"), ("a cat", "' '"), ("cat.", "'.'"), ("猫cat!", "'猫'")]
)
def test_the_first_character_that_is_no_letter_is_named(text, named):
    assert not readable(text)
    with pytest.raises(ValueError, match="is not a letter") as error:
        five(text, opened)
    assert str(error.value).startswith(named)


STRANGE = ("ｃａｔ", "ﬁ", "CAT", "ä", "a\u0301", "\u0301a", " a", "a ", "½", "ª", "[MASK]")


@pytest.mark.parametrize("text", [tasks.LETTERS, "cat", *STRANGE, *NASTY])
def test_readable_is_what_their_tokenizer_knows(text):
    model = opened("builtin:positions@none")
    tokens = model.read(Request(model.info.ref, text)).source
    letters = [t for t in tokens if not t.is_special]
    assert readable(text) == (bool(letters) and not any(t.is_unknown for t in letters))


def test_of_no_text_there_is_nothing_to_trace():
    assert not readable("")
    with pytest.raises(NothingToTrace):
        five("", opened)


def test_what_does_not_fit_is_left_out_and_said():
    for one in found("ab" * 40):
        assert one.trace.reading.left_out == 18
        assert len(one.predicted) == len(one.right) == 64
