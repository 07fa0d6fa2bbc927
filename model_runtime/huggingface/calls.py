"""One softmax attention that a transformers model computed: its inputs and its own results.

What both ways of recording hand over (`recorder.py`, `fallback.py`). Knows torch, with the
batch axis still there; not how the call was caught.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runtime.attention import AttentionRecord
from model_runtime.recording import OwnAttention
from model_runtime.types import StackName

# Additive masks say "not visible" with −inf, the dtype's lowest number or −10,000. No score that
# matters comes near, and exp of any of them is 0.
HIDDEN_BELOW = -5_000.0

Made = TypeVar("Made")


class Once:
    """Makes a table once for all layers that hand in the same tensors: a mask or a position
    bias grows with n², and layers share it."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], tuple[object, object]] = {}

    def __call__(self, make: Callable[..., Made], *parts: object) -> Made:
        """`make(*parts)`, or what it gave the last time. The parts are kept, so that none of
        them is replaced by another one at its address."""
        key = (make, *map(id, parts))
        if key not in self._made:
            self._made[key] = (parts, make(*parts))
        return cast(Made, self._made[key][1])


@dataclass(eq=False)
class AttentionCall:
    """One call of one attention module; n_q queries, n_k keys, heads counted as queries are."""

    module: str  # dotted name of the attention module in the model
    q: Tensor  # [batch, head, n_q, d_head], positions already applied
    k: Tensor  # [batch, kv_head, n_k, d_head]
    v: Tensor  # [batch, kv_head, n_k, d_value]
    scale: float
    added: Tensor | None  # [batch or 1, head or 1, n_q or 1, n_k]: bias and mask in one, as added
    visible: Tensor | None = None  # the same shape, bool: a mask that was never added
    softcap: float | None = None
    sinks: Tensor | None = None  # [head], or [batch, head, n_q] where each query has its own
    pattern: Tensor | None = None  # [batch, head, n_q, n_k], the model's own
    z: Tensor | None = None  # [batch, head, n_q, d_value], the model's own
    trouble: str = ""  # why this call cannot be shown exactly, if it cannot
    once: Once = field(default_factory=Once, repr=False)  # shared by the calls of one pass

    def own(self, stack: StackName, layer: int, batch: int = 0) -> OwnAttention:
        """One sequence of the batch as a record, and the model's own results beside it."""
        if self.z is None:
            raise ValueError(f"{self.module} was recorded without its result")
        bias, mask = self.once(bias_and_mask, self.added, self.visible)
        n_q, n_k = self.q.shape[-2], self.k.shape[-2]
        sinks = self.sinks
        record = AttentionRecord(
            stack=stack,
            layer=layer,
            q=_array(self.q[batch]),
            k=_array(self.k[batch]),
            v=_array(self.v[batch]),
            scale=self.scale,
            bias=None if bias is None else _array(_sequence(bias, batch, n_q, n_k)),
            mask=None if mask is None else _sequence(mask, batch, n_q, n_k).numpy(),
            softcap=self.softcap,
            sinks=None if sinks is None else _array(sinks if sinks.dim() == 1 else sinks[batch]),
        )
        pattern = None if self.pattern is None else _array(self.pattern[batch])
        return OwnAttention(record, pattern, _array(self.z[batch]))


def bias_and_mask(
    added: Tensor | None, visible: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """(bias, mask) of what is added to the scores: finite numbers, and True where visible.
    None for a bias that is 0 everywhere and a mask that hides nothing."""
    bias, mask = None, visible
    if added is not None:
        shown = added > HIDDEN_BELOW
        bias = torch.where(shown, added, 0.0)
        mask = shown if mask is None else shown & mask
    if bias is not None and not bias.any():
        bias = None
    if mask is not None and bool(mask.all()):
        mask = None
    return bias, mask


def _sequence(table: Tensor, batch: int, n_q: int, n_k: int) -> Tensor:
    """[head or 1, query, key] of one sequence; what is the same for all is not copied."""
    one = table[batch if table.shape[0] > 1 else 0]
    return one.expand(one.shape[0], n_q, n_k)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy()
