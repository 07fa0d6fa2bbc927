"""Where does each head look? The page that Headlight opens with.

Chooses nothing but switches, draws with the attention component, and says how far to
trust it. Knows no model and no maths.
"""

from typing import get_args
from urllib.parse import urlencode

import streamlit as st

from model_runtime.types import Trace
from model_runtime.views import Look, Mean
from shell import show, state
from shell.language import _, ngettext
from viz import attention_map
from viz.components import attention as component
from viz.labels import in_markdown


def draw(trace_id: str, trace: Trace) -> None:
    """The three linked pictures, the switches under them, and the honest footer."""
    view = state.current().view
    looks = [Look(trace, stack, view) for stack in trace.info.stacks]
    chosen, problems = state.chosen_head(
        trace.info, view, {look.stack: len(look.rows) for look in looks}
    )
    show.notices(left_out(trace) + problems)
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
    _footer(trace)


def left_out(trace: Trace) -> list[str]:
    """What of the text is not shown, or not known to the model: a sentence each."""
    sentences = []
    reading = trace.reading
    for count in (reading.left_out, reading.target_left_out):
        if count:
            sentences.append(
                ngettext(
                    "{model} reads {context} tokens at most; {n} token at the end was left out.",
                    "{model} reads {context} tokens at most; {n} tokens at the end were left out.",
                    count,
                ).format(model=trace.info.name, context=trace.info.context_length, n=count)
            )
    if reading.unfinished:
        sentences.append(
            _("{model} was still writing after {context} tokens and was stopped there.").format(
                model=trace.info.name, context=trace.info.context_length
            )
        )
    unknown = sorted({t.text for t in (*reading.source, *reading.target) if t.is_unknown})
    if unknown:
        shown = " ".join(in_markdown(text) for text in unknown[:20])
        sentences.append(
            ngettext(
                "{model} never learned this character and reads it as “unknown”: {characters}",
                "{model} never learned these characters and reads each as “unknown”: {characters}",
                len(unknown),
            ).format(model=trace.info.name, characters=shown + (" …" if unknown[20:] else ""))
        )
    return sentences


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
                "averaged."
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


def _footer(trace: Trace) -> None:
    """How far to trust the picture."""
    info = trace.info
    with st.container(key="footer", horizontal=True, vertical_alignment="center"):
        st.caption(
            _("checked: recomputed = the model's own to {error}").format(
                error=f"{trace.check:.0e}"
            ),
            help=_(
                "Every pattern and every head's output was computed again from the recorded "
                "queries, keys and values. This is the largest difference to what the model "
                "itself computed for this sentence."
            ),
        )
        with st.popover(
            _("{model} · {millions} M parameters").format(
                model=info.name, millions=f"{info.n_parameters / 1e6:.1f}"
            ),
            type="tertiary",
        ):
            st.markdown(info.card)
        with st.popover(_("attention is not explanation"), type="tertiary"):
            st.markdown(
                _(
                    "A share says how much of a value a head **takes over**, not why the model "
                    "decided as it did. Other patterns can lead to the same answer (Jain & Wallace "
                    "2019), values differ in size, and what a layer leaves out flows past it in the "
                    "residual stream. Take a picture here as a question to test: change a word "
                    "and see whether the translation follows (Wiegreffe & Pinter 2019)."
                )
            )
