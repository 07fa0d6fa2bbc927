"""What a viewer asked to look at: means, words, no special tokens, no first token.

A trace and a View in; the maps to draw and the tokens beside them out. Knows no colours
and no screen.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.errors import NoSuchHead
from model_runtime.types import StackName, Token, Trace

Doubles = NDArray[np.float64]
Mean = Literal["none", "heads", "layers", "both"]


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
    """One map as it is looked at; cell [row, column]."""

    pattern: Doubles  # NaN where nothing is left to share out
    scores: Doubles | None  # None where a cell is a sum or a mean of several
    dot: Doubles | None  # q·k, with the same rule


class Look:
    """One stack of a trace through a View. Maps are computed when asked for.

    A switch that would leave no row or no column is not followed; `view` says what is.
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
        self.visible = self._merged_mask(trace.record(stack, 0).visible(0))

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
        last_word: int | None = None
        for token in tokens[start:]:
            named = predicted[token.position] if predicted else token
            if named.is_special and not self.view.specials:
                last_word = None
                continue
            guess = (named,) if predicted else ()
            if self.view.words and named.word is not None and named.word == last_word:
                groups[-1] = AxisGroup((*groups[-1].tokens, token), (*groups[-1].predicted, *guess))
            else:
                groups.append(AxisGroup((token,), guess))
            last_word = named.word
        return groups

    @property
    def places(self) -> list[HeadPlace]:
        """The maps there are, layer by layer."""
        info = self.trace.info
        layers = [None] if self.view.mean in ("layers", "both") else range(info.n_layers)
        heads = [None] if self.view.mean in ("heads", "both") else range(info.n_heads)
        return [HeadPlace(layer, head) for layer in layers for head in heads]

    def full_pattern(self, place: HeadPlace) -> Doubles:
        """The pattern of all tokens, [query, key], before any switch but the mean."""
        info = self.trace.info
        layers = range(info.n_layers) if place.layer is None else [place.layer]
        heads = range(info.n_heads) if place.head is None else [place.head]
        total: Doubles | float = 0.0
        for layer in layers:
            record = self.trace.record(self.stack, layer)
            for head in heads:
                if not 0 <= head < record.n_heads:
                    raise NoSuchHead(model=info.name, stack=self.stack, layer=layer, head=head)
                total = total + record.pattern(head)
        return np.asarray(total / (len(layers) * len(heads)))

    def map(self, place: HeadPlace) -> HeadMap:
        """One map through all switches. Raises NoSuchHead."""
        pattern = self.full_pattern(place)
        if not self.view.first:
            rest = 1.0 - pattern[:, :1]
            nothing = rest < 1e-9  # the row looked at the first key alone
            pattern = np.where(nothing, np.nan, pattern / np.where(nothing, 1.0, rest))
        merged = self._merge(pattern)
        if place.layer is None or place.head is None or self.is_merged:
            return HeadMap(merged, None, None)
        record = self.trace.record(self.stack, place.layer)
        return HeadMap(
            merged,
            self._pick(record.scores(place.head)),
            self._pick(record.dot(place.head)),
        )

    @property
    def is_merged(self) -> bool:
        """Whether some row or column stands for more than one token."""
        return any(len(group.tokens) > 1 for group in (*self.rows, *self.columns))

    def _pick(self, cells: Doubles) -> Doubles:
        """Only the shown rows and columns, one token each."""
        rows = [group.tokens[0].position for group in self.rows]
        columns = [group.tokens[0].position for group in self.columns]
        return cells[np.ix_(rows, columns)]

    def _merge(self, cells: Doubles) -> Doubles:
        """Attention to a word is the sum over its pieces; from a word, their mean
        (Clark et al. 2019, §4.1)."""
        if not self.is_merged:
            return self._pick(cells)
        columns = [[token.position for token in group.tokens] for group in self.columns]
        rows = [[token.position for token in group.tokens] for group in self.rows]
        to_words = np.stack([cells[:, pieces].sum(axis=1) for pieces in columns], axis=1)
        return np.stack([to_words[pieces].mean(axis=0) for pieces in rows])

    def _merged_mask(self, visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A cell is masked only if all of its tokens are."""
        return self._merge(visible.astype(np.float64)) > 0
