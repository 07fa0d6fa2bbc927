"""How English sentences become lessons: blanks to fill, now and then an unknown."""

import json
import random
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from model_runtime.builtin import weights
from model_runtime.builtin.corpus import read_english
from model_runtime.builtin.recipes import english
from model_runtime.builtin.recipes.english import (
    UNKNOWN_SHARE,
    begin_with,
    blanked,
    some_unknown,
    without_mask,
)
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, SPECIALS, UNK_ID
from model_runtime.types import MASK
from tests.model_runtime.builtin import tiny
from tests.model_runtime.builtin.recipes.conftest import SENTENCES

CPU = torch.device("cpu")
SIZE = 100
LAST = SIZE - 1  # the mask
sentences = st.lists(st.integers(len(SPECIALS), LAST - 1), max_size=20).map(
    lambda ids: [BOS_ID, *ids, EOS_ID]
)


@settings(max_examples=200, deadline=None)
@given(ids=sentences, seed=st.integers(0, 999))
def test_a_blanked_sentence_keeps_its_length_and_its_special_tokens(ids, seed):
    read, labels = blanked(ids, SIZE, random.Random(seed))
    assert len(read) == len(labels) == len(ids)
    assert (read[0], read[-1]) == (BOS_ID, EOS_ID)
    assert (labels[0], labels[-1]) == (PAD_ID, PAD_ID)
    assert not {PAD_ID, BOS_ID, EOS_ID} & set(read[1:-1])


@settings(max_examples=200, deadline=None)
@given(ids=sentences, seed=st.integers(0, 999))
def test_at_least_one_token_is_asked_for_and_each_is_the_one_that_stood_there(ids, seed):
    read, labels = blanked(ids, SIZE, random.Random(seed))
    places = [n for n, label in enumerate(labels) if label != PAD_ID]
    assert len(places) >= (1 if len(ids) > 2 else 0)
    assert all(labels[n] == ids[n] for n in places)
    changed = {n for n in range(len(ids)) if read[n] != ids[n]}
    assert all(read[n] == UNK_ID for n in changed - set(places))


def test_a_sentence_without_a_token_to_ask_for_is_asked_nothing():
    assert blanked([BOS_ID, EOS_ID], SIZE, random.Random(0)) == ([BOS_ID, EOS_ID], [PAD_ID, PAD_ID])


def test_an_unknown_token_is_never_asked_for():
    for seed in range(50):
        _, labels = blanked([BOS_ID, UNK_ID, 7, EOS_ID], SIZE, random.Random(seed))
        assert labels == [PAD_ID, PAD_ID, 7, PAD_ID]


def test_one_token_in_five_is_asked_for_and_most_of_them_are_masked():
    rng = random.Random(0)
    ids = [BOS_ID, *[50] * 200, EOS_ID]
    kinds: Counter[str] = Counter()
    for _ in range(200):
        read, labels = blanked(ids, SIZE, rng)
        for now, label in zip(read[1:-1], labels[1:-1], strict=True):
            if label == PAD_ID:
                kinds["not asked"] += 1
            else:
                kinds["masked" if now == LAST else "same" if now == 50 else "other"] += 1
    asked = kinds["masked"] + kinds["same"] + kinds["other"]
    assert asked / kinds.total() == pytest.approx(0.2, abs=0.01)
    assert kinds["masked"] / asked == pytest.approx(0.8, abs=0.02)
    assert kinds["other"] / asked == pytest.approx(0.1, abs=0.02)
    assert kinds["same"] / asked == pytest.approx(0.1, abs=0.02)


def test_another_token_in_its_place_is_no_special_one_and_no_mask():
    rng = random.Random(0)
    others = set()
    for _ in range(3000):
        read, _ = blanked([BOS_ID, 4, EOS_ID], 7, rng)  # the vocabulary: 4, 5 and the mask, 6
        others.add(read[1])
    assert others == {4, 5, 6}


def test_a_few_tokens_become_unknown_and_no_special_one():
    rng = random.Random(0)
    ids = [BOS_ID, *[50] * 100, EOS_ID]
    made = [some_unknown(ids, rng) for _ in range(1000)]
    assert all((row[0], row[-1]) == (BOS_ID, EOS_ID) for row in made)
    share = sum(row.count(UNK_ID) for row in made) / 100_000
    assert share == pytest.approx(UNKNOWN_SHARE, rel=0.3)
    assert {i for row in made for i in row} == {BOS_ID, EOS_ID, UNK_ID, 50}


# --- the two recipes -------------------------------------------------------------------------


@pytest.fixture
def lessons(monkeypatch, data, filler):
    """A function that gives the `Making` of a recipe without training anything."""
    found = []
    monkeypatch.setattr(english, "make", lambda folder, making, device: found.append(making))

    def of(recipe):
        recipe(data, data / "out", CPU, None)
        return found.pop()

    return of


def test_the_mask_is_the_last_token_of_the_blanks_and_the_writer_has_none(lessons):
    target = lessons(english.blanks).target
    assert target.token_to_id(MASK) == target.get_vocab_size() - 1
    assert lessons(english.blanks).config.target_vocab_size == target.get_vocab_size()
    assert lessons(english.writer).target.token_to_id(MASK) is None


