"""What a few numbers say of a pattern or of logits: entropy, distance, shares, likeliest tokens.

Arrays in, numbers out. Knows no model and no screen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Measures:
    """How a head looks, in six numbers, each a mean over the query rows. None where a measure
    makes no sense."""

    entropy: float  # bits; 0 = each query looks at one key
    entropy_share: float | None  # of the most it could be, log2(visible keys): 0…1
    distance: float | None  # mean |query position - key position|, in tokens
    first: float  # share on the first key, 0…1
    previous: float | None  # share on the token before the query's, 0…1
    own: float | None  # share on the query's own token, 0…1


def measures(
    pattern: NDArray[np.floating], visible: NDArray[np.bool_], *, same_sequence: bool
) -> Measures:
    """Measure a pattern [query, key] whose rows sum to 1; `visible` is its mask.

    Distance, previous and own need queries and keys from one sequence. A row that sees
    one key only has no entropy to compare, so it is left out of `entropy_share`.
    """
    share = np.where(visible, pattern, 0.0)
    safe = np.where(share > 0, share, 1.0)
    entropy = -(share * np.log2(safe)).sum(axis=-1)
    n_visible = visible.sum(axis=-1)
    open_rows = n_visible > 1
    entropy_share = None
    if open_rows.any():
        entropy_share = float((entropy[open_rows] / np.log2(n_visible[open_rows])).mean())
    if not same_sequence:
        first = float(share[:, 0].mean())
        return Measures(float(entropy.mean()), entropy_share, None, first, None, None)
    query, key = np.indices(share.shape)
    return Measures(
        entropy=float(entropy.mean()),
        entropy_share=entropy_share,
        distance=float((share * np.abs(query - key)).sum(axis=-1).mean()),
        first=float(share[:, 0].mean()),
        previous=float(np.diagonal(share, offset=-1).mean()) if len(share) > 1 else None,
        own=float(np.diagonal(share).mean()),
    )


@dataclass(frozen=True)
class Guess:
    """One token of the vocabulary as a position's prediction."""

    id: int
    share: float  # softmax over the whole vocabulary, 0…1
    rank: int  # 1 = the likeliest; among equals the smaller id comes first


def likeliest(logits: NDArray[np.floating], k: int) -> tuple[Guess, ...]:
    """The k likeliest tokens of one row of logits [vocabulary], the likeliest first."""
    shares = _softmax(logits)
    # Sorted by what was compared, the logits: shares of far-off tokens all round to 0.
    order = np.argsort(-np.asarray(logits, dtype=np.float64), kind="stable")[:k]
    return tuple(Guess(int(i), float(shares[i]), rank) for rank, i in enumerate(order, start=1))


def guess_of(logits: NDArray[np.floating], id_: int) -> Guess:
    """What one row of logits [vocabulary] says of the token `id_`."""
    before = (logits > logits[id_]).sum() + (logits[:id_] == logits[id_]).sum()
    return Guess(id_, float(_softmax(logits)[id_]), int(before) + 1)


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    exps = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits))
    return np.asarray(exps / exps.sum())
