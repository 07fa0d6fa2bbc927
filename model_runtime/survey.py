"""All maps of a look at once, small: a picture and the measures of each.

In 32 bits, by blocks of query rows: nothing that grows with n² is kept, and of a great many
cells only some rows are computed. Exact numbers are the business of `views`. Knows no screen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from model_runtime.measures import Measures, Measuring
from model_runtime.shares import Seen, bundles, shares, without_first
from model_runtime.types import Floats
from model_runtime.views import Axis, HeadPlace, Look, Positions

MOST_CELLS = 160_000_000
"""Cells computed for one stack: what a page can wait for, some two seconds."""

# Cells of a block, so that a block's arrays stay in the processor's cache, and yet have rows
# enough for the product of q and k to be fast.
_BLOCK = 2**17
_SHORT = 4  # columns


@dataclass(frozen=True, eq=False)
class Survey:
    """What all maps of one stack look like from afar, in the order of `Look.places`."""

    pictures: Floats  # [map, row, column]: the largest of the shares that a pixel stands for
    measures: tuple[Measures, ...]  # on all tokens, whatever is hidden or merged
    n_queries: int  # query rows that were computed


def survey(look: Look, height: int, width: int, most_cells: int = MOST_CELLS) -> Survey:
    """Compute pictures of `height` × `width` pixels, of no more than the rows and columns there
    are, and the measures. Beyond `most_cells` cells, of a random sample of the query rows."""
    places = look.places
    n_queries, n_keys = (len(tokens) for tokens in look.trace.tokens(look.stack))
    heads = sum(len(look.sources(place)) for place in places)
    queries = _sample(n_queries, heads * n_keys, most_cells, at_least=2 * height)
    canvas = _Canvas(look, n_queries, height, width)
    # Of short texts all heads of a layer fit into a block.
    together = list(bundles(look, max(1, _BLOCK // (len(queries) * n_keys))))
    measuring = [
        Measuring(same_sequence=look.stack != "cross", has_sink=has_sink(look, places[at.start]))
        for at in together
    ]
    pictures = np.zeros((len(places), canvas.height, canvas.width), dtype=np.float32)
    for block in _blocks(queries, canvas.row_of, max(1, _BLOCK // n_keys)):
        masks: dict[object, Seen] = {}
        strip = canvas.strip(block)
        for at, measured in zip(together, measuring, strict=True):
            share, seen = shares(look, places[at], block, masks)
            measured.add(share, seen.n_visible, block, seen.keys.start)
            strip.draw(share, seen.keys, pictures[at])
    found = tuple(one for measured in measuring for one in measured.results())
    return Survey(pictures, found, len(queries))


def has_sink(look: Look, place: HeadPlace) -> bool:
    """Whether a sink takes part of the rows of a map."""
    return any(record.sinks is not None for record, _ in look.sources(place))


def _sample(n: int, cells_a_row: int, most_cells: int, at_least: int) -> Positions:
    """All query positions, or one out of every so many, at random lest it meets the beat of
    a text that repeats; the same ones each time."""
    step = min(-(-n * cells_a_row // most_cells), n // at_least)
    if step <= 1:
        return np.arange(n)
    starts = np.arange(0, n - step + 1, step)
    return np.asarray(starts + np.random.default_rng(0).integers(0, step, len(starts)))


def _blocks(queries: Positions, row_of: Positions, size: int) -> Iterator[Positions]:
    """The queries in parts of about `size`; the tokens of one row stay together."""
    start = 0
    while start < len(queries):
        stop = min(start + size, len(queries))
        while stop < len(queries) and 0 <= row_of[queries[stop - 1]] == row_of[queries[stop]]:
            stop += 1
        yield queries[start:stop]
        start = stop


def _largest(cells: Floats, starts: Positions, axis: int) -> Floats:
    """The largest of each block of rows (axis 1) or columns (2), which begin at `starts`: as
    `np.maximum.reduceat` says, which takes ten times as long for rows and for short blocks."""
    ends = np.append(starts[1:], cells.shape[axis])
    longest = int((ends - starts).max())
    if axis == 2 and longest > _SHORT:
        return np.asarray(np.maximum.reduceat(cells, starts, axis=axis))
    found = cells.take(starts, axis)
    for offset in range(1, longest):
        np.maximum(found, cells.take(np.minimum(starts + offset, ends - 1), axis), out=found)
    return found


class _Canvas:
    """Where on the pictures of a look each cell goes."""

    def __init__(self, look: Look, n_queries: int, height: int, width: int) -> None:
        self.look = look
        rows, columns = len(look.rows), len(look.columns)
        self.height, self.width = min(height, rows), min(width, columns)
        self.row_of = np.full(n_queries, -1)  # of each query; -1: not shown
        self.row_of[look.down.tokens] = np.repeat(np.arange(rows), look.down.sizes)
        tops = np.arange(self.height) * rows // self.height
        self.pixel_of = np.searchsorted(tops, np.arange(rows), side="right") - 1
        self.lefts = np.arange(self.width) * columns // self.width

    def strip(self, block: Positions) -> "_Strip":
        """The part that some queries are drawn to."""
        return _Strip(self, block)


class _Strip:
    """The part of the pictures that some queries are drawn to."""

    def __init__(self, canvas: _Canvas, block: Positions) -> None:
        self._canvas = canvas
        self._n_keys = len(canvas.look.trace.tokens(canvas.look.stack)[1])
        shown = np.flatnonzero(canvas.row_of[block] >= 0)
        rows, sizes = np.unique(canvas.row_of[block][shown], return_counts=True)
        self._axis = Axis(shown, sizes)
        self._pixels, self._starts = np.unique(canvas.pixel_of[rows], return_index=True)

    def draw(self, share: Floats, keys: slice, pictures: Floats) -> None:
        """Add the shares [map, query, key in the range] to their pictures [map, row, column]."""
        if not len(self._pixels):
            return
        look = self._canvas.look
        if not look.view.first and keys.start == 0:
            share = without_first(share)
        if look.is_merged:
            shown = look.merge(self._widened(share, keys), self._axis)
            peaks = _largest(shown, self._starts, axis=1)
        else:
            # Rows of pixels are fewer than rows of cells: these are not widened first.
            tokens = self._axis.tokens
            shown = share if len(tokens) == share.shape[1] else share[:, tokens]
            peaks = _largest(shown, self._starts, axis=1)
            peaks = self._widened(peaks, keys)[..., look.across.tokens]
        peaks = _largest(peaks, self._canvas.lefts, axis=2)
        pictures[:, self._pixels] = np.maximum(pictures[:, self._pixels], peaks)

    def _widened(self, cells: Floats, keys: slice) -> Floats:
        """Cells of all keys, 0 outside the range."""
        wide = np.zeros((*cells.shape[:-1], self._n_keys), dtype=np.float32)
        wide[..., keys] = cells
        return wide