def test_the_writer_is_asked_for_whole_sentences_and_the_blanks_for_parts(lessons):
    writing = lessons(english.writer).epoch(random.Random(0))
    assert all(batch.source == [[]] * len(batch.target) for batch in writing)
    rows = [row for batch in writing for row in batch.target]
    assert all(row[0] == BOS_ID and EOS_ID in row for row in rows)

    filling = lessons(english.blanks).epoch(random.Random(0))
    labels = [row for batch in filling for row in batch.target]
    assert all(any(row) for row in labels)
    share = sum(i != PAD_ID for row in labels for i in row) / sum(
        i >= len(SPECIALS) for batch in filling for row in batch.source for i in row
    )
    assert 0.1 < share < 0.35


@pytest.mark.parametrize("recipe", [english.writer, english.blanks])
def test_held_out_sentences_are_in_no_epoch(lessons, recipe, data):
    making = lessons(recipe)
    training, held_out = read_english(data)
    assert training and held_out

    decode = making.target.decode

    def sentences_of(batches):
        """As they were before anything was masked; unknown tokens are gone from a few."""
        read = [row for batch in batches for row in batch.source]
        asked = [row for batch in batches for row in batch.target]
        return {
            decode([label or i for i, label in zip(row or labels, labels, strict=True)])
            for row, labels in zip(read, asked, strict=True)
        }

    epoch, dev = sentences_of(making.epoch(random.Random(0))), sentences_of(making.dev)
    assert not set(held_out) & epoch and not set(training) & dev
    assert len(set(training) & epoch) > len(training) / 2
    assert set(held_out) & dev


@pytest.mark.parametrize("recipe", [english.writer, english.blanks])
def test_an_epoch_depends_on_its_random_numbers_alone(lessons, recipe):
    making = lessons(recipe)
    assert making.epoch(random.Random(1)) == making.epoch(random.Random(1))
    assert making.epoch(random.Random(1)) != making.epoch(random.Random(2))


def test_the_mask_survives_the_file_of_the_tokenizer(data, tmp_path, small_recipes):
    english.blanks(data, tmp_path / "out", CPU, 1)
    back = Tokenizer.from_file(str(tmp_path / "out" / "target_tokenizer.json"))
    mask = back.token_to_id(MASK)
    assert mask is not None
    assert back.encode("The [MASK] is").ids.count(mask) == 1
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["target_vocab_size"] == mask + 1


# --- the writer begins as the blanks ended ---------------------------------------------------


def test_without_its_mask_a_tokenizer_cuts_all_else_as_before():
    masked = tiny.pieces_with_mask()
    plain = without_mask(masked)
    assert plain.get_vocab_size() == masked.get_vocab_size() - 1
    assert plain.token_to_id(MASK) is None
    for text in ("The cat is sleeping.", "  12 dogs, don't!", "猫 [EOS]", ""):
        assert plain.encode(text).ids == masked.encode(text).ids
        assert plain.encode(text).offsets == masked.encode(text).offsets
    assert "".join(plain.encode("The [MASK]").tokens[2:-1]) != MASK
    assert masked.token_to_id(MASK) is not None  # the one it was made of still has it


def of_one_shape(tied):
    """(decoder, encoder that knows one token more), random and different."""
    choices = {"positions": "learned", "tie_unembedding": tied}
    return (
        tiny.random_model(tiny.config_of("decoder", 0, 11, **choices), seed=1),
        tiny.random_model(tiny.config_of("encoder", 0, 12, **choices), seed=2),
    )


@pytest.mark.parametrize("tied", [True, False])
def test_a_decoder_begins_with_an_encoders_weights(tied):
    decoder, encoder = of_one_shape(tied)
    begin_with(decoder, encoder)
    theirs = encoder.state_dict()
    for name, ours in decoder.state_dict().items():
        their = theirs[name.replace("decoder.", "encoder.")]
        assert torch.equal(ours, their[: len(ours)]), name
        assert len(ours) in (len(their), len(their) - 1)
    assert (decoder.unembedding.weight is decoder.decoder.embedding.weight) == tied


@torch.no_grad()
def test_where_there_is_nothing_ahead_the_decoder_computes_what_the_encoder_does():
    decoder, encoder = of_one_shape(tied=True)
    begin_with(decoder, encoder)
    for token in range(11):
        ids = torch.tensor([[token]])
        ours, theirs = (m.logits(x) for m, x in (
            (decoder, decoder.decode(ids)), (encoder, encoder.encode(ids)),
        ))  # fmt: skip
        torch.testing.assert_close(ours[0, 0], theirs[0, 0, :11], atol=1e-6, rtol=0)


def test_an_encoder_of_another_shape_is_refused():
    decoder, _ = of_one_shape(tied=True)
    other = tiny.random_model(tiny.config_of("encoder", 0, 12, positions="learned", n_layers=1))
    with pytest.raises((RuntimeError, KeyError)):
        begin_with(decoder, other)


def test_the_writer_shares_its_tokens_with_the_blanks_and_begins_with_their_weights(
    lessons, filler
):
    blanks = weights.load(filler / "blanks")
    making = lessons(english.writer)
    assert making.config.target_vocab_size == blanks.model.config.target_vocab_size - 1
    for text in SENTENCES[:5]:
        assert making.target.encode(text).ids == blanks.target_tokenizer.encode(text).ids
    model = tiny.random_model(making.config)
    making.begin(model)
    ours, theirs = model.state_dict(), blanks.model.state_dict()
    assert torch.equal(ours["decoder.layers.0.attn.w_q.weight"],
                       theirs["encoder.layers.0.attn.w_q.weight"])  # fmt: skip
