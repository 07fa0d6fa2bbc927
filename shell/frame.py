"""The frame around every page: language, header, navigation; then the page itself.

The script that Streamlit runs. Knows which pages there are, and none of what they show.
"""

import logging
from pathlib import Path

import streamlit as st

from model_runtime.errors import HeadlightError, Unforeseen
from model_runtime.types import Trace
from pages import attention
from shell import cache, header, lineup, show, state, trust
from shell.language import _

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent


def run() -> None:
    """One script run: from the address to the page."""
    st.set_page_config(page_title="Headlight", page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "frame.css")
    problems = state.begin()
    info = cache.model(state.current().ref).info
    traced = _trace()

    def attention_page() -> None:
        if isinstance(traced, tuple):
            attention.draw(*traced)

    question = _("Where does each head look?")
    page = st.navigation(
        [st.Page(attention_page, title=question, url_path="attention", default=True)],
        position="hidden",
    )
    header.draw(info, traced[1] if isinstance(traced, tuple) else None, page.title)
    problems += state.mirror()
    if isinstance(traced, HeadlightError):
        show.notices(problems)
        show.error(traced)
        return
    show.notices(problems + trust.left_out(traced[1]))
    page.run()
    trust.footer(traced[1])


def _trace() -> tuple[str, Trace] | HeadlightError:
    """The trace of what was chosen, or what is wrong with it. Examples are shared; what a
    user typed is theirs."""
    choices = state.current()
    shared = choices.text in lineup.examples() and choices.target_text is None
    try:
        return cache.trace(cache.PUBLIC if shared else state.session(), choices.request)
    except HeadlightError as problem:
        return problem
    except Exception as problem:
        # The header must be drawn all the same, or what was typed would be lost.
        log.exception("a text could not be traced")
        return Unforeseen(kind=type(problem).__name__)


run()
