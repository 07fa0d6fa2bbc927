"""A softmax whose scores are known: what was added to q·kᵀ, and with v, the whole call.

Knows torch; neither how the scores were followed nor any model file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

from model_runtime.errors import N_
from model_runtime.huggingface.calls import HIDDEN_BELOW, AttentionCall
from model_runtime.huggingface.following import Scores, Term
from model_runtime.huggingface.products import Mixture

UNEXPLAINED = N_("its scores hold something that is neither q·k nor was seen being added")
LOST = N_("its scores are not q·k times a number, plus something")
MIXED = N_("its pattern is made of several softmaxes, or changed after the softmax")
NO_HEADS = N_("its scores do not have one axis for the texts and one for the heads")


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
