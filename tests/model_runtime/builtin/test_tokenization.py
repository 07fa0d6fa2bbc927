"""What the tokenizers of the built-in models treat as one token."""

import pytest

from model_runtime.builtin.tokenization import (
    BOS_ID,
    EOS_ID,
    FULL_WIDTH,
    PAD_ID,
    SPECIALS,
    UNK,
    UNK_ID,
    characters,
    english_subwords,
)

SENTENCES = ["The cat sat apart.", "a part of the cat", "Don't play cards, play 12!"] * 3
WORDS = english_subwords(SENTENCES, vocab_size=80)
CHARACTERS = characters(["猫在床上。", "我看见1只猫A!"])


def pieces(text, tokenizer=WORDS):
    return tokenizer.encode(text).tokens


def test_special_tokens_have_the_same_four_ids_everywhere():
    for tokenizer in (WORDS, CHARACTERS):
        ids = [tokenizer.token_to_id(special) for special in SPECIALS]
        assert ids == [PAD_ID, UNK_ID, BOS_ID, EOS_ID] == [0, 1, 2, 3]


def test_a_source_ends_and_a_target_begins_and_ends():
    assert pieces("cat") == ["cat", "[EOS]"]
    assert pieces("猫", CHARACTERS) == ["[BOS]", "猫", "[EOS]"]
    assert pieces("") == ["[EOS]"]
    assert pieces("", CHARACTERS) == ["[BOS]", "[EOS]"]


def test_an_accent_and_a_capital_make_no_difference_to_the_model():
    assert pieces("CÁT the Cat") == pieces("cat The cat")


def test_two_words_and_one_word_stay_different():
    apart, a_part = pieces("apart"), pieces("a part")
    assert apart != a_part
    assert "".join(apart).replace("##", "") == "".join(a_part)
    assert not any(piece.startswith("##") for piece in a_part if piece in ("a", "part"))


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_an_apostrophe_belongs_to_its_word(apostrophe):
    encoding = WORDS.encode(f"don{apostrophe}t play")
    assert encoding.tokens == pieces("don't play")
    assert set(encoding.word_ids) == {0, 1, None}


def test_every_digit_and_every_mark_is_a_token_of_its_own():
    assert pieces("12!,") == ["1", "2", "!", ",", "[EOS]"]


def test_pieces_never_cross_a_word():
    encoding = WORDS.encode("the cat sat apart, don't!")
    for word in set(encoding.word_ids) - {None}:
        spans = [s for s, w in zip(encoding.offsets, encoding.word_ids, strict=True) if w == word]
        assert " " not in "the cat sat apart, don't!"[spans[0][0] : spans[-1][1]]


def test_what_was_never_seen_is_unknown_character_by_character():
    assert pieces("猫Ω☃") == [UNK, UNK, UNK, "[EOS]"]
    assert pieces("狗猫", CHARACTERS) == ["[BOS]", UNK, "猫", "[EOS]"]


def test_characters_drop_white_space_and_unify_widths():
    assert pieces(" 猫 \n\u3000在 ", CHARACTERS) == ["[BOS]", "猫", "在", "[EOS]"]
    assert pieces("Ａ１", CHARACTERS) == pieces("A1", CHARACTERS) == ["[BOS]", "A", "1", "[EOS]"]


@pytest.mark.parametrize(("narrow", "wide"), FULL_WIDTH.items())
def test_a_mark_is_written_wide_however_it_is_typed(narrow, wide):
    tokenizer = characters([f"好{narrow}"])
    for typed in (narrow, wide):
        assert pieces(f"好{typed}", tokenizer) == ["[BOS]", "好", wide, "[EOS]"]


def test_the_same_sentences_make_the_same_characters():
    again = characters(["猫在床上。", "我看见1只猫A!"])
    assert again.get_vocab() == CHARACTERS.get_vocab()


def test_a_vocabulary_is_no_larger_than_asked():
    assert english_subwords(SENTENCES, 40).get_vocab_size() <= 40
