"""The blocks of one attention, with a label on every row and score, as one n_q × n_k call.

Knows what the labels mean and nothing of how they were followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model_runtime.errors import N_
from model_runtime.huggingface.calls import HIDDEN_BELOW, AttentionCall
from model_runtime.huggingface.labels import Labels
from model_runtime.huggingface.softmaxes import UNEXPLAINED, once, rest_of, rounding

OUTSIDE = N_("some of its shares go to positions that are no tokens of the text")
OWN_KEYS = N_("some of its queries look at keys and values of their own, unlike those of the rest")

# A row of one head is labelled row · HEADS + head; a score, its query's · KEYS + its key's.
HEADS = 2**8
KEY_BITS = 31
KEYS = 2**KEY_BITS
_LEFT_OUT = -(2**40)
# Shares of a row that are unaccounted for, at most.
_LOST = 1e-4

Part = tuple[Tensor, Tensor]  # labels [*rest], and numbers [*rest, d] or [*rest]


@dataclass(frozen=True)
class States:
    """Hidden states that went in: rows `first` … first + texts · length − 1."""

    first: int
    texts: int
    length: int

    def holds(self, labels: Tensor) -> bool:
        """Whether some of these labels are of its rows."""
        rows = labels // HEADS
        return bool(((rows >= self.first) & (rows < self.first + self.texts * self.length)).any())


@dataclass
class Parts:
    """What one run of a module computed, in pieces."""

    module: str
    length: int  # of the text; what the model pads behind it is left out again
    states: list[States] = field(default_factory=list)
    q: list[Part] = field(default_factory=list)
    k: list[Part] = field(default_factory=list)
    v: list[Part] = field(default_factory=list)
    z: list[Part] = field(default_factory=list)
    scores: list[tuple[Labels, Tensor]] = field(default_factory=list)
    pattern: list[Part] = field(default_factory=list)


class _Side:
    """The queries, or the keys, one after the other: the place of every labelled row."""

    def __init__(self, parts: Parts, used: Sequence[Part], heads: int) -> None:
        labels = torch.cat([labels.flatten() for labels, _ in used]).unique()
        last = parts.states[-1]
        n_rows = last.first + last.texts * last.length
        text = torch.zeros(n_rows, dtype=torch.int64)
        position = torch.full((n_rows,), -1)
        kept = [states for states in parts.states if states.holds(labels)]
        self.length = 0
        for states in kept:
            length = min(states.length, parts.length) if len(kept) == 1 else states.length
            within = torch.arange(states.texts * states.length)
            rows = slice(states.first, states.first + len(within))
            text[rows] = within // states.length
            position[rows] = within % states.length
            position[rows] = position[rows].where(position[rows] < length, -self.length - 1)
            position[rows] += self.length
            self.length += length
        # [row, head], and one more row, for NOWHERE. What is left out is far below 0.
        every_head = text[:, None] * heads + torch.arange(HEADS)
        at = every_head * self.length + position[:, None]
        left_out = torch.full((1, HEADS), _LEFT_OUT)
        self.at = torch.cat([at.masked_fill(position[:, None] < 0, _LEFT_OUT), left_out]).flatten()
        self.position = torch.cat([position.where(position >= 0, _LEFT_OUT), left_out[0, :1]])


def joined(parts: Parts) -> AttentionCall:
    """One call with all queries and all keys; in `trouble`, why that cannot be."""
    heads = 1 + max(int((labels[labels >= 0] % HEADS).max()) for labels, _ in parts.q)
    queries, keys = _Side(parts, parts.q, heads), _Side(parts, parts.k, heads)
    texts = parts.states[0].texts
    shape = torch.Size((texts, heads, queries.length, keys.length))

    def rows(side: _Side, found: Sequence[Part], is_sum: bool = False) -> Tensor:
        full = torch.zeros(texts * heads * side.length, found[0][1].shape[-1])
        for labels, numbers in found:
            at = side.at[labels]
            here = at >= 0
            if is_sum:
                full.index_add_(0, at[here], numbers[here].float())
            else:
                full[at[here]] = numbers[here].float()
        return full.view(texts, heads, side.length, -1)

    key_at = keys.position.repeat_interleave(HEADS)

    def cells(labels: Tensor) -> Tensor:
        """Where each labelled cell is in `shape`, flat; one beyond the end if it is not."""
        at = queries.at[labels >> KEY_BITS] * keys.length + key_at[labels & (KEYS - 1)]
        return at.masked_fill_(at < 0, shape.numel())

    q, k, v = rows(queries, parts.q), rows(keys, parts.k), rows(keys, parts.v)
    z = rows(queries, parts.z, is_sum=True)
    pattern = torch.zeros(shape.numel() + 1)
    for labels, shares in parts.pattern:
        here = (labels >= 0) & (shares > 0)
        pattern.index_add_(0, cells(labels[here]), shares[here].float())
    pattern = pattern[:-1].view(shape)
    scores, is_repeated = _scores(parts, cells, shape)
    scale = parts.scores[0][0].factor

    # A padding token's query, from which all is hidden, may look behind the end of the text.
    given = pattern.sum(-1, keepdim=True)
    nothing = (scores <= HIDDEN_BELOW).all(-1, keepdim=True) & ((given - 1).abs() > _LOST)
    pattern, z = pattern.masked_fill(nothing, 0.0), z.masked_fill(nothing, 0.0)
    given = pattern.sum(-1, keepdim=True)
    rest = rest_of(scores, q, k, scale)
    shown = (rest > HIDDEN_BELOW) & (given > 0)
    seen = rest.masked_fill(~shown, 0.0)
    is_plain = bool(seen.abs().max() <= rounding(parts.scores[0][1], q, k, scale))
    trouble = ""
    if bool((given > 1 + _LOST).any()):
        trouble = OWN_KEYS
    elif bool(((given < 1 - _LOST) & (given > 0)).any()):
        trouble = OUTSIDE
    elif not (is_plain or is_repeated or any(labels.is_biased for labels, _ in parts.scores)):
        trouble = UNEXPLAINED
    return AttentionCall(
        module=parts.module,
        q=q,
        k=k,
        v=v,
        scale=scale,
        added=None if is_plain else seen,
        visible=once(shown),
        pattern=pattern,
        z=z,
        trouble=trouble,
    )


def _scores(
    parts: Parts, cells: Callable[[Tensor], Tensor], shape: torch.Size
) -> tuple[Tensor, bool]:
    """[text, head, query, key], −∞ where none was made; and whether some were made repeatedly.

    A key that a query sees twice has twice the weight: as if ln 2 were added to its score.
    (At rest, a big_bird sees its first block once more for each of its random blocks.)
    """
    placed = []
    for labels, scores in parts.scores:
        here = (labels.of >= 0) & (scores > -torch.inf)
        placed.append((cells(labels.of[here]), scores[here].double()))
    n_cells, n_keys = shape.numel(), shape[3]
    times = torch.zeros(n_cells + 1, dtype=torch.int32)
    full = torch.full((n_cells + 1,), -torch.inf, dtype=torch.float64)
    for at, scores in placed:
        times.index_add_(0, at, (scores > HIDDEN_BELOW).int())
        full.scatter_reduce_(0, at, scores, "amax")  # some cells are there twice, once hidden
    is_repeated = bool((times[:-1] > 1).any())
    if is_repeated:
        highest = full[:-1].view(-1, n_keys).amax(-1).clamp_min(torch.finfo().min)
        highest = torch.cat([highest, torch.zeros(1)])
        full.zero_()
        for at, scores in placed:
            full.index_add_(0, at, (scores - highest[at // n_keys]).exp())
        full[:-1].log_().view(-1, n_keys).add_(highest[:-1, None])
    return full[:-1].view(shape), is_repeated
