"""Reads a component frame back, as the browser does: written apart from what packs it."""

import json
import struct

import numpy as np


def read_frame(frame: bytes) -> tuple[dict, bytes]:
    """(header, body) of a frame. Fails where the browser could not lay arrays over it."""
    (length,) = struct.unpack_from("<I", frame)
    body_at = 4 + length
    assert body_at % 8 == 0
    assert (len(frame) - body_at) % 4 == 0
    header = json.loads(frame[4:body_at].decode("ascii"), parse_constant=_refused)
    return header, frame[body_at:]


def floats(body: bytes, at: int, *shape: int) -> np.ndarray:
    """f32 values at an offset."""
    assert at % 4 == 0
    return np.frombuffer(body, "<f4", int(np.prod(shape)), at).reshape(shape)


def spread(values: np.ndarray, runs: np.ndarray, *shape: int) -> np.ndarray:
    """Values of visible cells alone over all cells; `runs` says where these begin and end."""
    cells = np.zeros(int(np.prod(shape)), values.dtype)
    ends = runs.reshape(-1, 2)
    visible = np.concatenate([np.arange(start, end) for start, end in ends])
    assert len(visible) == len(values)
    cells[visible] = values
    return cells.reshape(shape)


def octets(body: bytes, at: int, *shape: int) -> np.ndarray:
    """u8 values at an offset."""
    assert at % 4 == 0
    return np.frombuffer(body, np.uint8, int(np.prod(shape)), at).reshape(shape)


def _refused(constant: str) -> float:
    raise AssertionError(f"{constant} is not JSON")


def level_of(frame: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    """(header, cells [row, column], tops [row]) of a part of a map at a level."""
    header, body = read_frame(frame)
    dtype = "<f2" if header["level"] else "<f4"
    shape = header["rows"], header["cols"]
    assert header["cells"] % 4 == header["tops"] % 4 == 0
    cells = np.frombuffer(body, dtype, shape[0] * shape[1], header["cells"]).reshape(shape)
    return header, cells, np.frombuffer(body, dtype, shape[0], header["tops"])
