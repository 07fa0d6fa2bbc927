"""What a viewer asked to look at: means, words, no special tokens, no first token.

A trace and a View in; the maps to draw and the tokens beside them out. Knows no colours
and no screen.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import ALL, AttentionRecord, Heads
from model_runtime.errors import NoSuchHead
from model_runtime.types import StackName, Token, Trace

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Positions = NDArray[np.intp]
Float = TypeVar("Float", np.float32, np.float64)
Mean = Literal["none", "heads", "layers", "both"]

# Cells. A map is computed by blocks of rows, so that what is needed on the way, some arrays of
# a block's size in 64 bits, stays small however long the text is.
BLOCK = 2**20


@dataclass(frozen=True)
class View:
    """The switches. The defaults show every token and head as the model had them."""

    specials: bool = True  # show special tokens
    first: bool = True  # keep the first key; without it rows are renormalised to sum to 1
    words: bool = False  # pieces of a word as one: keys summed, queries averaged
    mean: Mean = "none"  # over all heads of a layer, over one head of all layers, or both


@dataclass(frozen=True)
class AxisGroup:
    """One row or column of a map: a token, or the pieces of one word."""

    tokens: tuple[Token, ...]
    predicted: tuple[Token, ...] = ()  # what these query rows predict; () for keys


@dataclass(frozen=True)
class HeadPlace:
    """Where a map comes from; None is a mean over all heads or all layers."""

    layer: int | None
    head: int | None


@dataclass(frozen=True, eq=False)
class HeadMap:
    """One map as it is looked at, or some of its rows; cell [row, column]."""

    pattern: Doubles  # NaN where nothing is left to share out
    scores: Doubles | None  # None where a cell is a sum or a mean of several
    dot: Doubles | None  # q·k, with the same rule


@dataclass(frozen=True, eq=False)
class Axis:
    """The tokens of consecutive rows or columns, and how many each of these stands for."""

    tokens: Positions
    sizes: Positions

    @classmethod
    def of(cls, groups: Sequence[AxisGroup], start: int = 0) -> "Axis":
        """Positions are counted from `start`."""
        positions = [token.position - start for group in groups for token in group.tokens]
        sizes = [len(group.tokens) for group in groups]
        return cls(np.array(positions, dtype=np.intp), np.array(sizes, dtype=np.intp))

    @cached_property
    def starts(self) -> Positions:
        """Where among the tokens each row or column begins."""
        return np.cumsum(self.sizes) - self.sizes


def shown_stacks(trace: Trace) -> tuple[StackName, ...]:
    """The stacks of which there is attention to show, in reading order."""
    return tuple(stack for stack in trace.info.stacks if trace.layers(stack))


class Look:
    """One stack of a trace through a View. Maps are computed when asked for.

    A switch that would leave no row or no column is not followed; `view` says what is. A
    stack that nothing was recorded of has tokens, but no places.
    """

    def __init__(self, trace: Trace, stack: StackName, view: View) -> None:
        self.trace, self.stack, self.view = trace, stack, view
        for self.view in (
            view,
            replace(view, specials=True),
            replace(view, specials=True, first=True),
        ):
            self._choose_tokens()
            if self.rows and self.columns:
                break
        self.is_relaxed = self.view != view
        self._records = {r.layer: r for r in trace.records if r.stack == stack}

    def _choose_tokens(self) -> None:
        queries, keys = self.trace.tokens(self.stack)
        predicted = self.trace.predicted(self.stack) or ()
        # A row goes by the token that it predicts; special rows are those that predict one.
        self.rows = self._groups(queries, predicted, 0)
        self.columns = self._groups(keys, (), 0 if self.view.first else 1)

    def _groups(
        self, tokens: tuple[Token, ...], predicted: tuple[Token, ...], start: int
    ) -> list[AxisGroup]:
        """The rows or columns to show, in order."""
        groups: list[AxisGroup] = []
        last_word: tuple[int, int | None] | None = None
        for token in tokens[start:]:
            named = predicted[token.position] if predicted else token
            if named.is_special and not self.view.specials:
                last_word = None
                continue
            guess = (named,) if predicted else ()
            word = (named.part, named.word)  # words are counted in each text of a pair
            if self.view.words and named.word is not None and word == last_word:
                groups[-1] = AxisGroup((*groups[-1].tokens, token), (*groups[-1].predicted, *guess))
            else:
                groups.append(AxisGroup((token,), guess))
            last_word = word
        return groups

    @property
    def records(self) -> list[AttentionRecord]:
        """Those of the layers of which there is attention, in order."""
        return list(self._records.values())

    @cached_property
    def places(self) -> list[HeadPlace]:
        """The maps there are, layer by layer. Layers may differ in their number of heads."""
        if self.view.mean == "none":
            return [
                HeadPlace(layer, head)
                for layer, record in self._records.items()
                for head in range(record.n_heads)
            ]
        if self.view.mean == "heads":
            return [HeadPlace(layer, None) for layer in self._records]
        if self.view.mean == "layers":
            return [HeadPlace(None, head) for head in range(self.trace.n_heads(self.stack))]
        return [HeadPlace(None, None)] if self._records else []

    def sources(self, place: HeadPlace) -> list[tuple[AttentionRecord, int]]:
        """The head of a map, or those that it is the mean of. A mean over layers is over
        those that have the head. Raises NoSuchHead."""
        layers = list(self._records) if place.layer is None else [place.layer]
        found = []
        for layer in layers:
            record = self._records.get(layer)
            if record is None:
                continue
            heads = range(record.n_heads) if place.head is None else [place.head]
            found += [(record, head) for head in heads if 0 <= head < record.n_heads]
        if not found:
            raise NoSuchHead(
                model=self.trace.info.name,
                stack=self.stack,
                layer=place.layer or 0,
                head=place.head or 0,
            )
        return found

    def full_pattern(self, place: HeadPlace, rows: slice = ALL) -> Doubles:
        """The pattern of all tokens, [query, key], before any switch but the mean; of some
        query rows, or of all. Raises NoSuchHead."""
        sources = self.sources(place)
        total: Doubles | float = 0.0
        for record, head in sources:
            total = total + record.pattern(head, rows)
        return np.asarray(total / len(sources))

    def full_mask(self, place: HeadPlace, rows: slice | Positions = ALL) -> Bools | None:
        """[query, key], True where a query may look; None where nothing is masked. A cell of
        a mean is masked only if it is in all of its heads. Raises NoSuchHead."""
        masks = {_name(record, head): (record, head) for record, head in self.sources(place)}
        if None in masks:
            return None
        seen: Bools | None = None
        for record, head in masks.values():
            assert record.mask is not None
            visible = record.mask[head % len(record.mask)][rows]
            seen = visible if seen is None else seen | visible
        return seen

    def mask_name(self, place: HeadPlace) -> Hashable:
        """Maps of equal names have one and the same mask; None: nothing is masked. Different
        names need not mean different masks. Raises NoSuchHead."""
        names = frozenset(_name(record, head) for record, head in self.sources(place))
        return None if None in names else names

    def mask(self, place: HeadPlace, rows: slice = ALL) -> Bools:
        """[row, column], True where a row may look; of some consecutive rows, or of all. Of
        merged tokens a cell is masked only if all of it is. Raises NoSuchHead."""
        span, axis = self.span(rows)
        seen = self.full_mask(place, span)
        if seen is None:
            return np.ones((len(self.rows[rows]), len(self.columns)), dtype=bool)
        if self.is_plain:
            return seen
        shown = seen[np.ix_(axis.tokens, self.across.tokens)]
        if not self.is_merged:
            return shown
        to_words = np.logical_or.reduceat(shown, self.across.starts, axis=1)
        return np.logical_or.reduceat(to_words, axis.starts, axis=0)

    def map(self, place: HeadPlace) -> HeadMap:
        """One map through all switches. Raises NoSuchHead."""
        blocks = [self.rows_of_map(place, rows) for rows in self.row_blocks()]
        if len(blocks) == 1:
            return blocks[0]
        return HeadMap(
            np.concatenate([block.pattern for block in blocks]),
            _joined([block.scores for block in blocks]),
            _joined([block.dot for block in blocks]),
        )

    def row_blocks(self) -> Iterator[slice]:
        """The rows in parts that are computed in little memory."""
        n_keys = len(self.trace.tokens(self.stack)[1])
        size = max(1, BLOCK // max(1, n_keys))
        for start in range(0, len(self.rows), size):
            yield slice(start, min(start + size, len(self.rows)))

    def rows_of_map(self, place: HeadPlace, rows: slice) -> HeadMap:
        """Some consecutive rows of a map. Raises NoSuchHead."""
        if not self.has_scores(place):
            return HeadMap(self.pattern(place, rows), None, None)
        ((record, head),) = self.sources(place)
        return self._rows_of(record, head, rows)

    def maps_of(self, record: AttentionRecord) -> HeadMap:
        """All maps of a layer, [head, row, column], of a View without a mean: much sooner than
        one after another, and in as much memory as all of them take."""
        return self._rows_of(record, ALL, ALL)

    def _rows_of(self, record: AttentionRecord, heads: Heads, rows: slice) -> HeadMap:
        span, axis = self.span(rows)
        if self.is_merged:
            merged = self.merge(self._without_first(record.pattern(heads, span)), axis)
            return HeadMap(merged, None, None)
        dot, scores, pattern = record.steps(heads, span)
        return HeadMap(
            self.merge(self._without_first(pattern), axis),
            self.merge(scores, axis),
            self.merge(dot, axis),
        )

    def pattern(self, place: HeadPlace, rows: slice) -> Doubles:
        """The pattern of some consecutive rows, [row, column]. Raises NoSuchHead."""
        span, axis = self.span(rows)
        return self.merge(self._without_first(self.full_pattern(place, span)), axis)

    def _without_first(self, pattern: Doubles) -> Doubles:
        """Where the first key is not shown, rows that sum to 1 without it."""
        if self.view.first:
            return pattern
        rest = 1.0 - pattern[..., :1]
        nothing = rest < 1e-9  # the row looked at the first key alone
        return np.where(nothing, np.nan, pattern / np.where(nothing, 1.0, rest))

    def span(self, rows: slice) -> tuple[slice, Axis]:
        """The query tokens from the first to the last of some rows, and which of these are
        shown."""
        groups = self.rows[rows]
        start = groups[0].tokens[0].position
        return slice(start, groups[-1].tokens[-1].position + 1), Axis.of(groups, start)

    def has_scores(self, place: HeadPlace) -> bool:
        """Whether each cell of a map comes from one score."""
        return place.layer is not None and place.head is not None and not self.is_merged

    @cached_property
    def down(self) -> Axis:
        """The tokens of all rows."""
        return Axis.of(self.rows)

    @cached_property
    def across(self) -> Axis:
        """The tokens of all columns."""
        return Axis.of(self.columns)

    @cached_property
    def is_merged(self) -> bool:
        """Whether some row or column stands for more than one token."""
        return any(len(group.tokens) > 1 for group in (*self.rows, *self.columns))

    @cached_property
    def is_plain(self) -> bool:
        """Whether every token has a row or column of its own."""
        queries, keys = self.trace.tokens(self.stack)
        all_shown = len(self.rows) == len(queries) and len(self.columns) == len(keys)
        return all_shown and self.view.first

    @cached_property
    def is_whole(self) -> bool:
        """Whether every key has its column, or a part in one."""
        n_keys = len(self.trace.tokens(self.stack)[1])
        return sum(len(group.tokens) for group in self.columns) == n_keys

    def merge(self, cells: NDArray[Float], rows: Axis) -> NDArray[Float]:
        """Cells [query, key], or of several maps [map, query, key], as those of `rows` and of the
        shown columns. Attention to a word is the sum over its pieces; from a word, their mean
        (Clark et al. 2019, §4.1)."""
        if self.is_plain and len(rows.tokens) == cells.shape[-2]:
            return cells
        shown = cells[..., rows.tokens[:, None], self.across.tokens]
        if not self.is_merged:
            return shown
        to_words = np.add.reduceat(shown, self.across.starts, axis=-1)
        sums = np.add.reduceat(to_words, rows.starts, axis=-2)
        return np.asarray(sums / rows.sizes[:, None].astype(cells.dtype))


def _joined(parts: list[Doubles | None]) -> Doubles | None:
    found = [part for part in parts if part is not None]
    return np.concatenate(found) if found else None


def _name(record: AttentionRecord, head: int) -> Hashable:
    """What tells one mask in memory from another; layers and heads often share theirs."""
    if record.mask is None:
        return None
    mask = record.mask[head % len(record.mask)]
    return (mask.__array_interface__["data"][0], mask.shape, mask.strides)
