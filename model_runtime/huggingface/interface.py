"""Catches what goes through transformers' attention interface: q, k, v, mask, and what came out.

Almost every model file asks `ALL_ATTENTION_FUNCTIONS.get_interface` for the function that
computes its attention. Knows torch and that one method; not which layer called.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import AttentionInterface

from model_runtime.huggingface.calls import AttentionCall, Once
from model_runtime.huggingface.fallback import inside_interface

Compute = Callable[..., tuple[Tensor, Tensor | None]]

_ear: ContextVar["_Ear | None"] = ContextVar("ear", default=None)
_own_get_interface = AttentionInterface.get_interface


def _get_interface(self: AttentionInterface, name: str, default: Compute) -> Compute:
    """What the model file would have got, and if somebody listens, with an ear on it.

    The function itself is the library's own or the model file's own, so what the model
    computes stays the same. A custom *name* would not do: some model files build other
    masks for names that they do not know.
    """
    compute = _own_get_interface(self, name, default)
    ear = _ear.get()
    return compute if ear is None else _heard(compute, name, ear)


# For good, and without effect until `listen`: threads may run other models meanwhile.
AttentionInterface.get_interface = _get_interface  # type: ignore[method-assign, assignment]


@dataclass
class _Ear:
    """What one pass has said so far."""

    patterns: bool
    seen: list[tuple[nn.Module, AttentionCall]] = field(default_factory=list)
    once: Once = field(default_factory=Once)


@contextmanager
def listen(*, patterns: bool = True) -> Iterator[list[tuple[nn.Module, AttentionCall]]]:
    """While open, every call of this thread is appended, with the module that made it. Without
    `patterns`, those that the model made are not kept: n² of memory for every head."""
    ear = _Ear(patterns)
    token = _ear.set(ear)
    try:
        yield ear.seen
    finally:
        _ear.reset(token)


def _heard(compute: Compute, name: str, ear: _Ear) -> Compute:
    @wraps(compute)
    def attention(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        token = inside_interface.set(True)
        try:
            out, pattern = compute(module, query, key, value, attention_mask, *args, **kwargs)
        finally:
            inside_interface.reset(token)
        scaling = args[0] if args else kwargs.get("scaling")
        call = AttentionCall(
            module="",
            q=query,
            k=key,
            v=value,
            scale=query.shape[-1] ** -0.5 if scaling is None else float(scaling),
            added=ear.once(_added, attention_mask, kwargs.get("position_bias")),
            visible=_visible(module, name, query, key, attention_mask, kwargs, ear.once),
            softcap=kwargs.get("softcap"),
            sinks=_sinks(module, kwargs),
            pattern=pattern if ear.patterns else None,
            z=out.transpose(1, 2),  # [batch, n_q, head, d_value] as it is returned
            once=ear.once,
        )
        if call.sinks is not None and pattern is not None and _sums_to_one(pattern):
            # The share of the sink is taken off the head's output instead (granite_swa): the
            # pattern that the output was mixed with is not the one that was returned.
            call.pattern = None
        ear.seen.append((module, call))
        return out, pattern

    return attention


def _added(mask: Tensor | None, bias: Tensor | None) -> Tensor | None:
    """What is added to the scores: the position bias, and a mask that is made of numbers."""
    numbers = [part for part in (bias, mask) if part is not None and part.dtype != torch.bool]
    if len(numbers) == 2:
        # The lowest number plus a bias would be −inf or overflow: hidden stays hidden.
        return numbers[0] + numbers[1]
    return numbers[0] if numbers else None


def _visible(
    module: nn.Module,
    name: str,
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    kwargs: dict[str, Any],
    once: Once,
) -> Tensor | None:
    """A mask of booleans; or the one that sdpa makes itself where it is given none and is
    causal (`integrations/sdpa_attention.py`)."""
    if mask is not None:
        return mask if mask.dtype == torch.bool else None
    is_causal = kwargs.get("is_causal")
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    n_q, n_k = query.shape[2], key.shape[2]
    if name != "sdpa" or not is_causal or n_q == 1:
        return None
    return once(_causal, n_q, n_k)


def _causal(n_q: int, n_k: int) -> Tensor:
    return torch.ones(n_q, n_k, dtype=torch.bool).tril()[None, None]


def _sinks(module: nn.Module, kwargs: dict[str, Any]) -> Tensor | None:
    """A score for each head that takes a share of every row and gives nothing."""
    for found in (kwargs.get("s_aux"), kwargs.get("sinks"), getattr(module, "sinks", None)):
        if isinstance(found, Tensor):
            # Beside the scores [batch, head, n_q, n_k] stands one column more, or one for all rows.
            return found.detach()[..., 0] if found.dim() == 4 else found.detach().reshape(-1)
    return None


def _sums_to_one(pattern: Tensor) -> bool:
    return bool((pattern.sum(-1) - 1).abs().max() < 1e-5)
