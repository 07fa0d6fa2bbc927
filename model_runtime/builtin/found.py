"""What a built-in model tells positions by: its configuration says it, its own code makes it.

Knows one `Transformer`; neither texts nor what becomes of the positions.
"""

from typing import cast

import numpy as np
import torch

from model_runtime.builtin.transformer import Stack, Transformer, alibi_bias, rotate
from model_runtime.positions.encodings import Encoding, Kind, RotarySettings, Rotation
from model_runtime.types import Floats, StackName


def encodings_of(model: Transformer) -> tuple[Encoding, ...]:
    """One for each stack that has a table of its own; else one for all stacks. Arrays are
    read-only, and tables are the model's own, not copies."""
    both: dict[StackName, Stack | None] = {"encoder": model.encoder, "decoder": model.decoder}
    stacks = {name: stack for name, stack in both.items() if stack is not None}
    kind = cast(Kind, model.config.positions)
    if kind in ("sinusoidal", "learned"):
        return tuple(
            Encoding(kind, (name,), f"{name}.position_table", "Stack", table=_locked(_table(stack)))
            for name, stack in stacks.items()
        )
    names = tuple(stacks)
    if kind == "rotary":
        where = "rotate"
        rotation = _rotation(model.config.d_head)
        return (Encoding(kind, names, where, "MultiHeadAttention", rotation=rotation),)
    if kind == "alibi":
        where = "alibi_bias"
        slopes = _locked(-alibi_bias(model.config.n_heads, 1, 2)[:, 0, 1])
        return (Encoding(kind, names, where, "MultiHeadAttention", slopes=slopes),)
    return (Encoding("none", names, "", ""),)


def _table(stack: Stack) -> torch.Tensor:
    return stack.position_table


def _rotation(d_head: int) -> Rotation:
    """The angles by which `rotate` turns at position 1 a vector whose pairs all point along
    their first dimension."""
    along = torch.zeros(2, d_head, dtype=torch.float64)
    along[:, 0::2] = 1.0
    turned = rotate(along)[1]
    frequencies = torch.atan2(turned[1::2], turned[0::2])
    return Rotation(RotarySettings(d_head), _locked(frequencies), "neighbours")


def _locked(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.detach().numpy().astype(np.float32, copy=False).view()
    array.setflags(write=False)
    return array
