"""The positions component: encodings with live controls, curves and maps, in a page.

Asks for what is looked at over HTTP, without a server run. Knows no model, no session state
and no language.
"""

from viz.components.modules import Component
from viz.components.positions.strings import STRINGS

__all__ = ["COMPONENT", "STRINGS", "mount"]

# Dependency order: each file only uses names of files before it. positions.js has the default
# export. Text, elements, frames, colours, hatching and saving are those of the attention component.
SCRIPTS = (
    "../attention/text.js", "../attention/screen.js", "../attention/dom.js",
    "../attention/frame.js", "../attention/colour.js", "../attention/raster.js",
    "../attention/saving.js", "settings.js", "asking.js", "files.js", "sliders.js", "drawing.js",
    "charts.js", "maps.js", "panels.js", "positions.js",
)  # fmt: skip

# A box of about the final height is there before the script runs.
HTML = '<div data-headlight="positions" data-state="loading"></div>\n'
COMPONENT = Component("positions", SCRIPTS, HTML)


def mount(payload: bytes, *, key: str) -> None:
    """Show ``payload`` (from :func:`viz.positions.page.payload`) at this place of the page.

    ``key`` keeps the same instance over reruns, so what the reader has set survives them.
    """
    COMPONENT.mount(key=key, data=payload, height="content")
