"""Where does every number come from? The pass taken apart, an example by hand, and mistakes.

Chooses what is shown and draws with its components. Knows no model and no maths.
"""

from itertools import chain

import streamlit as st

from model_runtime import breaking, catalog
from model_runtime.steps import walk
from model_runtime.types import Trace
from shell import address, cache, show, state, walking
from shell.language import _
from viz import broken, broken_texts, steps, textbook, told
from viz.components import navigation
from viz.components import steps as walk_component
from viz.components import textbook as example_component


def draw(trace_id: str, trace: Trace) -> None:
    """One of the three: the walk through the pass, the example, the mistakes."""
    views = {
        "walk": _("walk through the pass"),
        "example": _("example by hand"),
        "mistakes": _("break it"),
    }
    chosen = state.chosen_view()
    # Links, not a widget: they bring what the browser has done to the address in the meantime.
    navigation.mount(
        [
            navigation.Link("steps", "steps", said, name == chosen, parameters={address.SHOW: name})
            for name, said in views.items()
        ],
        (*address.CARRIED, *address.STEPPED, *address.EXAMPLE),
        label=_("view"),
        key=state.VIEWS,
        on_go=state.left,
    )
    if chosen == "example":
        _example()
    elif not trace.records:
        said = _("Without attention there is no walk. The page Attention shows what it predicts.")
        st.info(said, icon=":material/info:")
    elif chosen == "mistakes":
        _mistakes(trace)
    else:
        _walk(trace_id, trace)


def _walk(trace_id: str, trace: Trace) -> None:
    """The steps, one at a time; the browser asks for all but the first."""
    insides = cache.insides(trace.request.ref)
    config = insides.config if insides else None
    outlines = walking.outlines(trace, insides)
    n_queries = {stack: len(trace.tokens(stack)[0]) for stack in outlines}
    head, problems = state.chosen_head(trace, n_queries)
    opening, more = walking.opening(trace, head, state.asked(*address.STEPPED), outlines)
    show.notices(problems + more, key="notices-page")
    first = walk.step(trace, insides, opening.place, opening.step)
    payload = steps.payload(
        trace,
        opening,
        steps.step_frame(first, opening.place),
        outlines,
        told.texts(chain(*outlines.values()), config, _),
        api=f"api/steps/{trace_id}",
        say=_,
    )
    walk_component.mount(payload, key="steps")


def _example() -> None:
    asked = state.asked(textbook.PARAMETER).get(textbook.PARAMETER, "")
    example_component.mount(textbook.payload(asked, _), key="textbook")


def _mistakes(trace: Trace) -> None:
    """The pass once more, with a mistake in it."""
    if not catalog.is_builtin(trace.request.ref):
        st.info(
            _(
                "Only a built-in model can be broken: of a checkpoint, nobody knows which line "
                "to change. Choose one above."
            ),
            icon=":material/info:",
        )
        return
    mistake = st.pills(
        _("What goes wrong"),
        breaking.MISTAKES,
        key=address.MISTAKE,
        format_func=lambda name: _(broken_texts.TITLES[name]),
        required=True,
        on_change=state.touched,
    )
    n_queries = {stack: len(trace.tokens(stack)[0]) for stack in trace.info.stacks}
    head, problems = state.chosen_head(trace, n_queries)
    place, _names_key = walking.place_of(trace, head, state.asked("col"), problems)
    show.notices(problems, key="notices-page")
    found = cache.broken(trace, place, mistake or breaking.MISTAKES[0])
    st.html(broken.STYLE)
    st.html(broken.html(found, _))
