"""One map that is too large to be held: from afar, and any part of it close up.

Level 0 has a map's cells, level 1 the largest of each 2 × 2 of them, level 2 of each 4 × 4 …
Computed by blocks of rows from q and k, so that nothing grows with n². Knows no screen.
"""

from dataclasses import dataclass

import numpy as np

from model_runtime.shares import Seen, shares, without_first
from model_runtime.types import Floats
from model_runtime.views import BLOCK, Axis, Bools, HeadPlace, Look, Positions

MOST_SIDE = 1024
"""Cells a side of a whole map at its coarsest level: about what a screen can show."""

MASKED = -1.0
"""In place of a share, where all that a cell stands for is masked."""

# Cells of a block of rows: found to be the fastest at 8,192 keys, for the product of q and k
# wants many rows, and the processor's cache few cells.
_BLOCK = 2**19


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows and columns of a map at a level."""

    cells: Floats  # [row, column]: the largest share; MASKED; NaN where nothing is left to share
    tops: Floats  # [row]: the largest share in all shown columns
    sums: Floats  # [row of the map, whatever the level]: of the shares in all shown columns


def coarsest(n_rows: int, n_columns: int) -> int:
    """The first level of which no side is longer than MOST_SIDE."""
    return max(0, (max(n_rows, n_columns, 1) - 1) // MOST_SIDE).bit_length()


def pooled(
    look: Look, place: HeadPlace, level: int, rows: slice, columns: slice = slice(None)
) -> Part:
    """Some consecutive rows and columns, as they are counted at `level`, of which the first must
    be ≥ 0 and there. In 32 bits. Raises NoSuchHead."""
    size = 2**level
    rows = slice(rows.start * size, min(rows.stop * size, len(look.rows)))
    first, stop, _ = columns.indices(-(-len(look.columns) // size))
    columns = slice(first * size, min(stop * size, len(look.columns)))
    n_keys = len(look.trace.tokens(look.stack)[1])
    step = max(1, _BLOCK // max(1, n_keys) // size) * size
    parts = []
    for start in range(rows.start, rows.stop, step):
        cells = _rows(look, place, slice(start, min(start + step, rows.stop)))
        largest = _largest(cells, size)
        shown = _largest(largest[:, columns].T, size).T
        sums = np.maximum(cells, 0).sum(axis=1)
        parts.append(Part(shown, np.maximum(0, largest.max(axis=1)), sums))
    return _joined(parts)


def exact(look: Look, place: HeadPlace, rows: slice, columns: slice) -> Part:
    """Some consecutive rows and columns of the map itself, computed in 64 bits. Raises
    NoSuchHead."""
    n_keys = len(look.trace.tokens(look.stack)[1])
    step = max(1, BLOCK // max(1, n_keys))
    parts = []
    for start in range(rows.start, rows.stop, step):
        block = slice(start, min(start + step, rows.stop))
        pattern = look.pattern(place, block)
        shown = np.where(look.mask(place, block)[:, columns], pattern[:, columns], MASKED)
        whole = np.nan_to_num(pattern)
        rows_of = (shown, whole.max(axis=1), whole.sum(axis=1))
        parts.append(Part(*(found.astype(np.float32) for found in rows_of)))
    return _joined(parts)


def _joined(parts: list[Part]) -> Part:
    """One below the other."""
    every = [(part.cells, part.tops, part.sums) for part in parts]
    return Part(*(np.concatenate(arrays) for arrays in zip(*every, strict=True)))


def _largest(cells: Floats, size: int) -> Floats:
    """The largest of each `size` rows; of fewer at the end."""
    found = cells[::size].copy(order="K")  # ten times as fast as a reduceat
    for offset in range(1, size):
        more = cells[offset::size]
        np.maximum(found[: len(more)], more, out=found[: len(more)])
    return found


def _rows(look: Look, place: HeadPlace, rows: slice) -> Floats:
    """Some consecutive rows with all their columns, [row, column], MASKED where they may not
    look; 0 where nothing is left to share out."""
    span, axis = look.span(rows)
    block: Positions = np.arange(span.start, span.stop)
    (share,), seen = shares(look, [place], block, {})
    if look.is_plain:
        cells = np.full((len(block), len(look.columns)), MASKED, dtype=np.float32)
        if seen.visible is not None:
            np.copyto(share, MASKED, where=~seen.visible)
        cells[:, seen.keys] = share
        return cells
    return _through_switches(look, axis, share, seen)


def _through_switches(look: Look, axis: Axis, share: Floats, seen: Seen) -> Floats:
    """The same of a look that hides or merges tokens."""
    n_keys = len(look.trace.tokens(look.stack)[1])
    whole = np.zeros((len(share), n_keys), dtype=np.float32)
    whole[:, seen.keys] = share
    visible: Floats = np.zeros_like(whole)
    visible[:, seen.keys] = 1 if seen.visible is None else seen.visible
    if not look.view.first:
        whole = without_first(whole)
    cells = look.merge(whole, axis)
    masked: Bools = look.merge(visible, axis) == 0
    cells[masked] = MASKED
    return cells
