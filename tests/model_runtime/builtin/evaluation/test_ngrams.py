"""Kneser–Ney by hand: what is counted, what is taken off, and that all shares sum to 1."""

import math
import random

import pytest

from model_runtime.builtin.evaluation.ngrams import NGrams

B, X, Y, Z = 0, 1, 2, 3  # B begins each sequence and is never predicted


def test_a_unigram_model_counts_tokens_less_a_discount():
    # X three times, Y once, Z twice: n1 = 1, n2 = 1, D = 1/3; 3 kinds of 6 counted.
    model = NGrams([[B, X, X, Z], [B, X, Y, Z]], order=1, vocab_size=5)
    left = (1 / 3) * 3 / 6
    assert model.probability([], X) == pytest.approx((3 - 1 / 3) / 6 + left / 4)
    assert model.probability([], Y) == pytest.approx((1 - 1 / 3) / 6 + left / 4)
    assert model.probability([], 4) == pytest.approx(left / 4)  # never seen


def test_a_lower_order_counts_the_contexts_and_not_the_tokens():
    # Y follows X alone, however often; Z follows three different tokens.
    sequences = [[B, X, Y]] * 4 + [[B, Z], [B, X, Z], [B, Y, Z]]
    model = NGrams(sequences, order=2, vocab_size=4)
    assert model.counts[0][(Y,)] == 2  # after X and, once, after B
    assert model.counts[0][(Z,)] == 3
    assert model.probability([9], Z) > model.probability([9], Y)  # 9 was never a context


def test_a_bigram_by_hand():
    model = NGrams([[B, X, Y], [B, X, Y], [B, X, Z]], order=2, vocab_size=4)
    # Bigrams: BX 3, XY 2, XZ 1: n1 = n2 = 1, D = 1/3. Unigrams: X 1, Y 1, Z 1: n1 = 3, D = 1.
    unigram = 0 / 3 + 1 * 3 / 3 / 3  # all of it goes to the uniform share of three tokens
    assert model.probability([X], Y) == pytest.approx((2 - 1 / 3) / 3 + (1 / 3) * 2 / 3 * unigram)
    assert model.probability([X], X) == pytest.approx((1 / 3) * 2 / 3 * unigram)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_shares_of_all_tokens_sum_to_1_after_any_context(order):
    rng = random.Random(order)
    sequences = [[B, *rng.choices(range(1, 9), k=rng.randint(1, 12))] for _ in range(60)]
    model = NGrams(sequences, order, vocab_size=12)
    for context in ([], [B], [B, 3], [5, 5, 5, 5], [11, 2, 7, 1, 4], [2, 11]):
        total = math.fsum(model.probability(context, token) for token in range(1, 12))
        assert total == pytest.approx(1.0, abs=1e-12)


def test_perplexity_is_the_inverse_geometric_mean():
    model = NGrams([[B, X, Y], [B, X, Z]], order=2, vocab_size=4)
    shares = [model.probability([B], X), model.probability([X], Y)]
    assert model.perplexity([[B, X, Y]]) == pytest.approx((shares[0] * shares[1]) ** -0.5)


def test_what_was_seen_is_less_surprising_the_longer_the_context():
    sequences = [[B, X, Y, X, Z, X, Y, X, Z]] * 3 + [[B, Y, Z, Y, X]]
    ppl = [NGrams(sequences, order, vocab_size=5).perplexity(sequences) for order in (1, 2, 3)]
    assert ppl[0] > ppl[1] > ppl[2] > 1
