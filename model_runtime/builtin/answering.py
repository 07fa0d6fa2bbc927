"""The second process: opens built-in models and answers what the first asks, until that one ends.

`second_process.py` starts it and says why. Knows folders of models and token ids; no text.
"""

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import torch

from model_runtime.builtin import passes, weights
from model_runtime.builtin.halved import halved
from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.transformer import Transformer
from model_runtime.builtin.writing import Writing


@cache
def opened(folder: str) -> Transformer:
    """The model in a folder, opened once."""
    return weights.load_model(Path(folder))


@cache
def writer(folder: str) -> Transformer:
    """The same, as it writes."""
    return halved(opened(folder))


@dataclass(frozen=True)
class Asked:
    """Who asked for a target, and their pass, half of which the target needed."""

    wire: Wire
    recording: passes.Recording


class Answering:
    """Answers questions that come over several wires, one at a time over each. Targets of one
    model are written together, token by token; a pass is run at once, or when its target ends.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._selector = DefaultSelector()
        for wire in wires:
            self._selector.register(wire, EVENT_READ, wire)
        self._writing: dict[str, Writing[Asked]] = {}  # by folder

    def until_the_end(self) -> None:
        """Answer until the first process closes a wire, or is gone."""
        try:
            while True:
                self.once()
        except (EOFError, OSError):
            return

    def once(self) -> None:
        """Hear what was asked, waiting for a question if there is nothing to do; then one token
        more of every target. Raises EOFError or OSError if nobody asks or listens any more."""
        is_idle = not any(self._writing.values())
        for key, _ in self._selector.select(None if is_idle else 0):
            self._hear(key.data)
        for folder, writing in self._writing.items():
            if writing:
                self._write(folder, writing)

    def _hear(self, wire: Wire) -> None:
        asked, _ = receive(wire)
        try:
            recording = passes.Recording(opened(asked["folder"]))
            recording.read(asked["source"])
            if "target" not in asked:
                self._begin(asked["folder"], Asked(wire, recording))
                return
        except Exception as error:
            send(wire, _failed(error))
            return
        _finish(Asked(wire, recording), asked["target"], {})

    def _begin(self, folder: str, asked: Asked) -> None:
        """Begin to write a target."""
        if folder not in self._writing:
            self._writing[folder] = passes.writing(writer(folder))
        assert asked.recording.memory is not None, "nothing to write from"
        self._writing[folder].join(asked.recording.memory, asked)

    def _write(self, folder: str, writing: Writing[Asked]) -> None:
        try:
            ended = writing.step()
        except Exception as error:
            self._writing[folder] = passes.writing(writer(folder))
            for asked in writing.whose:
                send(asked.wire, _failed(error))
            return
        for asked, target in ended:
            _finish(asked, target[:-1], {"target": target})


def _finish(asked: Asked, target: list[int], said: Mapping[str, Any]) -> None:
    """The rest of a pass, and the answer: the pass, and what is `said` of it."""
    try:
        asked.recording.predict(target)
    except Exception as error:
        send(asked.wire, _failed(error))
        return
    send(asked.wire, said, asked.recording.arrays)


def _failed(error: Exception) -> dict[str, str]:
    """What is said of a question that cannot be answered: whoever asked then finds out for
    themselves what is wrong."""
    return {"failed": f"{type(error).__name__}: {error}"}


def answer(descriptors: Sequence[int]) -> None:
    """Answer over these sockets, and say first, over the first, that questions may come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first one; then this ends, too
    os.dup2(2, 1)  # what a library prints is not the first one's output
    torch.set_num_threads(1)
    wires = [Wire(socket.socket(fileno=descriptor)) for descriptor in descriptors]
    send(wires[0], {"ready": True})
    Answering(wires).until_the_end()


if __name__ == "__main__":
    answer([int(argument) for argument in sys.argv[1:]])
