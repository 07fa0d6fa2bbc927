"""Targets that are written together, and begin and end each for itself.

Knows token ids and a model; neither text nor who waits for a target.
"""

from typing import Generic, TypeVar

import torch
from torch import Tensor

from model_runtime.builtin.decoding import likeliest
from model_runtime.builtin.rows import RowsDecoder
from model_runtime.builtin.transformer import Transformer

Whose = TypeVar("Whose")


class Writing(Generic[Whose]):
    """What `decoding.greedy` writes for each source, for sources that come while others are being
    written. A step with many costs little more than one with one: most of it is the reading of
    the weights."""

    def __init__(self, model: Transformer, max_length: int, *, bos: int, eos: int) -> None:
        """`max_length`, `bos` and `eos` as for `greedy`."""
        self._model = model
        self._decoder = RowsDecoder(model)
        self._limit = min(max_length, model.config.context_length)
        self._bos, self._eos = bos, eos
        self._targets: list[list[int]] = []  # by row
        self.whose: list[Whose] = []  # by row

    def __len__(self) -> int:
        """How many are being written."""
        return len(self._targets)

    @torch.inference_mode()
    def join(self, memory: Tensor, whose: Whose) -> None:
        """Begin with one more target; `memory` [K, D] is what the encoder made of its source.
        Raises RuntimeError if that is longer than the context; then it has not joined."""
        self._decoder.join(memory)
        self._targets.append([self._bos])
        self.whose.append(whose)

    @torch.inference_mode()
    def step(self) -> list[tuple[Whose, list[int]]]:
        """One token more for each; those that have come to their end leave. Not for none."""
        if self._limit > 1:
            newest = torch.tensor([[target[-1]] for target in self._targets])
            chosen = likeliest(self._model, self._decoder.read(newest), self._bos)
            for target, token in zip(self._targets, chosen.tolist(), strict=True):
                target.append(token)
        ended = []
        for row in reversed(range(len(self))):  # from the last, which takes the place of others
            target = self._targets[row]
            if target[-1] == self._eos or len(target) >= self._limit:
                ended.append((self.whose[row], target))
                self._leave(row)
        return ended

    def _leave(self, row: int) -> None:
        self._decoder.leave(row)
        target, whose = self._targets.pop(), self.whose.pop()
        if row < len(self):
            self._targets[row], self.whose[row] = target, whose
