"""The shares of some queries of maps, in 32 bits: for what is drawn, not for what is told.

By blocks of queries, and of those keys only that one of them sees. Exact numbers are the business
of `views`; this knows neither pictures nor levels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import AttentionRecord
from model_runtime.types import Floats
from model_runtime.views import Bools, HeadPlace, Look, Positions


@dataclass(frozen=True, eq=False)
class Seen:
    """What some queries may see: the range of keys that any of them sees, and which each does."""

    keys: slice
    visible: Bools | None  # [query, key in the range]; None: all of it
    n_visible: NDArray[np.intp]  # [query]


def _seen(look: Look, place: HeadPlace, block: Positions, masks: dict[object, Seen]) -> Seen:
    name = look.mask_name(place)
    if name not in masks:
        visible = look.full_mask(place, block)
        if visible is None:
            n_keys = len(look.trace.tokens(look.stack)[1])
            masks[name] = Seen(slice(0, n_keys), None, np.full(len(block), n_keys))
        else:
            at = np.flatnonzero(visible.any(axis=0))
            keys = slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 1)
            masks[name] = Seen(keys, visible[:, keys], visible.sum(axis=1))
    return masks[name]


def bundles(look: Look, most: int) -> Iterator[slice]:
    """All places of a look, as many at a time as `shares` takes at once, but no more than `most`:
    heads that lie side by side in a layer and see the same keys."""

    def kin(at: int) -> object:
        place = look.places[at]
        if place.layer is None or place.head is None:
            return at
        return place.layer, look.mask_name(place)

    for _, some in groupby(range(len(look.places)), key=kin):
        at = list(some)
        for start in range(at[0], at[-1] + 1, most):
            yield slice(start, min(start + most, at[-1] + 1))


def shares(
    look: Look, places: Sequence[HeadPlace], block: Positions, masks: dict[object, Seen]
) -> tuple[Floats, Seen]:
    """The patterns of some queries, [place, query, key in the range that any of them sees]. If
    there are several places, they are one of the `bundles`."""
    seen = _seen(look, places[0], block, masks)
    sources = look.sources(places[0])
    if len(sources) == 1:
        ((record, head),) = sources
        return _pattern(record, slice(head, head + len(places)), block, seen), seen
    total = np.zeros((1, len(block), seen.keys.stop - seen.keys.start), dtype=np.float32)
    for record, head in sources:
        one = _seen(look, HeadPlace(record.layer, head), block, masks)
        at = slice(one.keys.start - seen.keys.start, one.keys.stop - seen.keys.start)
        total[..., at] += _pattern(record, slice(head, head + 1), block, one)
    total /= np.float32(len(sources))
    return total, seen


def without_first(share: Floats) -> Floats:
    """What the first key leaves of each row, shared out anew; 0 where next to nothing is left."""
    rest = 1 - share[..., :1]
    return share * np.divide(1, rest, out=np.zeros_like(rest), where=rest >= 1e-6)


def _pattern(record: AttentionRecord, heads: slice, block: Positions, seen: Seen) -> Floats:
    """The closed form of `AttentionRecord.pattern`, in 32 bits; [head, query, key]."""
    which = np.arange(heads.start, heads.stop)
    q = record.q[heads][:, block] * np.float32(record.scale)
    cells: Floats = np.asarray(q @ _keys(record, heads)[:, seen.keys].swapaxes(1, 2))
    if record.softcap is not None:
        cap = np.float32(record.softcap)
        cells = cap * np.tanh(cells / cap)
    if record.bias is not None:
        cells += record.bias[which % len(record.bias)][:, block, seen.keys]
    if seen.visible is not None:
        np.copyto(cells, -np.inf, where=~seen.visible)
    top = cells.max(axis=-1)
    sink = None if record.sinks is None else record.sinks[heads]
    if sink is not None:
        sink = sink[:, block] if sink.ndim > 1 else sink[:, None]
        top = np.maximum(top, sink)
    # A row that sees no key at all has no share to give: all zero rather than NaN.
    top = np.where(np.isfinite(top), top, np.float32(0))
    cells -= top[..., None]
    np.exp(cells, out=cells)
    total = cells.sum(axis=-1)
    if sink is not None:
        total += np.exp(sink - top)
    cells *= np.divide(1, total, out=np.zeros_like(total), where=total > 0)[..., None]
    return cells


def _keys(record: AttentionRecord, heads: slice) -> Floats:
    """The keys that some query heads read, [head, key, d]: not copied, unless several query heads
    share them."""
    first, last = record.kv_head(heads.start), record.kv_head(heads.stop - 1)
    if last - first == heads.stop - 1 - heads.start:
        return record.k[first : last + 1]
    return record.k[[record.kv_head(head) for head in range(heads.start, heads.stop)]]
