"""What the Attention page draws at once of a trace: small pictures, measures, masks.

All that takes time and depends on neither language nor choice, so it may be kept beside the
trace. Arrays only; knows no words.
"""

from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import ALL
from model_runtime.measures import Measures, measures, measures_of
from model_runtime.survey import has_sink, survey
from model_runtime.types import Trace
from model_runtime.views import Bools, HeadMap, HeadPlace, Look, View, shown_stacks
from viz.components import attention as component

MEASURED = tuple(field.name for field in fields(Measures))


@dataclass(frozen=True, eq=False)
class Drawn:
    """One stack, its maps in the order of `Look.places`."""

    pictures: NDArray[np.uint8]  # [map, row, column]
    measures: tuple[tuple[float | None, ...], ...]  # of each map, in the order of MEASURED
    n_queries: int  # rows that pictures and measures are of; fewer than all of a very long text
    masks: tuple[NDArray[np.uint32], ...]  # the different ones, as runs of visible cells
    mask_of: tuple[int | None, ...]  # of each map; None where nothing is masked
    exact: component.Exact | None  # where they are small


@dataclass(frozen=True, eq=False)
class Overview:
    """A trace through a View, from afar."""

    stacks: tuple[Drawn, ...]  # of `shown_stacks`

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays."""
        held: list[NDArray[np.generic]] = []
        for drawn in self.stacks:
            held += [drawn.pictures, *drawn.masks]
            if drawn.exact is not None:
                found = (drawn.exact.pattern, drawn.exact.scores, drawn.exact.dot)
                held += [values for values in found if values is not None]
        return sum(array.nbytes for array in held)


def overview(trace: Trace, view: View) -> Overview:
    """Compute what is drawn at once: two seconds where there are 100 million cells."""
    looks = [Look(trace, stack, view) for stack in shown_stacks(trace)]
    shapes = [(len(look.places), len(look.rows), len(look.columns)) for look in looks]
    draw = _exactly if component.exact_fits(shapes) else _from_afar
    return Overview(tuple(draw(look) for look in looks))


def _exactly(look: Look) -> Drawn:
    """Few cells: every number is sent, and pictures and measures are made of these."""
    maps, found = _means(look) if look.view.mean != "none" else _by_layer(look)
    pattern = np.concatenate([some.pattern for some in maps])
    height, width = _sides(look)
    return Drawn(
        component.max_pool(component.quantise(pattern), height, width),
        tuple(_numbers(each) for each in found),
        len(look.trace.tokens(look.stack)[0]),
        *_masks(look),
        component.Exact(
            pattern=pattern.astype(np.float32),
            scores=_joined([some.scores for some in maps]),
            dot=_joined([some.dot for some in maps]),
        ),
    )


def _by_layer(look: Look) -> tuple[list[HeadMap], list[Measures]]:
    """The maps of each layer, all heads at once, and the measures of all: layers after one another
    that have a sink, or none, are measured in one go."""
    maps = [look.maps_of(record) for record in look.records]
    found: list[Measures] = []
    both = zip(look.records, maps, strict=True)
    for sinks, some in groupby(both, key=lambda one: one[0].sinks is not None):
        layers = list(some)
        patterns = [made.pattern if look.is_plain else r.pattern(ALL) for r, made in layers]
        found += measures_of(
            np.concatenate(patterns),
            np.concatenate([record.visible(ALL) for record, _ in layers]),
            same_sequence=look.stack != "cross",
            has_sink=sinks,
        )
    return maps, found


def _means(look: Look) -> tuple[list[HeadMap], list[Measures]]:
    """The same, of maps that are means of several heads."""
    maps, found = [], []
    for place in look.places:
        maps.append(HeadMap(look.map(place).pattern[None], None, None))
        pattern, seen = look.full_pattern(place), look.full_mask(place)
        found.append(
            measures(
                pattern,
                np.ones(pattern.shape, dtype=bool) if seen is None else seen,
                same_sequence=look.stack != "cross",
                has_sink=has_sink(look, place),
            )
        )
    return maps, found


def _from_afar(look: Look) -> Drawn:
    """Many cells: pictures and measures only."""
    seen = survey(look, *_sides(look))
    found = tuple(_numbers(each) for each in seen.measures)
    pictures = component.quantise(seen.pictures)
    return Drawn(pictures, found, seen.n_queries, *_masks(look), exact=None)


def _numbers(found: Measures) -> tuple[float | None, ...]:
    return tuple(getattr(found, name) for name in MEASURED)


def _sides(look: Look) -> tuple[int, int]:
    """Height and width of the pictures, in pixels."""
    n_maps = len(look.places)
    return (
        component.thumbnail_side(len(look.rows), n_maps),
        component.thumbnail_side(len(look.columns), n_maps),
    )


def _masks(look: Look) -> tuple[tuple[NDArray[np.uint32], ...], tuple[int | None, ...]]:
    """The different masks of all maps, and which is whose."""
    by_name: dict[object, int | None] = {None: None}
    whole: list[tuple[Bools, int | None]] = []  # each mask before the switches, to know it again
    runs: list[NDArray[np.uint32]] = []
    names = [look.mask_name(place) for place in look.places]
    for place, name in zip(look.places, names, strict=True):
        if name in by_name:
            continue
        full = look.full_mask(place)
        assert full is not None
        known = [index for mask, index in whole if np.array_equal(mask, full)]
        by_name[name] = known[0] if known else _added(look, place, runs)
        if not known:
            whole.append((full, by_name[name]))
    return tuple(runs), tuple(by_name[name] for name in names)


def _added(look: Look, place: HeadPlace, runs: list[NDArray[np.uint32]]) -> int | None:
    """Add the mask of a map to those that there are, if it masks anything. Returns its number."""
    shown = look.mask(place)
    if shown.all():
        return None
    found = component.visible_runs(shown)
    same = [index for index, known in enumerate(runs) if np.array_equal(known, found)]
    if not same:
        runs.append(found)
    return same[0] if same else len(runs) - 1


def _joined(parts: list[NDArray[np.float64] | None]) -> NDArray[np.float32] | None:
    """All of them as one array; None if some are missing."""
    found = [part for part in parts if part is not None]
    return np.concatenate(found).astype(np.float32) if len(found) == len(parts) else None
