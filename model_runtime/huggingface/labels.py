"""Where every number of a tensor comes from, through code that cuts sequences into blocks.

A label is moved with each number: the same torch functions that cut, shift, pad and gather the
numbers are run on the labels too. Knows torch functions by name; not what is labelled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

NOWHERE = -1  # the label of padding, and of whatever was not followed

_MOVES = {
    "view", "reshape", "transpose", "permute", "contiguous", "clone", "pad", "cat", "stack",
    "as_strided", "getitem", "gather", "split", "chunk", "unfold", "expand", "repeat",
    "unsqueeze", "squeeze", "flatten", "narrow", "flip",
}  # fmt: skip
_KEEPS = {
    "mul", "div", "truediv", "add", "sub", "masked_fill", "where", "dropout", "to", "type",
    "type_as", "float", "softmax",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Labels:
    """A label for every number of a tensor, in the same shape and the same layout in memory."""

    of: Tensor  # int64
    factor: float = 1.0  # the numbers are this many times what they were when first labelled
    is_biased: bool = False  # and something else was added to them, which is no mask


class Labelled:
    """The labels of all tensors that have some, kept as long as the tensor itself."""

    def __init__(self, is_mask: Callable[[Any], bool]) -> None:
        self._labels: Any = WeakTensorKeyDictionary()
        self._is_mask = is_mask

    def get(self, tensor: Any) -> Labels | None:
        """The labels of a tensor, if it has some."""
        return self._labels.get(tensor) if isinstance(tensor, Tensor) else None

    def set(self, tensor: Tensor, labels: Labels) -> None:
        """Label a tensor. In its own layout, for some functions (as_strided) read memory; and
        without a copy where that is the layout already, for views are written through."""
        if labels.of.stride() != tensor.stride():
            of = torch.empty_strided(tensor.shape, tensor.stride(), dtype=torch.int64)
            labels = replace(labels, of=of.copy_(labels.of.expand(tensor.shape)))
        self._labels[tensor] = labels

    def follow(
        self, name: str, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any
    ) -> None:
        """Label what `func`, of a plain name, made of `args`, if it only moved numbers or
        changed each by itself."""
        if name == "setitem":
            self._assign(args[0], args[1], args[2])
        elif name in _KEEPS and isinstance(out, Tensor):
            self._keep(name, args, out)
        elif name in _MOVES:
            known = [found for found in map(self.get, _tensors(args)) if found is not None]
            if known:
                self._move(name, func, args, kwargs, out, known)

    def _keep(self, name: str, args: Sequence[Any], out: Tensor) -> None:
        """Labels stay in place; what is done to all numbers alike is noted."""
        for i, arg in enumerate(args):
            labels = self.get(arg)
            if labels is None or arg.shape != out.shape:
                continue
            other = args[1 - i] if len(args) > 1 and i < 2 else None
            if name in ("mul", "div", "truediv") and isinstance(other, int | float):
                by = float(other) if name == "mul" else 1.0 / float(other)
                labels = replace(labels, factor=labels.factor * by)
            elif name in ("add", "sub") and not self._is_mask(other):
                labels = replace(labels, is_biased=True)
            self.set(out, labels)
            return

    def _move(
        self,
        name: str,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        out: Any,
        known: Sequence[Labels],
    ) -> None:
        mixed = name in ("cat", "stack")
        moved = [self._in_place_of(arg, mixed) for arg in args]
        if name == "pad":
            pad = args[1] if len(args) > 1 else kwargs["pad"]
            made = func(moved[0], pad, "constant", NOWHERE)
        else:
            made = func(*moved, **kwargs)
        pairs = [(out, made)] if isinstance(out, Tensor) else zip(out, made, strict=True)
        is_biased = any(found.is_biased for found in known)
        for tensor, labels in pairs:
            self.set(tensor, Labels(labels, known[0].factor, is_biased))

    def _in_place_of(self, arg: Any, mixed: bool) -> Any:
        if isinstance(arg, list | tuple) and mixed:
            return [self._in_place_of(one, mixed) for one in arg]
        labels = self.get(arg)
        if labels is not None:
            return labels.of
        if mixed and isinstance(arg, Tensor):
            return torch.full(arg.shape, NOWHERE, dtype=torch.int64)
        return arg

    def _assign(self, target: Tensor, index: Any, value: Any) -> None:
        """target[index] = value."""
        labels, new = self.get(target), self.get(value)
        if new is None and (labels is None or not isinstance(value, Tensor)):
            return  # a number put in place hides cells; it does not move them
        if labels is None:
            of = torch.empty_strided(target.shape, target.stride(), dtype=torch.int64)
            labels = Labels(of.fill_(NOWHERE))
        labels.of[index] = NOWHERE if new is None else new.of
        if new is not None:
            labels = replace(labels, factor=new.factor, is_biased=new.is_biased)
        self._labels[target] = labels


def _tensors(args: Sequence[Any]) -> list[Tensor]:
    found = []
    for arg in args:
        if isinstance(arg, Tensor):
            found.append(arg)
        elif isinstance(arg, list | tuple):
            found.extend(one for one in arg if isinstance(one, Tensor))
    return found
