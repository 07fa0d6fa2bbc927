"""The baseline of a language model: Kneser–Ney n-grams over the same tokens.

Counts token ids only; knows no neural network.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence


class NGrams:
    """Interpolated Kneser–Ney of some order (Chen & Goodman 1999, eq. 28–30).

    The highest order counts how often a token follows a context; a lower order counts after
    how many different tokens it does. Each order takes a discount D = n1 / (n1 + 2·n2) off
    every count and gives what it took to the order below; below the unigrams, every token
    is equally likely. Order 1 counts plain tokens.
    """

    def __init__(self, sequences: Iterable[Sequence[int]], order: int, vocab_size: int) -> None:
        """Count `sequences` of token ids. The first token of each, such as [BOS], is a context
        and never predicted, so that `vocab_size` - 1 tokens share the probability."""
        self.order = order
        self.n_tokens = vocab_size - 1
        counts = [Counter[tuple[int, ...]]() for _ in range(order)]
        for ids in sequences:
            for end in range(1, len(ids)):
                ngram = tuple(ids[max(0, end - order + 1) : end + 1])
                # One that begins the sequence has nothing before it: it is counted as it is.
                counts[len(ngram) - 1][ngram] += 1
        for n in range(order - 1, 0, -1):  # one less: how many different tokens come before
            for ngram in counts[n]:
                counts[n - 1][ngram[1:]] += 1
        self.discounts = [_discount(level.values()) for level in counts]
        self.counts = counts
        self.totals: list[dict[tuple[int, ...], int]] = []
        self.kinds: list[dict[tuple[int, ...], int]] = []
        for level in counts:
            totals: dict[tuple[int, ...], int] = defaultdict(int)
            kinds: dict[tuple[int, ...], int] = defaultdict(int)
            for ngram, count in level.items():
                totals[ngram[:-1]] += count
                kinds[ngram[:-1]] += 1
            self.totals.append(dict(totals))
            self.kinds.append(dict(kinds))

    def probability(self, context: Sequence[int], token: int) -> float:
        """P(token | context), of which the last `order` - 1 tokens count; 0…1."""
        share = 1.0 / self.n_tokens
        for n in range(min(self.order, len(context) + 1)):
            before = tuple(context[len(context) - n :])
            total = self.totals[n].get(before)
            if total is None:  # never seen: longer ones have not been either
                break
            discount = self.discounts[n]
            count = self.counts[n].get((*before, token), 0)
            left = discount * self.kinds[n][before] / total
            share = max(count - discount, 0.0) / total + left * share
        return share

    def perplexity(self, sequences: Iterable[Sequence[int]]) -> float:
        """exp of the mean -log P over all tokens but the first of each sequence."""
        total = count = 0.0
        for ids in sequences:
            for end in range(1, len(ids)):
                context = ids[max(0, end - self.order + 1) : end]
                total -= math.log(self.probability(context, ids[end]))
                count += 1
        return math.exp(total / count)


def _discount(counts: Iterable[int]) -> float:
    """n1 / (n1 + 2·n2), from how many n-grams were seen once and twice (Ney et al. 1994)."""
    seen = Counter(counts)
    once, twice = seen[1], seen[2]
    return once / (once + 2 * twice) if once else 0.5
