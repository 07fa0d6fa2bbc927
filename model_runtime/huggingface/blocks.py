"""Attention that is computed block by block, put together again as one n_q × n_k call.

Some encoders never make all the scores: they cut queries and keys into blocks, windows and
global positions. Every score is labelled with its query and its key on the way. Knows torch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.following import is_mask, plain_name
from model_runtime.huggingface.joining import HEADS, KEYS, Parts, States, joined
from model_runtime.huggingface.labels import NOWHERE, Labelled, Labels
from model_runtime.huggingface.products import Product, product_of

BLOCKED = {
    "BigBirdBlockSparseAttention",
    "BigBirdPegasusBlockSparseAttention",
    "CanineAttention",
    "LEDEncoderSelfAttention",
    "LongformerSelfAttention",
    "LongT5LocalAttention",
    "LongT5TransientGlobalAttention",
    "PegasusXGlobalLocalAttention",
}
# A label of a hidden state's number: row · _WIDEST + column, row = text and position.
_WIDEST = 2**16


class Blocks:
    """One run of one attention module that works in blocks."""

    def __init__(self, module: str, length: int, inputs: Sequence[Tensor]) -> None:
        self.parts = Parts(module, length)
        self._rows = Labelled(is_mask)
        self._cells = Labelled(is_mask)
        for states in inputs:
            if states.dim() == 3 and states.is_floating_point():
                self._take(states)

    def _take(self, hidden: Tensor) -> None:
        """Label hidden states [text, position, column] that come from outside."""
        texts, length, _ = hidden.shape
        first = self.parts.states[-1].first if self.parts.states else 0
        if self.parts.states:
            first += self.parts.states[-1].texts * self.parts.states[-1].length
        self.parts.states.append(States(first, texts, length))
        rows = first + torch.arange(texts * length).view(texts, length, 1)
        self._rows.set(hidden, Labels(rows * _WIDEST + torch.arange(hidden.shape[2])))

    def note(
        self, func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any
    ) -> None:
        """See a torch function and what it gave."""
        name = plain_name(name)
        if name == "linear":
            self._project(args[0], out)
            return
        product = product_of(name, args, kwargs)
        if product is not None:
            self._multiply(product, out)
            return
        if name == "softmax":
            labels = self._cells.get(args[0])
            if labels is not None:
                self.parts.scores.append((labels, args[0].clone()))
        for labelled in (self._rows, self._cells):
            labelled.follow(name, func, args, kwargs, out)

    def _project(self, hidden: Tensor, out: Tensor) -> None:
        """A projection mixes columns, not rows."""
        if hidden.dim() == 3 and self._rows.get(hidden) is None:
            self._take(hidden)
        labels = self._rows.get(hidden)
        if labels is not None:
            rows = labels.of[..., :1] // _WIDEST
            of = torch.where(rows < 0, NOWHERE, rows * _WIDEST + torch.arange(out.shape[-1]))
            self._rows.set(out, Labels(of))

    def _multiply(self, product: Product, out: Tensor) -> None:
        """q·kᵀ labels its scores; a pattern with v gives z, or a part of it."""
        (summed,) = set(product.left_axes + product.right_axes) - set(product.out_axes)
        last = product.out_axes[-1]
        right = self._rows.get(product.right)
        if right is None or last not in product.right_axes or last in product.left_axes:
            return
        left, pattern = self._rows.get(product.left), self._cells.get(product.left)
        if left is not None:
            q = _rows(product.left, left, product.left_axes, summed)
            k = _rows(product.right, right, product.right_axes, summed)
            self.parts.q.append(q)
            self.parts.k.append(k)
            from_q = _spread(q[0], product.left_axes.replace(summed, ""), product.out_axes)
            from_k = _spread(k[0], product.right_axes.replace(summed, ""), product.out_axes)
            cells = torch.where((from_q < 0) | (from_k < 0), NOWHERE, from_q * KEYS + from_k)
            self._cells.set(out, Labels(cells, product.alpha))
        elif pattern is not None:
            self.parts.pattern.append((pattern.of, product.left.clone()))
            self.parts.v.append(_rows(product.right, right, product.right_axes, last))
            # Shifted blocks leave hidden cells of other queries in a row: take the largest share.
            axis = product.left_axes.index(summed)
            largest = product.left.argmax(axis, keepdim=True)
            queries = pattern.of.gather(axis, largest).squeeze(axis) // KEYS
            rows = _spread(queries, product.left_axes.replace(summed, ""), product.out_axes[:-1])
            self.parts.z.append((rows.expand(out.shape[:-1]), out.clone()))

    def call(self) -> AttentionCall | None:
        """The whole call, once the module is done; None if there was no attention in it."""
        if not (self.parts.scores and self.parts.pattern):
            return None
        return joined(self.parts)


def _rows(tensor: Tensor, labels: Labels, axes: str, columns: str) -> tuple[Tensor, Tensor]:
    """(labels of the rows of each head [*rest], their numbers [*rest, d]); `columns` is the
    axis along which a row goes."""
    axis = axes.index(columns)
    first = labels.of.select(axis, 0)
    row, column = first // _WIDEST, first % _WIDEST
    of = torch.where(first < 0, NOWHERE, row * HEADS + column // tensor.shape[axis])
    return of, tensor.movedim(axis, -1).clone()


def _spread(labels: Tensor, axes: str, out_axes: str) -> Tensor:
    """Labels with some axes in the order of others, and an axis of size 1 for each missing."""
    labels = labels.permute([axes.index(axis) for axis in out_axes if axis in axes])
    for i, axis in enumerate(out_axes):
        if axis not in axes:
            labels = labels.unsqueeze(i)
    return labels
