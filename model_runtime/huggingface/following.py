"""What is known of scores on their way from q·kᵀ to softmax, and of a pattern on to its z.

Scores are q·kᵀ·scale plus something: the functions that keep them so are told apart from those
that do not, and at the softmax the something is worked out. Knows torch; no model file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from model_runtime.errors import N_
from model_runtime.huggingface.calls import HIDDEN_BELOW, AttentionCall
from model_runtime.huggingface.products import Mixture, Product

UNEXPLAINED = N_("its scores hold something that is neither q·k nor was seen being added")
LOST = N_("its scores are not q·k times a number, plus something")
MIXED = N_("its pattern is made of several softmaxes, or changed after the softmax")
NO_HEADS = N_("its scores do not have one axis for the texts and one for the heads")

_SAME = {"to", "type", "type_as", "float", "double", "contiguous", "clone", "dropout"}
_VIEWS = {"view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "expand"}
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
        cls, module: str, pair: tuple[Tensor, Tensor], product: Product, out: Tensor
    ) -> "Scores":
        """The scores that a product makes."""
        term = Term(*pair, out.shape[:-2], float(product.alpha))
        return cls(module, (term,), product.plus is not None and not is_mask(product.plus))

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
    is_table = any(isinstance(of, Tensor) and of.shape == out.shape for of in operands)
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
        return first if out.shape[-2:] == operands[0].shape[-2:] else None
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
    return plain_name(name) in _AFTER_SOFTMAX and out.shape[-2:] == tensors[0].shape[-2:]


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


@dataclass(frozen=True, eq=False)
class Found:
    """A softmax of known scores, in the layout of the scores; what is still to come is v."""

    module: str
    lead: torch.Size  # the leading axes of the scores
    q: Tensor  # [*lead, n_q, d]
    k: Tensor  # [*lead, n_k, d]
    scale: float
    added: Tensor | None  # [*lead, n_q, n_k]
    visible: Tensor | None  # the same
    trouble: str


def found_at(scores: Scores, before: Tensor) -> Found:
    """What went into a softmax: `before` is [*lead, n_q, n_k] and known as `scores`."""
    lead = before.shape[:-2]
    q, k, scale = _joined(scores.terms, lead)
    rest = rest_of(before, q, k, scale)
    hidden = rest <= HIDDEN_BELOW
    worst = rest.masked_fill(hidden, 0.0).abs().max()
    added = None if float(worst) <= rounding(before, q, k, scale) else rest
    visible = ~hidden if added is None and bool(hidden.any()) else None
    explained = scores.is_biased or bool((before <= HIDDEN_BELOW).all(-1).any())
    trouble = LOST if scores.is_lost else "" if added is None or explained else UNEXPLAINED
    return Found(scores.module, lead, q, k, scale, added, visible, trouble)


def rest_of(scores: Tensor, q: Tensor, k: Tensor, scale: float) -> Tensor:
    """What was added to q·kᵀ·scale to make scores, in 32 bits of a difference in 64.

    A row in which every cell is hidden, as of a padding token, is raised to 0 first: softmax is
    the same, and the model does share such a row out."""
    dot = torch.matmul(q.double() * scale, k.double().transpose(-1, -2))
    highest = scores.amax(-1, keepdim=True)
    raised = (highest <= HIDDEN_BELOW) & highest.isfinite()
    if bool(raised.any()):
        scores = torch.where(raised, scores - highest, scores)
    return torch.sub(scores, dot).float()


def rounding(before: Tensor, q: Tensor, k: Tensor, scale: float) -> float:
    """How far the model's own scores may be off q·kᵀ·scale by rounding alone."""
    size = float(q.norm(dim=-1).max() * k.norm(dim=-1).max()) * abs(scale)
    return 8 * torch.finfo(before.dtype).eps * size


def _joined(terms: Sequence[Term], lead: torch.Size) -> tuple[Tensor, Tensor, float]:
    """One q, k and scale whose product is the sum of the terms: side by side along d."""
    first = terms[0]
    if len(terms) == 1:
        return (
            _in_lead(first.q, first.lead, lead),
            _in_lead(first.k, first.lead, lead),
            first.factor,
        )
    q = [
        _in_lead(t.q, t.lead, lead).expand(*lead, -1, -1) * (t.factor / first.factor) for t in terms
    ]
    k = [_in_lead(t.k, t.lead, lead).expand(*lead, -1, -1) for t in terms]
    return torch.cat(q, dim=-1), torch.cat(k, dim=-1), first.factor


