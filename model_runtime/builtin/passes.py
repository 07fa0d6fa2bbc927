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


def recorded(model: Transformer, source: list[int], target: list[int]) -> Arrays:
    """All that one pass computes, by name: "encoder.0.attn.q" [head, query, d], "logits" [n, V].

    `source` goes to the encoder, if there is one, `target` to the decoder. Of a target the last
    token is only predicted, so it is not among these. Filled even where the pass raises.
    """
    arrays: Arrays = {}
    record_into(arrays, model, source, target)
    return arrays


def record_into(arrays: Arrays, model: Transformer, source: list[int], target: list[int]) -> None:
    """The same into a dict that is there; where a pass raises, it holds what came before."""

    def record(name: str, value: torch.Tensor) -> None:
        array = value.detach().numpy()
        # The one sequence of the batch. Masks and tables have no batch axis to drop.
        arrays[name] = array[0] if value.dim() >= 3 and value.shape[0] == 1 else array

    with torch.no_grad():
        x = model.encode(torch.tensor([source]), record=record) if source else None
        if target:
            x = model.decode(torch.tensor([target]), x, record=record)
        assert x is not None
        model.logits(x, record)
