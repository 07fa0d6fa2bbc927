"""What one number can say of a pattern: entropy, distance, shares on chosen keys.

Arrays in, numbers out; each is a mean over the query rows. Knows no model and no screen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Measures:
    """How a head looks, in six numbers. None where a measure makes no sense."""

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
