"""One frame: a JSON header and arrays, in one run of bytes that the browser reads in place.

Knows numpy and how bytes are laid out; not what they mean.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def padded(size: int, unit: int) -> int:
    """The next multiple of ``unit``."""
    return -(-size // unit) * unit


def frame(header: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> bytes:
    """Return one frame: u32 header length, JSON header, the arrays one after another.

    The header is padded so the body starts at a multiple of 8; each array is written row-major
    in its own dtype (little-endian) and padded to a multiple of 4 bytes. Raises ``ValueError``
    when the header holds NaN or infinity, ``TypeError`` when it is not JSON.
    """
    # ASCII escapes keep lone surrogates, which a user's text may hold, out of the UTF-8 encoder.
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("ascii")
    text = text.ljust(padded(4 + len(text), 8) - 4)
    parts = [struct.pack("<I", len(text)), text]
    for array in arrays:
        raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts.append(raw.ljust(padded(len(raw), 4), b"\0"))
    return b"".join(parts)


class Body:
    """The arrays of a frame, collected; says where each one starts."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._size = 0

    def put(self, array: NDArray[Any]) -> int:
        """Add an array. Returns its offset in bytes."""
        at = self._size
        self.arrays.append(array)
        self._size += padded(array.nbytes, 4)
        return at

    def put_floats(self, values: NDArray[np.floating[Any]] | None) -> int | None:
        """The same in f32; ``None`` for nothing."""
        return None if values is None else self.put(np.asarray(values, dtype=np.float32))


def head_frame(
    pattern: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]] | None = None,
    dot: NDArray[np.floating[Any]] | None = None,
    *,
    by_row: bool = False,
    shape: tuple[int, int] | None = None,
) -> bytes:
    """Return the frame that the head route answers: f32 ``[rows, cols]`` each.

    ``by_row`` says that scores and q·k are there, but are asked for row by row. Of a map that is
    masked ``pattern [cell]`` may hold the visible cells alone, row by row: then ``shape`` says of
    how many rows and columns. The browser knows the mask, and that the others are 0.
    """
    rows, cols = shape or pattern.shape
    body = Body()
    header = {
        "rows": rows, "cols": cols, "by_row": by_row, "cells": pattern.size,
        "pattern": body.put_floats(pattern), "scores": body.put_floats(scores),
        "dot": body.put_floats(dot),
    }  # fmt: skip
    return frame(header, body.arrays)


def level_frame(
    cells: NDArray[np.floating[Any]],
    tops: NDArray[np.floating[Any]],
    level: int,
    *,
    sums_to_one: bool = False,
) -> bytes:
    """Return the frame of a part of a map at a level: ``cells [row, column]``, -1 where masked,
    and ``tops [row]``, the largest share of each row in the whole map.

    Level 0 is in f32, the others, which are rounded anyway, in f16: three digits. ``sums_to_one``
    says whether the map's rows do.
    """
    rows, cols = cells.shape
    dtype = np.float16 if level else np.float32
    body = Body()
    header = {
        "rows": rows, "cols": cols, "level": level, "sums_to_one": sums_to_one,
        "cells": body.put(cells.astype(dtype)), "tops": body.put(tops.astype(dtype)),
    }  # fmt: skip
    return frame(header, body.arrays)
