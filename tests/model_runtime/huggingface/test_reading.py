"""What a checkpoint gets is exactly its tokenizer's ids, and every token shows its own text."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from model_runtime.huggingface.reading import Reader
from model_runtime.tokens import SPACE
from model_runtime.types import Token
from tests.model_runtime.huggingface.checkpoints import FAMILIES
from tests.model_runtime.reference import NASTY

ROOM = 512
# Those whose tokenizers differ; the rest shares one with these.
TOKENIZERS = (
    "bert", "roberta", "deberta-v2", "gpt2", "llama", "gemma2", "bloom", "falcon", "t5", "byt5",
    "bart", "bert-generation",
)  # fmt: skip
# They have every byte, and drop nothing: what is read can be written again.
WHOLE = ("roberta", "gpt2", "llama", "gemma2", "bloom", "falcon", "byt5", "bart")
TEXTS = (
    "The cat sat on the mat.",
    "a",
    "猫在床上睡觉，因为它很累。",
    "🍎 👨\u200d👩\u200d👧 🏳️\u200d🌈 🇨🇳",
    "Cafe\u0301 te\u0323\u0302t é",
    "for i in range(10):\n\tprint(i)  # 0\n\n",
    "  two  spaces, and one at the end ",
    "مرحبا بالعالم",
    "½ ﬁ ㎏ Ⅷ ﬃ",
    " \n",
    *NASTY,
)
SPECIALS = "[MASK] [SEP] [CLS] [UNK] <s> </s> <mask> <bos> <eos> <pad> <|endoftext|> <extra_id_0>"


def kind_of(family: str) -> str:
    model = FAMILIES[family].model
    if "ConditionalGeneration" in model:
        return "encoder-decoder"
    return "decoder" if any(n in model for n in ("Causal", "LMHead", "Decoder")) else "encoder"


@cache
def tokenizer_of(family):
    """The family's tokenizer as it is after it was saved and opened again."""
    with TemporaryDirectory() as folder:
        made = FAMILIES[family].tokenizer
        tokenizer = made(Path(folder)) if family == "bert-generation" else made()
        tokenizer.save_pretrained(folder)
        return AutoTokenizer.from_pretrained(folder)


def reader(family, room=ROOM):
    return Reader(tokenizer_of(family), kind_of(family), room)


def read(family, text, **more):
    return reader(family).tokens(text, **more)[0]


def shown(tokens):
    return [token.text for token in tokens]


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


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30))
def test_every_token_of_any_text_shows_what_it_covers(text):
    for family in TOKENIZERS:
        shows_what_it_covers(family, text.encode("utf-8", "replace").decode())


def shows_what_it_covers(family, text):
    tokenizer, tokens = tokenizer_of(family), read(family, text)
    ids = tokenizer(text)["input_ids"]
    typed = set(tokenizer.all_special_ids) & set(
        tokenizer(text, add_special_tokens=False)["input_ids"]
    )
    if not typed - {tokenizer.unk_token_id}:
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
    if family != "t5" or special != "<extra_id_0>":
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


# --- what goes on from a text ------------------------------------------------------------------


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


@settings(max_examples=60, deadline=None)
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
