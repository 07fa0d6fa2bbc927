"""What two processes of Headlight say to one another: a JSON header, then arrays, byte by byte.

Knows streams and arrays; not what is asked. Nothing that is read is run: no pickle.
"""

import json
import math
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
_SIZES = struct.Struct("<QQ")
_UNIT = 8  # bytes; arrays begin at a multiple of it


class Readable(Protocol):
    """What messages are read from."""

    def read(self, size: int, /) -> bytes | memoryview:
        """So many bytes, or fewer at the end."""


class Wire:
    """A socket to the other process. A large message is waited for in one piece: of a pipe Python
    would read it in a dozen, and after each stand in line for its own lock again."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._stream = end.makefile("wb")

    def write(self, data: bytes | memoryview, /) -> int:
        """Write, at the latest when the message ends."""
        return self._stream.write(data)

    def flush(self) -> None:
        """The message ends here."""
        self._stream.flush()

    def read(self, size: int, /) -> memoryview:
        """So many bytes, or fewer at the end. Raises TimeoutError as `wait_for` says."""
        room = np.empty(size, np.uint8).data
        n = 0
        while n < size:
            try:
                came = self._socket.recv_into(room[n:], size - n, socket.MSG_WAITALL)
            except BlockingIOError as error:
                raise TimeoutError("no answer in time") from error
            if not came:
                break
            n += came
        return room[:n]

    def wait_for(self, seconds: float) -> None:
        """Wait no longer than this for anything that is read. Python's own timeouts would have
        it read piece by piece."""
        whole = int(seconds)
        interval = struct.pack("ll", whole, int((seconds - whole) * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)

    def close(self) -> None:
        """No more messages; one that nobody reads any more is dropped."""
        with suppress(OSError):
            self._stream.close()
        self._socket.close()


def send(stream: IO[bytes] | Wire, said: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message. Raises OSError if nobody reads any more."""
    arrays = arrays or {}
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    header = json.dumps({"said": said, "arrays": shapes}).encode()
    header = header.ljust(-(-len(header) // _UNIT) * _UNIT)
    stream.write(_SIZES.pack(len(header), sum(array.nbytes for array in arrays.values())))
    stream.write(header)
    for array in arrays.values():
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def receive(stream: Readable) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message; its arrays lie in one piece of memory, read-only. Raises EOFError at the
    stream's end, and what reading raises."""
    header_size, size = _SIZES.unpack(_read(stream, _SIZES.size))
    body = memoryview(_read(stream, header_size + size)).toreadonly()
    header = json.loads(bytes(body[:header_size]))
    arrays, at = {}, header_size
    for name, (dtype, shape) in header["arrays"].items():
        arrays[name] = np.frombuffer(body, dtype, math.prod(shape), at).reshape(shape)
        at += arrays[name].nbytes
    return header["said"], arrays


def _read(stream: Readable, size: int) -> bytes | memoryview:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError("the other process has ended")
    return found
