"""Where does each head look? The page that Headlight opens with.

Chooses nothing but switches and draws with the attention component. Knows no model and
no maths.
"""

from typing import get_args
from urllib.parse import urlencode

import streamlit as st

from model_runtime.types import Trace
from model_runtime.views import Look, Mean
from shell import show, state
from shell.language import _
from viz import attention_map, guide, predictions
from viz.components import attention as component


def draw(trace_id: str, trace: Trace) -> None:
    """The three linked pictures, the switches under them, and what the model predicts."""
    view = state.current().view
    looks = [Look(trace, stack, view) for stack in trace.info.stacks]
    chosen, problems = state.chosen_head(trace.info, {look.stack: len(look.rows) for look in looks})
    if any(look.is_relaxed for look in looks):
        problems.append(
            _("Where a switch would leave nothing to show, the hidden tokens are shown after all.")
        )
    show.notices(problems, key="notices-page")
    payload = attention_map.payload(
        trace,
        view,
        chosen,
        api=f"api/trace/{trace_id}",
        query=urlencode(state.view_parameters(view)),
        say=_,
    )
    component.mount(payload, key="attention")
    _switches()
    _predictions(trace)
    with st.expander(_("how to read this")):
        st.markdown(guide.how_to_read(trace.info.stacks, _))


def _predictions(trace: Trace) -> None:
    """What the model predicts; computed and sent only while it is looked at."""
    section = st.expander(
        _(predictions.TITLE),
        expanded=predictions.is_the_point(trace),
        key="predictions",
        on_change=state.touched,
    )
    if section.open:
        with section:
            st.html(predictions.STYLE)
            st.html(predictions.table(trace, _))
            st.download_button(
                _("numbers, CSV"),
                lambda: predictions.as_csv(trace),
                "headlight-predictions.csv",
                "text/csv",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )


def _switches() -> None:
    """What is shown of the patterns; each says what it changes."""
    means = {
        "none": _("each head"),
        "heads": _("mean over heads"),
        "layers": _("mean over layers"),
        "both": _("mean over all"),
    }
    with st.container(key="switches", horizontal=True, vertical_alignment="center"):
        st.checkbox(
            _("hide special tokens"),
            key=state.SPECIALS,
            on_change=state.touched,
            help=_(
                "Leaves out their rows and columns. Nothing is rescaled: a row then sums "
                "to what is left."
            ),
        )
        st.checkbox(
            _("ignore the first token"),
            key=state.FIRST,
            on_change=state.touched,
            help=_(
                "Leaves out the first key and rescales each row to sum to 1. Many heads park "
                "their share on the first token when nothing else matters, and it drowns "
                "the rest."
            ),
        )
        st.checkbox(
            _("merge pieces into words"),
            key=state.WORDS,
            on_change=state.touched,
            help=_(
                "A word's pieces become one: shares to them are added up, shares from them "
                "averaged. Chinese characters stay single."
            ),
        )
        st.segmented_control(
            _("mean"),
            get_args(Mean),
            key=state.MEAN,
            format_func=means.__getitem__,
            label_visibility="collapsed",
            required=True,
            on_change=state.touched,
            help=_(
                "Averages the patterns of several heads, cell by cell. A mean hides what its "
                "heads do differently."
            ),
        )
