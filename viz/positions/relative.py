"""Biases on the scores: ALiBi, T5's buckets, and what was recorded: over distance and as a matrix.

From slopes, buckets or a recorded bias, and controls, to sections. Knows no model.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_runtime.positions import relative
from model_runtime.positions.encodings import Buckets
from model_runtime.positions.encodings import Values as Numbers
from viz.attention_map import Say
from viz.charts import Axis, Chart, Line, tones
from viz.heatmap import HeatMap, Side
from viz.marked import N_
from viz.positions import texts
from viz.positions.controls import OUTSIDE, Control, Values
from viz.positions.sections import Made, Section, at_once

MOST_LINES, MOST_HEADS = 16, 64
MOST_MATRIX = 512  # positions of a matrix that is made by formula
MOST_FAR = 2048
ALIBI = (r"\text{scores}_{ij} = \frac{q_i \cdot k_j}{\sqrt{d}} - m_h \, | i - j |",)
T5 = (r"\text{scores}_{ij} = q_i \cdot k_j + b_h [\, \text{bucket}(j - i) \,]",)


@dataclass(frozen=True, eq=False)
class Recorded:
    """The biases of one layer, as they were added in a pass."""

    bias: NDArray[np.float32]  # [head or 1, query, key]
    visible: NDArray[np.bool_] | None  # [query, key]
    queries: tuple[str, ...]  # tokens as shown; user text
    keys: tuple[str, ...]
    place: str  # "encoder L0"
    layer: int


def alibi_controls(own: int = 0) -> tuple[Control, ...]:
    """Of ALiBi by hand, or of a model with `own` slopes."""
    by_hand = Control("heads", "number", N_("heads"), 8, 1, MOST_HEADS)
    return (
        *(() if own else (by_hand,)),
        Control("head", "number", N_("head"), 0, 0, (own or MOST_HEADS) - 1, help=texts.HELP_HEAD),
        Control("n", "number", N_("length"), 32, 1, MOST_MATRIX),
    )


def alibi(slopes: NDArray[np.floating[Any]] | None, values: Values, say: Say, causal: bool) -> Made:
    """ALiBi with a model's slopes, or by the rule of the paper for so many heads."""
    if slopes is None:
        slopes = relative.alibi_slopes(values.whole("heads"))
    head, problems = _head(values, len(slopes), say)
    n = values.whole("n")
    shown = _shown(len(slopes))
    lines = tuple(
        Line(
            say(N_("head {n}, slope {slope}")).format(n=h, slope=f"{slopes[h]:.4g}"),
            -slopes[h] * np.arange(n),
            tone=tone,
        )
        for h, tone in zip(shown, tones(len(shown)), strict=True)
    )
    matrix = relative.alibi(slopes[head : head + 1], n, n, causal=causal)[0]
    position = Side(say(N_("query"))), Side(say(N_("key")))
    section = Section(
        "ALiBi",
        panels=(
            Chart(
                "alibi-distances",
                say(N_("Bias over distance")),
                Axis(say(N_("distance"))),
                Axis(say(N_("added to the score"))),
                lines,
            ),
            HeatMap(
                "alibi-matrix",
                say(N_("Added to the scores of head {n}")).format(n=head),
                matrix,
                *position,
                hatched=say(texts.MASKED),
            ),
        ),
        text=(say(texts.ALIBI_TEXT),),
        formulas=ALIBI,
        source=say(texts.ALIBI),
    )
    return [at_once(section)], problems


def bucket_controls(*, own: bool) -> tuple[Control, ...]:
    """Of T5's buckets: a model's own, or by hand."""
    by_hand = (
        Control("buckets", "number", N_("buckets"), 32, 4, 256),
        Control("far", "number", N_("largest distance"), 128, 8, MOST_FAR),
        Control("both", "switch", N_("both ways"), True, help=texts.HELP_BOTH),
    )
    n = Control("n", "number", N_("length"), 64, 1, MOST_MATRIX)
    head = Control("head", "number", N_("head"), 0, 0, 255, help=texts.HELP_HEAD)
    return (head, n) if own else (*by_hand, n)


