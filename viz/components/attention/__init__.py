"""The attention component: three linked pictures of a payload, mounted in a page.

Joins the browser's modules into one script. Looking around (stack, head, pinned row, colour,
view) happens in the browser, with no server run. Knows no model, no session state and no language.
"""

from typing import Literal

from viz.components.attention.frame import frame, head_frame, level_frame
from viz.components.attention.payload import (
    EXACT_LIMIT,
    AxisToken,
    Chosen,
    Exact,
    HeadCell,
    Levels,
    Scale,
    Shown,
    Stack,
    StackName,
    TokenKind,
    exact_fits,
    pack,
)
from viz.components.attention.shrinking import max_pool, quantise, thumbnail_side, visible_runs
from viz.components.attention.strings import STRINGS
from viz.components.modules import Component

__all__ = [
    "COMPONENT", "EXACT_LIMIT", "STRINGS", "AxisToken", "Chosen", "Exact", "HeadCell", "Levels",
    "Scale", "Shown", "Stack", "StackName", "TokenKind", "exact_fits", "frame", "head_frame",
    "level_frame", "max_pool", "mount", "pack", "quantise", "thumbnail_side", "visible_runs",
]  # fmt: skip

# Dependency order: each file only uses names of files before it. main.js has the default export.
SCRIPTS = (
    "text.js", "screen.js", "dom.js", "frame.js", "colour.js", "raster.js", "store.js", "runs.js",
    "levels.js", "tiles.js", "heads.js", "bar.js", "grid.js", "geometry.js", "zoomed.js",
    "paint.js", "legend.js", "map.js", "walk.js", "lines.js", "detail.js", "spoken.js",
    "measures.js", "saving.js", "export.js", "table.js", "layout.js", "main.js",
)  # fmt: skip

# A box of the final height is there before the script runs, so the page below does not jump.
HTML = '<div data-headlight="attention" data-state="loading"></div>\n'
COMPONENT = Component("attention", SCRIPTS, HTML)


def mount(payload: bytes, *, key: str, height: int | Literal["content"] = "content") -> None:
    """Show ``payload`` (from :func:`pack`) at this place of the page.

    ``key`` keeps the same instance over reruns, so the reader's choices survive new data.
    ``height`` is in CSS pixels; by default the component takes what it needs.
    """
    COMPONENT.mount(key=key, data=payload, height=height)
