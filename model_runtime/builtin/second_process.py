"""A second process that writes targets and runs passes, from when people begin to wait for one.

Python runs in one thread at a time; so in a full room a second processor is of use to a second
process only. Knows what is asked and how; `answering.py` is that process.
"""

import atexit
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.processors import processors
from model_runtime.turns import TURNS

if TYPE_CHECKING:
    from model_runtime.builtin.passes import Arrays

log = logging.getLogger(__name__)

SECONDS = 10.0  # that an answer may take: a full batch takes a tenth of a second
ROOM = 2  # who wait for their turn, from which on a second process is worth its 300 MiB


class RankedLine:
    """Who asks waits here, one at a time answered: those of the lowest rank first, and among
    them in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_busy = False
        self._waiting: list[tuple[int, int, threading.Lock]] = []
        self._numbers = count()

    @contextmanager
    def place(self, rank: int) -> Iterator[None]:
        """Wait until it is one's turn, and have it meanwhile."""
        called = threading.Lock()
        with self._lock:
            if self._is_busy:
                called.acquire()
                heappush(self._waiting, (rank, next(self._numbers), called))
            self._is_busy = True
        with called:
            pass
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    heappop(self._waiting)[2].release()
                else:
                    self._is_busy = False


PASSES, TARGETS = 0, 1
"""Ranks: who waits for a pass has waited for a target already, and targets that wait for one
another are written together."""


class SecondProcess:
    """The process, once it runs. Whatever goes wrong with it, the first one does the work, and
    numbers are the same: both run the same code on the same weights."""

    def __init__(self) -> None:
        self._line = RankedLine()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._is_ready = False
        self._was_started = False

    def written(self, folder: Path, sources: Sequence[list[int]]) -> list[list[int]] | None:
        """`passes.written` of the model in a folder; None if the process is not there."""
        found = self._ask({"folder": str(folder), "sources": list(sources)}, TARGETS)
        return None if found is None else list(found[0]["targets"])

    def recorded(self, folder: Path, source: list[int], target: list[int]) -> "Arrays | None":
        """`passes.recorded` of the model in a folder; None if the process is not there."""
        found = self._ask({"folder": str(folder), "source": source, "target": target}, PASSES)
        return None if found is None else found[1]

    def end(self) -> None:
        """End the process, if there is one. It would end by itself with the first one."""
        process, self._process, self._is_ready = self._process, None, False
        wire, self._wire = self._wire, None
        if wire:
            wire.close()
        if process:
            process.kill()
            process.wait()

    def _ask(self, asked: dict[str, Any], rank: int) -> "tuple[dict[str, Any], Arrays] | None":
        if not self._is_ready:
            self._begin_if_needed()
            return None
        with TURNS.given_up(), self._line.place(rank):
            if self._wire is None or not self._is_ready:
                return None
            try:
                self._wire.wait_for(SECONDS)
                send(self._wire, asked)
                said, arrays = receive(self._wire)
            except (OSError, EOFError, ValueError) as problem:
                log.warning("the second process has ended: %s", problem)
                self.end()
                return None
        if "failed" in said:
            log.warning("the second process: %s", said["failed"])
            return None
        return said, arrays

    def _begin_if_needed(self) -> None:
        """Start it once, if somebody waits and there is a second processor. Not on Windows, whose
        processes take no sockets for their input and output."""
        with self._lock:
            is_of_use = TURNS.n_waiting >= ROOM and processors() > 1 and os.name == "posix"
            if self._was_started or not is_of_use:
                return
            self._was_started = True
        threading.Thread(target=self._begin, name="second process", daemon=True).start()

    def _begin(self) -> None:
        command = [sys.executable, "-m", "model_runtime.builtin.answering"]
        root = Path(__file__).resolve().parents[2]
        ours, theirs = socket.socketpair()
        self._wire = Wire(ours)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command, cwd=root, stdin=theirs.fileno(), stdout=theirs.fileno()
                )
            receive(self._wire)  # that it is ready
        except (OSError, EOFError) as problem:
            log.warning("no second process: %s", problem)
            self.end()
            return
        self._is_ready = True
        atexit.register(self.end)


SECOND = SecondProcess()
