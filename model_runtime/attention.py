"""One attention module in one forward pass: what was recorded, and the closed form.

    pattern = softmax(softcap(q·kᵀ·scale) + bias, over the visible keys [‖ sink])
    z = pattern·v

Vaswani et al. 2017, eq. 1, with what later architectures added. Keeps q, k, v, which
grow with n, and computes patterns, which grow with n², for what is looked at. Knows
neither the model that was recorded nor the screen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
ALL = slice(None)
Heads = int | slice
AT_HAND = 2**15  # cells of 8 bytes


@dataclass(frozen=True, eq=False)
class AttentionRecord:
    """Queries, keys and values of one layer, as they entered its attention.

    Every method takes a query head (0 … n_heads - 1) and an optional slice of query rows,
    raises IndexError for a head that is not there, and computes in 64 bits. A slice of heads
    instead of one gives the same with an axis of heads in front.
    """

    stack: str  # "encoder", "decoder" or "cross"
    layer: int
    q: NDArray[np.float32]  # [head, query, d_head], positions already applied
    k: NDArray[np.float32]  # [kv_head, key, d_head]
    v: NDArray[np.float32]  # [kv_head, key, d_value]
    scale: float  # usually 1 / √d_head
    bias: NDArray[np.float32] | None = None  # [head or 1, query, key], added to the scores
    mask: NDArray[np.bool_] | None = None  # [head or 1, query, key], True where visible
    softcap: float | None = None  # c in c·tanh(score / c)
    # [head] or [head, query]: a score that takes a share of each row and gives nothing for it
    sinks: NDArray[np.float32] | None = None

    @property
    def n_heads(self) -> int:
        """Query heads."""
        return self.q.shape[0]

    def kv_head(self, head: int) -> int:
        """The key/value head that a query head reads (grouped-query attention)."""
        return int(self._read_by(self._which(head)))

    def visible(self, head: Heads, rows: slice = ALL) -> NDArray[np.bool_]:
        """[query, key], True where the query may look."""
        which = self._which(head)
        if self.mask is None:
            every = np.ones((self.q.shape[1], self.k.shape[1]), dtype=bool)[rows]
            return np.broadcast_to(every, (*np.shape(which), *every.shape))
        return np.asarray(self.mask[which % len(self.mask)][..., rows, :])

    def dot(self, head: Heads, rows: slice = ALL) -> Doubles:
        """q·k, [query, key], before scale, bias and mask."""
        which = self._which(head)
        q = self.q[which][..., rows, :].astype(np.float64)
        k = self.k[self._read_by(which)].astype(np.float64)
        return np.asarray(q @ k.swapaxes(-1, -2))

    def scores(self, head: Heads, rows: slice = ALL) -> Doubles:
        """What softmax is taken of, [query, key]; masked cells keep their score here."""
        return self._scores_of(self.dot(head, rows), head, rows)

    def _scores_of(self, dot: Doubles, head: Heads, rows: slice) -> Doubles:
        scores = dot * self.scale
        if self.softcap is not None:
            scores = self.softcap * np.tanh(scores / self.softcap)
        if self.bias is not None:
            scores = scores + self.bias[self._which(head) % len(self.bias)][..., rows, :]
        return scores

    def sink(self, head: Heads, rows: slice = ALL) -> Doubles | None:
        """[query, 1], or [1, 1] where all rows share it: the score of the sink, if there is one."""
        if self.sinks is None:
            return None
        sink = np.asarray(self.sinks[self._which(head)], dtype=np.float64)
        return sink[..., rows, None] if self.sinks.ndim > 1 else sink[..., None, None]

    def pattern(self, head: Heads, rows: slice = ALL) -> Doubles:
        """[query, key], each row ≥ 0 and summing to 1 (less the sink's share)."""
        return self._pattern_of(self.scores(head, rows), head, rows)

    def _pattern_of(self, scores: Doubles, head: Heads, rows: slice) -> Doubles:
        if self.mask is not None:
            scores = np.where(self.visible(head, rows), scores, -np.inf)
        highest = scores.max(axis=-1, keepdims=True)
        sink = self.sink(head, rows)
        if sink is not None:
            highest = np.maximum(highest, sink)
        # A row that sees no key at all has no share to give: all zero rather than NaN.
        highest = np.where(np.isfinite(highest), highest, 0.0)
        exp = np.exp(scores - highest)
        total = exp.sum(axis=-1, keepdims=True)
        if sink is not None:
            total = total + np.exp(sink - highest)
        return np.divide(exp, total, out=np.zeros_like(exp), where=total > 0)

    def steps(self, head: Heads, rows: slice = ALL) -> tuple[Doubles, Doubles, Doubles]:
        """(dot, scores, pattern) as above, each computed once."""
        dot = self.dot(head, rows)
        scores = self._scores_of(dot, head, rows)
        return dot, scores, self._pattern_of(scores, head, rows)

    def z(self, head: Heads, rows: slice = ALL) -> Doubles:
        """pattern·v of one head, [query, d_value], before W_O."""
        return self.z_of(self.pattern(head, rows), head)

    def z_of(self, pattern: Doubles, head: Heads) -> Doubles:
        """The same, of a pattern that is there already."""
        v = self.v[self._read_by(self._which(head))].astype(np.float64)
        return np.asarray(pattern @ v)

    def parts(self, rows: slice = ALL) -> Iterator[slice]:
        """All heads, as many at a time as stay at hand, in the processor's cache."""
        n_rows = len(np.arange(self.q.shape[1])[rows])
        size = max(1, AT_HAND // max(1, n_rows * self.k.shape[1]))
        for start in range(0, self.n_heads, size):
            yield slice(start, min(start + size, self.n_heads))

    @property
    def arrays(self) -> tuple[NDArray[np.generic] | None, ...]:
        """Everything that takes memory. Layers may share a mask or a bias."""
        return (self.q, self.k, self.v, self.bias, self.mask, self.sinks)

    def _which(self, head: Heads) -> np.intp | NDArray[np.intp]:
        """The number of a head, or the numbers of some."""
        if not isinstance(head, slice) and not 0 <= head < self.n_heads:
            raise IndexError(f"head {head} of {self.n_heads}")
        found: np.intp | NDArray[np.intp] = np.arange(self.n_heads)[head]
        return found

    def _read_by(self, which: np.intp | NDArray[np.intp]) -> np.intp | NDArray[np.intp]:
        return which * self.k.shape[0] // self.q.shape[0]
