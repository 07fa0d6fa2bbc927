"""What every step is made from: a trace, the weights if they are known, and a place to look at.

Finds arrays and axes by name. Knows no single step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from model_runtime.attention import AttentionRecord
from model_runtime.steps.folding import column_axis, runs, token_axis
from model_runtime.steps.looking import record_at, share_row
from model_runtime.steps.parts import Axis, Insides, Place, Values
from model_runtime.types import Floats, StackName, Token, Trace


@dataclass(frozen=True, eq=False)
class Scene:
    """One section of a model, and what of it is shown."""

    trace: Trace
    insides: Insides | None
    place: Place  # where this section looks
    around: int | None = None  # a true column that is kept whatever else is folded away
    whole: bool = False  # nothing is folded away

    @property
    def section(self) -> StackName:
        """The part of the model: "encoder", "decoder" or "cross"."""
        return self.place.stack

    @property
    def owner(self) -> Literal["encoder", "decoder"]:
        """The stack that the section's layers are in."""
        return "encoder" if self.section == "encoder" else "decoder"

    @property
    def layer(self) -> str:
        """How names of recorded arrays begin: "decoder.0"."""
        return f"{self.owner}.{self.place.layer}"

    @property
    def attention(self) -> str:
        """How names of the attention's arrays begin: "decoder.0.cross"."""
        return f"{self.layer}.{'cross' if self.section == 'cross' else 'attn'}"

    @cached_property
    def record(self) -> AttentionRecord | None:
        """The section's attention; None where it could not be recorded."""
        return record_at(self.trace, self.place)

    @property
    def attended(self) -> AttentionRecord:
        """The same, for steps that exist only where it was recorded."""
        assert self.record is not None, "a step of attention that was not recorded"
        return self.record

    @cached_property
    def has_cross(self) -> bool:
        """Whether layers of this section look at an encoder as well."""
        return self.trace.info.family == "encoder-decoder" and self.owner == "decoder"

    def recorded(self, name: str) -> Floats:
        """A recorded array [position, …]. Raises KeyError."""
        return self.trace.intermediates[name]

    def has(self, name: str) -> bool:
        """Whether an array of this name was recorded."""
        return name in self.trace.intermediates

    def weight(self, name: str) -> Floats:
        """A weight of a built-in model. Raises KeyError."""
        assert self.insides is not None, "weights of a model whose insides nobody knows"
        return self.insides.weights[name]

    @property
    def query_tokens(self) -> tuple[Token, ...]:
        """The tokens that ask."""
        return self.trace.tokens(self.section)[0]

    @cached_property
    def queries(self) -> Axis:
        """The axis of the tokens that ask. Where each predicts the one after it, a row goes by
        both: what it reads and what it predicts, 床→上."""
        near = {self.place.query}
        if self.section != "cross":
            near.add(self.place.key)
        axis = token_axis(self.query_tokens, near, whole=self.whole)
        predicted = self.trace.predicted(self.section)
        if predicted is None:
            return axis
        pairs = zip(axis.kept, axis.labels, strict=True)
        return replace(axis, labels=tuple(f"{read}→{predicted[i].text}" for i, read in pairs))

    @cached_property
    def keys(self) -> Axis:
        """The axis of the tokens that answer, as rows."""
        return self._keys(None)

    @cached_property
    def key_columns(self) -> Axis:
        """The same as columns, so that `around` counts into it."""
        return self._keys(self.around)

    def _keys(self, around: int | None) -> Axis:
        near = {self.place.key}
        if self.section != "cross":
            near.add(self.place.query)
        tokens = self.trace.tokens(self.section)[1]
        shares = None
        if self.record is not None:
            shares = share_row(self.record, self.place.head, self.place.query)
        return token_axis(tokens, near, shares=shares, around=around, whole=self.whole)

    def columns(
        self, size: int, row: Floats | Values | None = None, *, head: range | None = None,
        ends: bool = True,
    ) -> Axis:  # fmt: skip
        """An axis of dimensions of a result; `row` [size] is the one worth a look."""
        return column_axis(
            size, row, head=head, ends=ends, around=self.around, whole=self.whole
        )  # fmt: skip

    def by_rows(self, made: Callable[[int, slice], Values], head: int | None = None) -> Values:
        """Some [query, …] of a head, of the kept queries only: of a long text there are many."""
        head = self.place.head if head is None else head
        return np.concatenate([made(head, rows) for rows in runs(self.queries.kept)])
