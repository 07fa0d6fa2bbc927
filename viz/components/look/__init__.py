"""The look component: a light or a dark ground, and projector mode for the back of a classroom.

Knows no page and keeps nothing: the choice is this browser's, kept by the script that runs before
Streamlit does (shell/look.js).
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from viz.attention_map import Say
from viz.components import modules
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


def joined_script() -> str:
    """Return the ES modules as the single one Streamlit takes: no imports, one default export."""
    return modules.joined(Path(__file__).parent, SCRIPTS)


@cache
def _component() -> Any:
    """Register the component once per process, and only when a page first needs it."""
    css = modules.styled(Path(__file__).parent / "look.css")
    return st.components.v2.component("headlight_look", html=HTML, css=css, js=joined_script())


def mount(*, say: Say, key: str) -> None:
    """Show the two switches at this place."""
    data = {"strings": {key: say(text) for key, text in STRINGS.items()}}
    _component()(key=key, data=data, width="content")
