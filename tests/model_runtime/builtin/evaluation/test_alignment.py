"""What "aligned" means, on patterns small enough to check by hand, and the hand-made links.

Knows made-up patterns and a tiny random model.
"""

import numpy as np
import torch
from tokenizers import Regex, pre_tokenizers

from model_runtime.builtin import tokenization, weights
from model_runtime.builtin.classroom import fit_for_class
from model_runtime.builtin.evaluation import alignment
from model_runtime.builtin.evaluation.alignment import Link, LinkedPair, alignment_hits


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
    pattern, owners, links = alignment.read_attention(model, source, target, pair)
    # Rows: [BOS] 我 没 看 见 狗 。 read, so 我 没 看 见 狗 。 [EOS] predicted: 看 is row 2.
    assert pattern.shape == (2, 2, 7, len(owners))
    assert links == [([2, 3], frozenset({2}))]
    assert sorted({owner for owner in owners if owner >= 0}) == [0, 1, 2, 3, 4, 5]
    assert owners[-1] < 0 and min(owners[:-1]) == 0


def test_uniform_attention_scores_like_the_word_of_most_pieces(folder, source, target, pairs):
    model = weights.load_model(folder)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("cross.w_q.weight"):
                parameter.zero_()
    english, chinese = pairs[0]
    ids = source.encode(english).word_ids
    longest = max((word for word in ids if word is not None), key=ids.count)
    for word, share in [(longest, 1.0), (longest - 1, 0.0)]:
        pair = LinkedPair(english, chinese, (Link(0, 1, frozenset({word})),))
        scores = alignment.alignment_scores(model, source, target, [pair])
        assert scores["per_head"] == [[share, share], [share, share]]
        assert scores["per_layer"] == [share, share]
        assert scores["words"] == 1
        assert scores["chance"] == 0.167  # one of: the, cat, is, here, the full stop, [EOS]
        assert scores["diagonal"] == (1.0 if word == 0 else 0.0)


# ── The linked pairs ────────────────────────────────────────────────────────────────


def test_the_linked_pairs_are_fifty_different_ones_fit_for_class():
    pairs = alignment.read_alignments(alignment.ALIGNMENTS)
    assert len({pair.english for pair in pairs}) == len(pairs) == 50
    assert all(fit_for_class(pair.english, pair.chinese) for pair in pairs)
    assert all(5 <= len(pair.english.split()) <= 12 for pair in pairs)


def test_every_link_lies_within_its_sentences_and_overlaps_no_other():
    split = pre_tokenizers.Split(
        Regex(tokenization.WORD), behavior="removed", invert=True
    ).pre_tokenize_str
    for pair in alignment.read_alignments(alignment.ALIGNMENTS):
        words = [word for word, _ in split(pair.english)]
        spans = [(link.start, link.end) for link in pair.links]
        inside = [0, *(edge for span in spans for edge in span), len(pair.chinese)]
        assert pair.links and inside == sorted(inside), pair
        assert all(start < end for start, end in spans), pair
        for link in pair.links:
            assert link.words and link.words <= set(range(len(words))), pair
            assert all(c.isalnum() for c in pair.chinese[link.start : link.end]), pair
            assert all(words[i][0].isalnum() for i in link.words), pair
