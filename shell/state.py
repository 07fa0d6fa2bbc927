"""What the user chose: kept in the session, mirrored in the URL, read back from it.

Sole owner of session_state keys and query parameters. Knows no maths and draws nothing.

Python owns the parameters below; the attention component owns `stack layer head row scale
view`, which change without a server run. A choice that is the default leaves the URL.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, get_args
from urllib.parse import quote

import streamlit as st

from model_runtime import catalog
from model_runtime.catalog import Entry
from model_runtime.types import MASK, ModelInfo, Request
from model_runtime.views import Mean, View
from shell import language, lineup
from shell.language import _
from viz.components.attention import Chosen, Scale, Shown
from viz.labels import in_markdown

MODEL, TEXT, TARGET, LANGUAGE = "model", "text", "target", "lang"
SPECIALS, FIRST, WORDS, MEAN = "specials", "first", "words", "mean"
# Two widgets show the one parameter MODEL; they follow it.
PICKED_MODEL, PICKED_VARIANT = "_model", "_variant"
OWNED = (MODEL, TEXT, TARGET, LANGUAGE, SPECIALS, FIRST, WORDS, MEAN)
# A longer text stays out of the URL: servers and messengers cut long addresses.
LONGEST_IN_URL = 32_000

Word = TypeVar("Word", bound=str)

_SEEN, _TOUCHED, _SESSION = "_url_seen", "_touched", "_session"
_BY_WIDGET = "_by_widget"


@dataclass(frozen=True)
class Choices:
    """Everything chosen in the header and the switches, as valid values."""

    ref: str
    text: str
    target_text: str | None  # None: the model writes its own, or has nothing to write
    view: View

    @property
    def request(self) -> Request:
        """What is to be traced."""
        return Request(self.ref, self.text, self.target_text)


def first_text(ref: str) -> str:
    """The text that a model opens with."""
    return catalog.entry(ref).examples[0]


def begin() -> list[str]:
    """Start a run: take the URL over into the session if it has changed under us.

    It has at the first run, after the back button and when somebody edits the address, but
    not when a widget was just used, whose message may carry an address that is one step
    old. Returns a sentence for each parameter that could not be used, in the language of
    the run, which is active from here on.
    """
    url = {key: st.query_params[key] for key in OWNED if key in st.query_params}
    was_touched = st.session_state.pop(_TOUCHED, False)
    st.session_state[_BY_WIDGET] = was_touched
    problems: list[str] = []
    if not was_touched and st.session_state.get(_SEEN) != url:
        language.activate(_language(url))
        values, problems = from_url(url)
        for key, value in values.items():
            st.session_state[key] = value
    for key in OWNED:
        # Streamlit forgets the value of a widget that a run did not show; a choice set by hand
        # it keeps. So a page without switches does not reset them.
        st.session_state[key] = st.session_state[key]
    ref = st.session_state[MODEL]
    st.session_state[PICKED_MODEL] = catalog.entry(ref).name
    st.session_state[PICKED_VARIANT] = ref
    language.activate(st.session_state[LANGUAGE])
    return problems


def _known(
    name: str, value: str, allowed: tuple[Word, ...], default: Word, problems: list[str]
) -> Word:
    """The value if it is allowed; else the default, and a sentence among the problems."""
    for known in allowed:
        if known == value:
            return known
    problems.append(
        _("“{value}” is not a known {name}; {default} is shown instead.").format(
            value=in_markdown(value[:80]), name=name, default=in_markdown(default)
        )
    )
    return default


def _language(url: Mapping[str, str]) -> str:
    asked = url.get(LANGUAGE, "")
    if asked in language.LANGUAGES:
        return asked
    kept = st.session_state.get(LANGUAGE)
    return kept or language.best_of([st.context.locale])


def from_url(url: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """Values for a URL's parameters, and what could not be used of them."""
    problems: list[str] = []

    def one_of(key: str, allowed: tuple[str, ...], default: str) -> str:
        return _known(key, url.get(key, default), allowed, default, problems)

    switch = ("1", "0")
    spoken = one_of(LANGUAGE, tuple(language.LANGUAGES), _language(url))
    # A variant that there is not stands for its model.
    name = url.get(MODEL, "").removeprefix(catalog.BUILTIN).partition("@")[0]
    default = lineup.opening(name).ref if name in lineup.names() else catalog.DEFAULT
    ref = one_of(MODEL, catalog.references(), default if MODEL in url else catalog.DEFAULT)
    values: dict[str, object] = {
        LANGUAGE: spoken,
        MODEL: ref,
        TEXT: url.get(TEXT, first_text(ref)),
        TARGET: url.get(TARGET, ""),
        SPECIALS: one_of(SPECIALS, switch, "1") == "0",
        FIRST: one_of(FIRST, switch, "1") == "0",
        WORDS: one_of(WORDS, switch, "0") == "1",
        MEAN: one_of(MEAN, get_args(Mean), "none"),
    }
    return values, problems


def current() -> Choices:
    """The choices of this run. The session holds what the widgets say: "hide specials" is
    a tick, so the view is its opposite. An encoder alone writes nothing, so a target that was
    left over is no part of what it is asked."""
    chosen = st.session_state
    writes = current_entry().family != "encoder"
    return Choices(
        ref=chosen[MODEL],
        text=chosen[TEXT],
        target_text=chosen[TARGET] if writes and chosen[TARGET].strip() else None,
        view=View(
            specials=not chosen[SPECIALS],
            first=not chosen[FIRST],
            words=chosen[WORDS],
            mean=chosen[MEAN],
        ),
    )