def _in_lead(tensor: Tensor, before: torch.Size, lead: torch.Size) -> Tensor:
    """[*lead, rows, columns] of a tensor [*before, rows, columns]: the same leading axes,
    taken together or apart."""
    if len(before) == len(lead):
        return tensor
    rows, columns = tensor.shape[-2:]
    return tensor.expand(*before, rows, columns).reshape(*lead, rows, columns)


def call_of(found: Found, mixture: Mixture, module: str, batch: int) -> AttentionCall:
    """The whole call, once `module` computes the product with v, of a pass over `batch` texts."""

    def by_head(tensor: Tensor, lead: torch.Size) -> Tensor:
        return _by_head(_in_lead(tensor, lead, found.lead), found.lead, batch)

    lead = mixture.z.shape[:-2]
    pattern = by_head(mixture.pattern, mixture.pattern.shape[:-2])
    added = None if found.added is None else by_head(found.added, found.lead)
    visible = None if found.visible is None else by_head(found.visible, found.lead)
    # Rows that the model sets to 0 after the softmax share nothing out.
    empty = ~pattern.any(-1, keepdim=True)
    if bool(empty.any()):
        visible = ~empty if visible is None else visible & ~empty
    return AttentionCall(
        module=_around(found.module, module),
        q=by_head(found.q, found.lead),
        k=by_head(found.k, found.lead),
        v=by_head(mixture.v, lead),
        scale=found.scale,
        added=None if added is None else once(added),
        visible=None if visible is None else once(visible.expand(pattern.shape)),
        pattern=pattern,
        z=by_head(mixture.z, lead).clone(),  # some models go on to add to it in place
        trouble=found.trouble or ("" if _has_heads(found.lead, batch) else NO_HEADS),
    )


def mixed_call(found: Found, module: str) -> AttentionCall:
    """In place of calls that are not softmax(scores)·v."""
    nothing = found.q[..., :0]
    return AttentionCall(module, found.q, found.k, nothing, found.scale, None, trouble=MIXED)


def fused_call(
    module: str,
    z: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> AttentionCall:
    """A call of torch's scaled_dot_product_attention, which makes no pattern."""
    visible = attn_mask if attn_mask is not None and attn_mask.dtype == torch.bool else None
    if is_causal:
        n_q, n_k = query.shape[-2], key.shape[-2]
        visible = torch.ones(n_q, n_k, dtype=torch.bool, device=query.device).tril()
    added = attn_mask if visible is None else None
    return AttentionCall(
        module=module,
        q=query,
        k=key,
        v=value,
        scale=query.shape[-1] ** -0.5 if scale is None else scale,
        added=None if added is None else added[(None,) * (4 - added.dim())],
        visible=None if visible is None else visible[(None,) * (4 - visible.dim())],
        z=z.clone(),
        trouble="" if query.dim() == 4 else NO_HEADS,
    )


def _around(one: str, other: str) -> str:
    """The innermost module that holds both; some models have a module for every product."""
    names = zip(one.split("."), other.split("."), strict=False)
    return ".".join(name for name, _ in takewhile(lambda pair: pair[0] == pair[1], names))


def _has_heads(lead: torch.Size, batch: int) -> bool:
    return (len(lead) > 0 and lead[0] == batch) or (len(lead) == 1 and lead[0] % batch == 0)


def _by_head(tensor: Tensor, lead: torch.Size, batch: int) -> Tensor:
    """[batch, head, rows, columns] of a tensor [*lead, rows, columns]."""
    if len(lead) == 2 or not _has_heads(lead, batch):
        return tensor
    rows, columns = tensor.shape[-2:]
    return tensor.expand(*lead, rows, columns).reshape(batch, -1, rows, columns)


def once(table: Tensor) -> Tensor:
    """What is the same for all heads or all texts, kept once."""
    for axis in (1, 0):
        one, last = table.narrow(axis, 0, 1), table.narrow(axis, table.shape[axis] - 1, 1)
        if torch.equal(one, last) and bool((table == one).all()):
            table = one.contiguous()
    return table
