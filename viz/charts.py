"""Curves and bars as plotly draws them: what is drawn in, plotly's own description of it out.

Pure functions of numbers and a ground. Knows neither what the numbers mean nor the browser.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viz.labels import in_csv, in_plotly
from viz.theme import Ground, Palette, palette

Numbers = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
# From 0 to 1 a place on the sequential map, for lines that have an order; else a role.
Tone = float | Literal["accent", "ink", "quiet"]

MOST_TICKS = 40  # names along an axis; of more, every second, third, …
FEW = 512  # points of a line that moves
HEIGHT = 290  # CSS pixels
# The lightest part of the sequential map does not stand out from the ground.
_FAINTEST = 0.28


@dataclass(frozen=True, eq=False)
class Line:
    """One row of numbers over another."""

    name: str  # as in the legend; may hold user text
    y: Numbers  # NaN: a gap
    x: Numbers | None = None  # None: 0, 1, 2, …
    tone: Tone = "ink"
    dashed: bool = False
    points: bool = False  # points that nothing joins
    ends: bool = False  # a line from one point to the next, both of them marked
    area: bool = False  # filled down to the line before it, faintly


@dataclass(frozen=True)
class Axis:
    """What runs along one side."""

    title: str
    log: bool = False
    range: tuple[float, float] | None = None  # None: as wide as the numbers
    ticks: tuple[str, ...] = ()  # names of 0, 1, 2, …; may hold user text


@dataclass(frozen=True)
class Ruler:
    """A straight line across the chart, with words at its end."""

    at: float
    said: str
    along: Literal["x", "y"]  # the axis that `at` is on


@dataclass(frozen=True, eq=False)
class Chart:
    """A picture of one or more lines."""

    name: str  # of its files: "sinusoidal-dimensions"
    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    rulers: tuple[Ruler, ...] = ()
    bars: bool = False  # bars side by side in place of lines
    square: bool = False  # one unit is as long in both directions
    about: str = ""  # a sentence under the picture


def data(chart: Chart, ground: Ground, *, rough: bool = False) -> list[dict[str, Any]]:
    """Plotly's traces. `x` and `y` are arrays, or None where the numbers are 0, 1, 2, … `rough`
    thins long lines out to what can be seen of them, for a picture that moves."""
    colours = palette(ground)
    return [_trace(chart, line, colours, rough) for line in chart.lines]


def _trace(chart: Chart, line: Line, colours: Palette, rough: bool) -> dict[str, Any]:
    colour = _colour(line.tone, colours)
    x, y = thinned(line.x, line.y, FEW) if rough else (line.x, line.y)
    trace: dict[str, Any] = {"name": in_plotly(line.name), "x": x, "y": y}
    if chart.bars:
        return trace | {"type": "bar", "marker": {"color": colour}}
    points = line.points or len(line.y) == 1  # a line of one point is not seen
    mode = "markers" if points else "lines+markers" if line.ends else "lines"
    drawn: dict[str, Any] = {"type": "scatter", "mode": mode, "connectgaps": False}
    if not points:
        drawn["line"] = {"color": colour, "width": 1.8, "dash": "dash" if line.dashed else "solid"}
    if points or line.ends:
        drawn["marker"] = {"color": colour, "size": 6}
    if line.area:
        drawn |= {"fill": "tonexty", "fillcolor": f"{colour}22"}
    return trace | drawn


def thinned(x: Numbers | None, y: Numbers, most: int) -> tuple[Numbers | None, Numbers]:
    """The lowest and the highest point of each stretch of a line, in their order, and its ends:
    `most` points (four or more) or fewer, all of them true ones. A line with gaps stays as it is.
    """
    if len(y) <= most or not np.isfinite(y).all():
        return x, y
    last = len(y) - 1
    stretch = -(-len(y) // ((most - 2) // 2))
    blocks = np.pad(y, (0, -len(y) % stretch), mode="edge").reshape(-1, stretch)
    starts = np.arange(0, len(y), stretch)
    lowest, highest = blocks.argmin(axis=1) + starts, blocks.argmax(axis=1) + starts
    kept = np.unique(np.minimum([*lowest, *highest, 0, last], last))
    return (kept if x is None else x[kept]), y[kept]


def layout(chart: Chart, ground: Ground) -> dict[str, Any]:
    """Plotly's layout: axes, legend and rulers in the colours of the ground."""
    colours = palette(ground)
    made: dict[str, Any] = {
        "height": HEIGHT if not chart.square else 340,
        "margin": {"l": 54, "r": 12, "t": 12, "b": 42},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "showlegend": len(chart.lines) > 1,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 11},
        },
        "hovermode": "closest" if chart.square else "x unified",
        "hoverlabel": {
            "bgcolor": colours["ground"],
            "bordercolor": colours["quiet"],
            "font": {"color": colours["ink"], "size": 12},
        },
        "xaxis": _axis(chart.x, colours),
        "yaxis": _axis(chart.y, colours),
        "dragmode": False,
        "separators": ".",
    }
    if chart.square:
        made["yaxis"]["scaleanchor"] = "x"
    if chart.bars:
        made["bargap"] = 0.25
    if chart.rulers:
        made["shapes"] = [_shape(ruler, colours) for ruler in chart.rulers]
        made["annotations"] = [_words(ruler, chart, colours) for ruler in chart.rulers]
    return made


