"""Which heads look at the neighbour: mean shares per head, collected sentence by sentence.

Knows patterns only; nothing of what the model is for.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_runtime.builtin.transformer import Transformer

Doubles = NDArray[np.float64]


@torch.no_grad()
def self_patterns(model: Transformer, ids: list[int]) -> NDArray[np.float32]:
    """[layer, head, query, key]: the self-attention of a model with one stack."""
    patterns: list[NDArray[np.float32]] = []

    def record(name: str, value: torch.Tensor) -> None:
        if name.endswith("attn.pattern"):
            patterns.append(value[0].numpy())

    run = model.decode if model.encoder is None else model.encode
    run(torch.tensor([ids]), record=record)
    return np.stack(patterns)


def neighbour_shares(model: Transformer, sequences: Iterable[list[int]], offset: int) -> Doubles:
    """[layer, head]: the mean share that a query gives the key at its own position + `offset`
    (-1 previous token, 1 next token), over all queries that have one."""
    total = np.zeros((model.config.n_layers, model.config.n_heads))
    count = 0
    for ids in sequences:
        patterns = self_patterns(model, ids)
        shares = patterns.diagonal(offset=offset, axis1=-2, axis2=-1)
        total += shares.sum(axis=-1)
        count += shares.shape[-1]
    return total / count


def named(shares: Doubles) -> dict[str, Any]:
    """All heads' shares [layer, head], and the head with the largest."""
    layer, head = np.unravel_index(int(shares.argmax()), shares.shape)
    best = {"layer": int(layer), "head": int(head), "share": round(float(shares.max()), 3)}
    return {"per_head": shares.round(3).tolist(), "best_head": best}
