"""The blocks of one attention, with a label on every row and score, as one n_q × n_k call.

Knows what the labels mean and nothing of how they were followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model_runtime.errors import N_
from model_runtime.huggingface.calls import HIDDEN_BELOW, AttentionCall
from model_runtime.huggingface.following import UNEXPLAINED, once, rounding, with_hidden_rows_seen
from model_runtime.huggingface.labels import Labels

NOT_WHOLE = N_(
    "it is computed in blocks that do not make up one attention: some shares go to positions "
    "that are no tokens, or some queries have keys of their own"
)

# A row of one head is labelled row · HEADS + head; a score, its query's · KEYS + its key's.
HEADS = 2**8
KEYS = 2**31
# Shares of a row that are unaccounted for, at most.
_LOST = 1e-4

Part = tuple[Tensor, Tensor]  # labels [*rest], and numbers [*rest, d] or [*rest]


@dataclass(frozen=True)
class States:
    """Hidden states that went in: rows `first` … first + texts · length − 1."""

    first: int
    texts: int
    length: int


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
    """The queries, or the keys, in one row: which text and position each label stands for."""

    def __init__(self, parts: Parts, used: Sequence[Part]) -> None:
        rows = torch.cat([labels.flatten() for labels, _ in used]).unique() // HEADS
        last = parts.states[-1]
        # The last place is that of NOWHERE.
        self._text = torch.full((last.first + last.texts * last.length + 1,), -1)
        self._position = self._text.clone()
        kept = [
            s
            for s in parts.states
            if ((rows >= s.first) & (rows < s.first + s.texts * s.length)).any()
        ]
        self.length = 0
        for states in kept:
            length = min(states.length, parts.length) if len(kept) == 1 else states.length
            text, position = torch.meshgrid(
                torch.arange(states.texts), torch.arange(states.length), indexing="ij"
            )
            within = slice(states.first, states.first + text.numel())
            self._text[within] = text.flatten()
            shown = torch.where(position < length, position + self.length, -1)
            self._position[within] = shown.flatten()
            self.length += length

    def places(self, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(text, head, position) of labels; position −1 for what is left out."""
        row = torch.where(labels < 0, -1, labels // HEADS)
        return self._text[row], labels % HEADS, self._position[row]


def joined(parts: Parts) -> AttentionCall:
    """One call with all queries and all keys; in `trouble`, why that cannot be."""
    queries, keys = _Side(parts, parts.q), _Side(parts, parts.k)
    texts = parts.states[0].texts
    heads = 1 + max(int((labels[labels >= 0] % HEADS).max()) for labels, _ in parts.q)
    shape = torch.Size((texts, heads, queries.length, keys.length))

    def rows(side: _Side, found: Sequence[Part], is_sum: bool = False) -> Tensor:
        full = torch.zeros(texts * heads * side.length, found[0][1].shape[-1])
        for labels, numbers in found:
            text, head, position = side.places(labels)
            here = position >= 0
            at = ((text * heads + head) * side.length + position)[here]
            full = full.index_add(0, at, numbers[here].float()) if is_sum else full
            if not is_sum:
                full[at] = numbers[here].float()
        return full.view(texts, heads, side.length, -1)

    def cells(labels: Tensor) -> tuple[Tensor, Tensor]:
        text, head, position = queries.places(labels // KEYS)
        _, _, key = keys.places(torch.where(labels < 0, labels, labels % KEYS))
        here = (position >= 0) & (key >= 0)
        at = ((text * heads + head) * queries.length + position) * keys.length + key
        return at[here], here

    q, k, v = rows(queries, parts.q), rows(keys, parts.k), rows(keys, parts.v)
    z = rows(queries, parts.z, is_sum=True)
    pattern = torch.zeros(shape).flatten()
    for labels, shares in parts.pattern:
        at, here = cells(labels)
        pattern.index_add_(0, at, shares[here].float())
    pattern = pattern.view(shape)
    scores, is_repeated = _scores(parts, cells, shape)
    scale = parts.scores[0][0].factor

    # A padding token's query, from which all is hidden, may look behind the end of the text.
    given = pattern.sum(-1, keepdim=True)
    nothing = (scores <= HIDDEN_BELOW).all(-1, keepdim=True) & ((given - 1).abs() > _LOST)
    pattern, z = pattern.masked_fill(nothing, 0.0), z.masked_fill(nothing, 0.0)
    given = pattern.sum(-1, keepdim=True)
    is_whole = ((given - 1).abs() <= _LOST) | (given == 0)

    rest = with_hidden_rows_seen(scores, q.double() @ k.double().mT * scale)
    shown = (rest > HIDDEN_BELOW) & (given > 0)
    seen = torch.where(shown, rest, 0.0)
    is_plain = bool(seen.abs().max() <= rounding(parts.scores[0][1], q, k, scale))
    trouble = ""
    if not bool(is_whole.all()):
        trouble = NOT_WHOLE
    elif not (is_plain or is_repeated or any(labels.is_biased for labels, _ in parts.scores)):
        trouble = UNEXPLAINED
    return AttentionCall(
        module=parts.module,
        q=q,
        k=k,
        v=v,
        scale=scale,
        added=None if is_plain else seen.float(),
        visible=once(shown),
        pattern=pattern,
        z=z,
        trouble=trouble,
    )


def _scores(
    parts: Parts, cells: Callable[[Tensor], tuple[Tensor, Tensor]], shape: torch.Size
) -> tuple[Tensor, bool]:
    """[text, head, query, key], −∞ where none was made; and whether some were made repeatedly.

    A key that a query sees twice has twice the weight: as if ln 2 were added to its score.
    (At rest, a big_bird sees its first block once more for each of its random blocks.)
    """
    placed = [(*cells(labels.of), scores) for labels, scores in parts.scores]
    highest = torch.full(shape[:3], -torch.inf, dtype=torch.float64).flatten()
    for at, here, scores in placed:
        highest.scatter_reduce_(0, at // shape[3], scores[here].double(), "amax")
    highest = torch.where(highest.isfinite(), highest, 0.0)
    weight = torch.zeros(shape, dtype=torch.float64).flatten()
    times = torch.zeros(shape, dtype=torch.int32).flatten()
    for at, here, scores in placed:
        weight.index_add_(0, at, (scores[here].double() - highest[at // shape[3]]).exp())
        times.index_add_(0, at, torch.ones_like(at, dtype=torch.int32))
    full = weight.view(shape).log() + highest.view(shape[:3])[..., None]
    return full, bool((times > 1).any())
