"""Where does each head look? The page that Headlight opens with.

Chooses nothing but switches and draws with the attention component. Knows no model and
no maths.
"""

from urllib.parse import urlencode

import streamlit as st

from model_runtime.types import Trace
from model_runtime.views import Look, shown_stacks
from shell import address, cache, routes_predictions, show, state, switches, trust
from shell.language import _
from viz import attention_map, facts, guide, predictions
from viz.components import attention as component
from viz.components import predictions as predictions_component


def draw(trace_id: str, trace: Trace) -> None:
    """The three linked pictures, the switches under them, and what the model predicts. Of a
    model without attention to show, its tokens and what it predicts."""
    if trace.records:
        _pictures(trace_id, trace)
        switches.draw()
    else:
        _tokens(trace)
    if predictions.predicts(trace):
        _predictions(trace_id, trace)
    if trace.records:
        with st.expander(_("how to read this")):
            st.markdown(guide.how_to_read(trace.info.stacks, _, trace))


def _pictures(trace_id: str, trace: Trace) -> None:
    """Every head's map, the chosen one, and its lines."""
    view = state.view()
    looks = [Look(trace, stack, view) for stack in shown_stacks(trace)]
    chosen, problems = state.chosen_head(trace, {look.stack: len(look.rows) for look in looks})
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
        query=urlencode(address.view_parameters(view)),
        say=_,
        drawn=cache.OVERVIEWS.of(trace_id, trace, view),
    )
    component.mount(payload, key="attention")


def _tokens(trace: Trace) -> None:
    """How the model reads the texts, where that is all there is to show."""
    if not trust.remarks(trace):
        st.info(_("This model has no attention that could be shown."), icon=":material/info:")
    st.html(facts.STYLE)
    text, target = _("How the model reads the text"), _("What its decoder reads and writes")
    source = trace.reading.source
    for title, tokens in ((text, source), (target if source else text, trace.reading.target)):
        if tokens:
            st.caption(title)
            st.html(facts.token_list(tokens, title))


def _predictions(trace_id: str, trace: Trace) -> None:
    """What the model predicts; computed and sent once it is looked at."""
    if trace.info.predicts == "nothing":
        return
    section = st.expander(
        _(predictions.TITLE),
        expanded=predictions.is_the_point(trace),
        key="predictions",
        on_change=state.touched,
    )
    if section.open:
        with section:
            predictions_component.mount(
                routes_predictions.address_of(trace_id),
                n_rows=predictions.n_shown(trace),
                say=_,
                key="predictions-table",
            )
            st.download_button(
                _("numbers, CSV"),
                lambda: predictions.as_csv(trace),
                "headlight-predictions.csv",
                "text/csv",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
