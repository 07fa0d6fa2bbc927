"""What the scores of the translator mean, on examples small enough to check by hand.

Knows made-up patterns and a tiny random model; the shipped model's scores are in its card.
"""

import json
import random

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, pre_tokenizers

from model_runtime.builtin import evaluation, tokenization, weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.corpus import fit_for_class
from model_runtime.builtin.evaluation import Link, LinkedPair, alignment_hits
from model_runtime.builtin.transformer import Transformer

PAIRS = [
    ("The cat is here.", "猫在这里。"),
    ("The dog is here.", "狗在这里。"),
    ("I see a cat.", "我看见一只猫。"),
    ("I don't see the dog.", "我没看见狗。"),
    ("Where is the cat?", "猫在哪里?"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder with a tiny random translator, its tokenizers trained on PAIRS."""
    folder = tmp_path_factory.mktemp("model")
    source = tokenization.english_subwords((english for english, _ in PAIRS), vocab_size=40)
    target = tokenization.characters(chinese for _, chinese in PAIRS)
    source.save(str(folder / "source_tokenizer.json"))
    target.save(str(folder / "target_tokenizer.json"))
    torch.manual_seed(0)
    config = TransformerConfig(
        topology="encoder-decoder",
        source_vocab_size=source.get_vocab_size(),
        target_vocab_size=target.get_vocab_size(),
        context_length=60,
        d_model=16,
        n_heads=2,
        d_ff=16,
        n_layers=2,
    )
    weights.save_model(folder, Transformer(config))
    return folder


@pytest.fixture(scope="module")
def source(folder):
    return Tokenizer.from_file(str(folder / "source_tokenizer.json"))


@pytest.fixture(scope="module")
def target(folder):
    return Tokenizer.from_file(str(folder / "target_tokenizer.json"))


# ── Alignment by attention ──────────────────────────────────────────────────────────


def test_a_word_is_right_where_its_row_peaks_at_a_linked_word():
    pattern = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.1, 0.7]])
    links = [([0], frozenset({0})), ([1], frozenset({1})), ([2], frozenset({1, 2}))]
    assert alignment_hits(pattern, [0, 1, 2], links).tolist() == [True, False, True]


def test_the_pieces_of_a_word_count_together():
    pattern = np.array([[0.4, 0.3, 0.3]])
    link = [([0], frozenset({1}))]
    assert alignment_hits(pattern, [0, 1, 2], link).tolist() == [False]
    assert alignment_hits(pattern, [0, 1, 1], link).tolist() == [True]


def test_a_special_token_competes_and_can_win():
    pattern = np.array([[0.4, 0.6]])
    assert alignment_hits(pattern, [0, -1], [([0], frozenset({0}))]).tolist() == [False]


def test_the_rows_of_a_word_are_averaged():
    pattern = np.array([[0.4, 0.6, 0.0], [0.4, 0.0, 0.6]])  # the mean: 0.4, 0.3, 0.3
    assert alignment_hits(pattern, [0, 1, 2], [([0, 1], frozenset({0}))]).tolist() == [True]


def test_every_layer_and_head_is_judged_alone():
    pattern = np.array([[[[1.0, 0.0]], [[0.0, 1.0]]]])  # one layer, two heads, one row
    assert alignment_hits(pattern, [0, 1], [([0], frozenset({0}))]).tolist() == [[[True, False]]]


def test_a_characters_row_is_the_one_that_predicts_it(folder, source, target):
    pair = LinkedPair("I don't see the dog.", "我没看见狗。", (Link(2, 4, frozenset({2})),))
    model = weights.load_model(folder)
    pattern, owners, links = evaluation.read_attention(model, source, target, pair)
    # Rows: [BOS] 我 没 看 见 狗 。 read, so 我 没 看 见 狗 。 [EOS] predicted: 看 is row 2.
    assert pattern.shape == (2, 2, 7, len(owners))
    assert links == [([2, 3], frozenset({2}))]
    assert sorted({owner for owner in owners if owner >= 0}) == [0, 1, 2, 3, 4, 5]
    assert owners[-1] < 0 and min(owners[:-1]) == 0


def test_uniform_attention_scores_like_the_word_of_most_pieces(folder, source, target):
    model = weights.load_model(folder)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("cross.w_q.weight"):
                parameter.zero_()
    english, chinese = PAIRS[0]
    ids = source.encode(english).word_ids
    longest = max((word for word in ids if word is not None), key=ids.count)
    for word, share in [(longest, 1.0), (longest - 1, 0.0)]:
        pair = LinkedPair(english, chinese, (Link(0, 1, frozenset({word})),))
        scores = evaluation.alignment_scores(model, source, target, [pair])
        assert scores["per_head"] == [[share, share], [share, share]]
        assert scores["per_layer"] == [share, share]
        assert scores["words"] == 1
        assert scores["chance"] == 0.167  # one of: the, cat, is, here, the full stop, [EOS]
        assert scores["diagonal"] == (1.0 if word == 0 else 0.0)


# ── The linked pairs ────────────────────────────────────────────────────────────────


def test_the_linked_pairs_are_fifty_different_ones_fit_for_class():
    pairs = evaluation.read_alignments(evaluation.ALIGNMENTS)
    assert len({pair.english for pair in pairs}) == len(pairs) == 50
    assert all(fit_for_class(pair.english, pair.chinese) for pair in pairs)
    assert all(5 <= len(pair.english.split()) <= 12 for pair in pairs)


def test_every_link_lies_within_its_sentences_and_overlaps_no_other():
    split = pre_tokenizers.Split(
        Regex(tokenization.WORD), behavior="removed", invert=True
    ).pre_tokenize_str
    for pair in evaluation.read_alignments(evaluation.ALIGNMENTS):
        words = [word for word, _ in split(pair.english)]
        spans = [(link.start, link.end) for link in pair.links]
        inside = [0, *(edge for span in spans for edge in span), len(pair.chinese)]
        assert pair.links and inside == sorted(inside), pair
        assert all(start < end for start, end in spans), pair
        for link in pair.links:
            assert link.words and link.words <= set(range(len(words))), pair
            assert all(c.isalnum() for c in pair.chinese[link.start : link.end]), pair
            assert all(words[i][0].isalnum() for i in link.words), pair


# ── Translations and floors ─────────────────────────────────────────────────────────


def test_chinese_is_written_without_spaces_and_without_special_tokens(target):
    assert evaluation.written_text(target, target.encode("猫在这里。").ids) == "猫在这里。"


def test_the_same_text_scores_100_and_foreign_text_0():
    by = evaluation.metrics()
    chinese = [chinese for _, chinese in PAIRS]
    assert evaluation.corpus_scores(by, chinese, chinese) == {"bleu": 100, "chrf": 100}
    assert evaluation.corpus_scores(by, ["天"] * 5, chinese) == {"bleu": 0, "chrf": 0}


def test_the_signature_names_the_chinese_tokenizer():
    by = evaluation.metrics()
    evaluation.corpus_scores(by, ["猫"], ["猫"])
    assert "tok:zh" in str(by["bleu"].get_signature())


def test_retrieval_finds_the_training_pair_with_most_words_in_common(source):
    sentences = [
        "The dog is here.",  # all five words of the second pair
        "I see the cat.",  # 4 of 6 words with the third, 4 of 7 with the fourth, 3 of 7: the first
        "Nothing known",  # none with any: the first
    ]
    expected = [PAIRS[1][1], PAIRS[2][1], PAIRS[0][1]]
    assert evaluation.retrieved(source, PAIRS, sentences) == expected


def test_translations_come_in_the_order_of_the_sentences(folder, source, target):
    model = weights.load_model(folder)
    sentences = [english for english, _ in random.Random(0).sample(PAIRS, len(PAIRS))]
    together = evaluation.translations(model, source, target, sentences)
    assert together == [evaluation.translations(model, source, target, [s])[0] for s in sentences]


def test_an_evaluation_writes_every_score_and_keeps_the_other_facts(folder, tmp_path):
    for name in ("train", "dev", "test"):
        text = "".join(f"{english}\t{chinese}\tmade up\n" for english, chinese in PAIRS)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    weights.write_facts(folder, licence="CC0")
    evaluation.evaluate(folder, tmp_path)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    scores = facts["scores"]
    assert facts["licence"] == "CC0"
    assert scores["test_pairs"] == 5
    assert scores["dev_perplexity"] == scores["test_perplexity"] > 1
    assert scores["nearest_training_pair"] == {"bleu": 100, "chrf": 100}
    assert scores["greedy"].keys() == scores["beam_4"].keys() == {"bleu", "chrf"}
    assert scores["alignment"]["pairs"] == 50
    assert np.shape(scores["alignment"]["per_head"]) == (2, 2)
