"""The terms component: a label that is pointed at tells the English of its terms in its tip.

Has no picture of its own: it listens to the whole page. Knows no term: they are told.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from viz.components import modules

SCRIPTS = ("../attention/screen.js", "../attention/dom.js", "terms.js")
HTML = '<div data-headlight="terms" hidden></div>\n'


def joined_script() -> str:
    """Return the ES modules as the single one Streamlit takes: no imports, one default export."""
    return modules.joined(Path(__file__).parent, SCRIPTS)


@cache
def _component() -> Any:
    """Register the component once per process, and only when a page first needs it."""
    return st.components.v2.component("headlight_terms", html=HTML, js=joined_script())


def mount(pairs: list[list[str]], *, key: str) -> None:
    """Tell `pairs` of a term and its English (from :func:`viz.terms.told`) to the page."""
    _component()(key=key, data={"pairs": pairs}, width="content")
