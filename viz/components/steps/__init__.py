"""The steps component: one pass taken apart, a step at a time, with its numbers, in a page.

Joins the browser's modules into one script. Walking happens in the browser, with no server run.
Knows no model, no session state and no language.
"""

from viz.components.modules import Component
from viz.components.steps.strings import STRINGS

__all__ = ["COMPONENT", "STRINGS", "mount"]

# Dependency order: each file only uses names of files before it. steps.js has the default export.
# Text, elements, frames, colours and hatching are those of the attention component.
SCRIPTS = (
    "../attention/text.js", "../attention/screen.js", "../attention/dom.js",
    "../attention/frame.js",
    "../attention/colour.js", "../attention/raster.js", "numerals.js", "stepframe.js", "links.js",
    "computing.js", "fetching.js", "choices.js", "axes.js", "painting.js", "sheet.js", "board.js",
    "arithmetic.js", "wording.js", "pickers.js", "stepper.js", "tokens.js",
    "looks.js", "steps.js",
)  # fmt: skip

# A box of the final height is there before the script runs, so the page below does not jump.
HTML = '<div data-headlight="steps" data-state="loading"></div>\n'
COMPONENT = Component("steps", SCRIPTS, HTML)


def mount(payload: bytes, *, key: str) -> None:
    """Show ``payload`` (from :func:`viz.steps.payload`) at this place of the page.

    ``key`` keeps the same instance over reruns, so the reader's place survives new data.
    """
    COMPONENT.mount(key=key, data=payload, height="content")
