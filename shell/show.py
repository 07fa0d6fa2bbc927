"""How an error, a notice and a fact are shown, the same on every page.

Knows Streamlit's elements and the language; no state and no maths.
"""

import logging

import streamlit as st

from model_runtime.errors import HeadlightError, Unforeseen
from shell.language import _
from viz.labels import in_markdown

log = logging.getLogger(__name__)


def error(problem: HeadlightError) -> None:
    """Say what is wrong and what to do, in the user's language."""
    values = {name: in_markdown(str(value)) for name, value in problem.values.items()}
    st.warning(_(problem.message).format(**values), icon=":material/info:")


def unexpected(problem: Exception) -> bool:
    """The last resort, for an error that nobody foresaw: say so, and where its details are.

    Returns True: Streamlit shows nothing of its own.
    """
    log.error("a page could not be shown", exc_info=problem)
    error(Unforeseen(kind=type(problem).__name__))
    return True


def notices(sentences: list[str], *, key: str = "notices") -> None:
    """Say things that the user should know and need not act on. Markdown, escaped before."""
    if sentences:
        with st.container(key=key, gap="xsmall"):
            for sentence in sentences:
                st.info(sentence, icon=":material/info:")
