"""Frames of a map that is too large to be sent whole: a picture of it at once, tiles on demand.

Arrays in, bytes out. Knows neither the session nor any words.
"""

import numpy as np

from model_runtime import levels
from model_runtime.views import HeadPlace, Look
from viz.components import attention as component

MOST_WHOLE = 2048 * 2048
"""Cells of a map that is sent whole, in f32: 17 MB, and half a second of one core. At 4,096 tokens
it would be 67 MB and two seconds, at 8,192 as much as a browser may hold."""

TILE = 256
"""Rows and columns of a tile: 256 KB, 0.1 s of one core at 8,192 tokens, for a row is computed
whole whatever is shown of it; a screen sees a dozen."""


def as_levels(look: Look) -> component.Levels | None:
    """How a map of this look is sent in parts; None where it is sent whole."""
    rows, columns = len(look.rows), len(look.columns)
    if rows * columns <= MOST_WHOLE:
        return None
    return component.Levels(levels.coarsest(rows, columns), TILE)


def picture_frame(look: Look, place: HeadPlace) -> bytes:
    """The whole map at its coarsest level. Raises NoSuchHead."""
    level = levels.coarsest(len(look.rows), len(look.columns))
    part = levels.pooled(look, place, level, slice(0, -(-len(look.rows) // 2**level)))
    sums = bool(np.allclose(part.sums, 1, atol=1e-3))
    return component.level_frame(part.cells, part.tops, level, sums_to_one=sums)


def tile_frame(look: Look, place: HeadPlace, level: int, down: int, across: int) -> bytes:
    """One tile of a level, counted from the top left: exact at level 0. Raises NoSuchHead, and
    IndexError for a tile that is not there."""
    if not 0 <= level <= levels.coarsest(len(look.rows), len(look.columns)):
        raise IndexError(f"level {level}")
    rows = _span(down, -(-len(look.rows) // 2**level))
    columns = _span(across, -(-len(look.columns) // 2**level))
    if level == 0:
        part = levels.exact(look, place, rows, columns)
    else:
        part = levels.pooled(look, place, level, rows, columns)
    return component.level_frame(part.cells, part.tops, level)


def _span(number: int, size: int) -> slice:
    """Where a tile begins and ends on a side. Raises IndexError."""
    if not 0 <= number * TILE < size:
        raise IndexError(f"tile {number} of {-(-size // TILE)}")
    return slice(number * TILE, min((number + 1) * TILE, size))
