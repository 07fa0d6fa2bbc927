"""The sinusoidal encoding: its table, curves, wavelengths, what a shift is, and a mistake in it.

From controls to sections. Knows no model; the formula alone.
"""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from model_runtime.positions import sinusoidal, tables
from viz.attention_map import Say
from viz.charts import Axis, Chart, Line, Ruler, tones
from viz.heatmap import HeatMap, Side
from viz.marked import N_
from viz.numerals import signed
from viz.positions import texts
from viz.positions.controls import Control, Values, read
from viz.positions.limits import among
from viz.positions.sections import Later, Made, Panel, Section, Table, with_base

MOST_D, MOST_N, MOST_BASE = 1024, 2048, 1_000_000
_SHOWN_SHIFT = 64  # dimensions of the matrix that is drawn

FORMULAS = (
    r"\mathit{PE}[\text{pos}, 2i] = \sin \left( \frac{\text{pos}}{BASE^{2i/d}} \right)",
    r"\mathit{PE}[\text{pos}, 2i+1] = \cos \left( \frac{\text{pos}}{BASE^{2i/d}} \right)",
)
WAVE = (r"\lambda_i = 2 \pi \cdot BASE^{2i/d}",)
DOT = (
    r"\mathit{PE}[p] \cdot \mathit{PE}[q] = \sum_i \cos "
    r"\left( \frac{p - q}{BASE^{2i/d}} \right)",
)
# Below these there are too few clocks, or they turn too much alike, to speak of fast and slow.
_FEW, _ALIKE = 8, 100


def controls(d_model: int, asked: Mapping[str, str], say: Say) -> tuple[Control, ...]:
    """The controls, opened at the width of a model; the lists, at what fits the width asked for."""
    width = Control(
        "d", "number", N_("d_model"), min(d_model, MOST_D), 1, MOST_D, help=texts.HELP_D
    )
    d = read((width,), asked, say)[0].whole("d")
    return (
        width,
        Control("n", "number", N_("length"), 100, 1, MOST_N, help=texts.HELP_LENGTH),
        Control(
            "base",
            "number",
            N_("base"),
            10_000,
            1.01,
            MOST_BASE,
            whole=False,
            log=True,
            help=texts.HELP_BASE,
        ),
        Control(
            "dims",
            "numbers",
            N_("dimensions"),
            _spread(d),
            0,
            MOST_D - 1,
            help=texts.HELP_DIMS,
        ),
        Control(
            "at",
            "numbers",
            N_("positions"),
            (0, 1, 10, 50),
            0,
            MOST_N - 1,
            help=texts.HELP_AT,
        ),
        Control("by", "number", N_("shift by k"), 5, -MOST_N, MOST_N),
        Control(
            "wrong",
            "switch",
            N_("the common exponent mistake"),
            False,
            help=texts.HELP_WRONG,
        ),
    )


