"""What a checkpoint gets is exactly its tokenizer's ids, and every token shows its own text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from model_runtime.huggingface.encoding import TokenizerFailed
from model_runtime.huggingface.reading import Reader
from model_runtime.types import SPACE, Token
from tests.model_runtime.huggingface.readers import (
    ROOM,
    TEXTS,
    TOKENIZERS,
    kind_of,
    read,
    reader,
    shown,
    tokenizer_of,
)

SPECIALS = "[MASK] [SEP] [CLS] [UNK] <s> </s> <mask> <bos> <eos> <pad> <|endoftext|> <extra_id_0>"


# --- the smallest, by hand ---------------------------------------------------------------------


def test_one_letter_between_two_special_tokens():
    ids = tokenizer_of("bert").convert_tokens_to_ids(["[CLS]", "a", "[SEP]"])
    assert reader("bert").tokens("a") == (
        (
            Token(0, ids[0], "[CLS]", None, None, is_special=True),
            Token(1, ids[1], "a", (0, 1), 0),
            Token(2, ids[2], "[SEP]", None, None, is_special=True),
        ),
        0,
        (0, 0, 0),
    )


def test_the_space_before_a_piece_is_not_shown():
    assert [(t.text, t.span, t.word) for t in read("gpt2", "The cat")] == [
        ("The", (0, 3), 0), ("cat", (4, 7), 1),
    ]  # fmt: skip


def test_a_space_alone_is_shown_and_goes_with_the_word_after_it():
    assert [(t.text, t.span, t.word) for t in read("gpt2", "a 猫")] == [
        ("a", (0, 1), 0), (SPACE, (1, 2), 1),
        ("猫⟨E7⟩", (2, 3), 1), ("猫⟨8C⟩", (2, 3), 1), ("猫⟨AB⟩", (2, 3), 1),
    ]  # fmt: skip


@pytest.mark.parametrize("family", ["gpt2", "bloom", "falcon"])
def test_the_bytes_of_a_character_are_told_apart(family):
    tokens = read(family, "🍎")
    assert shown(tokens) == ["🍎⟨F0⟩", "🍎⟨9F⟩", "🍎⟨8D⟩", "🍎⟨8E⟩"]
    assert all(t.is_byte_piece and t.span == (0, 1) and t.word == 0 for t in tokens)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
def test_bytes_that_stand_in_for_a_piece_are_told_apart_too(family):
    tokens = [t for t in read(family, "a 🍎") if t.is_byte_piece]
    assert shown(tokens) == ["🍎⟨F0⟩", "🍎⟨9F⟩", "🍎⟨8D⟩", "🍎⟨8E⟩"]


def test_a_tokenizer_without_offsets_is_followed_byte_by_byte():
    assert [(t.text, t.span) for t in read("byt5", "é\n")] == [
        ("é⟨C3⟩", (0, 1)), ("é⟨A9⟩", (0, 1)), (SPACE, (1, 2)), ("</s>", None),
    ]  # fmt: skip


def test_a_tokenizer_without_offsets_that_changes_its_text_is_followed():
    # Its sentencepiece model reads ½ as 1, ⁄ and 2, and full-width letters as letters.
    tokens = read("bert-generation", "½ ｃ")
    assert [(t.text, t.span) for t in tokens if t.text != SPACE] == [
        ("½⟨1⟩", (0, 1)), ("½⟨?⟩", (0, 1)), ("½⟨2⟩", (0, 1)), ("ｃ", (2, 3)),
    ]  # fmt: skip


def test_what_is_unknown_shows_itself():
    tokens = read("bert-generation", "The €uro, 🍎 cat")
    assert [(t.text, t.span) for t in tokens if t.is_unknown] == [("€", (4, 5)), ("🍎", (10, 11))]
    assert "".join(t.text for t in read("bert", "cat 🍎") if t.is_unknown) == "🍎"


def test_case_and_accents_stay_though_the_model_never_sees_them():
    tokens = read("bert", "ÇÀT Cafe\u0301")
    assert "".join(t.text for t in tokens[1:-1]) == "ÇÀTCafe\u0301"


@pytest.mark.parametrize("family", TOKENIZERS)
def test_words_are_those_of_people_even_where_a_tokenizer_knows_none(family):
    words: dict[int, str] = {}
    for token in read(family, "The dog, playing 猫在."):
        if token.word is not None and not token.is_byte_piece:
            words[token.word] = words.get(token.word, "") + token.text.replace(SPACE, "")
    said = [word for word in words.values() if word]
    assert said[:4] == ["The", "dog", ",", "playing"] and said[-1] == "."


# --- of any text -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", TOKENIZERS)
@pytest.mark.parametrize("text", TEXTS)
def test_every_token_shows_what_it_covers(family, text):
    shows_what_it_covers(family, text)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30))
def test_every_token_of_any_text_shows_what_it_covers(text):
    for family in TOKENIZERS:
        shows_what_it_covers(family, text.encode("utf-8", "replace").decode())


def shows_what_it_covers(family, text):
    tokenizer, tokens = tokenizer_of(family), read(family, text)
    ids = tokenizer(text)["input_ids"]
    # Left to itself, a tokenizer takes the name of a special token for one, where it is typed.
    if not any(name in text for name in tokenizer.all_special_tokens):
        assert [t.id for t in tokens] == ids[:ROOM]
    assert [t.position for t in tokens] == list(range(len(tokens)))
    at = 0
    covered = set()
    for token in tokens:
        assert token.is_special == (token.span is None) == (token.word is None)
        if token.span is None:
            continue
        start, end = token.span
        assert at <= start <= end <= len(text)
        # White space, or a character that the tokenizer made white space or two of.
        assert start < end or token.text == SPACE or "⟨" in token.text or token.is_unknown
        said = text[start:end] if text[start:end].strip() else SPACE
        assert token.text == said or (token.text.startswith(said) and token.text.endswith("⟩"))
        assert said == SPACE or not said[0].isspace()
        assert token.is_byte_piece <= ("⟨" in token.text)
        at = start
        covered |= set(range(start, end))
    if covered:  # what is only an accent is nothing at all to some tokenizers
        assert {place for place, c in enumerate(text) if not c.isspace()} <= covered


def test_a_tokenizer_that_fails_says_so():
    backend = Tokenizer(models.WordLevel({"a": 0}, unk_token="[UNK]"))  # which it does not have
    failing = Reader(PreTrainedTokenizerFast(tokenizer_object=backend), "decoder", ROOM)
    assert shown(failing.tokens("a")[0]) == ["a"]
    with pytest.raises(TokenizerFailed, match=r"cannot read the text: .*UNK"):
        failing.tokens("b")


# --- two texts ---------------------------------------------------------------------------------


def test_a_pair_is_one_sequence_with_spans_in_each_text():
    tokens, left_out, segments = reader("bert").tokens("The cat", "a dog")
    assert [(t.text, t.span, t.part) for t in tokens] == [
        ("[CLS]", None, 0), ("The", (0, 3), 0), ("cat", (4, 7), 0), ("[SEP]", None, 0),
        ("a", (0, 1), 1), ("dog"[:1], (2, 3), 1), ("og", (3, 5), 1), ("[SEP]", None, 0),
    ]  # fmt: skip
    assert (left_out, segments) == (0, (0, 0, 0, 0, 1, 1, 1, 1))
    assert len({t.word for t in tokens if t.word is not None}) == 4


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "bart", "t5", "byt5"])
def test_a_pair_has_the_ids_of_its_tokenizer(family):
    both = tokenizer_of(family)("The cat 猫", "a 🍎")
    tokens, _, segments = reader(family).tokens("The cat 猫", "a 🍎")
    assert [t.id for t in tokens] == both["input_ids"]
    assert list(segments) == both.get("token_type_ids", [])
    assert reader(family).takes_pair


def test_nothing_between_two_texts_makes_no_pair():
    assert not reader("gpt2").takes_pair


# --- cutting -----------------------------------------------------------------------------------


def test_too_long_a_text_loses_its_end_and_keeps_its_special_tokens():
    tokens, left_out, segments = reader("bert", room=5).tokens("the cat sat on the mat")
    assert shown(tokens) == ["[CLS]", "the", "cat", "sat", "[SEP]"]
    assert (left_out, len(segments)) == (3, 5)
    assert [t.position for t in tokens] == [0, 1, 2, 3, 4]


def test_of_a_pair_the_longer_is_cut():
    tokens, left_out, segments = reader("bert", room=7).tokens("the cat sat on the mat", "the dog")
    assert shown(tokens) == ["[CLS]", "the", "cat", "[SEP]", "the", "d", "[SEP]"]
    assert (left_out, segments) == (5, (0, 0, 0, 0, 1, 1, 1))


@pytest.mark.parametrize("family", TOKENIZERS)
def test_the_last_token_that_fits_takes_nothing_of_what_does_not(family):
    text = "The cat," * 400
    tokens, left_out, _ = reader(family, room=20).tokens(text)
    whole, _, _ = reader(family, room=10**6).tokens(text)
    assert len(tokens) == 20 and left_out == len(whole) - 20
    kept = [t for t in tokens if t.span]
    assert kept == list(whole[: tokens.index(kept[-1]) + 1])[-len(kept) :]


# --- special tokens that are typed -------------------------------------------------------------


@pytest.mark.parametrize(("family", "mask"), [("bert", "[MASK]"), ("roberta", "<mask>")])
def test_a_typed_mask_is_the_mask(family, mask):
    tokens = read(family, f"the {mask} cat")
    (masked,) = [t for t in tokens if t.id == tokenizer_of(family).mask_token_id]
    assert (masked.text, masked.span, masked.is_special) == (mask, (4, 4 + len(mask)), False)
    assert [t.id for t in tokens] == tokenizer_of(family)(f"the {mask} cat")["input_ids"]


def test_a_typed_sentinel_is_the_blank_that_t5_fills():
    tokens = read("t5", "The <extra_id_0> cat")
    assert tokenizer_of("t5").convert_tokens_to_ids("<extra_id_0>") in [t.id for t in tokens]


@pytest.mark.parametrize("family", TOKENIZERS)
@pytest.mark.parametrize("special", SPECIALS.split())
def test_any_other_special_token_typed_is_only_its_characters(family, special):
    tokenizer = tokenizer_of(family)
    text = f"the {special}{special} cat"
    tokens = read(family, text)
    blanks = {tokenizer.mask_token_id} if kind_of(family) != "decoder" else set()
    forbidden = set(tokenizer.all_special_ids) - blanks - {tokenizer.unk_token_id}
    if family not in ("t5", "byt5") or special != "<extra_id_0>":
        assert not forbidden & {t.id for t in tokens if t.span}
    assert not any(t.text == special for t in tokens if t.is_unknown)
    covered = {at for t in tokens if t.span for at in range(*t.span)}
    assert covered >= {at for at, c in enumerate(text) if c != " "}


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "bloom", "falcon", "byt5", "bart"])
def test_characters_of_a_special_token_are_read_as_transformers_splits_them(family):
    special = tokenizer_of(family).eos_token
    split = tokenizer_of(family)(f"a{special} b", split_special_tokens=True)["input_ids"]
    assert [t.id for t in read(family, f"a{special} b")] == split


def test_a_mask_stays_one_beside_special_tokens_that_do_not():
    tokenizer = tokenizer_of("bert")
    ids = [t.id for t in read("bert", "the [SEP] [MASK] cat")]
    assert ids.count(tokenizer.mask_token_id) == 1
    assert ids.count(tokenizer.sep_token_id) == 1  # the closing one