def buckets(own: Buckets | None, values: Values, say: Say) -> Made:
    """T5's buckets: which distance falls into which, and of a model what each is worth."""
    problems: list[str] = []
    if own is not None:
        count, far, both = len(own.table), own.max_distance, own.both_ways
    else:
        count, both = values.whole("buckets"), values.on("both")
        count -= count % 2
        far, problems = _far(values, count // 4 if both else count // 2, say)
    n = values.whole("n")
    distances = np.arange(-n, n + 1) if both else np.arange(-n, 1)
    numbers = relative.bucket(distances, count, far, both_ways=both)
    away = Axis(say(N_("key − query")))
    panels: list[Chart | HeatMap] = [
        Chart(
            "buckets-numbers",
            say(N_("Bucket of each distance")),
            away,
            Axis(say(N_("bucket"))),
            (Line(say(N_("bucket")), numbers, distances, tone=0.8),),
        )
    ]
    if own is not None:
        head, problems = _head(values, own.table.shape[1], say)
        worth = relative.bucket_bias(own, distances)
        shown = _shown(len(worth))
        lines = tuple(
            Line(say(N_("head {n}")).format(n=h), worth[h], distances, tone=tone)
            for h, tone in zip(shown, tones(len(shown)), strict=True)
        )
        matrix = _by_distance(worth[head], distances, n)
        panels += [
            Chart(
                "buckets-distances",
                say(N_("Bias over distance")),
                away,
                Axis(say(N_("added to the score"))),
                lines,
            ),
            HeatMap(
                "buckets-matrix",
                say(N_("Added to the scores of head {n}")).format(n=head),
                matrix,
                Side(say(N_("query"))),
                Side(say(N_("key"))),
                hatched=say(texts.MASKED),
            ),
        ]
    section = Section(
        say(N_("Buckets")),
        panels=tuple(panels),
        text=(say(texts.BUCKETS_TEXT).format(far=_last(count, far, both)),),
        formulas=T5,
        source=say(texts.T5),
    )
    return [at_once(section)], problems


def _last(count: int, far: int, both: bool) -> int:
    """The first distance of the last bucket; from there on all share it."""
    before = relative.bucket(-np.arange(far + 1), count, far, both_ways=both)
    return int(np.argmax(before == before.max()))


def _far(values: Values, exact: int, say: Say) -> tuple[int, list[str]]:
    """The largest distance: beyond those that have a bucket of their own."""
    far = values.whole("far")
    if far > exact:
        return far, []
    label = say(N_("largest distance"))
    said = say(OUTSIDE).format(label=label, low=exact + 1, high=MOST_FAR, value=far)
    return exact + 1, [said]


def _by_distance(worth: Numbers, distances: NDArray[np.intp], n: int) -> Numbers:
    """[query, key]; NaN where a distance has no bucket."""
    away = np.arange(n)[None, :] - np.arange(n)[:, None]
    known = dict(zip(distances.tolist(), worth.tolist(), strict=True))
    flat = [known.get(int(one), np.nan) for one in np.unique(away)]
    return np.array(flat)[away - away.min()]


def recorded_controls(layers: list[int], found: Recorded) -> tuple[Control, ...]:
    """Of what was recorded, in layers that have a bias."""
    options = tuple((str(layer), str(layer)) for layer in layers)
    of_layer = Control("layer", "choice", N_("layer"), str(layers[0]), options=options)
    return (
        *((of_layer,) if len(layers) > 1 else ()),
        Control("head", "number", N_("head"), 0, 0, len(found.bias) - 1, help=texts.HELP_HEAD),
    )


def recorded(found: Recorded, values: Values, say: Say) -> Section:
    """The bias that was added in this pass, whatever it was made of."""
    head = min(values.whole("head"), len(found.bias) - 1)
    shown = _shown(len(found.bias))
    of_heads = {h: _over_distance(found.bias[h], found.visible) for h in {*shown, head}}
    of_head = of_heads[head]
    distance = Axis(say(N_("key − query")))
    added = Axis(say(N_("added to the score")))
    lines: tuple[Line, ...] = (Line(say(N_("mean")), of_head.mean, of_head.away, tone="accent"),)
    if of_head.kind == texts.BIAS_OF_MORE:
        lines = (
            Line(say(N_("least")), of_head.least, of_head.away, tone="quiet"),
            Line(say(N_("most")), of_head.most, of_head.away, tone="quiet", area=True),
            *lines,
        )
    every = tuple(
        Line(say(N_("head {n}")).format(n=h), of_heads[h].mean, of_heads[h].away, tone=tone)
        for h, tone in zip(shown, tones(len(shown)), strict=True)
    )
    matrix = found.bias[head].astype(np.float64)
    if found.visible is not None:
        matrix = np.where(found.visible, matrix, np.nan)
    return Section(
        say(N_("In this text: {place}")).format(place=found.place),
        panels=(
            HeatMap(
                "recorded-matrix",
                say(N_("Added to the scores of head {n}")).format(n=head),
                matrix,
                Side(say(N_("query")), found.queries),
                Side(say(N_("key")), found.keys),
                hatched=say(texts.MASKED),
                about=say(texts.BIAS_MATRIX),
            ),
            Chart(
                "recorded-head",
                say(N_("Bias over distance, head {n}")).format(n=head),
                distance,
                added,
                lines,
                about=say(of_head.kind).format(spread=f"{of_head.spread:.2g}"),
            ),
            Chart(
                "recorded-distances",
                say(N_("Bias over distance")),
                distance,
                added,
                every,
            ),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Over:
    """A bias over key − query, and the sentence that says what it depends on."""

    away: NDArray[np.intp]
    mean: Numbers
    least: Numbers
    most: Numbers
    spread: float
    kind: str


def _over_distance(bias: NDArray[np.float32], visible: NDArray[np.bool_] | None) -> _Over:
    """Over distance as it is; or, where that makes it depend on the distance alone, less what each
    row has at its own token: what a whole row has in common, softmax does not see."""
    seen = True if visible is None else visible
    close = 1e-5 * max(1.0, float(np.abs(bias).max(initial=0.0, where=seen)))
    kinds = [(texts.BIAS_OF_DISTANCE, bias)]
    own = np.diagonal(bias)[:, None]
    if bias.shape[0] == bias.shape[1] and np.isfinite(own).all():
        kinds.append((texts.BIAS_OF_DISTANCE_AND_ROW, bias - own))
    for kind, values in kinds:
        found = relative.bias_by_distance(values, visible)
        if found.spread <= close:
            return _Over(-found.distances, found.mean, found.least, found.most, found.spread, kind)
    found = relative.bias_by_distance(bias, visible)
    more = texts.BIAS_OF_MORE
    return _Over(-found.distances, found.mean, found.least, found.most, found.spread, more)


def _shown(n_heads: int) -> list[int]:
    """All heads, or of many some, evenly."""
    if n_heads <= MOST_LINES:
        return list(range(n_heads))
    return sorted({round(i * (n_heads - 1) / (MOST_LINES - 1)) for i in range(MOST_LINES)})


def _head(values: Values, n_heads: int, say: Say) -> tuple[int, list[str]]:
    head = values.whole("head")
    if head < n_heads:
        return head, []
    said = say(N_("There are {n} heads, counted from 0, so {head} cannot be shown."))
    return 0, [said.format(n=n_heads, head=head)]
