"""What the tokenizers of the built-in models treat as one token."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from model_runtime.builtin.tokenization import (
    BOS_ID,
    EOS_ID,
    FULL_WIDTH,
    PAD_ID,
    SPECIALS,
    UNK,
    UNK_ID,
    characters,
    english_pieces,
    english_subwords,
    symbols,
)
from model_runtime.types import MASK
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY

SENTENCES = ["The cat sat apart.", "a part of the cat", "Don't play cards, play 12!"] * 3
WORDS = english_subwords(SENTENCES, vocab_size=80)
CHARACTERS = characters(["猫在床上。", "我看见1只猫A!"])
PIECES = english_pieces(
    ["The cat sat on the mat.", "Don't play, play 12 cards!", "the CAT is here"] * 3, vocab_size=90
)
MASKED = tiny.pieces_with_mask()
LETTERS = symbols("abc ", starts=True, ends=True)
TOKENIZERS = (WORDS, CHARACTERS, PIECES, MASKED, LETTERS, tiny.letters())


def pieces(text, tokenizer=WORDS):
    return tokenizer.encode(text).tokens


def test_special_tokens_have_the_same_four_ids_everywhere():
    for tokenizer in TOKENIZERS:
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


# --- pieces that can be joined again ---------------------------------------------------------


def normalised(text):
    """Width, apostrophes and white space as the model reads them; written out here again."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    # Python alone takes four control characters for white space.
    return re.sub(r"[^\S\x1c-\x1f]+", " ", text).strip(" ")


def joined(text, tokenizer=PIECES):
    return tokenizer.decode(tokenizer.encode(text).ids)


def test_a_piece_after_a_space_starts_with_its_mark_and_so_does_the_first():
    assert pieces("The cat.", PIECES) == ["[BOS]", "▁The", "▁cat", ".", "[EOS]"]
    assert pieces("cat", PIECES) == ["[BOS]", "▁cat", "[EOS]"]


def test_pieces_keep_capitals():
    assert pieces("the", PIECES) != pieces("The", PIECES)


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("The cat sat.", "The cat sat."),
        ("  The  cat\n\tsat . ", "The cat sat ."),
        ("Don’t play,play", "Don't play,play"),
        ("12 cards!!", "12 cards!!"),
        ("Ｔｈｅ", "The"),
        ("the\u00a0cat", "the cat"),
        ("", ""),
    ],
)
def test_what_was_cut_is_joined_to_the_same_text_again(text, back):
    assert joined(text) == normalised(text) == back


WORDS_OF_PIECES = ["The", "cat", "sat", "Don't", "Don’t", "12", "1", ",", ".", "!", "he", "playa"]
MADE_TEXTS = st.lists(
    st.tuples(st.sampled_from(WORDS_OF_PIECES), st.sampled_from(["", " ", "  ", "\n", "\t "]))
).map(lambda parts: "".join(word + space for word, space in parts))


@settings(max_examples=150, deadline=None)
@given(text=MADE_TEXTS)
def test_any_text_of_known_characters_is_joined_to_itself(text):
    assert joined(text) == normalised(text)
    assert UNK_ID not in PIECES.encode(text).ids


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30))
def test_no_text_at_all_loses_a_character_unless_it_is_unknown(text):
    encoding = PIECES.encode(text.replace("[", "("))  # no special token typed by hand
    kept = [t for t, i in zip(encoding.tokens, encoding.ids, strict=True) if i > EOS_ID]
    read = "".join(kept).replace("▁", " ")
    pieces_that_text_has = set(PIECES.get_vocab()) - set(SPECIALS)
    known = set("".join(pieces_that_text_has)) | {" "}
    expected = "".join(c for c in normalised(text.replace("[", "(")) if c in known)
    # A "▁" that was typed cannot be told from a space; nothing else can be lost.
    assert read.strip(" ") == expected.replace("▁", " ").strip(" ")


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(MADE_TEXTS, st.text(max_size=30), st.sampled_from(NASTY)))
@pytest.mark.parametrize("tokenizer", [PIECES, MASKED], ids=["pieces", "with mask"])
def test_spans_cover_every_visible_character(tokenizer, text):
    encoding = tokenizer.encode(text)
    covered = {at for start, end in encoding.offsets for at in range(start, end)}
    for at, character in enumerate(text):
        # An accent typed apart may be drawn into its letter: one character of what is read.
        assert character.isspace() or at in covered or unicodedata.combining(character)


