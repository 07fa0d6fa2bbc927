"""Makes pictures and masks small: 256 steps of colour, peaks of blocks, runs of visible cells.

Arrays in, arrays out. Knows neither heads nor frames.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNPOOLED_LIMIT = 64
POOLED_SIDE = 56
SOME_HEADS = 100
MANY_HEADS = 256


def quantise(pattern: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return shares in 0–1 as u8 ``round(share × 255)``, same shape; NaN becomes 0."""
    clipped = np.clip(np.nan_to_num(pattern, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    result: NDArray[np.uint8] = np.rint(clipped * 255.0).astype(np.uint8)
    return result


def max_pool(values: NDArray[np.uint8], rows: int, cols: int) -> NDArray[np.uint8]:
    """Shrink ``values [..., r, c]`` to ``[..., rows, cols]``, keeping the largest of each block.

    Peaks survive, which a mean would drown. A side that is not larger than asked stays as it is.
    Raises ``ValueError`` when a side is asked to be smaller than 1.
    """
    if rows < 1 or cols < 1:
        raise ValueError(f"cannot pool to {rows} × {cols}")
    for axis, size in ((-2, rows), (-1, cols)):
        have = values.shape[axis]
        if have > size:
            starts = np.arange(size) * have // size
            values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def thumbnail_side(n_tokens: int, n_heads: int = 1) -> int:
    """Pixels of a thumbnail along an axis of ``n_tokens``: one a token up to 64 tokens, else 56.
    In a grid of more than 100 heads, where each is shown smaller than that, never more than 56;
    of more than 256, half as many."""
    most, pooled = UNPOOLED_LIMIT, POOLED_SIDE
    if n_heads > MANY_HEADS:
        most, pooled = most // 2, pooled // 2
    elif n_heads > SOME_HEADS:
        most = pooled
    return n_tokens if n_tokens <= most else pooled


def visible_runs(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return where visible cells begin and end, by turns, in a mask ``[rows, cols]`` read row by
    row: for causal and windowed masks, of which each row is one run, 8 bytes a row."""
    cells = np.concatenate(([False], mask.ravel(), [False]))
    return np.flatnonzero(cells[1:] != cells[:-1]).astype(np.uint32)