def current_entry() -> Entry:
    """What the line-up says of the chosen model."""
    return catalog.entry(st.session_state[MODEL])


def view_parameters(view: View) -> dict[str, str]:
    """The switches as query parameters; defaults are left out."""
    written = {
        SPECIALS: "" if view.specials else "0",
        FIRST: "" if view.first else "0",
        WORDS: "1" if view.words else "",
        MEAN: "" if view.mean == "none" else view.mean,
    }
    return {key: value for key, value in written.items() if value}


def view_from(parameters: Mapping[str, str]) -> View:
    """The other way round; an unknown value counts as the default."""
    mean = parameters.get(MEAN, "none")
    means: tuple[Mean, ...] = get_args(Mean)
    return View(
        specials=parameters.get(SPECIALS) != "0",
        first=parameters.get(FIRST) != "0",
        words=parameters.get(WORDS) == "1",
        mean=next((known for known in means if known == mean), "none"),
    )


def mirror() -> list[str]:
    """End the header: write the choices into the URL, as a step that "back" can undo.

    Returns a sentence if the text is too long for an address.
    """
    choices = current()
    written = view_parameters(choices.view)
    problems = []
    for key, value, default in (
        (MODEL, choices.ref, catalog.DEFAULT),
        (TEXT, choices.text, first_text(choices.ref)),
        (TARGET, choices.target_text or "", ""),
    ):
        if value == default:
            continue
        if len(quote(value, errors="replace")) > LONGEST_IN_URL:
            problems.append(_("This text is too long for a link, so the address leaves it out."))
        else:
            written[key] = value
    if st.session_state[LANGUAGE] != language.best_of([st.context.locale]):
        written[LANGUAGE] = st.session_state[LANGUAGE]
    now = {key: st.query_params[key] for key in OWNED if key in st.query_params}
    if written != now:
        others = {k: v for k, v in st.query_params.to_dict().items() if k not in OWNED}
        st.query_params.from_dict(others | written)
    st.session_state[_SEEN] = written
    return problems


def touched() -> None:
    """Every widget's `on_change`: what the user just did wins over the address."""
    st.session_state[_TOUCHED] = True


def pick_model() -> None:
    """The picker's callback: the model goes by the name that was picked."""
    _change_model(lineup.opening(st.session_state[PICKED_MODEL]).ref)


def pick_variant() -> None:
    """The callback of the variants' control."""
    _change_model(st.session_state[PICKED_VARIANT])


def _change_model(ref: str) -> None:
    """Another model; of the text and the target, what it can be asked as well.

    What the user typed as the text stays. An example stays where the new model reads the same,
    so that two models are seen on one sentence.
    """
    old, new = catalog.entry(st.session_state[MODEL]), catalog.entry(ref)
    st.session_state[MODEL] = ref
    text = st.session_state[TEXT]
    fits = new.reads == old.reads and (MASK not in text or new.family == "encoder")
    if text in old.examples and not fits:
        st.session_state[TEXT] = new.examples[0]
    if (new.family, new.reads) != (old.family, old.reads):
        st.session_state[TARGET] = ""
    touched()


def take_example(source: str) -> None:
    """A callback: the text becomes what the list `source` says, and the list resets. A target
    that was typed for another text goes."""
    if st.session_state[source] is not None:
        st.session_state[TEXT] = st.session_state[source]
        st.session_state[TARGET] = ""
        st.session_state[source] = None
    touched()


def session() -> str:
    """A secret of this browser session, for the names of its traces."""
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = secrets.token_hex(16)
    return str(st.session_state[_SESSION])


def chosen_head(info: ModelInfo, n_rows: Mapping[str, int]) -> tuple[Chosen, list[str]]:
    """Where the component opens, from its own URL parameters checked against the model.

    `n_rows` gives the rows that each stack shows. What does not exist falls back to the
    model's own opening place, with a sentence. None is said where a widget has just changed
    what exists: the address is then of the picture before, and the component corrects it.
    """
    problems: list[str] = []
    start = info.opens_at
    by_widget = st.session_state.get(_BY_WIDGET, False)

    def number(key: str, default: int, limit: int) -> int:
        text = st.query_params.get(key)
        if text is None:
            return default
        if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < limit:
            return int(text)
        problems.append(
            _("{model} has no {name} {value} here, so the address was not followed.").format(
                model=in_markdown(info.name), name=key, value=in_markdown(text[:20])
            )
        )
        forget(key)
        return default

    def forget(key: str) -> None:
        if not by_widget:
            del st.query_params[key]

    def word(key: str, allowed: tuple[Word, ...], default: Word) -> Word:
        known = _known(key, st.query_params.get(key, default), allowed, default, problems)
        if key in st.query_params and st.query_params[key] != known:
            forget(key)
        return known

    stack = word("stack", info.stacks, start.stack)
    layer = number("layer", start.layer, info.n_layers)
    head = number("head", start.head, info.n_heads)
    if by_widget and problems:
        stack, layer, head = start.stack, start.layer, start.head
    row = number("row", -1, n_rows[stack]) if "row" in st.query_params else -1
    scales: tuple[Scale, ...] = get_args(Scale)
    views: tuple[Shown, ...] = get_args(Shown)
    scale, shown = word("scale", scales, "linear"), word("view", views, "both")
    return Chosen(
        stack=stack,
        layer=layer,
        head=head,
        row=None if row == -1 else row,
        scale=scale,
        view=shown,
    ), ([] if by_widget else problems)
