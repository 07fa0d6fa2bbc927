"""The frame around every page: language, header, navigation; then the page itself.

The script that Streamlit runs. Knows which pages there are, and none of what they show.
"""

import logging
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_runtime import catalog
from model_runtime.errors import HeadlightError, Unforeseen
from model_runtime.turns import TURNS
from model_runtime.types import ModelInfo, Trace
from pages import attention, positions, steps
from shell import cache, classroom, header, lineup, opening, show, state, trust, warmup
from shell.classroom import Rules
from shell.language import _
from viz.labels import in_markdown

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_POLL_SECONDS = 0.2


def run() -> None:
    """One script run: from the address to the page."""
    st.set_page_config(page_title="Headlight", page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "frame.css")
    problems = state.begin()
    traced: list[tuple[str, Trace]] = []

    def attention_page() -> None:
        for found in traced:
            attention.draw(*found)

    def steps_page() -> None:
        for found in traced:
            steps.draw(*found)

    def positions_page() -> None:
        for found in traced:
            positions.draw(*found)

    drawn_by = {"attention": attention_page, "steps": steps_page, "positions": positions_page}
    pages = {
        name: st.Page(drawn_by[name], title=_(question), url_path=name, default=name == "attention")
        for name, (_path, _label, question) in header.PAGES.items()
    }
    page = st.navigation(list(pages.values()), position="hidden")
    if there := state.destination(pages):
        st.switch_page(pages[there[0]], query_params=there[1])
    here = next(name for name, known in pages.items() if known is page)
    rules, more = classroom.rules(state.asked(classroom.LOCK, classroom.HIDE))
    problems += more
    header.brand(here, rules)
    info = _opened(rules)
    if isinstance(info, HeadlightError):
        header.draw(None, None, rules)
        _place()
        show.notices(problems + state.mirror(None))
        _failed(info)
        return
    state.opened(info)
    found = _trace(info)
    header.draw(info, None if isinstance(found, HeadlightError) else found[1], rules)
    _place()
    problems += state.mirror(info)
    if isinstance(found, HeadlightError):
        show.notices(problems)
        show.error(found)
        return
    traced.append(found)
    show.notices(problems + trust.remarks(found[1]) + trust.left_out(found[1]))
    page.run()
    trust.footer(found[1])


def _opened(rules: Rules) -> ModelInfo | HeadlightError:
    """What is known of the chosen model, or why it cannot be opened.

    A checkpoint that is not open yet is opened under a header that can be used meanwhile;
    then the run begins again, for now it is known which boxes the header needs.
    """
    ref = state.chosen_ref()
    if catalog.is_builtin(ref) or cache.MODELS.is_open(ref):
        try:
            return cache.model(ref).info
        except HeadlightError as problem:
            return problem
    if why_not := state.failure():
        return why_not
    on_its_way = opening.begin(ref)
    header.draw(None, None, rules)
    state.mirror(None)
    place = _place()
    with TURNS.given_up():
        while not on_its_way.wait(_POLL_SECONDS):
            show.progress(place, ref, on_its_way.progress)
    if on_its_way.problem:
        state.failed(on_its_way.problem)
    state.repeat()
    st.rerun()


def _place() -> DeltaGenerator:
    """Where progress is shown. Always there, or the first sign of it would take the place of
    the picture, which is to stay until there is another."""
    return st.empty()


def _failed(problem: HeadlightError) -> None:
    """Why the model cannot be opened, and the ways on."""
    show.error(problem)
    with st.container(key="ways_on", horizontal=True):
        name = in_markdown(state.last_opened()[1])
        st.button(_("back to {model}").format(model=name), on_click=state.go_back, type="primary")
        st.button(_("try again"), on_click=state.try_again)


def _trace(info: ModelInfo) -> tuple[str, Trace] | HeadlightError:
    """The trace of what was chosen, or what is wrong with it. Examples are shared; what a
    user typed is theirs."""
    choices = state.current(info)
    is_example = choices.text in lineup.examples() or choices.text in info.examples
    shared = is_example and choices.target_text is None and choices.pair_text is None
    try:
        return cache.trace(cache.PUBLIC if shared else state.session(), choices.request)
    except HeadlightError as problem:
        return problem
    except Exception as problem:
        # The header must be drawn all the same, or what was typed would be lost.
        log.exception("a text could not be traced")
        return Unforeseen(kind=type(problem).__name__)


with TURNS.taken():
    run()
warmup.page_is_sent()
