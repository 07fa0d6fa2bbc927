"""The tour component: a button that leads around the page, one thing after the other.

Knows no page: the stops are told. It begins when it is asked to, and ends at any time.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from viz.attention_map import Say
from viz.components import modules
from viz.marked import N_

STRINGS = {
    "tour": N_("tour"),
    "tour.help": N_("A short tour of this page"),
    "back": N_("back"),
    "on": N_("next"),
    "end": N_("done"),
    "skip": N_("skip the tour"),
    "count": N_("{n} of {all}"),
}
SCRIPTS = ("../attention/text.js", "../attention/screen.js", "../attention/dom.js", "tour.js")
HTML = '<div data-headlight="tour"></div>\n'


def joined_script() -> str:
    """Return the ES modules as the single one Streamlit takes: no imports, one default export."""
    return modules.joined(Path(__file__).parent, SCRIPTS)


@cache
def _component() -> Any:
    """Register the component once per process, and only when a page first needs it."""
    css = modules.styled(Path(__file__).parent / "tour.css")
    return st.components.v2.component("headlight_tour", html=HTML, css=css, js=joined_script())


def mount(stops: list[dict[str, str]], *, say: Say, key: str) -> None:
    """Show the button at this place; `stops` come from :func:`viz.tours.told`."""
    data = {"stops": stops, "strings": {key: say(text) for key, text in STRINGS.items()}}
    _component()(key=key, data=data, width="content")
