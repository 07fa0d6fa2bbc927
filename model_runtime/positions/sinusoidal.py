"""Sines and cosines of the position: the table, its wavelengths, and the turn that shifts it.

Vaswani et al. 2017, "Attention Is All You Need", §3.5, in 64 bits. Knows no model and no screen.
"""

import math

import numpy as np
from numpy.typing import NDArray

from model_runtime.positions.encodings import Values

LARGEST_BASE = 1e100  # so that no wavelength leaves the range of a double, the doubled ones neither


def table(n: int, d: int, base: float = 10000.0, *, doubled: bool = False) -> Values:
    """PE[pos, 2i] = sin(pos / base^(2i/d)), PE[pos, 2i+1] = cos(same). Returns [n, d], −1…1.

    An odd d ends with a sine that has no partner. `doubled` makes a common mistake: the loop
    counts the columns 0, 2, 4, … already, and the exponent doubles them again, base^(4i/d).
    Raises ValueError for n or d under 1 and for a base that is not in 1…LARGEST_BASE.
    """
    _check(n, d, base)
    return _rows(np.arange(n), d, _frequencies(d, base, doubled))


def table_at(positions: NDArray[np.integer], d: int, base: float = 10000.0) -> Values:
    """[position, d]: the table's rows at any positions, also negative ones. Raises ValueError."""
    _check(1, d, base)
    return _rows(positions, d, _frequencies(d, base, doubled=False))


def wavelengths(d: int, base: float = 10000.0, *, doubled: bool = False) -> Values:
    """2π·base^(2i/d): after how many positions each sine begins again. Returns [ceil(d/2)].

    `doubled` and errors as in `table`.
    """
    _check(1, d, base)
    return 2 * math.pi / _frequencies(d, base, doubled)


def shift(d: int, by: int, base: float = 10000.0) -> Values:
    """The matrix M [d', d'] with PE[p + by] = M @ PE[p] for every p: blocks of 2×2 that turn.

    d' = d − d % 2, for a sine without a partner cannot be turned. `by` may be negative. The
    paper says in §3.5 that there is such a matrix; the blocks are the sum formulas of sine and
    cosine. Raises ValueError as `table` does.
    """
    _check(1, d, base)
    sin, cos = _turn(d, by, base)
    even = np.arange(0, 2 * len(sin), 2)
    matrix = np.zeros((2 * len(sin), 2 * len(sin)))
    matrix[even, even] = cos
    matrix[even, even + 1] = sin
    matrix[even + 1, even] = -sin
    matrix[even + 1, even + 1] = cos
    return matrix


def shift_error(n: int, d: int, by: int, base: float = 10000.0) -> float:
    """The largest |M·PE(p) − PE(p + by)| over p = 0…n−1 and the d' columns; 0 where d' is 0.

    Raises ValueError as `table` does.
    """
    _check(n, d, base)
    if d == 1:
        return 0.0
    frequencies = _frequencies(d, base, doubled=False)
    # Where both ends of a shift are in the table, one row serves as both.
    first = min(0, by)
    rows = _rows(np.arange(first, n + max(0, by)), d, frequencies)
    here, there = rows[-first : n - first], rows[by - first : n + by - first]
    sin, cos = _turn(d, by, base)
    # The blocks alone: each row of the whole matrix is zero but for two of its d' columns.
    pairs = 2 * (d // 2)
    sines, cosines = here[:, 0:pairs:2], here[:, 1::2]
    off_sines = np.abs(sines * cos + cosines * sin - there[:, 0:pairs:2])
    off_cosines = np.abs(cosines * cos - sines * sin - there[:, 1::2])
    return float(max(off_sines.max(), off_cosines.max()))


def _check(n: int, d: int, base: float) -> None:
    if n < 1:
        raise ValueError(f"a table needs one position or more, not {n}")
    if d < 1:
        raise ValueError(f"a table needs one dimension or more, not {d}")
    if not 1 <= base <= LARGEST_BASE:
        raise ValueError(f"the base must be a number from 1 to {LARGEST_BASE:g}, not {base}")


def _frequencies(d: int, base: float, doubled: bool) -> Values:
    """[ceil(d/2)], radians per position."""
    columns = np.arange(0, d, 2)
    return 1.0 / base ** (columns * (2 if doubled else 1) / d)


def _rows(positions: NDArray[np.integer], d: int, frequencies: Values) -> Values:
    """[position, d]: the table's rows at any positions."""
    angle = positions[:, None] * frequencies
    rows = np.empty((len(positions), d))
    np.sin(angle, out=rows[:, 0::2])
    np.cos(angle[:, : d // 2], out=rows[:, 1::2])
    return rows


def _turn(d: int, by: int, base: float) -> tuple[Values, Values]:
    """Sine and cosine of the angle by which each whole pair turns, [d // 2] each."""
    angle = by * _frequencies(d, base, doubled=False)[: d // 2]
    return np.sin(angle), np.cos(angle)
