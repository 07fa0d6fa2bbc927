"""What a few numbers say of a pattern or of logits: entropy, distance, shares, likeliest tokens.

Arrays in, numbers out. Knows no model and no screen.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

# The smallest number whose logarithm is taken: a share of 0 adds nothing to an entropy.
_TINY = np.finfo(np.float32).tiny
_Doubles = NDArray[np.float64]
_NOTHING = np.zeros(())


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
    (found,) = measures_of(
        pattern[None], visible[None], same_sequence=same_sequence, has_sink=has_sink
    )
    return found


def measures_of(
    patterns: NDArray[np.floating],
    visible: NDArray[np.bool_],
    *,
    same_sequence: bool,
    has_sink: bool = False,
) -> tuple[Measures, ...]:
    """The same of several patterns, [map, query, key], with a mask each."""
    measuring = Measuring(same_sequence=same_sequence, has_sink=has_sink)
    queries = np.arange(patterns.shape[1])
    measuring.add(np.where(visible, patterns, 0.0), visible.sum(axis=-1), queries)
    return measuring.results()


class Measuring:
    """The same for patterns that come in blocks of rows, in 32 bits or in 64: of one map, or of
    several with an axis of maps in front."""

    def __init__(self, *, same_sequence: bool, has_sink: bool = False) -> None:
        self._same_sequence = same_sequence
        self._has_sink = has_sink
        self._sums: dict[str, _Doubles] = {}  # each [] or [map]
        self._counts: dict[str, _Doubles] = {}

    def add(
        self,
        share: NDArray[np.floating],
        n_visible: NDArray[np.integer],
        queries: NDArray[np.integer],
        first_key: int = 0,
    ) -> None:
        """Some rows: shares [row, key], 0 where masked, of the keys from `first_key` on (the
        others have none); how many keys each row sees, [row], and its position, [row]."""
        entropy = -np.vecdot(share, np.log2(np.maximum(share, _TINY)))
        is_open = n_visible > 1
        most = np.log2(np.where(is_open, n_visible, 2))
        self._count("entropy", entropy)
        self._count("entropy_share", entropy / most, is_open)
        self._count("first", share[..., 0] if first_key == 0 else np.zeros(share.shape[:-1]))
        if self._has_sink:
            self._count("sink", 1.0 - share.sum(axis=-1, dtype=np.float64))
        if self._same_sequence:
            keys = np.arange(first_key, first_key + share.shape[-1], dtype=share.dtype)
            apart = np.abs(queries.astype(share.dtype)[:, None] - keys)
            self._count("distance", np.vecdot(share, apart))
            self._count("own", _at(share, queries - first_key))
            self._count("previous", _at(share, queries - 1 - first_key), queries > 0)

    def _count(
        self, name: str, rows: NDArray[np.floating], of: NDArray[np.bool_] | None = None
    ) -> None:
        """Add some rows, or those of them that count."""
        if of is None:
            total, count = rows.sum(axis=-1, dtype=np.float64), np.asarray(rows.shape[-1])
        else:
            total, count = rows.sum(axis=-1, where=of, dtype=np.float64), of.sum(axis=-1)
        self._sums[name] = self._sums.get(name, _NOTHING) + total
        self._counts[name] = self._counts.get(name, _NOTHING) + count

    def results(self) -> tuple[Measures, ...]:
        """The means over all rows that were added, of each map. Raises KeyError if there was no
        row."""
        n_maps = np.size(self._sums["entropy"])
        columns: list[list[float | None]] = [[None] * n_maps for _ in fields(Measures)]
        for field, column in zip(fields(Measures), columns, strict=True):
            if field.name in self._sums:
                counts = self._counts[field.name].ravel().tolist()
                sums = self._sums[field.name].ravel().tolist()
                # How many rows counted may be the same for all maps.
                counted = counts * n_maps if len(counts) < n_maps else counts
                column[:] = [
                    total / n if n else None for total, n in zip(sums, counted, strict=True)
                ]
        return tuple(Measures(*of_map) for of_map in zip(*columns, strict=True))


def _at(share: NDArray[np.floating], keys: NDArray[np.integer]) -> NDArray[np.floating]:
    """Of each row the share of one key; 0 where that key is not among the columns."""
    there = (keys >= 0) & (keys < share.shape[-1])
    return np.where(there, share[..., np.arange(len(keys)), np.where(there, keys, 0)], 0.0)


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
