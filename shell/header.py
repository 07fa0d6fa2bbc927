"""The header of every page: its question and the language; model, texts and examples.

Draws the widgets of the choices that `state` keeps. Knows no page.
"""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_runtime import catalog
from model_runtime.catalog import Entry
from model_runtime.settings import settings
from model_runtime.types import SPACE, ModelInfo, Trace
from shell import address, checkpoint, language, lineup, routes_share, state
from shell.classroom import Rules
from shell.language import _
from viz import predictions, terms, tours
from viz.components import navigation, recent, tools
from viz.labels import WORD_JOINER, in_markdown, visible
from viz.marked import N_

_EXAMPLES = "_examples"


# The pages, by name: the path from any page, what the link says, and what the page answers.
PAGES: dict[str, tuple[str, str, str]] = {
    "attention": ("./", N_("Attention"), N_("Where does each head look?")),
    "steps": ("steps", N_("Step by step"), N_("Where does every number come from?")),
    "positions": ("positions", N_("Positions"), N_("How does it know where a token stands?")),
}


def draw(info: ModelInfo | None, trace: Trace | None, rules: Rules) -> None:
    """What is asked: the model, the text and what goes with it. Of a model that is not open (None),
    what can be chosen without it; without a trace there is nothing that the model wrote. `rules`
    say what the link locks and hides."""
    if "header" in rules.hidden:
        return
    no_model, no_text = ("model" in rules.locked), ("text" in rules.locked)
    ref = state.chosen_ref()
    entry = catalog.entry(ref) if catalog.is_builtin(ref) else None
    variants = lineup.variants(entry.name) if entry else ()
    target = lineup.target_name(info) if info else ""
    with st.container(key="header"):
        place = _places(
            variant=len(variants) > 1,
            # Of a model that is not open, the room is kept: the text's box stays as wide.
            target=bool(target) or info is None,
            pair=info is not None and info.takes_pair,
        )
    with place["model"]:
        _models(no_model)
    if "variant" in place:
        with place["variant"]:
            _variants(variants, no_model)
    with place["text"]:
        _text(info, entry, no_text)
    if target:
        with place["target"]:
            _target(target, trace, no_text)
    if "pair" in place:
        place["pair"].text_input(
            _("Second text (optional)"),
            key=address.PAIR,
            placeholder=_("read after the first"),
            help=_("Both texts are read as one sequence, as the model learned to read pairs."),
            disabled=no_text,
            on_change=state.touched,
        )
    if info:
        place["examples"].selectbox(
            _("Examples"),
            info.examples,
            key=_EXAMPLES,
            index=None,
            placeholder=_("pick one"),
            disabled=no_text,
            on_change=state.take_example,
            args=(_EXAMPLES,),
        )
    if no_model:
        return
    with place["model"]:
        recent.mount(
            state.recent(),
            opened=ref if info and not entry else "",
            hint=_hint(),
            say=_,
            key=state.RECENT,
            on_change=state.told_recent,
        )


def _places(**there: bool) -> dict[str, DeltaGenerator]:
    """The columns by name; the text gets the room of what is not there."""
    widths = {"model": 1.7, "variant": 3.2, "text": 4.2, "target": 3.4, "pair": 3.4}
    widths["examples"] = 2.0
    if there["variant"]:
        widths["text"] -= 1.0
    if not there["target"] and not there["pair"]:
        widths["text"] += 1.0
    widths = {name: width for name, width in widths.items() if there.get(name, True)}
    columns = st.columns(list(widths.values()), gap="small")
    return dict(zip(widths, columns, strict=True))


def brand(here: str, rules: Rules) -> None:
    """The name, the question of the page named `here`, the ways to the other pages and the
    language. Needs no model, so it is there before one is open."""
    with st.container(key="brand", horizontal=True, vertical_alignment="center"):
        st.title(f"Headlight\u2002:gray[{_(PAGES[here][2])}]", anchor=False, width="stretch")
        navigation.mount(
            [
                navigation.Link(name, path, _(label), name == here, _(question))
                for name, (path, label, question) in PAGES.items()
                if "pages" not in rules.hidden
            ],
            address.CARRIED,
            label=_("pages"),
            key=state.NAVIGATION,
            on_go=state.left,
            listens=True,
            language=_("en"),
        )
        st.segmented_control(
            _("Language"),
            list(language.LANGUAGES),
            key=address.LANGUAGE,
            format_func=language.LANGUAGES.__getitem__,
            label_visibility="collapsed",
            required=True,
            on_change=state.touched,
            width="content",
        )
        tools.mount(
            terms=terms.told(_),
            stops=tours.told(here, _),
            room=routes_share.address_in_the_room(),
            most_bytes=routes_share.MOST_BYTES,
            text_fits=address.fits(state.current(None).text),
            say=_,
            key="tools",
        )


