"""A model whose tokens are told other positions than their own, or none.

Puts them on a copy of a model that shares its weights; the model itself is never touched. Knows
no text and no screen; what is learned from such passes is in `positions/experiments.py`.
"""

import torch
from torch import Tensor

from model_runtime.builtin.copies import with_the_same_weights
from model_runtime.builtin.transformer import (
    MultiHeadAttention,
    Record,
    Stack,
    Transformer,
    alibi_bias,
    rotate,
)
from model_runtime.positions.placing import Places, Placing


class PlacedAttention(MultiHeadAttention):
    """Queries and keys are turned by the positions that they are told, or biased by them."""

    at: Tensor  # [position], 0 where there is none
    told: Tensor  # [position], False where there is none

    def place(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """As in the model; q and k are of the same tokens. bias [H, n, n]."""
        n = q.shape[-2]
        at, told = self.at[:n], self.told[:n]
        bias = None
        if self.positions == "rotary":
            q, k = rotate(q, at=at), rotate(k, at=at)  # at 0, nothing is turned
        elif self.positions == "alibi":
            distance = (at[:, None] - at).abs() * (told[:, None] & told)
            one_apart = alibi_bias(self.n_heads, 1, 2)[:, :, 1:]  # [H, 1, 1]
            bias = (one_apart * distance).to(q)
        return q, k, bias


class PlacedStack(Stack):
    """To each embedding the row of the position that it is told is added, or nothing."""

    at: Tensor  # as above
    told: Tensor

    def add_positions(self, x: Tensor, record: Record) -> Tensor:
        """As in the model. Raises IndexError for a position beyond the table."""
        if self.config.positions in ("sinusoidal", "learned"):
            n = x.shape[1]
            positions = self.position_table[self.at[:n]] * self.told[:n, None]
            record("positions", positions[None])
            x = x + positions
        return x


def with_places(model: Transformer, places: Placing) -> Transformer:
    """A copy of the model whose tokens are told `places`, with the model's own weights. It runs
    as the model does, on texts of any length."""
    placed = with_the_same_weights(model)
    for stack, at in ((placed.encoder, places.encoder), (placed.decoder, places.decoder)):
        if stack is not None and at:
            _tell(stack, at)
    return placed


def _tell(stack: Stack, places: Places) -> None:
    """Make a stack and its self-attention placed ones; cross-attention has no positions."""
    own = range(len(places), stack.config.context_length)
    at = torch.tensor([0 if p is None else p for p in (*places, *own)])
    told = torch.tensor([p is not None for p in (*places, *own)])
    stack.__class__ = PlacedStack
    assert isinstance(stack, PlacedStack)
    stack.at, stack.told = at, told
    for layer in stack.layers:
        attention = layer.attn
        attention.__class__ = PlacedAttention
        assert isinstance(attention, PlacedAttention)
        attention.at, attention.told = at, told
