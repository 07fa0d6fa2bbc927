"""The frame around every page: language, header, navigation; then the page itself.

The script that Streamlit runs. Knows which pages there are, and none of what they show.
"""

from pathlib import Path

import streamlit as st

from model_runtime import catalog
from model_runtime.errors import HeadlightError
from model_runtime.types import Trace
from pages import attention
from shell import cache, language, show, state
from shell.language import _

_HERE = Path(__file__).parent
_EXAMPLES = "_examples"


def run() -> None:
    """One script run: from the address to the page."""
    st.set_page_config(page_title="Headlight", page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "frame.css")
    default_text = cache.model(catalog.DEFAULT).info.examples[0]
    problems = state.begin(default_text)
    page = st.navigation(
        [st.Page(lambda: None, title=_("Attention"), url_path="attention", default=True)],
        position="hidden",
    )
    st.set_page_config(page_title=f"{page.title} · Headlight")
    traced = _trace()
    _header(traced[1] if isinstance(traced, tuple) else None)
    problems += state.mirror(default_text)
    show.notices(problems)
    if isinstance(traced, HeadlightError):
        show.error(traced)
        return
    attention.draw(*traced)


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


def _header(trace: Trace | None) -> None:
    """Model, text, target and examples; and the language."""
    info = cache.model(state.current().ref).info
    with st.container(key="header"):
        name, model, text, target, examples, lang = st.columns(
            [1.1, 1.5, 4.2, 3.2, 1.9, 1.1], vertical_alignment="bottom", gap="small"
        )
        name.markdown("#### Headlight")
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
            placeholder=trace.target_text if trace else "",
            help=_(
                "Empty: the model writes its own, shown here in grey. Type a target to see how "
                "the model would attend while writing yours."
            ),
            on_change=state.touched,
        )
        examples.selectbox(
            _("Examples"),
            info.examples,
            key=_EXAMPLES,
            index=None,
            placeholder=_("pick one"),
            on_change=state.take,
            args=(state.TEXT, _EXAMPLES),
        )
        lang.segmented_control(
            _("Language"),
            list(language.LANGUAGES),
            key=state.LANGUAGE,
            format_func=language.LANGUAGES.__getitem__,
            label_visibility="collapsed",
            required=True,
            on_change=state.touched,
        )


run()
