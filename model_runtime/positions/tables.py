"""What a table of positions shows: how alike its rows are, and in which directions they differ.

For any table [position, d_model], of sines or learned. Knows no model and no screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_runtime.positions.encodings import Values

# Rows whose products are held at a time: at 2048 positions some 4 MB, not 32.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class ByDistance:
    """Cosines of all pairs of positions that stand so far apart; each [furthest + 1], −1…1."""

    mean: Values
    least: Values
    most: Values


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of the centred rows."""

    shares: Values  # [min(n, d)], of the variance, the largest first; they sum to 1, or all are 0
    scores: Values  # [n, k], each position's place along the first k


def dots(table: NDArray[np.floating], at: int) -> Values:
    """Dot product of row `at` with every row, [n]. Raises ValueError for a table that is not
    [n, d] of finite numbers and for a row that is not there; so do the others."""
    rows = _checked(table)
    return rows @ rows[_there(rows, [at])[0]]


def cosines(table: NDArray[np.floating], at: int) -> Values:
    """Cosine between row `at` and every row, [n], −1…1; 0 where a row has no length."""
    units = _units(_checked(table))
    return np.clip(units @ units[_there(units, [at])[0]], -1.0, 1.0)


def norms(table: NDArray[np.floating]) -> Values:
    """Length of every row, [n], 0 or more."""
    return np.linalg.norm(_checked(table), axis=1)


def similarity(table: NDArray[np.floating], rows: Sequence[int] | None = None) -> Values:
    """Cosine of every pair of rows, [n, n], or of the rows chosen; −1…1, and 0 where a row has
    no length."""
    units = _units(_checked(table))
    if rows is not None:
        units = units[_there(units, rows)]
    return np.clip(units @ units.T, -1.0, 1.0)


def by_distance(table: NDArray[np.floating], furthest: int) -> ByDistance:
    """Cosines of all pairs of rows that stand 0…furthest apart.

    Where least and most are equal, the table tells distance alone. Raises ValueError also for a
    distance that no two rows have.
    """
    units = _units(_checked(table))
    n = len(units)
    if not 0 <= furthest < n:
        raise ValueError(f"of {n} positions two are at most {n - 1} apart, not {furthest}")
    total = np.zeros(furthest + 1)
    least = np.full(furthest + 1, np.inf)
    most = np.full(furthest + 1, -np.inf)
    for start in range(0, n, _BLOCK):
        rows = units[start : start + _BLOCK]
        ahead = units[start : start + len(rows) + furthest]
        # Written in rows of `width` and read in rows one longer, diagonal s becomes column s.
        width = len(rows) + furthest
        flat = np.full(len(rows) * (width + 1), np.nan)
        flat[: len(rows) * width].reshape(-1, width)[:, : len(ahead)] = rows @ ahead.T
        diagonals = flat.reshape(-1, width + 1)[:, : furthest + 1]
        total += np.nansum(diagonals, axis=0)
        least = np.fmin(least, np.fmin.reduce(diagonals, axis=0))
        most = np.fmax(most, np.fmax.reduce(diagonals, axis=0))
    mean = total / (n - np.arange(furthest + 1))
    return ByDistance(*(np.clip(values, -1.0, 1.0) for values in (mean, least, most)))


def components(table: NDArray[np.floating], k: int = 3) -> Components:
    """Principal components of the centred table, by its singular values.

    A component's sign is chosen so that its score of the largest absolute value is positive.
    Where the table has fewer than k directions, the other scores are 0. Raises ValueError also
    for a k under 1.
    """
    rows = _checked(table)
    if k < 1:
        raise ValueError(f"there must be one component or more, not {k}")
    left, lengths, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    # What is left of equal rows is rounding, and rounding has no direction. LAPACK's own bound,
    # for the rows as they were before their mean was taken off.
    rounding = np.abs(rows).max() * max(rows.shape) * np.finfo(np.float64).eps
    lengths = np.where(lengths > rounding, lengths, 0.0)
    variance = lengths**2
    shares = variance / (variance.sum() or 1.0)
    kept = min(k, len(lengths))
    scores = np.zeros((len(rows), k))
    scores[:, :kept] = left[:, :kept] * lengths[:kept]
    largest = np.take_along_axis(scores, np.abs(scores).argmax(axis=0)[None], axis=0)
    return Components(shares, scores * np.where(largest < 0, -1.0, 1.0))


def _checked(table: NDArray[np.floating]) -> Values:
    rows = np.asarray(table, dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"a table has positions and dimensions, not the shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("the table holds a number that is not finite")
    return rows


def _there(rows: Values, chosen: Sequence[int]) -> list[int]:
    for row in chosen:
        if not 0 <= row < len(rows):
            raise ValueError(f"the table has positions 0 to {len(rows) - 1}, not {row}")
    return list(chosen)


def _units(rows: Values) -> Values:
    """The same rows, each of length 1; a row without length stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1.0, lengths)
