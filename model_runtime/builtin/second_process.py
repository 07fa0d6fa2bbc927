"""A second process that writes targets and runs passes, from when people begin to wait for one.

Python runs in one thread at a time; so in a full room a second processor is of use to a second
process only. Knows what is asked and how; `answering.py` is that process.
"""

import atexit
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from select import select
from typing import Any

from model_runtime.builtin.messages import receive, send
from model_runtime.builtin.passes import Arrays
from model_runtime.processors import processors
from model_runtime.turns import TURNS

log = logging.getLogger(__name__)

SECONDS = 10.0  # that an answer may take: a full batch takes a tenth of a second
PIPE = 2**20  # bytes on their way at a time; a pass has two million
ROOM = 2  # who wait for their turn, from which on a second process is worth its 300 MiB


class SecondProcess:
    """The process, once it runs. Whatever goes wrong with it, the first one does the work, and
    numbers are the same: both run the same code on the same weights."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._was_started = False

    def written(self, folder: Path, sources: Sequence[list[int]]) -> list[list[int]] | None:
        """`passes.written` of the model in a folder; None if the process is not there."""
        found = self._ask({"folder": str(folder), "sources": list(sources)})
        return None if found is None else list(found[0]["targets"])

    def recorded(self, folder: Path, source: list[int], target: list[int]) -> Arrays | None:
        """`passes.recorded` of the model in a folder; None if the process is not there."""
        found = self._ask({"folder": str(folder), "source": source, "target": target})
        return None if found is None else found[1]

    def end(self) -> None:
        """End the process, if there is one. It would end by itself with the first one."""
        process, self._process, self._is_ready = self._process, None, False
        if process:
            process.kill()
            process.communicate()

    def _ask(self, asked: dict[str, Any]) -> tuple[dict[str, Any], Arrays] | None:
        if not self._is_ready:
            self._begin_if_needed()
            return None
        with TURNS.given_up(), self._lock:
            if self._process is None or not self._is_ready:
                return None
            assert self._process.stdin and self._process.stdout
            try:
                send(self._process.stdin, asked)
                if not select([self._process.stdout], [], [], SECONDS)[0]:
                    raise TimeoutError(f"no answer in {SECONDS:g} seconds")
                said, arrays = receive(self._process.stdout)
            except (OSError, EOFError, ValueError) as problem:
                log.warning("the second process has ended: %s", problem)
                self.end()
                return None
        if "failed" in said:
            log.warning("the second process: %s", said["failed"])
            return None
        return said, arrays

    def _begin_if_needed(self) -> None:
        """Start it once, if somebody waits and there is a second processor. Not on Windows, where
        nobody can wait for a pipe for some time only."""
        with self._lock:
            is_of_use = TURNS.n_waiting >= ROOM and processors() > 1 and os.name == "posix"
            if self._was_started or not is_of_use:
                return
            self._was_started = True
        threading.Thread(target=self._begin, name="second process", daemon=True).start()

    def _begin(self) -> None:
        command = [sys.executable, "-m", "model_runtime.builtin.answering"]
        root = Path(__file__).resolve().parents[2]
        try:
            self._process = subprocess.Popen(
                command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pipesize=PIPE
            )
            assert self._process.stdout
            receive(self._process.stdout)  # that it is ready
        except (OSError, EOFError) as problem:
            log.warning("no second process: %s", problem)
            self.end()
            return
        self._is_ready = True
        atexit.register(self.end)


SECOND = SecondProcess()
