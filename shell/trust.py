"""How far to trust what a page shows: what was left out, the self-check, the model's card.

The same above and below every page. Knows a trace; draws no figures and keeps no state.
"""

import streamlit as st

from model_runtime import catalog
from model_runtime.types import ModelInfo, SelfCheck, Trace
from shell import checkpoint, language, show
from shell.language import _, ngettext
from viz import facts
from viz.labels import in_markdown


def remarks(trace: Trace) -> list[str]:
    """What of the model or of this text cannot be shown exactly, or at all: a sentence each."""
    check = trace.info.self_check
    found = [*(check.remarks if check else ()), *trace.remarks]
    said = [show.sentence(remark.message, remark.values) for remark in found]
    return list(dict.fromkeys(said))


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
                ).format(model=name, context=trace.info.context_length, n=show.number(count))
            )
    if reading.unfinished:
        sentences.append(
            _("{model} was still writing after {n} tokens and was stopped there.").format(
                model=name, n=len(reading.target) - 1
            )
        )
    unknown = list(
        dict.fromkeys(t.text for t in (*reading.source, *reading.target) if t.is_unknown)
    )
    if unknown:
        shown = " ".join(map(_cut, unknown[:20])) + (" …" if unknown[20:] else "")
        said = _("{model} has no token for {texts} and reads “unknown” there.")
        sentences.append(said.format(model=name, texts=shown))
    return sentences


def _cut(text: str) -> str:
    """As much of a text as names it; of some tokenizers a whole word is unknown at once."""
    return in_markdown(text if len(text) <= 40 else f"{text[:40]}…")


def footer(trace: Trace) -> None:
    """How far to trust the picture."""
    info = trace.info
    with st.container(key="footer", horizontal=True, vertical_alignment="center"):
        if trace.records:
            st.caption(_checked(trace), help=_how_checked(info.self_check))
        with st.popover(
            _("{model} · {count} parameters").format(
                model=in_markdown(info.name), count=checkpoint.compact(info.n_parameters)
            ),
            type="tertiary",
        ):
            if catalog.is_builtin(info.ref):
                _card(info)
            else:
                # A checkpoint's own card is a stranger's Markdown: only facts are shown.
                st.html(facts.STYLE)
                st.html(facts.table(checkpoint.facts(info)))
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


def _checked(trace: Trace) -> str:
    """The largest difference that was found for this text, and over how many rows."""
    if trace.checked_rows is None:
        said = _("checked: recomputed = the model's own to {error}")
    else:
        said = _("checked: recomputed = the model's own to {error}, in {rows} rows of every head")
    return said.format(error=_power(trace.check), rows=trace.checked_rows)


def _how_checked(check: SelfCheck | None) -> str:
    said = _(
        "Every pattern and every head's output was computed again from the recorded "
        "queries, keys and values. This is the largest difference to what the model "
        "itself computed for this text."
    )
    if check is None:
        return said
    at_opening = _(
        "When the checkpoint was opened, a short text was run with and without recording: "
        "patterns agreed to {pattern}, head outputs to {z}, logits to {logits}."
    ).format(pattern=_power(check.pattern), z=_power(check.z), logits=_power(check.logits))
    return f"{said}\n\n{at_opening}"


def _power(difference: float) -> str:
    """3.0e-7; 0 where there was none."""
    return f"{difference:.1e}".replace("e-0", "e-") if difference else "0"


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
