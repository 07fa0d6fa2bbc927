"""A model's own table of positions: its curves, what is alike in it, and its main directions.

From a table and controls to sections. Knows no model.
"""

from functools import partial

import numpy as np

from model_runtime.positions import tables
from model_runtime.positions.encodings import Encoding
from model_runtime.positions.encodings import Values as Numbers
from viz.attention_map import Say
from viz.charts import Axis, Chart, Line, tones
from viz.heatmap import HeatMap, Side
from viz.marked import N_
from viz.positions import texts
from viz.positions.controls import Control, Values
from viz.positions.limits import among
from viz.positions.sections import Made, Section

MOST_ALIKE = 1024  # positions whose similarity to each other is computed


def controls(encodings: list[Encoding]) -> tuple[Control, ...]:
    """The controls for some tables, the first of which is opened."""
    table = encodings[0].table
    assert table is not None
    n, d = max_shape(encodings)
    which = Control(
        "table",
        "choice",
        N_("table"),
        "0",
        options=tuple((str(i), one.where) for i, one in enumerate(encodings)),
    )
    first = [
        Control("n", "number", N_("length"), min(n, 256), 1, n, help=N_("rows that are shown")),
        Control(
            "dims",
            "numbers",
            N_("dimensions"),
            tuple(range(min(4, table.shape[1]))),
            0,
            d - 1,
            help=texts.HELP_DIMS,
        ),
        Control(
            "at",
            "numbers",
            N_("positions"),
            tuple(one for one in (0, 1, 10) if one < table.shape[0]),
            0,
            n - 1,
            help=texts.HELP_AT,
        ),
    ]
    return (*([which] if len(encodings) > 1 else []), *first)


def max_shape(encodings: list[Encoding]) -> tuple[int, int]:
    """The most rows and columns of any table."""
    shapes = [one.table.shape for one in encodings if one.table is not None]
    return max(n for n, _ in shapes), max(d for _, d in shapes)


def sections(encodings: list[Encoding], values: Values, say: Say) -> Made:
    """The sections, and a sentence for each value that does not fit the others."""
    index = int(values.choice("table")) if len(encodings) > 1 else 0
    encoding = encodings[index]
    assert encoding.table is not None
    table = encoding.table[: values.whole("n")].astype(np.float64)
    n, d = table.shape
    problems: list[str] = []
    dims = among(values, "dims", d, say(N_("dimensions")), problems, say)
    at = among(values, "at", n, say(N_("positions")), problems, say)
    by_formula = encoding.kind == "sinusoidal"
    return [
        partial(_table, table, dims, at, by_formula, say),
        partial(_alike, table, at[0] if at else 0, say),
        partial(_directions, table, by_formula, say),
    ], problems


def _table(
    table: Numbers, dims: tuple[int, ...], at: tuple[int, ...], by_formula: bool, say: Say
) -> Section:
    position, dimension = say(N_("position")), say(N_("dimension"))
    over_position = tuple(
        Line(say(N_("dimension {n}")).format(n=dim), table[:, dim], tone=tone)
        for dim, tone in zip(dims, tones(len(dims)), strict=True)
    )
    over_dimension = tuple(
        Line(say(N_("position {n}")).format(n=one), table[one], tone=tone)
        for one, tone in zip(at, tones(len(at)), strict=True)
    )
    # A few large values would leave the rest without colour.
    limit = float(np.quantile(np.abs(table), 0.995)) or 1.0
    beyond = np.abs(table).max() > limit * 1.001
    clipped = say(texts.CLIPPED).format(limit=f"{limit:.3g}") if beyond else ""
    return Section(
        say(N_("The table")),
        panels=(
            HeatMap(
                "learned-table",
                say(N_("a row a position")),
                table,
                Side(position),
                Side(dimension),
                limit=limit,
                picks="dims",
                about=clipped,
            ),
            Chart(
                "learned-dimensions",
                say(N_("Dimensions over positions")),
                Axis(position),
                Axis(say(N_("value"))),
                over_position,
            ),
            Chart(
                "learned-positions",
                say(N_("Positions over dimensions")),
                Axis(dimension),
                Axis(say(N_("value"))),
                over_dimension,
            ),
            Chart(
                "learned-norms",
                say(N_("Length of each row")),
                Axis(position),
                Axis("|p|"),
                (Line("|p|", tables.norms(table), tone=0.8),),
                about="" if by_formula else say(texts.UNTRAINED),
            ),
        ),
        text=(say(texts.TABLE_BY_FORMULA if by_formula else texts.TABLE),),
        formulas=(r"x_p = e_{\text{token}} + P[p]",),
        source=say(texts.PAPER if by_formula else texts.BERT),
    )


def _alike(table: Numbers, at: int, say: Say) -> Section:
    position = say(N_("position"))
    n = len(table)
    kept = table[:MOST_ALIKE]
    distance = np.arange(n) - at
    mean = tables.by_distance(kept, len(kept) - 1)
    return Section(
        say(N_("Near and far")),
        panels=(
            HeatMap(
                "learned-similarity",
                say(N_("Cosine of each two positions")),
                tables.similarity(kept),
                Side(position),
                Side(position),
                limit=1.0,
                about=say(texts.SIMILAR),
            ),
            Chart(
                "learned-cosines",
                say(N_("Cosine with position {n}")).format(n=at),
                Axis(say(N_("distance"))),
                Axis("cos", range=(-1.08, 1.08)),
                (Line(say(N_("cosine")), tables.cosines(table, at), distance, tone=0.8),),
            ),
            Chart(
                "learned-distances",
                say(N_("Cosine at each distance")),
                Axis(say(N_("distance"))),
                Axis("cos", range=(-1.08, 1.08)),
                (
                    Line(say(N_("least")), mean.least, tone="quiet"),
                    Line(say(N_("most")), mean.most, tone="quiet", area=True),
                    Line(say(N_("mean")), mean.mean, tone="accent"),
                ),
                about=say(texts.BY_DISTANCE),
            ),
        ),
    )


def _directions(table: Numbers, by_formula: bool, say: Say) -> Section:
    found = tables.components(table, 3)
    kept = min(3, len(found.shares))
    lines = tuple(
        Line(
            say(N_("component {n}, {share}")).format(n=i + 1, share=f"{found.shares[i]:.1%}"),
            found.scores[:, i],
            tone=tone,
        )
        for i, tone in zip(range(kept), tones(kept), strict=True)
    )
    panels = [
        Chart(
            "learned-components",
            say(N_("Main directions over positions")),
            Axis(say(N_("position"))),
            Axis(say(N_("coordinate"))),
            lines,
        )
    ]
    if kept > 1:
        path = Line(say(N_("positions")), found.scores[:, 1], found.scores[:, 0], tone=0.7)
        ends = Line(
            say(N_("position {n}")).format(n=0),
            found.scores[:1, 1],
            found.scores[:1, 0],
            tone="accent",
            points=True,
        )
        panels.append(
            Chart(
                "learned-path",
                say(N_("The path through the first two")),
                Axis(say(N_("component 1"))),
                Axis(say(N_("component 2"))),
                (path, ends),
                square=True,
            )
        )
    shares = float(found.shares[:3].sum())
    return Section(
        say(N_("Principal components")),
        panels=tuple(panels),
        text=(say(texts.COMPONENTS).format(shares=f"{shares:.1%}"),),
    )