def _axis(axis: Axis, colours: Palette) -> dict[str, Any]:
    made: dict[str, Any] = {
        "title": {"text": in_plotly(axis.title), "standoff": 6, "font": {"size": 12}},
        "gridcolor": colours["faint"],
        "zerolinecolor": colours["faint"],
        "linecolor": colours["faint"],
        "automargin": True,
        "hoverformat": ".6~g",
    }
    if axis.log:
        # A tick each power of ten, written out: plotly's own "2" and "5" read as wavelengths of 2.
        made |= {"type": "log", "dtick": 1, "exponentformat": "none"}
    if axis.range is not None:
        low, high = np.log10(axis.range) if axis.log else axis.range
        made["range"] = [float(low), float(high)]
    if axis.ticks:
        each = -(-len(axis.ticks) // MOST_TICKS)
        made |= {
            "tickmode": "array",
            "tickvals": list(range(0, len(axis.ticks), each)),
            "ticktext": [in_plotly(tick) for tick in axis.ticks[::each]],
        }
    return made


def _shape(ruler: Ruler, colours: Palette) -> dict[str, Any]:
    line = {"color": colours["quiet"], "width": 1, "dash": "dot"}
    if ruler.along == "y":
        ends = {"xref": "paper", "x0": 0, "x1": 1, "y0": ruler.at, "y1": ruler.at}
    else:
        ends = {"yref": "paper", "y0": 0, "y1": 1, "x0": ruler.at, "x1": ruler.at}
    return {"type": "line", "line": line, **ends}


def _words(ruler: Ruler, chart: Chart, colours: Palette) -> dict[str, Any]:
    axis = chart.y if ruler.along == "y" else chart.x
    at = float(np.log10(ruler.at)) if axis.log else ruler.at
    said = {"text": in_plotly(ruler.said), "showarrow": False, "font": {"color": colours["quiet"]}}
    if ruler.along == "y":
        return said | {"xref": "paper", "x": 1, "xanchor": "right", "y": at, "yanchor": "bottom"}
    return said | {"yref": "paper", "y": 1, "yanchor": "top", "x": at, "xanchor": "left"}


def _colour(tone: Tone, colours: Palette) -> str:
    if isinstance(tone, str):
        return {"accent": colours["accent"], "ink": colours["ink"], "quiet": colours["quiet"]}[tone]
    stops = colours["sequential"]
    place = _FAINTEST + (1 - _FAINTEST) * min(1.0, max(0.0, tone))
    return stops[round(place * (len(stops) - 1))]


def tones(n: int) -> tuple[float, ...]:
    """Places on the sequential map for n lines in their order, from light to dark."""
    return tuple(i / (n - 1) for i in range(n)) if n > 1 else (0.7,) * n


def as_csv(chart: Chart) -> str:
    """All numbers of a chart as they were drawn from, a line a point: name, x, y; 17 digits."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["line", chart.x.title, chart.y.title])
    for line in chart.lines:
        xs = np.arange(len(line.y)) if line.x is None else line.x
        for x, y in zip(xs, line.y, strict=True):
            named = in_csv(chart.x.ticks[int(x)]) if chart.x.ticks else f"{x:.17g}"
            writer.writerow([in_csv(line.name), named, f"{y:.17g}" if np.isfinite(y) else ""])
    return out.getvalue()
