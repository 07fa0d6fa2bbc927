"""How far to trust what a page shows: what was left out, the self-check, the model's card.

The same above and below every page. Knows a trace; draws no figures and keeps no state.
"""

import streamlit as st
from babel.numbers import format_compact_decimal

from model_runtime import catalog
from model_runtime.types import ModelInfo, Trace
from shell import language
from shell.language import _, ngettext
from viz.labels import in_markdown


def left_out(trace: Trace) -> list[str]:
    """What of the text is not shown, or not known to the model: a sentence each."""
    sentences = []
    reading, name = trace.reading, in_markdown(trace.info.name)
    for count in (reading.left_out, reading.target_left_out):
        if count:
            sentences.append(
                ngettext(
                    "{model} reads {context} tokens at most; {n} token at the end was left out.",
                    "{model} reads {context} tokens at most; {n} tokens at the end were left out.",
                    count,
                ).format(model=name, context=trace.info.context_length, n=count)
            )
    if reading.unfinished:
        sentences.append(
            _("{model} was still writing after {context} tokens and was stopped there.").format(
                model=name, context=trace.info.context_length
            )
        )
    unknown = list(
        dict.fromkeys(t.text for t in (*reading.source, *reading.target) if t.is_unknown)
    )
    if unknown:
        shown = " ".join(in_markdown(text) for text in unknown[:20])
        sentences.append(
            ngettext(
                "{model} never learned this character and reads it as “unknown”: {characters}",
                "{model} never learned these characters and reads each as “unknown”: {characters}",
                len(unknown),
            ).format(model=name, characters=shown + (" …" if unknown[20:] else ""))
        )
    return sentences


def footer(trace: Trace) -> None:
    """How far to trust the picture."""
    info = trace.info
    with st.container(key="footer", horizontal=True, vertical_alignment="center"):
        st.caption(
            _("checked: recomputed = the model's own to {error}").format(
                error=f"{trace.check:.1e}".replace("e-0", "e-")
            ),
            help=_(
                "Every pattern and every head's output was computed again from the recorded "
                "queries, keys and values. This is the largest difference to what the model "
                "itself computed for this text."
            ),
        )
        with st.popover(
            _("{model} · {count} parameters").format(
                model=info.name,
                count=format_compact_decimal(
                    info.n_parameters, locale=language.current(), fraction_digits=1
                ),
            ),
            type="tertiary",
        ):
            _card(info)
        with st.popover(_("attention is not explanation"), type="tertiary"):
            st.markdown(
                _(
                    "A share says how much of a value a head **takes over**, not why the model "
                    "decided as it did. Other patterns can lead to the same answer (Jain & Wallace "
                    "2019), values differ in size, and what a layer leaves out flows past it in "
                    "the residual stream. Take a picture here as a question to test: change a word "
                    "and see whether what the model predicts changes with it (Wiegreffe & Pinter "
                    "2019)."
                )
            )


def _card(info: ModelInfo) -> None:
    """The model's card; before it, of a variant, what it is, for the card is of all of them."""
    spoken = language.current()
    entry = catalog.entry(info.ref)
    if entry.variant:
        st.caption(
            _("This card is of {name} as a whole. What is shown now: {summary}.").format(
                name=in_markdown(entry.name),
                summary=in_markdown(entry.summary.get(spoken, entry.summary["en"])),
            )
        )
    st.markdown(info.cards.get(spoken, info.cards["en"]))
