"""What two processes of Headlight say to one another: a JSON header, then arrays, byte by byte.

Knows sockets and arrays; not what is asked. Nothing that is read is run: no pickle.
"""

import json
import math
import socket
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
_SIZES = struct.Struct("<QQ")
_UNIT = 8  # bytes; arrays begin at a multiple of it


class Wire:
    """A socket to the other process. A large message is sent and waited for in one piece: of a
    pipe Python would read it in a dozen, and after each stand in line for its own lock again."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """What the operating system knows it by, for a selector; -1 once it is closed."""
        return self._socket.fileno()

    def write(self, data: bytes, /) -> None:
        """Send all of it, as fast as it is read. Raises OSError if nobody reads any more."""
        self._socket.sendall(data)

    def read(self, size: int, /) -> NDArray[np.uint8]:
        """So many bytes, read-only. Raises EOFError at the stream's end, and TimeoutError as
        `wait_for` says."""
        found = np.empty(size, np.uint8)
        room, n = found.data, 0
        while n < size:
            try:
                came = self._socket.recv_into(room[n:], size - n, socket.MSG_WAITALL)
            except BlockingIOError as error:
                raise TimeoutError("no answer in time") from error
            if not came:
                raise EOFError("the other process has ended")
            n += came
        found.setflags(write=False)
        return found

    def wait_for(self, seconds: float) -> None:
        """Wait no longer than this for anything that is read. Python's own timeouts would have
        it read piece by piece."""
        whole = int(seconds)
        interval = struct.pack("ll", whole, int((seconds - whole) * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)

    def close(self) -> None:
        """No more messages."""
        self._socket.close()


def send(wire: Wire, said: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message. Raises OSError if nobody reads any more."""
    arrays = arrays or {}
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    header = json.dumps({"said": said, "arrays": shapes}).encode()
    header = header.ljust(_taken(len(header)))
    size = sum(_taken(array.nbytes) for array in arrays.values())
    parts: list[bytes | memoryview] = [_SIZES.pack(len(header), size), header]
    for array in arrays.values():
        parts += np.ascontiguousarray(array).data, bytes(_taken(array.nbytes) - array.nbytes)
    # Each piece that is sent wakes who reads: a pass in a hundred of them would wake them so often.
    wire.write(b"".join(parts))


def receive(wire: Wire) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message; its arrays are read-only views of one piece of memory, and nothing but
    that: so none of them is among what Python goes through when it looks for garbage. Raises
    what `Wire.read` raises."""
    header_size, size = _SIZES.unpack(wire.read(_SIZES.size).data)
    body = wire.read(header_size + size)
    header = json.loads(body[:header_size].tobytes())
    arrays, at = {}, header_size
    for name, (dtype, shape) in header["arrays"].items():
        n = math.prod(shape) * np.dtype(dtype).itemsize
        arrays[name] = body[at : at + n].view(dtype).reshape(shape)
        at += _taken(n)
    return header["said"], arrays


def _taken(size: int) -> int:
    """Bytes that so many take, with what is left free before the next array."""
    return -(-size // _UNIT) * _UNIT
