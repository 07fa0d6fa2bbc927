"""Wires to another process, each for one who asks at a time.

Knows threads; neither what is asked nor which process it is.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from model_runtime.builtin.messages import Wire


class Wires:
    """Whoever asks takes a wire and waits for the answer themselves: a thread that read all
    answers would have to hand Python's lock on after each, which takes up to 5 ms.

    First come, first served, where there are more who ask than wires.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._lock = threading.Lock()
        self._free = deque(wires)
        self._waiting: deque[tuple[threading.Lock, list[Wire]]] = deque()
        self._is_closed = not wires

    @contextmanager
    def one(self) -> Iterator[Wire | None]:
        """A wire of one's own meanwhile, as soon as one is free; None if they are closed. Who
        raises anything closes them all."""
        wire = self._taken()
        try:
            yield wire
        except BaseException:  # its answer may still come, and is not the next one's
            self.close()
            raise
        finally:
            if wire:
                self._give(wire)

    def close(self) -> None:
        """Close those that are free, and others when they are given back; nobody waits any more.
        Not those in use: their numbers would be given to what is opened next."""
        with self._lock:
            self._is_closed = True
            while self._free:
                self._free.popleft().close()
            while self._waiting:
                self._waiting.popleft()[0].release()

    def _taken(self) -> Wire | None:
        with self._lock:
            if self._is_closed:
                return None
            if self._free:
                return self._free.popleft()
            called, mine = threading.Lock(), list[Wire]()
            called.acquire()
            self._waiting.append((called, mine))
        with called:
            return mine[0] if mine else None

    def _give(self, wire: Wire) -> None:
        with self._lock:
            if self._is_closed:
                wire.close()
            elif self._waiting:
                called, theirs = self._waiting.popleft()
                theirs.append(wire)
                called.release()
            else:
                self._free.append(wire)
