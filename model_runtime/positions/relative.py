"""Biases that depend on distance: ALiBi's slopes, T5's buckets, and how far any bias does.

Press et al. 2022 and Raffel et al. 2020, in 64 bits but for borders of buckets. Knows neither a
model nor the screen.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_runtime.positions.encodings import Buckets, Values

# Rows of a bias that are sorted by distance at a time: at 2048 keys some 5 MB.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class BiasByDistance:
    """A bias [query, key] by query − key; each array is [distance], ascending."""

    distances: NDArray[np.intp]  # those that are there; negative: the key comes after
    mean: Values
    least: Values
    most: Values
    spread: float  # the largest most − least: 0 where the bias depends on distance alone


# ── ALiBi ────────────────────────────────────────────────────────────────────────────


def alibi_slopes(n_heads: int) -> Values:
    """How steep each head's penalty is, [head], in 0…1, the steepest first.

    Press et al. 2022, §3: 2^(−8/n), 2^(−16/n), …. Where n is no power of two, the rule that was
    released with it: the slopes of the power below, then every other one of the power above.
    Raises ValueError for fewer heads than one.
    """
    if n_heads < 1:
        raise ValueError(f"there must be one head or more, not {n_heads}")
    power = 2 ** (n_heads.bit_length() - 1)
    regular = np.arange(1, power + 1) / power
    between = np.arange(1, 2 * (n_heads - power), 2) / (2 * power)
    return 2.0 ** (-8.0 * np.concatenate([regular, between]))


def alibi(slopes: NDArray[np.floating], n_queries: int, n_keys: int, *, causal: bool) -> Values:
    """−slope·|query − key|, [head, query, key], 0 or less; queries and keys both count from 0.

    With `causal`, a key after its query gets NaN: it is masked, nothing is added there. Raises
    ValueError for slopes that are not [head], and for a size under 1.
    """
    steep = np.asarray(slopes, dtype=np.float64)
    if steep.ndim != 1:
        raise ValueError(f"slopes are one number a head, not of the shape {steep.shape}")
    if min(n_queries, n_keys) < 1:
        raise ValueError(f"there is no bias of {n_queries} queries and {n_keys} keys")
    after = np.arange(n_keys) - np.arange(n_queries)[:, None]
    bias = steep[:, None, None] * -np.abs(after)
    if causal:
        bias[:, after > 0] = np.nan
    return bias


# ── Buckets ──────────────────────────────────────────────────────────────────────────


def bucket(
    distances: NDArray[np.integer], n_buckets: int, max_distance: int, *, both_ways: bool
) -> NDArray[np.intp]:
    """T5's bucket of each distance key − query, 0…n_buckets − 1, in the shape of `distances`.

    Raffel et al. 2020, §2.1: half of the buckets are for one distance each, the others grow by
    logarithms up to `max_distance`. With `both_ways`, keys after the query have the upper half of
    all buckets; without, they share bucket 0 with the query's own. transformers
    `T5Attention._relative_position_bucket`. Raises ValueError where there are too few buckets to
    halve, or where max_distance is not beyond those that have one each.
    """
    import torch  # not above: pictures take shapes and names from here, and load no models

    n = n_buckets // 2 if both_ways else n_buckets
    exact = n // 2
    if exact < 1:
        raise ValueError(f"{n_buckets} buckets are too few to halve")
    if max_distance <= exact:
        raise ValueError(f"the first {exact} distances leave none up to {max_distance} to share")
    ahead = np.asarray(distances, dtype=np.intp)
    steps = np.abs(ahead) if both_ways else np.maximum(-ahead, 0)
    # The library reckons in torch's 32 bits, and a distance on the border of two buckets falls
    # where their rounding puts it: so each step is torch's here, too. Its logarithm differs in the
    # last bit from processor to processor, and from numpy's.
    ratio = torch.from_numpy(np.maximum(steps, exact)).float() / exact
    share = ratio.log() / math.log(max_distance / exact)
    grown = exact + (share * (n - exact)).long().numpy()
    found = np.where(steps < exact, steps, np.minimum(grown, n - 1))
    return found + n * (ahead > 0) if both_ways else found


def bucket_bias(buckets: Buckets, distances: NDArray[np.integer]) -> Values:
    """What is added to the scores at each distance key − query, [head, distance].

    Raises ValueError as `bucket` does.
    """
    numbers = bucket(
        distances, len(buckets.table), buckets.max_distance, both_ways=buckets.both_ways
    )
    return np.moveaxis(buckets.table[numbers], -1, 0).astype(np.float64)


# ── Any bias ─────────────────────────────────────────────────────────────────────────


def bias_by_distance(
    bias: NDArray[np.floating], visible: NDArray[np.bool_] | None = None
) -> BiasByDistance:
    """Sort a bias [query, key] by query − key; cells where `visible` is False are left out.

    Raises ValueError for a bias that is no matrix, a mask of another shape, and for a visible
    cell that is not finite.
    """
    if bias.ndim != 2 or (visible is not None and visible.shape != bias.shape):
        raise ValueError("a bias and its mask are both [query, key]")
    if not np.isfinite(bias).all(where=True if visible is None else visible):
        raise ValueError("the bias holds a number that is not finite and not masked")
    n_queries, n_keys = bias.shape
    n = n_queries + n_keys - 1
    count = np.zeros(n, dtype=np.intp)
    total = np.zeros(n)
    least, most = np.full(n, np.inf), np.full(n, -np.inf)
    for start in range(0, n_queries, _BLOCK):
        rows = bias[start : start + _BLOCK].astype(np.float64)
        if visible is not None:
            rows[~visible[start : start + _BLOCK]] = np.nan
        # Written in rows one longer than they are read in, each row lies one column further on:
        # with the keys reversed, cells of one distance come to stand in one column.
        width = len(rows) + n_keys - 1
        flat = np.full(len(rows) * (width + 1), np.nan)
        flat.reshape(-1, width + 1)[:, :n_keys] = rows[:, ::-1]
        sorted_ = flat[: len(rows) * width].reshape(-1, width)
        columns = slice(start, start + width)
        count[columns] += np.isfinite(sorted_).sum(axis=0)
        total[columns] += np.nansum(sorted_, axis=0)
        least[columns] = np.fmin(least[columns], np.fmin.reduce(sorted_, axis=0))
        most[columns] = np.fmax(most[columns], np.fmax.reduce(sorted_, axis=0))
    there = np.flatnonzero(count)
    mean, least, most = total[there] / count[there], least[there], most[there]
    spread = float((most - least).max(initial=0.0))
    return BiasByDistance(there - (n_keys - 1), mean, least, most, spread)
