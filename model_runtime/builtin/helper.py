"""A second process that writes targets and runs passes, from when people begin to wait for one.

Python runs in one thread at a time; so in a full room a second processor is of use to a second
process only. Knows what is asked and how; `helping.py` is that process.
"""

import atexit
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_runtime.builtin.messages import receive, send
from model_runtime.builtin.passes import Arrays
from model_runtime.processors import processors
from model_runtime.turns import TURNS

log = logging.getLogger(__name__)

ROOM = 2  # who wait for their turn, from which on a second process is worth its 300 MiB


class Helper:
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
                said, arrays = receive(self._process.stdout)
            except (OSError, EOFError, ValueError) as problem:
                log.warning("the second process has ended: %s", problem)
                self._is_ready = False
                return None
        if "failed" in said:
            log.warning("the second process: %s", said["failed"])
            return None
        return said, arrays

    def _begin_if_needed(self) -> None:
        """Start it once, if somebody waits and there is a second processor."""
        with self._lock:
            if self._was_started or TURNS.n_waiting < ROOM or processors() < 2:
                return
            self._was_started = True
        threading.Thread(target=self._begin, name="helper", daemon=True).start()

    def _begin(self) -> None:
        command = [sys.executable, "-m", "model_runtime.builtin.helping"]
        root = Path(__file__).resolve().parents[2]
        try:
            process = subprocess.Popen(
                command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            atexit.register(process.kill)
            assert process.stdout
            receive(process.stdout)  # that it is ready
        except (OSError, EOFError) as problem:
            log.warning("no second process: %s", problem)
            return
        self._process, self._is_ready = process, True


HELPER = Helper()
