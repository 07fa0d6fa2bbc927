"""What is known of scores on their way from q·kᵀ to softmax, and of a pattern on to its z.

Scores are q·kᵀ·scale plus something; the functions that keep them so are told apart from those
that do not. Knows torch functions by name; no model file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from model_runtime.huggingface.calls import HIDDEN_BELOW
from model_runtime.huggingface.products import Product

_SAME = {"to", "type", "type_as", "float", "double", "contiguous", "clone", "dropout"}
_VIEWS = {"view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "getitem"}
_SUMS = {"add": 1.0, "sub": -1.0}
_AFTER_SOFTMAX = _SAME | _VIEWS | {"masked_fill", "mul", "nan_to_num"}
_GLANCE = 1_000
_FILLS = {"masked_fill", "where", "max", "maximum", "clamp"}


@dataclass(frozen=True, eq=False)
class Term:
    """q·kᵀ times a factor."""

    q: Tensor  # [*lead, n_q, d], a leading axis may be 1
    k: Tensor  # [*lead, n_k, d], likewise
    lead: torch.Size
    factor: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores are the sum of some products, plus a mask, plus a bias if `is_biased`."""

    module: str  # the one that computed the product
    terms: tuple[Term, ...]
    is_biased: bool
    is_lost: bool = False  # something else was done to them since

    @classmethod
    def of(
        cls,
        module: str,
        pair: tuple[Tensor, Tensor],
        product: Product,
        lead: torch.Size,
        plus: "Scores | None",
    ) -> "Scores":
        """The scores that a product makes, by itself and with what is known of what the same
        function adds to it."""
        made = cls(module, (Term(*pair, lead, float(product.alpha)),), is_biased=False)
        return made if product.plus is None else made.plus(plus, product.plus, product.plus_factor)

    def times(self, factor: float) -> "Scores":
        """The same, scaled."""
        return replace(self, terms=tuple(replace(t, factor=t.factor * factor) for t in self.terms))

    def plus(self, other: "Scores | None", addend: Any, factor: float) -> "Scores":
        """The sum with other scores, or with anything else."""
        if self.is_lost and other is not None and not other.is_lost:
            return replace(other.times(factor), is_biased=True)
        if other is None or other.is_lost:
            return replace(self, is_biased=self.is_biased or not is_mask(addend))
        terms = self.terms + other.times(factor).terms
        return replace(self, terms=terms, is_biased=self.is_biased or other.is_biased)


def follow_scores(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    known: Callable[[Tensor], Scores | None],
    out: Tensor,
) -> Scores | None:
    """What is known of `out`, which torch's function `name` made; None if no scores went in,
    or if it is no table of scores any more."""
    operands = [args[i] if i < len(args) else None for i in range(3)]
    scores = [known(operand) if isinstance(operand, Tensor) else None for operand in operands]
    found = [of for of in scores if of is not None]
    if not found or out.dim() < 3:
        return None
    first = next((of for of in found if not of.is_lost), found[0])
    kept = _kept(plain_name(name), operands, scores, first, kwargs, out)
    if kept is not None:
        return kept
    is_table = any(isinstance(of, Tensor) and of.shape[-2:] == out.shape[-2:] for of in operands)
    return replace(first, is_lost=True) if is_table else None


def _kept(
    name: str,
    operands: Sequence[Any],
    scores: Sequence[Scores | None],
    first: Scores,
    kwargs: Mapping[str, Any],
    out: Tensor,
) -> Scores | None:
    """The scores after a function that keeps them a sum with q·kᵀ in it."""
    if name in _SAME:
        return first
    if name in _VIEWS:
        before = operands[0]
        is_whole = out.shape[-2:] == before.shape[-2:] and out.numel() == before.numel()
        return first if is_whole else None
    if name == "setitem":
        return replace(first, is_biased=True)
    if name in _SUMS:
        return _sum(operands, scores, _SUMS[name] * float(kwargs.get("alpha", 1.0)))
    if name == "rsub":
        return first.times(-1.0).plus(None, operands[1], 1.0)
    if name == "neg":
        return first.times(-1.0)
    if name in ("mul", "div", "truediv"):
        return _scaled(name, first, operands[1] if scores[0] is first else operands[0])
    if name in _FILLS:
        is_biased = first.is_biased or not _hides(name, operands, scores, kwargs)
        return replace(first, is_biased=is_biased)
    return None


def keeps_pattern(name: str, tensors: Sequence[Tensor], out: Tensor) -> bool:
    """Whether what torch's function `name` makes of a pattern is still one: the same shares,
    some of them perhaps hidden."""
    is_whole = out.shape[-2:] == tensors[0].shape[-2:] and out.numel() == tensors[0].numel()
    return plain_name(name) in _AFTER_SOFTMAX and is_whole


def plain_name(name: str) -> str:
    """add of add, add_ and __iadd__."""
    return name.strip("_").removeprefix("i") if name.startswith("__") else name.rstrip("_")


def _sum(operands: Sequence[Any], scores: Sequence[Scores | None], sign: float) -> Scores | None:
    left, right = scores[:2]
    if left is not None:
        return left.plus(right, operands[1], sign)
    return right and right.times(sign).plus(None, operands[0], 1.0)


def _scaled(name: str, scores: Scores, by: Any) -> Scores | None:
    """Scores times or divided by a number; or times a mask of 0 and 1."""
    if isinstance(by, Tensor) and by.numel() > 1:
        return scores if name == "mul" and bool(((by == 0) | (by == 1)).all()) else None
    return scores.times(float(by) if name == "mul" else 1.0 / float(by))


def _hides(
    name: str,
    operands: Sequence[Any],
    scores: Sequence[Scores | None],
    kwargs: Mapping[str, Any],
) -> bool:
    """Whether what is put in place of some scores hides them."""
    if name == "masked_fill":
        return _is_hidden(kwargs.get("value", operands[2]))
    if name == "where":
        return _is_hidden(operands[2] if scores[2] is None else operands[1])
    if name == "clamp":
        return _is_hidden(kwargs.get("min", operands[1])) and kwargs.get("max", operands[2]) is None
    return _is_hidden(operands[1] if scores[1] is None else operands[0])


def _is_hidden(fill: Any) -> bool:
    return bool((torch.as_tensor(fill) <= HIDDEN_BELOW).all())


def is_mask(addend: Any) -> bool:
    """Whether adding it only hides: 0, or far below every score."""
    addend = torch.as_tensor(addend)
    for part in (addend.reshape(-1)[:_GLANCE], addend):  # a bias shows at once
        if not bool(((part == 0) | (part <= HIDDEN_BELOW)).all()):
            return False
    return True
