"""The second process: opens built-in models and answers what the first asks, until that one ends.

`second_process.py` starts it and says why. Knows folders of models and token ids; no text.
"""

import os
import signal
import sys
from functools import cache
from pathlib import Path
from typing import IO, Any

import torch

from model_runtime.builtin import passes, weights
from model_runtime.builtin.messages import receive, send
from model_runtime.builtin.transformer import Transformer


@cache
def opened(folder: str) -> Transformer:
    """The model in a folder, opened once."""
    return weights.load_model(Path(folder))


def answer(asked: dict[str, Any]) -> tuple[dict[str, Any], passes.Arrays]:
    """What is said to a question, and arrays."""
    model = opened(asked["folder"])
    if "sources" in asked:
        return {"targets": passes.written(model, asked["sources"])}, {}
    return {}, passes.recorded(model, asked["source"], asked["target"])


def answer_all(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until there are no more questions. What cannot be answered is said to be so: whoever
    asked then finds out for themselves what is wrong."""
    send(answers, {"ready": True})
    while True:
        try:
            asked, _ = receive(questions)
        except EOFError:
            return
        try:
            said, arrays = answer(asked)
        except Exception as error:
            said, arrays = {"failed": f"{type(error).__name__}: {error}"}, {}
        send(answers, said, arrays)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first one; then this ends, too
    torch.set_num_threads(1)
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints must not get among the answers
        answer_all(sys.stdin.buffer, answers)
