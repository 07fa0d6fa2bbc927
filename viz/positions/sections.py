"""What a view is made of: sections with words, a formula and panels; and the frame they go in.

Knows how they are sent, and nothing of what they show.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from latex2mathml.converter import convert

from viz import charts, heatmap
from viz.attention_map import Say
from viz.charts import Chart
from viz.components.attention.frame import Body, frame
from viz.heatmap import HeatMap
from viz.positions.controls import Control, Values, described
from viz.theme import Ground


@dataclass(frozen=True)
class Table:
    """Numbers that are better read than seen. Cells may hold user text."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    about: str = ""


Panel = Chart | HeatMap | Table


@dataclass(frozen=True)
class Link:
    """A way to another place of the app."""

    said: str
    parameters: Mapping[str, str]  # of the page's own address: {"model": "builtin:blanks"}


@dataclass(frozen=True)
class Section:
    """One question of a view, answered."""

    title: str
    panels: tuple[Panel, ...] = ()
    text: tuple[str, ...] = ()  # paragraphs; plain, may hold user text
    formulas: tuple[str, ...] = ()  # LaTeX, constants of the project
    source: str = ""  # where the formula stands
    links: tuple[Link, ...] = ()


def with_base(base: float, formulas: Sequence[str]) -> tuple[str, ...]:
    """The formulas with a base as it is set, in place of BASE."""
    return tuple(latex.replace("BASE", f"{base:.10g}") for latex in formulas)


# A section is made when it is asked for: while a slider is dragged, those on the screen alone.
Later = Callable[[], Section]
Made = tuple[list[Later], list[str]]  # and a sentence for each value that does not fit the others


def at_once(section: Section) -> Later:
    """A section that is made already."""
    return lambda: section


@dataclass(frozen=True)
class View:
    """One encoding, as it is set."""

    controls: Sequence[Control]
    values: Values
    sections: Sequence[Later]
    problems: Sequence[str] = field(default_factory=tuple)

    def panel(self, name: str) -> Panel | None:
        """The panel of that name."""
        found = (panel for make in self.sections for panel in make().panels)
        return next((panel for panel in found if panel.name == name), None)


def answer(view: View, ground: Ground, say: Say, only: Collection[int] | None = None) -> bytes:
    """The frame that the component draws, numbers in 32 bits: all sections of the view, or `only`
    some by their numbers, with long lines thinned out, and null for the others."""
    body = Body()
    header = {
        "controls": described(view.controls, say),
        "values": view.values.plain(),
        "problems": list(view.problems),
        "sections": [
            _section(make(), ground, body, rough=only is not None)
            if only is None or number in only
            else None
            for number, make in enumerate(view.sections)
        ],
    }
    return frame(header, body.arrays)


def _section(section: Section, ground: Ground, body: Body, *, rough: bool) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": list(section.text),
        "formulas": [_mathml(latex) for latex in section.formulas],
        "source": section.source,
        "links": [
            {"said": link.said, "parameters": dict(link.parameters)} for link in section.links
        ],
        "panels": [_panel(panel, ground, body, rough) for panel in section.panels],
    }


# Bounded, for every base that anybody sets makes formulas of its own.
@lru_cache(maxsize=256)
def _mathml(latex: str) -> str:
    return convert(latex)


def _panel(panel: Panel, ground: Ground, body: Body, rough: bool) -> dict[str, Any]:
    shared = {"name": panel.name, "title": panel.title, "about": panel.about}
    if isinstance(panel, Table):
        return shared | {"kind": "table", "header": panel.header, "rows": panel.rows}
    if isinstance(panel, Chart):
        traces = [_placed(trace, body) for trace in charts.data(panel, ground, rough=rough)]
        return shared | {"kind": "chart", "data": traces, "layout": charts.layout(panel, ground)}
    cells, high, wide = heatmap.pooled(panel.values, heatmap.MOST_ROWS, heatmap.MOST_COLUMNS)
    return shared | {
        "kind": "map",
        "cells": body.put(cells),
        "n_rows": panel.values.shape[0],
        "n_columns": panel.values.shape[1],
        "high": high,
        "wide": wide,
        "rows": {"title": panel.rows.title, "labels": panel.rows.labels},
        "columns": {"title": panel.columns.title, "labels": panel.columns.labels},
        "limit": heatmap.limit(panel),
        "unsigned": panel.unsigned,
        "hatched": panel.hatched,
        "picks": panel.picks,
    }


def _placed(trace: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """The trace with its numbers in the body: [offset in bytes, how many]."""
    placed = dict(trace)
    for name in ("x", "y"):
        if placed[name] is not None:
            placed[name] = [body.put_floats(placed[name]), len(placed[name])]
    return placed


_FILE = re.compile(r"([a-z-]{1,60})\.csv")


def file(view: View, name: str) -> tuple[str, str] | None:
    """(file name, text) of "panel.csv", or None where there is no such panel."""
    asked = _FILE.fullmatch(name)
    panel = view.panel(asked[1]) if asked else None
    if panel is None:
        return None
    if isinstance(panel, Chart):
        return f"headlight-{panel.name}.csv", charts.as_csv(panel)
    if isinstance(panel, HeatMap):
        return f"headlight-{panel.name}.csv", heatmap.as_csv(panel)
    return None