def _spread(d: int) -> tuple[int, ...]:
    """Some dimensions from the fastest to the slow ones."""
    return tuple(sorted({0, 1, d // 8, d // 4, d // 2} & set(range(d))))


def sections(values: Values, say: Say) -> Made:
    """The sections, and a sentence for each value that does not fit the others."""
    n, d, base, by = (
        values.whole("n"),
        values.whole("d"),
        values.number("base"),
        values.whole("by"),
    )
    problems: list[str] = []
    dims = among(values, "dims", d, say(N_("dimensions")), problems, say)
    at = among(values, "at", n, say(N_("positions")), problems, say)
    table = sinusoidal.table(n, d, base)
    doubled = sinusoidal.table(n, d, base, doubled=True) if values.on("wrong") else None
    found: list[Later] = [
        partial(_table, table, base, dims, at, doubled, say),
        partial(_wavelengths, d, base, doubled is not None, say),
        partial(_distances, table, base, at[0] if at else 0, say),
        partial(_shift, table, base, by, at[0] if at else 0, say),
        partial(_mistake, d, base, say),
    ]
    if doubled is not None:
        found.insert(1, found.pop())
    return found, problems


def _table(
    table: np.ndarray,
    base: float,
    dims: tuple[int, ...],
    at: tuple[int, ...],
    doubled: np.ndarray | None,
    say: Say,
) -> Section:
    position, dimension = say(N_("position")), say(N_("dimension"))
    value = Axis(say(N_("value")), range=(-1.08, 1.08))
    wrong = say(N_("{name}, mistaken"))
    over_position: list[Line] = []
    for dim, tone in zip(dims, tones(len(dims)), strict=True):
        name = say(N_("dimension {n}")).format(n=dim)
        over_position.append(Line(name, table[:, dim], tone=tone))
        if doubled is not None:
            said = wrong.format(name=name)
            over_position.append(Line(said, doubled[:, dim], tone=tone, dashed=True))
    over_dimension: list[Line] = []
    for one, tone in zip(at, tones(len(at)), strict=True):
        name = say(N_("position {n}")).format(n=one)
        over_dimension.append(Line(name, table[one], tone=tone))
        if doubled is not None:
            said = wrong.format(name=name)
            over_dimension.append(Line(said, doubled[one], tone=tone, dashed=True))
    return Section(
        say(N_("The table")),
        panels=(
            HeatMap(
                "sinusoidal-table",
                say(N_("PE, a row a position")),
                table,
                Side(position),
                Side(dimension),
                limit=1.0,
                picks="dims",
            ),
            Chart(
                "sinusoidal-dimensions",
                say(N_("Dimensions over positions")),
                Axis(position),
                value,
                tuple(over_position),
            ),
            Chart(
                "sinusoidal-positions",
                say(N_("Positions over dimensions")),
                Axis(dimension),
                value,
                tuple(over_dimension),
                about=say(texts.ZIGZAG),
            ),
        ),
        formulas=with_base(base, FORMULAS),
        source=say(texts.PAPER),
        text=(say(texts.CLOCKS),) if table.shape[1] >= _FEW and base >= _ALIKE else (),
    )


def _wavelengths(d: int, base: float, mistaken: bool, say: Say) -> Section:
    found = sinusoidal.wavelengths(d, base)
    lines = [Line(say(N_("wavelength")), found, tone=0.8)]
    if mistaken:
        said = say(N_("{name}, mistaken")).format(name=say(N_("wavelength")))
        lines.append(
            Line(said, sinusoidal.wavelengths(d, base, doubled=True), tone="accent", dashed=True)
        )
    top = 2 * math.pi * base
    return Section(
        say(N_("Wavelengths")),
        panels=(
            Chart(
                "sinusoidal-wavelengths",
                say(N_("Positions until a pair has gone round once")),
                Axis(say(N_("pair i (dimensions 2i and 2i+1)"))),
                Axis(say(N_("positions")), log=True),
                tuple(lines),
                rulers=(
                    Ruler(2 * math.pi, "2π", "y"),
                    Ruler(top, say(N_("{base} · 2π")).format(base=f"{base:.10g}"), "y"),
                ),
                about=say(texts.LONGEST_WAVE).format(
                    base=f"{base:.10g}", n=len(found), last=f"{found[-1]:,.1f}"
                )
                if len(found) > 1
                else "",
            ),
        ),
        formulas=with_base(base, WAVE),
        source=say(texts.PAPER),
    )


def _distances(table: np.ndarray, base: float, at: int, say: Say) -> Section:
    distance = np.arange(len(table)) - at
    odd = table.shape[1] % 2 == 1
    return Section(
        say(N_("Near and far")),
        panels=(
            Chart(
                "sinusoidal-dots",
                say(N_("Dot product with position {n}")).format(n=at),
                Axis(say(N_("distance"))),
                Axis("PE[p] · PE[q]"),
                (Line(say(N_("dot product")), tables.dots(table, at), distance, tone=0.8),),
            ),
            Chart(
                "sinusoidal-cosines",
                say(N_("Cosine with position {n}")).format(n=at),
                Axis(say(N_("distance"))),
                Axis("cos", range=(-1.08, 1.08)),
                (Line(say(N_("cosine")), tables.cosines(table, at), distance, tone=0.8),),
            ),
        ),
        formulas=() if odd else with_base(base, DOT),
        text=(say(texts.DOT_OF_ODD if odd else texts.DOT_IS_DISTANCE),),
    )


def _shift(table: np.ndarray, base: float, by: int, at: int, say: Say) -> Section:
    n, d = table.shape
    error = sinusoidal.shift_error(n, d, base=base, by=by)
    pairs = d - d % 2
    shown = min(pairs, _SHOWN_SHIFT)
    text = [say(texts.SHIFT).format(k=by, n=n, error=f"{error:.1e}")]
    if d % 2:
        text.append(say(texts.ODD))
    panels: tuple[Panel, ...] = ()
    if shown:
        matrix = sinusoidal.shift(d, by, base)
        there = sinusoidal.table_at(np.array([at + by]), d, base)[0, :pairs]
        whole = say(N_("M, first {n} dimensions")).format(n=shown)
        panels = (
            HeatMap(
                "sinusoidal-shift",
                whole if shown < pairs else say(N_("M")),
                matrix[:shown, :shown],
                Side(say(N_("dimension"))),
                Side(say(N_("dimension"))),
                limit=1.0,
            ),
            Chart(
                "sinusoidal-shifted",
                say(N_("Position {n}, shifted by M, is position {other}")).format(
                    n=at, other=at + by
                ),
                Axis(say(N_("dimension"))),
                Axis(say(N_("value")), range=(-1.08, 1.08)),
                (
                    Line(f"PE[{at}]", table[at, :pairs], tone="quiet", dashed=True),
                    Line(f"PE[{at + by}]", there, tone=0.8),
                    Line(f"M · PE[{at}]", matrix @ table[at, :pairs], tone="accent", points=True),
                ),
            ),
        )
    return Section(
        say(N_("A shift is linear")),
        panels=panels,
        text=tuple(text),
        formulas=(r"\mathit{PE}[p + k] = M_k \, \mathit{PE}[p]",),
        source=say(texts.PAPER),
    )


def _mistake(d: int, base: float, say: Say) -> Section:
    def both(d: int, base: float, dim: int) -> tuple[str, str, str, str]:
        right = sinusoidal.table(2, d, base)[1, dim]
        wrong = sinusoidal.table(2, d, base, doubled=True)[1, dim]
        return f"PE[1, {dim}]", f"d = {d}, {base:.10g}", signed(right, 4), signed(wrong, 4)

    rows = dict.fromkeys([both(4, 10000, 2), *(both(d, base, dim) for dim in (2, 4) if dim < d)])
    return Section(
        say(N_("The common exponent mistake")),
        panels=(
            Table(
                "sinusoidal-mistake",
                "",
                (say(N_("cell")), say(N_("of")), say(N_("right")), say(N_("mistaken"))),
                tuple(rows),
            ),
        ),
        text=(say(texts.MISTAKE),),
    )
