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
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.wires import Wires
from model_runtime.processors import processors
from model_runtime.turns import TURNS

if TYPE_CHECKING:
    from model_runtime.builtin.passes import Arrays

log = logging.getLogger(__name__)

SECONDS = 10.0  # that an answer may take: a full room's targets take half a second
ROOM = 2  # who wait for their turn, from which on a second process is worth its 300 MiB

WIRES = 32  # who are answered at the same time; who comes when there are so many waits


class SecondProcess:
    """The process, once it runs. Whatever goes wrong with it, the first one does the work, and
    numbers are the same: both run the same code on the same weights."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._wires = Wires(())
        self._is_ready = False
        self._was_started = False

    def written(self, folder: Path, source: list[int]) -> "tuple[list[int], Arrays] | None":
        """`passes.written` of the model in a folder, for one source, and `passes.recorded` of
        both: what the target is written from is half of that. None if the process is not there."""
        found = self._ask({"folder": str(folder), "source": source})
        return None if found is None else (list(found[0]["target"]), found[1])

    def recorded(self, folder: Path, source: list[int], target: list[int]) -> "Arrays | None":
        """`passes.recorded` of the model in a folder; None if the process is not there."""
        found = self._ask({"folder": str(folder), "source": source, "target": target})
        return None if found is None else found[1]

    def end(self) -> None:
        """End the process, if there is one. It would end by itself with the first one."""
        with self._lock:
            process, self._process, self._is_ready = self._process, None, False
        if process:
            process.kill()  # whoever waits for an answer hears that there will be none
            process.wait()
        self._wires.close()

    def _ask(self, asked: dict[str, Any]) -> "tuple[dict[str, Any], Arrays] | None":
        if not self._is_ready:
            self._begin_if_needed()
            return None
        with TURNS.given_up(), self._wires.one() as wire:
            if wire is None:
                return None
            try:
                wire.wait_for(SECONDS)
                send(wire, asked)
                said, arrays = receive(wire)
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
        processes inherit no sockets."""
        with self._lock:
            is_of_use = TURNS.n_waiting >= ROOM and processors() > 1 and os.name == "posix"
            if self._was_started or not is_of_use:
                return
            self._was_started = True
        threading.Thread(target=self._begin, name="second process", daemon=True).start()

    def _begin(self) -> None:
        root = Path(__file__).resolve().parents[2]
        try:
            with ExitStack() as until_it_runs:
                ours, theirs = [], []
                for _ in range(WIRES):
                    one, other = socket.socketpair()
                    ours.append(Wire(one))
                    theirs.append(until_it_runs.enter_context(other).fileno())
                self._wires = Wires(ours)
                command = [sys.executable, "-m", "model_runtime.builtin.answering"]
                self._process = subprocess.Popen(
                    [*command, *map(str, theirs)],
                    cwd=root,
                    stdin=subprocess.DEVNULL,
                    pass_fds=theirs,
                )
            receive(ours[0])  # that it is ready
        except (OSError, EOFError) as problem:
            log.warning("no second process: %s", problem)
            self.end()
            return
        self._is_ready = True
        atexit.register(self.end)


SECOND = SecondProcess()
