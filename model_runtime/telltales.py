"""What gives a mistake away: numbers and matrices of the right pass beside those of the wrong.

Arrays by their recorded names in, values out. Knows no model and no mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.measures import measures
from model_runtime.steps.parts import Insides, Place, Values
from model_runtime.types import Floats, Token, Trace

Number = Literal[
    "score variance",  # of the head, over the cells that are visible
    "entropy",  # of the head, mean over the rows, in bits
    "least row sum",
    "furthest row sum",  # from 1
    "column sum",  # of the key
    "own rows",  # of k: those that hold what W_K makes of their own token for this head
    "asymmetry",  # the largest |score of (i, j) − score of (j, i)|
    "own columns",  # the largest |q − the head's own columns of what it was made of|
    "position length",  # of what the query's position adds to its embedding
    "position turn",  # the longest difference that a position makes to a q
    "position bias",  # the largest |bias|
    "likeness",  # cosine of the stream before and after the sublayer, mean over positions
    "columns",  # of the stream after the first sublayer
    "stream variance",  # over the columns, after the sublayer, mean over positions
]


@dataclass(frozen=True)
class Telltale:
    """A number that gives a mistake away."""

    name: Number
    right: float
    wrong: float
    most: int | None = None  # of a count: of how many


@dataclass(frozen=True, eq=False)
class Damaged:
    """An intermediate with and without the mistake, whole."""

    kind: Literal["pattern", "stream"]
    rows: tuple[Token, ...]
    columns: tuple[Token, ...]  # keys of a pattern; a stream's columns are dimensions
    right: Values  # [row, column]
    wrong: Values
    visible: NDArray[np.bool_]  # False where masked


class Sides:
    """The right pass and the wrong one: the same arrays under the same names."""

    def __init__(
        self, trace: Trace, insides: Insides, arrays: Mapping[str, Floats], place: Place
    ) -> None:
        self._trace, self._weights, self._place = trace, insides.weights, place
        self._d_head = insides.config.d_head
        owner = "encoder" if place.stack == "encoder" else "decoder"
        self._owner, self._layer = owner, f"{owner}.{place.layer}"
        self._part = "cross" if place.stack == "cross" else "attn"
        record, head = trace.record(place.stack, place.layer), place.head
        self._visible = record.visible(head)
        self._right: dict[str, NDArray[np.floating]] = {
            **trace.intermediates,
            "q": record.q[head],
            "k": record.k[head],
            "scores": record.scores(head),
            "pattern": record.pattern(head),
        }
        if record.bias is not None:
            self._right["bias"] = record.bias[head]
        self._wrong: dict[str, NDArray[np.floating]] = dict(arrays)
        for name in ("q", "k", "scores", "pattern", "bias"):
            found = arrays.get(f"{self._layer}.{self._part}.{name}")
            if found is not None:
                self._wrong[name] = found[head]

    def telltale(self, name: Number) -> Telltale:
        """One number on both sides."""
        most = len(self._right["k"]) if name == "own rows" else None
        return Telltale(
            name, self._number(name, self._right), self._number(name, self._wrong), most
        )

    def pattern(self) -> Damaged:
        """The head's pattern."""
        rows, columns = self._trace.tokens(self._place.stack)
        right, wrong = (side["pattern"].astype(np.float64) for side in (self._right, self._wrong))
        return Damaged("pattern", rows, columns, right, wrong, self._visible)

    def stream(self) -> Damaged:
        """The residual stream after the sublayer that the place is in."""
        rows, _ = self._trace.tokens(self._place.stack)
        _, after = self._around
        right, wrong = (side[after].astype(np.float64) for side in (self._right, self._wrong))
        return Damaged("stream", rows, (), right, wrong, np.ones(right.shape, dtype=bool))

    @property
    def _around(self) -> tuple[str, str]:
        """Names of the stream before and after the attention of the place."""
        before, after = f"{self._layer}.resid_pre", f"{self._layer}.resid_mid"
        if self._owner == "decoder" and self._trace.layers("cross"):
            between = f"{self._layer}.resid_cross"
            return (between, after) if self._part == "cross" else (before, between)
        return before, after

    def _number(self, name: Number, side: Mapping[str, NDArray[np.floating]]) -> float:
        at, place = f"{self._layer}.{self._part}", self._place
        if name == "columns":
            # The stream with what stands beside it may never have been recorded.
            beside = side[f"{at}.output"].shape[1] if side is self._wrong else 0
            return float(side[self._around[0]].shape[1] + beside)
        if name == "likeness":
            before, after = (_doubles(side[stream]) for stream in self._around)
            lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
            return float(np.mean((before * after).sum(axis=1) / lengths))
        if name == "stream variance":
            return float(_doubles(side[self._around[1]]).var(axis=1).mean())
        if name == "position length":
            stream, embedding = side[f"{self._owner}.0.resid_pre"], side[f"{self._owner}.embedding"]
            return float(np.linalg.norm(_doubles(stream)[place.query] - embedding[place.query]))
        if name == "position bias":
            return float(np.abs(side["bias"]).max()) if "bias" in side else 0.0
        if name == "position turn":
            unturned = side.get(f"{at}.q_unrotated")
            q = _doubles(side["q"])
            turned = np.zeros_like(q) if unturned is None else q - unturned[place.head]
            return float(np.linalg.norm(turned, axis=1).max())
        if name == "own columns":
            own = side[f"{at}.input"][:, self._columns]
            return float(np.abs(_doubles(side["q"]) - own).max())
        if name == "own rows":
            return self._own_rows(side, at)
        return self._of_cells(name, _doubles(side["scores"]), _doubles(side["pattern"]))

    def _of_cells(self, name: Number, scores: Values, pattern: Values) -> float:
        sums = pattern.sum(axis=1)
        if name == "score variance":
            return float(scores[self._visible].var())
        if name == "entropy":
            return measures(pattern, self._visible, same_sequence=False).entropy
        if name == "asymmetry":
            return float(np.abs(scores - scores.T).max())
        if name == "least row sum":
            return float(sums.min())
        if name == "furthest row sum":
            return float(sums[np.abs(sums - 1.0).argmax()])
        return float(pattern[:, self._place.key].sum())

    def _own_rows(self, side: Mapping[str, NDArray[np.floating]], at: str) -> float:
        """Rows of this head's k that are what W_K makes of the row's own token for it."""
        made_of = side["encoder.final" if self._part == "cross" else f"{at}.input"]
        weight = self._weights[f"{self._owner}.layers.{self._place.layer}.{self._part}.w_k.weight"]
        own = (_doubles(made_of) @ weight.T)[:, self._columns]
        unturned = side.get(f"{at}.k_unrotated")
        k = side["k"] if unturned is None else unturned[self._place.head]
        return float((np.abs(k - own).max(axis=1) < 1e-3 * np.abs(own).max()).sum())

    @property
    def _columns(self) -> slice:
        """The head's own columns of anything d_model wide."""
        return slice(self._place.head * self._d_head, (self._place.head + 1) * self._d_head)


def _doubles(array: NDArray[np.floating]) -> Values:
    return np.asarray(array, dtype=np.float64)
