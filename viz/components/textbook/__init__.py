"""The textbook component: an attention of a few numbers, all of them editable, in a page.

Computes, explains and keeps itself in the address without a server run. Knows no model, no
session state and no language.
"""

from viz.components.modules import Component
from viz.components.textbook.strings import STRINGS

__all__ = ["COMPONENT", "STRINGS", "mount"]

# Dependency order: each file only uses names of files before it. textbook.js has the default
# export. Text, elements, frames, colours and saving are those of the attention component.
SCRIPTS = (
    "../attention/text.js", "../attention/screen.js", "../attention/dom.js",
    "../attention/frame.js", "../attention/colour.js", "../attention/saving.js", "numbers.js",
    "address.js", "example.js", "attend.js", "arithmetic.js", "files.js", "matrix.js",
    "controls.js", "readout.js", "textbook.js",
)  # fmt: skip

# A box of the final height is there before the script runs, so the page below does not jump.
HTML = '<div data-headlight="textbook" data-state="loading"></div>\n'
COMPONENT = Component("textbook", SCRIPTS, HTML)


def mount(payload: bytes, *, key: str) -> None:
    """Show ``payload`` (from :func:`viz.textbook.payload`) at this place of the page.

    ``key`` keeps the same instance over reruns, so what the reader typed survives them.
    """
    COMPONENT.mount(key=key, data=payload, height="content")
