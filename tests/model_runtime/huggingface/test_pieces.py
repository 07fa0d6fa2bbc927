"""What the entries of a vocabulary are called, and the bytes that they stand for."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from model_runtime.huggingface.pieces import Pieces
from model_runtime.huggingface.reading import Reader
from tests.model_runtime.huggingface.readers import TOKENIZERS, tokenizer_of


def of_bytes(*pieces):
    """A byte-level tokenizer with these pieces, spelled as GPT-2 does."""
    backend = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return Pieces(PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>"))


def test_a_piece_that_continues_a_word_is_told_from_one_that_begins_it():
    assert of_bytes("Ġcat", "cat", ",", "Ġ,").names(5) == ("cat", "##cat", ",", ",", "<end>")


def test_chinese_characters_begin_no_words():
    assert of_bytes("Ġcat", "çĮ«").names(2) == ("cat", "猫")


def test_bytes_that_are_no_character_are_named_by_their_numbers():
    assert of_bytes("ð", "ðŁ", "çĮ", "Ä").names(4) == ("⟨F0⟩", "⟨F0 9F⟩", "⟨E7 8C⟩", "⟨C4⟩")


def test_a_character_that_is_the_sign_for_none_is_still_one():
    assert of_bytes("ï¿½").names(1) == ("\ufffd",)


def test_white_space_of_each_kind_has_a_name_of_its_own():
    assert of_bytes("Ġ", "ĠĠ", "Ċ", "ĉ", "Ā").names(5) == (
        "␣", "␣⟨20 20⟩", "␣⟨0A⟩", "␣⟨09⟩", "⟨00⟩",
    )  # fmt: skip


def test_white_space_within_a_piece_shows():
    assert of_bytes("Ġ;Ċ", "ĉif", "aĠb").names(3) == (";␣", "␣if", "a b")


def test_ids_that_no_token_has_are_numbers():
    assert of_bytes("a").names(4) == ("a", "<end>", "⟨2⟩", "⟨3⟩")


def test_all_256_bytes_are_spelled_backwards():
    spelled = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = of_bytes(*spelled)
    assert sorted(pieces.bytes_of(piece) for piece in spelled) == [bytes([b]) for b in range(256)]
    spelled_out = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str("猫é\n")
    held = b"".join(pieces.bytes_of(piece) for piece, _ in spelled_out)
    assert held.decode() == "猫é\n"


@pytest.mark.parametrize(
    ("family", "piece", "name"),
    [
        ("bert", "cat", "cat"),
        ("bert", "##s", "##s"),
        ("bert", "[MASK]", "[MASK]"),
        ("llama", "▁cat", "cat"),
        ("llama", "at", "##at"),
        ("llama", "<0xF0>", "⟨F0⟩"),
        ("llama", "<0x41>", "⟨41⟩"),
        ("llama", "<0x0A>", "␣⟨0A⟩"),
        ("llama", "<s>", "<s>"),
        ("gemma2", "▁", "␣"),
        ("t5", "</s>", "</s>"),
        ("t5", "<extra_id_0>", "<extra_id_0>"),
        ("byt5", "a", "a"),
        ("byt5", "\xf0", "⟨F0⟩"),
        ("bert-generation", "▁cat", "cat"),
    ],
)
def test_pieces_of_every_kind_have_names(family, piece, name):
    tokenizer = tokenizer_of(family)
    assert Reader(tokenizer, "decoder", 8).vocabulary()[
        tokenizer.convert_tokens_to_ids(piece)
    ] == name  # fmt: skip


@pytest.mark.parametrize("family", TOKENIZERS)
def test_every_id_of_a_model_has_a_name(family):
    tokenizer = tokenizer_of(family)
    names = Reader(tokenizer, "decoder", 8).vocabulary(len(tokenizer) + 5)
    assert len(names) == len(tokenizer) + 5
    assert names[-1] == f"⟨{len(tokenizer) + 4}⟩"
    assert all(name and name.isprintable() for name in names)
    assert len(set(names)) > 0.9 * len(names)
