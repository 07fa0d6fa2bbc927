"""The look component: a light or a dark ground, and projector mode for the back of a classroom.

Knows no page and keeps nothing: the choice is this browser's, kept by the script that runs before
Streamlit does (shell/look.js).
"""

from viz.attention_map import Say
from viz.components.modules import Component
from viz.marked import N_

STRINGS = {
    "dark": N_("dark theme"),
    "projector": N_("projector mode"),
    "projector.help": N_(
        "Projector mode: larger, with more contrast and fewer controls. The key F2 does the same."
    ),
}
SCRIPTS = ("../attention/text.js", "../attention/screen.js", "../attention/dom.js", "look.js")
HTML = '<div data-headlight="look"></div>\n'
COMPONENT = Component("look", SCRIPTS, HTML)


def mount(*, say: Say, key: str) -> None:
    """Show the two switches at this place."""
    data = {"strings": {key: say(text) for key, text in STRINGS.items()}}
    COMPONENT.tell(data, key=key, width="content")