def _in_language(summary: Mapping[str, str]) -> str:
    return summary.get(language.current(), summary["en"])


def _line(picked: str) -> str:
    """A model's line in the list: what a built-in one is, a checkpoint's name as it is typed.

    Streamlit takes what is added to the line that stands in the box for all that was typed:
    "-medium" of "gpt2-medium" over "gpt2". An invisible end keeps a name from going on.
    """
    if picked in lineup.names():
        return f"{picked} — {_in_language(catalog.summary(picked))}"
    return picked + WORD_JOINER


def _hint() -> str:
    """What else may be typed; "" where no checkpoint may be opened."""
    return recent.HINTS[settings().hub != "off", bool(settings().local_roots)]


def _models(disabled: bool) -> None:
    """One line a model, its variants one click further; then the checkpoints that this browser
    opened, and the one that is asked for."""
    hint, ref = _hint(), state.chosen_ref()
    checkpoints = list(state.recent())
    if ref not in checkpoints and not catalog.is_builtin(ref):
        checkpoints.insert(0, ref)
    st.selectbox(
        _("Model"),
        [*lineup.names(), *checkpoints],
        key=state.PICKED_MODEL,
        format_func=_line,
        accept_new_options=bool(hint),
        filter_mode="contains",
        help=_(
            "Pick a model that ships with Headlight, or type the name of a text checkpoint: "
            "on the Hub as org/name or org/name@revision, or a folder of this server that holds "
            "one. It is opened as transformers opens it, from safetensors alone."
        )
        if hint
        else None,
        disabled=disabled,
        on_change=state.pick_model,
    )


def _variants(variants: tuple[Entry, ...], disabled: bool) -> None:
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
            disabled=disabled,
            on_change=state.pick_variant,
        )
    else:
        st.segmented_control(
            _("Variant"),
            list(by_ref),
            key=state.PICKED_VARIANT,
            format_func=named,
            required=True,
            disabled=disabled,
            on_change=state.pick_variant,
        )


def _text(info: ModelInfo | None, entry: Entry | None, disabled: bool) -> None:
    """What the model reads, and under it what the model is."""
    st.text_input(
        _("Text"),
        key=address.TEXT,
        placeholder=_("Type a text and press Enter"),
        help=in_markdown(predictions.hint(info, _)) if info and info.mask else None,
        disabled=disabled,
        on_change=state.typed,
    )
    if info is None:
        return
    with st.container(key="summary", gap="xxsmall"):
        st.caption(in_markdown(_in_language(entry.summary)) if entry else checkpoint.summary(info))
        if info.has_chat:
            st.checkbox(
                _("as a chat message"),
                key=address.CHAT,
                help=_(
                    "Puts the text into the chat template that came with the tokenizer, as a "
                    "user's message, with the special tokens that the model was tuned on."
                ),
                disabled=disabled,
                on_change=state.touched,
            )


def _target(name: str, trace: Trace | None, disabled: bool) -> None:
    """What a decoder reads after the text or the source: typed, or the model's own."""
    alone = name == lineup.CONTINUATION
    st.text_input(
        _(name),
        key=address.TARGET,
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
        disabled=disabled,
        on_change=state.touched,
    )
    if trace and trace.reading.target_is_own:
        with st.container(key="own_target"):
            st.text("→ " + _written(trace, alone=alone))


def _written(trace: Trace, *, alone: bool) -> str:
    """What the model wrote, or that there is nothing to be seen of it."""
    text = trace.target_text
    if text.strip():
        return visible(text)
    if text:
        return SPACE * len(text)
    if len(trace.reading.target) - trace.reading.n_given > 2:
        return _("(the model wrote nothing but special tokens)")
    return _("(the model ends the text here)") if alone else _("(the model wrote nothing)")
