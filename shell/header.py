"""The header of every page: its question and the language; model, text, target and examples.

Draws the widgets of the choices that `state` keeps. Knows no page.
"""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_runtime import catalog
from model_runtime.catalog import Entry
from model_runtime.types import ModelInfo, Trace
from shell import language, lineup, state
from shell.language import _
from viz import predictions
from viz.labels import in_markdown, visible

_EXAMPLES = "_examples"


def draw(info: ModelInfo, trace: Trace | None, question: str) -> None:
    """The whole header. Without a trace there is nothing that the model wrote."""
    _brand(question)
    entry = state.current_entry()
    variants = lineup.variants(entry.name)
    with st.container(key="header"):
        place = _places(has_variants=len(variants) > 1, writes=info.family != "encoder")
    with place["model"]:
        _models()
    if "variant" in place:
        with place["variant"]:
            _variants(variants)
    with place["text"]:
        st.text_input(
            _("Text"),
            key=state.TEXT,
            placeholder=_("Type a text and press Enter"),
            help=_(predictions.HINT) if predictions.fills_blanks(info) else None,
            on_change=state.touched,
        )
        with st.container(key="summary"):
            st.caption(in_markdown(_in_language(entry.summary)))
    if "target" in place:
        with place["target"]:
            _target(info.family, trace)
    place["examples"].selectbox(
        _("Examples"),
        info.examples,
        key=_EXAMPLES,
        index=None,
        placeholder=_("pick one"),
        on_change=state.take_example,
        args=(_EXAMPLES,),
    )


def _places(*, has_variants: bool, writes: bool) -> dict[str, DeltaGenerator]:
    """The columns by name; the text gets the room of what is not there."""
    widths = {"model": 1.5, "variant": 3.2, "text": 4.4, "target": 3.4, "examples": 2.0}
    if has_variants:
        widths["text"] = 3.4
    else:
        del widths["variant"]
    if not writes:
        widths["text"] += 1.0
        del widths["target"]
    columns = st.columns(list(widths.values()), gap="small")
    return dict(zip(widths, columns, strict=True))


def _brand(question: str) -> None:
    """The name, the page's question and the language."""
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


def _in_language(summary: Mapping[str, str]) -> str:
    return summary.get(language.current(), summary["en"])


def _models() -> None:
    """One line a model; its variants are one click further."""
    st.selectbox(
        _("Model"),
        lineup.names(),
        key=state.PICKED_MODEL,
        format_func=lambda name: f"{name} — {_in_language(catalog.summary(name))}",
        on_change=state.pick_model,
    )


def _variants(variants: tuple[Entry, ...]) -> None:
    """The same model at another point of its training, or made otherwise."""
    by_ref = {entry.ref: entry for entry in variants}

    def named(ref: str) -> str:
        return lineup.variant_name(by_ref[ref], _)

    if lineup.are_snapshots(variants):
        st.select_slider(
            _("Training steps"),
            list(by_ref),
            key=state.PICKED_VARIANT,
            format_func=named,
            on_change=state.pick_variant,
        )
    else:
        st.segmented_control(
            _("Variant"),
            list(by_ref),
            key=state.PICKED_VARIANT,
            format_func=named,
            required=True,
            on_change=state.pick_variant,
        )


def _target(family: str, trace: Trace | None) -> None:
    """What a decoder reads after the text or the source: typed, or the model's own."""
    alone = family == "decoder"
    st.text_input(
        _("Continuation") if alone else _("Target"),
        key=state.TARGET,
        placeholder=_("the model writes on") if alone else _("the model writes its own"),
        help=_(
            "Empty: the model writes on by itself, shown below. Type a continuation to see what "
            "the model would attend to, and predict, while reading yours."
        )
        if alone
        else _(
            "Empty: the model writes its own, shown below. Type a target to see how the model "
            "would attend while writing yours."
        ),
        on_change=state.touched,
    )
    if trace and trace.reading.target_is_own:
        nothing = _("(the model ends the text here)") if alone else _("(the model wrote nothing)")
        with st.container(key="own_target"):
            st.text("→ " + (visible(trace.target_text) or nothing))
