"""The frame around every page: language, header, navigation; then the page itself.

The script that Streamlit runs. Knows which pages there are, and none of what they show.
"""

import logging
from pathlib import Path

import streamlit as st

from model_runtime import catalog
from model_runtime.errors import HeadlightError, Unforeseen
from model_runtime.types import Trace
from pages import attention
from shell import cache, language, show, state, trust
from shell.language import _
from viz.labels import visible

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_EXAMPLES = "_examples"


def run() -> None:
    """One script run: from the address to the page."""
    st.set_page_config(page_title="Headlight", page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "frame.css")
    default_text = cache.model(catalog.DEFAULT).info.examples[0]
    problems = state.begin(default_text)
    traced = _trace()

    def attention_page() -> None:
        if isinstance(traced, tuple):
            attention.draw(*traced)

    question = _("Where does each head look?")
    page = st.navigation(
        [st.Page(attention_page, title=question, url_path="attention", default=True)],
        position="hidden",
    )
    _header(traced[1] if isinstance(traced, tuple) else None, page.title)
    problems += state.mirror(default_text)
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
    info = cache.model(choices.ref).info
    shared = choices.text in info.examples and choices.target_text is None
    try:
        return cache.trace(cache.PUBLIC if shared else state.session(), choices.request)
    except HeadlightError as problem:
        return problem
    except Exception as problem:
        # The header must be drawn all the same, or what was typed would be lost.
        log.exception("a text could not be traced")
        return Unforeseen(kind=type(problem).__name__)


def _header(trace: Trace | None, question: str) -> None:
    """The page's question and the language; under them model, text, target and examples."""
    info = cache.model(state.current().ref).info
    with st.container(key="brand", horizontal=True, vertical_alignment="center"):
        st.title(f"Headlight\u2002:gray[{question}]", anchor=False, width="stretch")
        st.segmented_control(
            _("Language"),
            list(language.LANGUAGES),
            key=state.LANGUAGE,
            format_func=language.LANGUAGES.__getitem__,
            label_visibility="collapsed",
            required=True,
            on_change=state.touched,
            width="content",
        )
    with st.container(key="header"):
        model, text, target, examples = st.columns([1.5, 4.4, 3.4, 2], gap="small")
    model.selectbox(
        _("Model"),
        catalog.references(),
        key=state.MODEL,
        format_func=lambda ref: ref.removeprefix(catalog.BUILTIN),
        on_change=state.touched,
    )
    text.text_input(
        _("Text"),
        key=state.TEXT,
        placeholder=_("Type a sentence and press Enter"),
        on_change=state.touched,
    )
    target.text_input(
        _("Target"),
        key=state.TARGET,
        placeholder=_("the model writes its own"),
        help=_(
            "Empty: the model writes its own, shown below. Type a target to see how the model "
            "would attend while writing yours."
        ),
        on_change=state.touched,
    )
    if trace and trace.reading.target_is_own:
        with target.container(key="own_target"):
            st.text("→ " + (visible(trace.target_text) or _("(the model wrote nothing)")))
    examples.selectbox(
        _("Examples"),
        info.examples,
        key=_EXAMPLES,
        index=None,
        placeholder=_("pick one"),
        on_change=state.take_example,
        args=(_EXAMPLES,),
    )


run()
