"""Ten mistakes that are easily made in a Transformer, each beside the right line.

Puts one of them on a copy of a model that shares its weights; the right model is never touched.
Knows no text and no screen; what a mistake does to a trace is in `breaking.py`.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from model_runtime.builtin.copies import with_the_same_weights
from model_runtime.builtin.transformer import (
    MultiHeadAttention,
    Record,
    Residual,
    Stack,
    Transformer,
)

# ── Attention ────────────────────────────────────────────────────────────────────────


class InSteps(MultiHeadAttention):
    """`transformer.attention`, cut in two so that either part can go wrong. It is right."""

    def attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        bias: Tensor | None,
        mask: Tensor | None,
        record: Record,
    ) -> Tensor:
        """The same numbers under the same names, computed by the two methods below."""
        scores = self.scores(q, k)  # [B, H, Q, K]
        if bias is not None:
            scores = scores + bias
            record("bias", bias[None])
        if mask is not None:
            record("mask", mask)
        pattern = self.shares(scores, mask)
        z = pattern @ v  # [B, H, Q, d]
        steps = {"q": q, "k": k, "v": v, "scores": scores, "pattern": pattern, "z": z}
        for name, value in steps.items():
            record(name, value)
        return z

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """q [B, H, Q, d], k [B, H, K, d] → [B, H, Q, K]."""
        return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])

    def shares(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """[B, H, Q, K] → the same, each row summing to 1."""
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(dim=-1)


class NoRoot(InSteps):
    """Sums of d products grow with √d, and nothing takes that back."""

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Right: q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])."""
        return q @ k.transpose(-2, -1)


class RootOfModel(InSteps):
    """The width of the whole model in place of one head's: H·d where d is meant."""

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Right: q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])."""
        d_model = q.shape[1] * q.shape[-1]
        return q @ k.transpose(-2, -1) / math.sqrt(d_model)


class MaskAfterSoftmax(InSteps):
    """What was given to masked keys is thrown away, and missing from the rest of the row."""

    def shares(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """Right: scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)."""
        pattern = scores.softmax(dim=-1)
        if mask is not None:
            pattern = pattern.masked_fill(~mask, 0.0)
        return pattern


class SoftmaxOverQueries(InSteps):
    """Queries compete for each key, where keys should compete for each query."""

    def shares(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """Right: scores.softmax(dim=-1)."""
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(dim=-2)


class ReshapedHeads(MultiHeadAttention):
    """The numbers are cut into blocks in the order they lie in: a head gets some tokens whole."""

    def split_heads(self, x: Tensor) -> Tensor:
        """Right: x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)."""
        return x.reshape(len(x), self.n_heads, x.shape[1], -1)


# ── The residual stream ──────────────────────────────────────────────────────────────


class NoResidual(Residual):
    """A sublayer replaces what it should add to."""

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Right: x + the same."""
        if self.pre:
            return self.dropout(sublayer(self.norm(x)))
        return self.norm(self.dropout(sublayer(x)))


class Concatenated(Residual):
    """[B, n, D] beside [B, n, D] is [B, n, 2·D], which no weight that follows can take."""

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Right: x + the same. Does not run: the next LayerNorm raises RuntimeError."""
        if self.pre:
            return torch.cat([x, self.dropout(sublayer(self.norm(x)))], dim=-1)
        return self.norm(torch.cat([x, self.dropout(sublayer(x))], dim=-1))


class NormOnTheOtherSide(Residual):
    """After the addition in a model trained with LayerNorm before the sublayer, or before it
    in one trained with LayerNorm after."""

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Right: these two lines the other way round."""
        if self.pre:
            return self.norm(x + self.dropout(sublayer(x)))
        return x + self.dropout(sublayer(self.norm(x)))


# ── Mistakes in how the parts are put together ───────────────────────────────────────


def without_projection(module: nn.Module) -> None:
    """Head h takes columns h·d … (h+1)·d - 1 of its input as they are: q = k = v."""
    if isinstance(module, MultiHeadAttention):
        unchanged: nn.Module = nn.Identity()
        for name in ("w_q", "w_k", "w_v"):
            setattr(module, name, unchanged)


def without_positions(module: nn.Module) -> None:
    """Nothing is added to the embedding, turned or taken off the scores."""
    if isinstance(module, MultiHeadAttention):
        module.positions = "none"
    elif isinstance(module, Stack):
        module.config = replace(module.config, positions="none")


def turned_into(wrong: type[MultiHeadAttention] | type[Residual]) -> Callable[[nn.Module], None]:
    """What makes a part of the wrong kind of every right one; its weights stay."""
    right = MultiHeadAttention if issubclass(wrong, MultiHeadAttention) else Residual

    def turn(module: nn.Module) -> None:
        if isinstance(module, right):
            module.__class__ = wrong

    return turn


# By the names of `breaking.MISTAKES`: done to every part of a copy.
WRONGS: dict[str, Callable[[nn.Module], None]] = {
    "no_root": turned_into(NoRoot),
    "root_of_model": turned_into(RootOfModel),
    "mask_after": turned_into(MaskAfterSoftmax),
    "wrong_axis": turned_into(SoftmaxOverQueries),
    "reshaped_heads": turned_into(ReshapedHeads),
    "no_projection": without_projection,
    "no_positions": without_positions,
    "no_residual": turned_into(NoResidual),
    "concatenated": turned_into(Concatenated),
    "other_norm": turned_into(NormOnTheOtherSide),
}


def with_mistake(model: Transformer, mistake: str) -> Transformer:
    """A copy of the model that makes one mistake in every layer, with the model's own weights.
    Raises KeyError for an unknown mistake."""
    go_wrong = WRONGS[mistake]
    wrong = with_the_same_weights(model)
    for module in list(wrong.modules()):
        go_wrong(module)
    return wrong
