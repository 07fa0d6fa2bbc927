"""What a few numbers say of a pattern or of logits: entropy, distance, shares, likeliest tokens.

Arrays in, numbers out. Knows no model and no screen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The smallest number whose logarithm is taken: a share of 0 adds nothing to an entropy.
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Measures:
    """How a head looks, in some numbers, each a mean over the query rows. None where a measure
    makes no sense."""

    entropy: float  # bits; 0 = each query looks at one key
    entropy_share: float | None  # of the most it could be, log2(visible keys): 0…1
    distance: float | None  # mean |query position - key position|, in tokens
    first: float  # share on the first key, 0…1
    previous: float | None  # share on the token before the query's, 0…1
    own: float | None  # share on the query's own token, 0…1
    sink: float | None = None  # share that goes to no key but to the sink, 0…1


def measures(
    pattern: NDArray[np.floating],
    visible: NDArray[np.bool_],
    *,
    same_sequence: bool,
    has_sink: bool = False,
) -> Measures:
    """Measure a pattern [query, key] whose rows sum to 1, less the sink's share; `visible` is
    its mask.

    Distance, previous and own need queries and keys from one sequence. A row that sees
    one key only has no entropy to compare, so it is left out of `entropy_share`.
    """
    measuring = Measuring(same_sequence=same_sequence, has_sink=has_sink)
    queries = np.arange(len(pattern))
    measuring.add(np.where(visible, pattern, 0.0), visible.sum(axis=-1), queries)
    return measuring.result()


class Measuring:
    """The same for a pattern that comes in blocks of rows, in 32 bits or in 64."""

    def __init__(self, *, same_sequence: bool, has_sink: bool = False) -> None:
        self._same_sequence = same_sequence
        self._has_sink = has_sink
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(
        self,
        share: NDArray[np.floating],
        n_visible: NDArray[np.integer],
        queries: NDArray[np.integer],
        first_key: int = 0,
    ) -> None:
        """Some rows: shares [row, key], 0 where masked, of the keys from `first_key` on (the
        others have none); how many keys each row sees, and its position."""
        logarithms = np.log2(np.maximum(share, _TINY))
        entropy = -np.einsum("ij,ij->i", share, logarithms)
        open_rows = n_visible > 1
        most = np.log2(np.where(open_rows, n_visible, 2))
        self._count("entropy", entropy)
        self._count("entropy_share", (entropy / most)[open_rows])
        self._count("first", share[:, 0] if first_key == 0 else np.zeros(len(share)))
        if self._has_sink:
            self._count("sink", 1.0 - share.sum(axis=1, dtype=np.float64))
        if self._same_sequence:
            keys = np.arange(first_key, first_key + share.shape[1], dtype=share.dtype)
            apart = np.abs(queries.astype(share.dtype)[:, None] - keys)
            self._count("distance", np.einsum("ij,ij->i", share, apart))
            self._count("own", _at(share, queries - first_key))
            later = queries > 0
            self._count("previous", _at(share[later], queries[later] - 1 - first_key))

    def _count(self, name: str, rows: NDArray[np.floating]) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + float(rows.sum(dtype=np.float64))
        self._counts[name] = self._counts.get(name, 0) + len(rows)

    def result(self) -> Measures:
        """The means over all rows that were added. Raises KeyError if there was none."""
        means = {name: self._sums[name] / n for name, n in self._counts.items() if n}
        return Measures(
            entropy=means["entropy"],
            entropy_share=means.get("entropy_share"),
            distance=means.get("distance"),
            first=means["first"],
            previous=means.get("previous"),
            own=means.get("own"),
            sink=means.get("sink"),
        )


def _at(share: NDArray[np.floating], keys: NDArray[np.integer]) -> NDArray[np.floating]:
    """Of each row the share of one key; 0 where that key is not among the columns."""
    there = (keys >= 0) & (keys < share.shape[1])
    return np.where(there, share[np.arange(len(share)), np.where(there, keys, 0)], 0.0)


@dataclass(frozen=True)
class Guess:
    """One token of the vocabulary as a position's prediction."""

    id: int
    share: float  # softmax over the whole vocabulary, 0…1
    rank: int  # 1 = the likeliest; among equals the smaller id comes first


def likeliest(logits: NDArray[np.floating], k: int) -> tuple[Guess, ...]:
    """The k likeliest tokens of one row of logits [vocabulary], the likeliest first."""
    shares = shares_of(logits)
    # Sorted by what was compared, the logits: shares of far-off tokens all round to 0.
    below = -np.asarray(logits, dtype=np.float64)
    ids = np.arange(len(below))
    if 0 < k < len(below):
        # Only those that can be among the k are sorted; what is no number comes last.
        ids = np.flatnonzero(~(below > np.partition(below, k - 1)[k - 1]))
    order = ids[np.argsort(below[ids], kind="stable")[:k]]
    return tuple(Guess(int(i), float(shares[i]), rank) for rank, i in enumerate(order, start=1))


def guess_of(logits: NDArray[np.floating], id_: int) -> Guess:
    """What one row of logits [vocabulary] says of the token `id_`."""
    before = (logits > logits[id_]).sum() + (logits[:id_] == logits[id_]).sum()
    return Guess(id_, float(shares_of(logits)[id_]), int(before) + 1)


def shares_of(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """The softmax of some logits, which sums to 1."""
    exps = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits))
    return np.asarray(exps / exps.sum())
