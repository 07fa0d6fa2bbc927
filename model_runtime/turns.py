"""Threads that compute take turns, in the order in which they came.

Knows threads and a clock; neither what is computed nor for whom.
"""

import threading
import time
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

PATIENCE = 0.1  # seconds; who needs longer keeps the others no longer


class _Ticket:
    """One thread's place in the queue."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.called = threading.Lock()  # released when its turn has come
        self.called.acquire()


class Turns:
    """One thread at a time runs Python, whatever is done. Left to themselves, threads take it
    from one another at every call into torch, which lets go of it: two thousand times a text.
    Here they wait until the one before has come to an end, or has had it for PATIENCE. Who waits
    for something else meanwhile then goes on before those who came later.

    So nothing depends on a turn but speed: none is refused, and none is kept for ever.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._queue: list[_Ticket] = []  # by number
        self._numbers = count()
        self._holder: _Ticket | None = None
        self._since = 0.0  # when the holder began
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn, and have it meanwhile. Not for who has one."""
        assert not self.is_mine
        self._take(_Ticket(next(self._numbers)))
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Have no turn meanwhile: for what waits and does not compute."""
        had: _Ticket | None = getattr(self._mine, "ticket", None)
        if had:
            self._give()
        try:
            yield
        finally:
            if had:
                self._take(had)

    @property
    def n_waiting(self) -> int:
        """Threads that wait for their turn."""
        return len(self._queue)

    @property
    def is_mine(self) -> bool:
        """Whether this thread is inside `taken`."""
        return getattr(self._mine, "ticket", None) is not None

    def _take(self, ticket: _Ticket) -> None:
        self._mine.ticket = ticket
        with self._lock:
            insort(self._queue, ticket, key=lambda one: one.number)
            if self._holder is None:
                self._next()
        while not ticket.called.acquire(timeout=self._patience):
            with self._lock:
                if time.monotonic() - self._since >= self._patience:
                    self._next()

    def _give(self) -> None:
        ticket, self._mine.ticket = self._mine.ticket, None
        with self._lock:
            if self._holder is ticket:  # and nobody else has lost patience
                self._next()

    def _next(self) -> None:
        self._holder = None
        if self._queue:
            self._begin(self._queue.pop(0))

    def _begin(self, ticket: _Ticket) -> None:
        self._holder, self._since = ticket, time.monotonic()
        ticket.called.release()


TURNS = Turns()
