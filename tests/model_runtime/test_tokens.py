"""What is shown of a token: the user's own characters, whatever the model makes of them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.tokenization import (
    BOS_ID,
    EOS,
    EOS_ID,
    SPECIALS,
    UNK_ID,
    characters,
    english_subwords,
)
from model_runtime.tokens import tokens_of, written_tokens
from tests.model_runtime.reference import NASTY

WORDS = english_subwords(
    ["the cat sat on the mat", "don't play the cafe cards", "playing cards f aish bish cish"] * 3,
    vocab_size=80,
)
CHARACTERS = characters(["猫在床上睡觉。", "我看见1⁄2只猫。"])
for tokenizer in (WORDS, CHARACTERS):
    tokenizer.encode_special_tokens = True  # as an opened model has it


def read(text, tokenizer=WORDS):
    return tokens_of(tokenizer.encode(text), text, UNK_ID)


def shown(text, tokenizer=WORDS):
    return [token.text for token in read(text, tokenizer)]


def test_a_sentence_is_shown_as_it_was_typed():
    assert "".join(shown("The CAT sat.")) == "TheCATsat.[EOS]"


def test_pieces_of_a_word_share_its_number_and_the_next_word_has_another():
    first, *rest = read("zzplaying cards")
    assert first.word == 0
    assert {token.word for token in rest} == {0, 1, None}
    assert [t.word for t in rest] == [*sorted(t.word for t in rest[:-1]), None]


def test_spans_count_characters_of_the_text():
    text = "  The  cat"
    for token in read(text)[:-1]:
        assert token.span is not None
        assert text[slice(*token.span)] == token.text


def test_the_closing_special_token_covers_nothing_and_belongs_to_no_word():
    last = read("cat")[-1]
    assert (last.text, last.id, last.span, last.word, last.is_special) == (
        EOS, EOS_ID, None, None, True,
    )  # fmt: skip


def test_positions_count_from_zero():
    assert [t.position for t in read("the cat sat")] == list(range(len(read("the cat sat"))))


@pytest.mark.parametrize("special", SPECIALS)
def test_a_special_token_typed_by_hand_is_only_its_characters(special):
    typed = read(f"the {special} cat")
    assert [t.is_special for t in typed].count(True) == 1
    assert "".join(t.text for t in typed) == f"the{special}cat[EOS]"
    assert not {BOS_ID, EOS_ID, 0} & {t.id for t in typed[:-1]}


@pytest.mark.parametrize("text", ["Café", "CAFÉ", "ｃａｆｅ", "çàfè"])
def test_case_width_and_accents_stay_though_the_model_never_sees_them(text):
    typed = read(text)
    assert "".join(t.text for t in typed[:-1]) == text
    assert [t.id for t in typed] == [t.id for t in read("cafe")]


@pytest.mark.parametrize("tokenizer", [WORDS, CHARACTERS], ids=["words", "characters"])
@pytest.mark.parametrize("text", ["e\u0301", "cafe\u0301 the", "te\u0323\u0302t", "が"])
def test_an_accent_typed_apart_stays_with_its_letter(text, tokenizer):
    text = unicodedata.normalize("NFD", text)
    joined = "".join(t.text for t in read(text, tokenizer) if not t.is_special)
    assert joined == text.replace(" ", "")


@pytest.mark.parametrize("text", ["→", "Ω", "猫", "😀", "\u200b", "\x07"])
def test_an_unknown_character_shows_itself(text):
    (unknown, _) = read(text)
    assert (unknown.text, unknown.id, unknown.is_unknown) == (text, UNK_ID, True)


def test_each_unknown_character_is_a_token_of_its_own():
    assert shown("猫狗猫") == ["猫", "狗", "猫", "[EOS]"]


def test_a_half_is_three_tokens_that_name_their_part():
    assert shown("½", CHARACTERS) == ["[BOS]", "½⟨1⟩", "½⟨⁄⟩", "½⟨2⟩", "[EOS]"]
    assert [t.span for t in read("½", CHARACTERS)] == [None, (0, 1), (0, 1), (0, 1), None]


@pytest.mark.parametrize("text", ["½", "ﬁsh", "ﬃsh", "㎏s", "aﬀ"])
def test_no_character_is_shown_twice_without_naming_the_part(text):
    tokens = [t for t in read(text) if not t.is_special]
    for token in tokens:
        others = [t for t in tokens if t is not token and not t.is_unknown]
        overlapping = [
            t for t in others if max(t.span[0], token.span[0]) < min(t.span[1], token.span[1])
        ]
        assert not overlapping or token.is_unknown or "⟨" in token.text


def test_written_characters_are_words_of_their_own_with_spans():
    ids = CHARACTERS.encode("猫在床").ids
    written = written_tokens(ids, CHARACTERS, frozenset(range(4)))
    assert [t.text for t in written] == ["[BOS]", "猫", "在", "床", "[EOS]"]
    assert [t.span for t in written] == [None, (0, 1), (1, 2), (2, 3), None]
    assert [t.word for t in written] == [None, 1, 2, 3, None]
    assert [t.is_special for t in written] == [True, False, False, False, True]
    assert [t.id for t in written] == ids


def test_an_id_outside_the_vocabulary_is_written_as_nothing():
    (token,) = written_tokens([10**6], CHARACTERS, frozenset(range(4)))
    assert (token.text, token.span) == ("", (0, 0))


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("tokenizer", [WORDS, CHARACTERS], ids=["words", "characters"])
def test_every_token_stands_where_its_span_says(text, tokenizer):
    stands_where_it_says(text, tokenizer)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30))
def test_every_token_of_any_text_stands_where_its_span_says(text):
    stands_where_it_says(text, WORDS)
    stands_where_it_says(text, CHARACTERS)


def stands_where_it_says(text, tokenizer):
    at = 0
    for token in read(text, tokenizer):
        assert token.is_special == (token.span is None) == (token.word is None)
        if token.span is not None:
            start, end = token.span
            assert at <= start < end <= len(text)
            assert token.text.startswith(text[start:end])
            assert token.text == text[start:end] or token.text.endswith("⟩")
            at = start