def test_pieces_never_cross_a_word_a_digit_or_a_mark():
    encoding = PIECES.encode("The cats, don't play 12!")
    words: dict[int, str] = {}
    for piece, word in zip(encoding.tokens, encoding.word_ids, strict=True):
        if word is not None:
            words[word] = words.get(word, "") + piece
    assert list(words.values()) == ["▁The", "▁cats", ",", "▁don't", "▁play", "▁1", "2", "!"]


def test_a_character_that_no_piece_has_is_unknown_and_the_rest_is_not():
    assert pieces("catΩ猫", PIECES) == ["[BOS]", "▁cat", UNK, UNK, "[EOS]"]


def test_pieces_are_no_more_than_asked_and_the_same_each_time():
    sentences = ["the cat sat on the mat"] * 3
    one, same = english_pieces(sentences, 30), english_pieces(sentences, 30)
    assert one.get_vocab_size() <= 30
    assert one.to_str() == same.to_str()


# --- the mask --------------------------------------------------------------------------------


def test_the_mask_is_the_last_token_and_takes_the_space_before_it():
    mask = MASKED.token_to_id(MASK)
    assert mask == MASKED.get_vocab_size() - 1
    encoding = MASKED.encode("The [MASK] is here")
    assert encoding.ids[2] == mask
    assert encoding.tokens[1] == "▁The"
    assert encoding.tokens[3].startswith("▁i")  # the space after it is the next word's
    assert MASKED.encode("The is here").tokens[1] == "▁The"


@pytest.mark.parametrize("text", ["[MASK]", " [MASK]", "The  [MASK].", "(\n[MASK])", "x[MASK]x"])
def test_a_mask_is_one_token_wherever_it_is_typed(text):
    mask = MASKED.get_vocab_size() - 1
    for by_hand in (False, True):  # True as an opened model has it
        tokenizer = Tokenizer.from_str(MASKED.to_str())
        tokenizer.encode_special_tokens = by_hand
        assert tokenizer.encode(text).ids.count(mask) == 1


@pytest.mark.parametrize("text", ["[mask]", "MASK", "[ MASK ]", "[MASK", "［MASK］"])
def test_what_only_resembles_a_mask_is_text(text):
    assert MASKED.token_to_id(MASK) not in MASKED.encode(text).ids


def test_a_mask_is_a_word_and_no_special_token():
    encoding = MASKED.encode("The [MASK] is")
    assert encoding.special_tokens_mask[2] == 0
    assert len(set(encoding.word_ids[1:-1])) == 3


# --- one token a symbol ----------------------------------------------------------------------


def test_symbols_keep_white_space():
    assert pieces("a b", LETTERS) == ["[BOS]", "a", " ", "b", "[EOS]"]
    assert pieces(" a  ", LETTERS) == ["[BOS]", " ", "a", " ", " ", "[EOS]"]


def test_a_symbol_outside_the_alphabet_is_unknown_white_space_too():
    assert pieces("aXb", LETTERS) == ["[BOS]", "a", UNK, "b", "[EOS]"]
    assert pieces("a b\n", tiny.letters()) == ["[BOS]", "a", UNK, "b", UNK]


@pytest.mark.parametrize(
    ("starts", "ends", "tokens"),
    [
        (False, False, ["a"]),
        (True, False, ["[BOS]", "a"]),
        (False, True, ["a", "[EOS]"]),
        (True, True, ["[BOS]", "a", "[EOS]"]),
    ],
)
def test_symbols_stand_between_the_special_tokens_that_were_asked_for(starts, ends, tokens):
    assert pieces("a", symbols("ab", starts=starts, ends=ends)) == tokens


def test_a_symbol_has_the_id_of_its_place_in_the_alphabet():
    tokenizer = symbols("cab", starts=False, ends=False)
    assert tokenizer.encode("abc").ids == [5, 6, 4]
    assert tokenizer.get_vocab_size() == 7


def test_wide_symbols_are_read_as_narrow_ones():
    assert pieces("ａ", LETTERS) == pieces("a", LETTERS)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="abc xyz猫\n", max_size=20))
def test_there_is_a_symbol_for_every_character(text):
    encoding = LETTERS.encode(text)
    assert encoding.offsets[1:-1] == [(n, n + 1) for n in range(len(text))]
    assert encoding.tokens[1:-1] == [c if c in "abc " else UNK for c in text]


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_a_tokenizer_comes_back_from_its_file_as_it_was(tokenizer, tmp_path):
    tokenizer.save(str(tmp_path / "t.json"))
    back = Tokenizer.from_file(str(tmp_path / "t.json"))
    for text in ("The [MASK] cat", "猫 abc", "a\tb½", *NASTY):
        one, other = tokenizer.encode(text), back.encode(text)
        assert (one.ids, one.offsets, one.word_ids) == (other.ids, other.offsets, other.word_ids)
