"""What the writer's scores mean: accuracy by hand, samples that can be drawn again."""

import json
import random

import pytest
import torch
from tokenizers import Tokenizer

from model_runtime.builtin import corpus, tokenization, weights
from model_runtime.builtin.batching import Batch
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.evaluation import writer
from model_runtime.builtin.evaluation.ngrams import NGrams
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.transformer import Transformer

WORDS = "the cat dog sees hears a bird house tree and".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of made-up English, some of it held out by the usual rule."""
    rng = random.Random(0)
    folder = tmp_path_factory.mktemp("data")
    lines = [" ".join(rng.choices(WORDS, k=5)).capitalize() + "." for _ in range(400)]
    (folder / "sentences.txt").write_text("\n".join(lines))
    (folder / "stories.txt").write_text("Once there was a cat. It saw a bird!")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("writer")
    tokenizer = tokenization.english_pieces(corpus.read_english(data)[0], 60)
    tokenizer.save(str(folder / "target_tokenizer.json"))
    torch.manual_seed(0)
    config = TransformerConfig(
        topology="decoder",
        source_vocab_size=0,
        target_vocab_size=tokenizer.get_vocab_size(),
        context_length=40,
        d_model=16,
        n_heads=2,
        d_ff=16,
        n_layers=2,
        positions="rotary",
    )
    weights.save_model(folder, Transformer(config))
    return folder


def test_accuracy_counts_the_next_tokens_that_are_likeliest(folder):
    model = weights.load_model(folder)
    ids = [BOS_ID, 7, 9]
    with torch.no_grad():
        best = model.logits(model.decode(torch.tensor([ids])))[0].argmax(dim=-1).tolist()
    right = Batch([], [[BOS_ID, best[0]]])
    wrong = Batch([], [[BOS_ID, (best[0] + 1) % 20]])
    assert writer.accuracy(model, [right]) == 1.0
    assert writer.accuracy(model, [wrong]) == 0.0
    assert writer.accuracy(model, [right, wrong]) == 0.5


def test_samples_are_the_same_each_time_and_hold_no_special_token(folder):
    model = weights.load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    first, again = (writer.sample_sentences(model, tokenizer, 5) for _ in range(2))
    assert first == again
    assert len(set(first)) > 1
    assert not any("[" in sample for sample in first)


def test_a_copy_is_a_training_sentence_letter_by_letter():
    training = ["The cat is here.", "A dog!"]
    assert writer.copied(["the cat is here", "A dog", "A cat", "The cat"], training) == 0.5


def test_an_evaluation_compares_over_the_same_tokens_and_names_a_head(folder, data, monkeypatch):
    monkeypatch.setattr(writer, "N_SAMPLES", 20)
    writer.evaluate(folder, data)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    scores = facts["scores"]
    training, held_out = corpus.read_english(data)
    tokenizer = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    ids = [tokenizer.encode(sentence).ids for sentence in held_out]
    assert scores["tokens"] == sum(len(row) - 1 for row in ids)
    assert all(row[0] == BOS_ID and row[-1] == EOS_ID for row in ids)
    bigram = NGrams([tokenizer.encode(s).ids for s in training], 2, tokenizer.get_vocab_size())
    assert scores["ngrams"]["2"] == pytest.approx(bigram.perplexity(ids), abs=0.01)
    best = scores["previous"]["best_head"]
    assert facts["opens_at"] == {"stack": "decoder", "layer": best["layer"], "head": best["head"]}
    assert scores["unfit"] == 0
