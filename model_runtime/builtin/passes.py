"""The two things that a built-in model is asked for: targets to be written, one pass recorded.

Token ids in; ids, or arrays by name, out. Knows no text and no screen, nor which process it is in.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model_runtime.builtin.decoding import greedy_batch
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.transformer import Transformer
from model_runtime.builtin.writing import Whose, Writing

Arrays = dict[str, NDArray[np.float32]]


def written(model: Transformer, sources: Sequence[list[int]]) -> list[list[int]]:
    """The likeliest target for each source, as long as the context at most."""
    limit = model.config.context_length
    return greedy_batch(model, list(sources), limit, bos=BOS_ID, eos=EOS_ID)


def writing(model: Transformer) -> Writing[Whose]:
    """The same for sources that come one by one: none yet."""
    return Writing(model, model.config.context_length, bos=BOS_ID, eos=EOS_ID)


class Recording:
    """A pass as it goes on, in two halves: between them a target can be written."""

    def __init__(self, model: Transformer) -> None:
        """Nothing has been computed yet."""
        self.arrays: Arrays = {}  # by name; where a half raises, what came before
        self.memory: torch.Tensor | None = None  # [K, D], what the encoder made
        self._model = model

    @torch.inference_mode()
    def read(self, source: list[int]) -> None:
        """The first half: `source` goes to the encoder. There is none if it is empty."""
        if source:
            (self.memory,) = self._model.encode(torch.tensor([source]), record=self._record)

    @torch.inference_mode()
    def predict(self, target: list[int]) -> None:
        """The other: `target` goes to the decoder, if there is one; then the logits."""
        x = None if self.memory is None else self.memory[None]
        if target:
            x = self._model.decode(torch.tensor([target]), x, record=self._record)
        assert x is not None
        self._model.logits(x, self._record)

    def _record(self, name: str, value: torch.Tensor) -> None:
        array = value.detach().numpy()
        # The one sequence of the batch. Masks and tables have no batch axis to drop.
        self.arrays[name] = array[0] if value.dim() >= 3 and value.shape[0] == 1 else array


def recorded(model: Transformer, source: list[int], target: list[int]) -> Arrays:
    """All that one pass computes, by name: "encoder.0.attn.q" [head, query, d], "logits" [n, V].

    `source` goes to the encoder, if there is one, `target` to the decoder. Of a target the last
    token is only predicted, so it is not among these.
    """
    recording = Recording(model)
    recording.read(source)
    recording.predict(target)
    return recording.arrays
