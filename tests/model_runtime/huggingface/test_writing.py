"""What follows a text, typed or written by the model, as tokens that show their own text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.huggingface.reading import Reader
from model_runtime.types import SPACE
from tests.model_runtime.huggingface.checkpoints import FAMILIES
from tests.model_runtime.huggingface.readers import (
    ROOM,
    TEXTS,
    TOKENIZERS,
    WHOLE,
    reader,
    shown,
    tokenizer_of,
)


def test_a_decoder_reads_no_end():
    tokenizer = FAMILIES["llama"].tokenizer()
    tokenizer.add_eos_token = True
    assert tokenizer("cat")["input_ids"][-1] == tokenizer.eos_token_id
    assert shown(Reader(tokenizer, "decoder", ROOM).tokens("cat")[0]) == ["<s>", "cat"]


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_a_continuation_stands_after_its_text_and_a_space(family):
    tokens, n_given, left_out = reader(family).continued("The cat", "sat on")
    assert left_out == 0
    assert "".join(shown(t for t in tokens[:n_given] if t.span)) == "Thecat"
    assert [(t.text, t.span) for t in tokens[n_given:]] == [("sat", (8, 11)), ("on", (12, 14))]


def test_no_space_is_put_between_chinese_characters():
    tokens, n_given, _ = reader("llama").continued("猫在", "床上")
    assert [t.span for t in tokens[n_given:]] == [(2, 3), (3, 4)]


def test_a_continuation_has_room_for_one_token_that_is_only_predicted():
    tokens, n_given, left_out = reader("gpt2", room=4).continued("The cat", "sat on the mat")
    assert (len(tokens), n_given, left_out) == (5, 2, 1)


def test_what_is_written_counts_on_from_the_text():
    ids = tokenizer_of("gpt2")(" sat on")["input_ids"]
    written = reader("gpt2").written(ids, position=5, at=7, word=2)
    assert [(t.position, t.text, t.span, t.word) for t in written] == [
        (5, "sat", (8, 11), 2), (6, "on", (12, 14), 3),
    ]  # fmt: skip


@pytest.mark.parametrize("family", ["llama", "t5", "bert-generation", "bert"])
def test_a_word_written_after_a_text_begins_with_its_space(family):
    ids = tokenizer_of(family)("cat", add_special_tokens=False)["input_ids"]
    assert reader(family).written(ids, at=7)[0].span == (8, 11)
    assert reader(family).written(ids)[0].span == (0, 3)


def test_special_tokens_are_written_as_they_are_and_cover_nothing():
    end = tokenizer_of("t5").eos_token_id
    last = reader("t5").written([*tokenizer_of("t5")("cat")["input_ids"]])[-1]
    assert (last.text, last.span, last.is_special) == ("</s>", None, True)
    assert end in reader("t5").end_ids


def test_half_a_character_is_written_as_its_bytes():
    (first, *_) = tokenizer_of("gpt2")("🍎")["input_ids"]
    (token,) = reader("gpt2").written([first])
    assert (token.text, token.is_byte_piece) == ("\ufffd⟨F0⟩", True)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), at=st.integers(0, 9))
def test_spans_of_anything_written_follow_each_other(data, at):
    for family in TOKENIZERS:
        ids = data.draw(st.lists(st.integers(0, len(tokenizer_of(family)) + 3), max_size=8))
        tokens = reader(family).written(ids, position=3, at=at)
        assert [t.position for t in tokens] == list(range(3, 3 + len(ids)))
        end = at
        for token in tokens:
            assert token.is_special == (token.span is None)
            if token.span is not None:
                assert token.span[0] <= token.span[1] and token.span[1] >= end
                end = token.span[1]


@pytest.mark.parametrize("family", WHOLE)
@pytest.mark.parametrize("text", [*TEXTS, "\ufffd\ufffd a"])
def test_what_was_read_is_written_with_the_same_words(family, text):
    tokenizer = tokenizer_of(family)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if set(ids) & set(tokenizer.all_special_ids):
        return
    written, end = text.lstrip(" "), 0
    for token in reader(family).written(ids):
        start, upto = token.span
        assert token.is_byte_piece or not written[end:start].strip()
        said = written[start:upto] if written[start:upto].strip() else SPACE
        assert token.text == said or (token.text.startswith(said) and token.text.endswith("⟩"))
        end = upto
    assert not written[end:].strip(" ")
