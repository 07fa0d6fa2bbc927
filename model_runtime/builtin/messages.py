"""What two processes of Headlight say to one another: a JSON header, then arrays, byte by byte.

Knows streams and arrays; not what is asked. Nothing that is read is run: no pickle.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
_SIZES = struct.Struct("<QQ")


def send(stream: IO[bytes], said: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message. Raises OSError if nobody reads any more."""
    arrays = arrays or {}
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    header = json.dumps({"said": said, "arrays": shapes}).encode()
    stream.write(_SIZES.pack(len(header), sum(array.nbytes for array in arrays.values())))
    stream.write(header)
    for array in arrays.values():
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message; its arrays lie in one piece of memory, read-only. Raises EOFError at the
    stream's end."""
    header_size, size = _SIZES.unpack(_read(stream, _SIZES.size))
    header = json.loads(_read(stream, header_size))
    body = _read(stream, size)
    arrays, at = {}, 0
    for name, (dtype, shape) in header["arrays"].items():
        arrays[name] = np.frombuffer(body, dtype, math.prod(shape), at).reshape(shape)
        at += arrays[name].nbytes
    return header["said"], arrays


def _read(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError("the other process has ended")
    return found
