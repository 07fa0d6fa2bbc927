"""Attention small enough to compute by hand, every step of it kept, in plain numpy.

The reference for the example that the browser computes, and the script it exports. Knows
neither a model nor the screen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]

N_POSITIONS, D_K = 5, 3  # the size that the example opens with
MOST_POSITIONS, MOST_DIMENSIONS = 8, 6
LARGEST = 1e9  # of a number's absolute value: no product of these leaves the range of a double

# What a reader takes along; {q} {k} {v} are nested lists, {causal} is True or False. The names
# are those of `Worked`.
SCRIPT = '''\
"""Attention by hand, as shown by Headlight: shares = softmax(q k^T / sqrt(d_k)), z = shares v."""

import numpy as np

q = np.array({q}, dtype=float)  # [position, dimension]
k = np.array({k}, dtype=float)
v = np.array({v}, dtype=float)
causal = {causal}

dot = q @ k.T  # [query, key]
scaled = dot / np.sqrt(q.shape[1])
visible = np.tri(len(q), dtype=bool) if causal else np.ones(dot.shape, dtype=bool)
masked = np.where(visible, scaled, -np.inf)
row_max = masked.max(axis=1, keepdims=True)
exp = np.exp(masked - row_max)
row_sum = exp.sum(axis=1, keepdims=True)
shares = exp / row_sum  # each row sums to 1
z = shares @ v  # [query, dimension]

np.set_printoptions(precision=17, linewidth=200)
print("dot", dot, sep="\\n")
print("scaled", scaled, sep="\\n")
print("masked", masked, sep="\\n")
print("row_max", row_max, sep="\\n")
print("exp", exp, sep="\\n")
print("row_sum", row_sum, sep="\\n")
print("shares", shares, sep="\\n")
print("z", z, sep="\\n")
'''


@dataclass(frozen=True, eq=False)
class Worked:
    """Every step, in the order of the computation; −∞ stands in `masked` alone."""

    dot: Doubles  # [query, key], q·kᵀ
    scaled: Doubles  # [query, key], ÷ √d_k
    masked: Doubles  # [query, key]
    row_max: Doubles  # [query, 1]
    exp: Doubles  # [query, key], in 0–1, for the row's largest score is taken off first
    row_sum: Doubles  # [query, 1], at least 1
    shares: Doubles  # [query, key], each row sums to 1
    z: Doubles  # [query, dimension]


def example(n: int = N_POSITIONS, d_k: int = D_K) -> tuple[Doubles, Doubles, Doubles]:
    """(q, k, v) that the example opens with, each [n, d_k] with equal rows.

    The numbers count on in tenths: q = (0.1, 0.2, 0.3), k = (0.4, 0.5, 0.6), v = (0.7, 0.8, 0.9).
    """
    tenths = np.arange(1, 3 * d_k + 1) / 10
    q, k, v = (np.tile(row, (n, 1)) for row in tenths.reshape(3, d_k))
    return q, k, v


def worked(q: ArrayLike, k: ArrayLike, v: ArrayLike, *, causal: bool = False) -> Worked:
    """Vaswani et al. 2017, eq. 1, step by step: q, k, v are [position, dimension].

    With `causal`, a query sees the keys up to its own position. Raises ValueError where the
    shapes do not fit each other.
    """
    queries, keys, values = (np.asarray(matrix, dtype=np.float64) for matrix in (q, k, v))
    dot = queries @ keys.T
    scaled = dot / np.sqrt(queries.shape[1])
    later = np.arange(dot.shape[1]) > np.arange(dot.shape[0])[:, None]
    masked = np.where(later & causal, -np.inf, scaled)
    row_max = masked.max(axis=1, keepdims=True)
    exp = np.exp(masked - row_max)
    row_sum = exp.sum(axis=1, keepdims=True)
    shares = exp / row_sum
    return Worked(dot, scaled, masked, row_max, exp, row_sum, shares, shares @ values)
