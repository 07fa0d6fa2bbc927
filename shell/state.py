"""What the user chose: kept in the session, mirrored in the URL, read back from it.

Sole owner of session_state keys and query parameters. Knows no maths and draws nothing.

A choice that is the default leaves the URL. What an address may ask for: `address.py`.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import streamlit as st

from model_runtime import catalog
from model_runtime.breaking import MISTAKES
from model_runtime.errors import HeadlightError
from model_runtime.types import ModelInfo, Request, StackName, Trace
from model_runtime.views import View
from shell import address, language, lineup, reconnected
from shell.address import (
    CHAT,
    LANGUAGE,
    MISTAKE,
    MODEL,
    OWNED,
    PAIR,
    SHOW,
    TARGET,
    TEXT,
)  # fmt: skip
from shell.language import _
from shell.lineup import Opened
from viz.components.attention import Chosen
from viz.components.recent import MOST_RECENT
from viz.labels import WORD_JOINER

# Two widgets show the one parameter MODEL; they follow it. The browser keeps the list of RECENT
# checkpoints, and the session what it last told or must have written since.
PICKED_MODEL, PICKED_VARIANT, RECENT = "_model", "_variant", "_recent"
_RECENT = "_recent_known"

_SEEN, _TOUCHED, _SESSION = "_url_seen", "_touched", "_session"
_BY_WIDGET, _SAID, _REPEATS, _REPEATED = "_by_widget", "_said", "_repeats", "_repeated"
_PROBLEMS, _PLACE_PROBLEMS = "_problems", "_place_problems"
_OPEN, _BEFORE, _FAILED, _NO_TEXT = "_open", "_before", "_failed", "_no_text"
NAVIGATION, VIEWS, _GOES_TO = "_navigation", "_views", "_goes_to"


@dataclass(frozen=True)
class Choices:
    """Everything chosen in the header and the switches, as valid values."""

    ref: str
    text: str
    target_text: str | None  # None: the model writes its own, or has nothing to write
    pair_text: str | None
    chat: bool
    view: View

    @property
    def request(self) -> Request:
        """What is to be traced."""
        return Request(self.ref, self.text, self.target_text, self.pair_text, self.chat)


def begin() -> list[str]:
    """Start a run: take the URL over into the session if it has changed under us.

    It has at the first run, after the back button and when somebody edits the address, but
    not when a widget was just used, whose message may carry an address that is one step
    old. Returns a sentence for each parameter that could not be used, in the language of
    the run, which is active from here on.
    """
    url = {key: st.query_params[key] for key in OWNED if key in st.query_params}
    chosen = st.session_state
    was_touched = chosen.pop(_TOUCHED, False)
    chosen[_REPEATED] = chosen.pop(_REPEATS, False)
    if not chosen[_REPEATED]:
        chosen[_BY_WIDGET] = was_touched
        chosen[_PROBLEMS] = chosen.pop(_SAID, [])
        if not was_touched and chosen.get(_SEEN) != url:
            language.activate(_language(url))
            values, chosen[_PROBLEMS] = address.from_url(url, language.current())
            held = reconnected.held(values) if _SEEN not in chosen else {}
            for key, value in (values | held).items():
                chosen[key] = value
            chosen[_NO_TEXT] = TEXT not in url and not held.get(TEXT)
            chosen[_BY_WIDGET] = bool(held)
            chosen[_BEFORE] = chosen[_FAILED] = None
    for key in OWNED:
        # Streamlit forgets the value of a widget that a run did not show; a choice set by hand
        # it keeps. So a page without switches does not reset them.
        chosen[key] = chosen[key]
    ref = chosen_ref()
    chosen[PICKED_MODEL] = ref
    if catalog.is_builtin(ref):
        chosen[PICKED_MODEL] = catalog.entry(ref).name
        chosen[PICKED_VARIANT] = ref
    language.activate(chosen[LANGUAGE])
    return list(chosen[_PROBLEMS])


def repeat() -> None:
    """A callback, or before a rerun: the next run says what this one said. Nothing of the
    choices has changed; more is known of what they mean."""
    st.session_state[_REPEATS] = True


def _language(url: Mapping[str, str]) -> str:
    asked = url.get(LANGUAGE, "")
    if asked in language.LANGUAGES:
        return asked
    kept = st.session_state.get(LANGUAGE)
    return kept or language.best_of([st.context.locale])


def chosen_ref() -> str:
    """The reference of the chosen model, which may not be open yet."""
    return str(st.session_state[MODEL])


def opened(info: ModelInfo) -> None:
    """The chosen model is open: the text and the target become what it can be asked.

    What the user typed as the text stays. An example stays where the new model reads the same,
    so that two models are seen on one sentence. To a checkpoint, of which nobody knows what it
    reads, any text goes along.
    """
    chosen = st.session_state
    now = lineup.opened(chosen_ref(), info)
    before: Opened | None = chosen.get(_BEFORE)
    text = chosen[TEXT]
    if not text and chosen.get(_NO_TEXT):
        chosen[TEXT] = info.examples[0] if info.examples else ""
    elif before and text in before.examples and not lineup.goes_along(text, before, now):
        chosen[TEXT] = info.examples[0]
    if before and (before.family, before.reads) != (now.family, now.reads):
        chosen[TARGET] = ""
    last: Opened | None = chosen.get(_OPEN)
    if not catalog.is_builtin(now.ref) and (last is None or last.ref != now.ref):
        others = [ref for ref in recent() if ref != now.ref]
        chosen[_RECENT] = [now.ref, *others][:MOST_RECENT]
    chosen[_OPEN], chosen[_BEFORE], chosen[_FAILED] = now, None, None


def failed(problem: HeadlightError) -> None:
    """The chosen model cannot be opened. It is not tried again until the user says so."""
    st.session_state[_FAILED] = (chosen_ref(), problem)


def failure() -> HeadlightError | None:
    """Why the chosen model cannot be opened, if that was tried."""
    found = st.session_state.get(_FAILED)
    return found[1] if found and found[0] == chosen_ref() else None


def last_opened() -> tuple[str, str]:
    """(reference, name) of the model that was shown last, to go back to."""
    last: Opened | None = st.session_state.get(_OPEN)
    if last:
        return last.ref, last.name
    return catalog.DEFAULT, catalog.entry(catalog.DEFAULT).name


def recent() -> tuple[str, ...]:
    """The checkpoints that this browser opened, the latest first."""
    known = st.session_state.get(_RECENT)
    told = [ref for ref in known if isinstance(ref, str)] if isinstance(known, list) else []
    found = [ref for ref in told if address.may_be_checkpoint(ref)]
    return tuple(dict.fromkeys(found))[:MOST_RECENT]


def told_recent() -> None:
    """A callback: the browser has told which checkpoints it remembers."""
    st.session_state[_RECENT] = st.session_state[RECENT].get("refs")
    repeat()


def current(info: ModelInfo | None) -> Choices:
    """The choices of this run. The session holds what the widgets say: "hide specials" is
    a tick, so the view is its opposite. What was left over from another model, such as the
    target of an encoder alone, is no part of what is asked; all is kept as long as the model
    is not known (None)."""
    chosen = st.session_state
    target = chosen[TARGET] if info is None or lineup.target_name(info) else ""
    pair = chosen[PAIR] if info is None or info.takes_pair else ""
    return Choices(
        ref=chosen_ref(),
        text=chosen[TEXT],
        target_text=target if target.strip() else None,
        pair_text=pair if pair.strip() else None,
        chat=chosen[CHAT] and (info is None or info.has_chat),
        view=view(),
    )


def view() -> View:
    """The switches of this run."""
    return address.view_held(st.session_state)


def mirror(info: ModelInfo | None) -> list[str]:
    """End the header: write the choices into the URL, as a step that "back" can undo.

    Returns a sentence if the text is too long for an address.
    """
    choices = current(info)
    written = address.view_parameters(choices.view)
    problems = []
    first = address.first_text(choices.ref) or (info.examples[0] if info and info.examples else "")
    for key, value, default in (
        (MODEL, choices.ref, catalog.DEFAULT),
        (TEXT, choices.text, first),
        (TARGET, choices.target_text or "", ""),
        (PAIR, choices.pair_text or "", ""),
        (CHAT, "1" if choices.chat else "", ""),
        *((SHOW, value, "") for value in address.shown(st.session_state[SHOW]).values()),
        (MISTAKE, st.session_state[MISTAKE], MISTAKES[0]),
    ):
        if value == default:
            continue
        if not address.fits(value):
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


def typed() -> None:
    """The text box's `on_change`. Until then an empty text is nobody's: a message from the
    browser that was under way while the model opened still holds the empty box."""
    st.session_state[_NO_TEXT] = False
    touched()


def pick_model() -> None:
    """The picker's callback: a line of the list, or what was typed into it."""
    # The run that follows speaks its language only after the callbacks.
    language.activate(st.session_state[LANGUAGE])
    picked = str(st.session_state[PICKED_MODEL] or "").replace(WORD_JOINER, "").strip()
    if picked[:1] in ("-", "_", "@") and not catalog.is_builtin(chosen_ref()):
        picked = chosen_ref() + picked  # no name begins so: it was added to the one in the box
    entry = lineup.called(picked) or lineup.begins(picked)
    problems: list[str] = []
    _change_model(entry.ref if entry else address.reference(picked, chosen_ref(), problems))
    st.session_state[_SAID] = problems


def pick_variant() -> None:
    """The callback of the variants' control."""
    _change_model(st.session_state[PICKED_VARIANT])


def go_back() -> None:
    """A callback: the model that was shown last."""
    _change_model(last_opened()[0])


def try_again() -> None:
    """A callback: open the chosen model once more."""
    _change_model(chosen_ref())


def _change_model(ref: str) -> None:
    """Another model; `opened` says what becomes of the text once the model is known."""
    st.session_state[MODEL] = ref
    st.session_state[_BEFORE] = st.session_state.get(_OPEN)
    st.session_state[_FAILED] = None
    touched()


def take_example(source: str) -> None:
    """A callback: the text becomes what the list `source` says, and the list resets. A target
    that was typed for another text goes."""
    if st.session_state[source] is not None:
        st.session_state[TEXT] = st.session_state[source]
        st.session_state[TARGET] = ""
        st.session_state[source] = None
    touched()


def left() -> None:
    """A callback: a link to another page or view was clicked. What was chosen stays chosen."""
    told = [st.session_state[key] for key in (NAVIGATION, VIEWS) if key in st.session_state]
    st.session_state[_GOES_TO] = next((one["go"] for one in told if one.get("go")), None)
    touched()


def destination(pages: Collection[str]) -> tuple[str, dict[str, str]] | None:
    """(page, parameters) of the link that was just clicked, if it was one. The run that begins
    there has the same choices as this one, and finds its address as it would write it: a second
    step in the history would be one too many."""
    asked = st.session_state.pop(_GOES_TO, None)
    if not isinstance(asked, dict) or asked.get("page") not in pages:
        return None
    repeat()
    parameters = asked.get("parameters")
    seen = dict(st.session_state.get(_SEEN, {}))
    if isinstance(parameters, dict) and parameters.get(SHOW) in address.VIEWS:
        st.session_state[SHOW] = parameters[SHOW]
        seen = {k: v for k, v in seen.items() if k != SHOW} | address.shown(parameters[SHOW])
    return str(asked["page"]), address.carried(parameters, view()) | seen


def session() -> str:
    """A secret of this browser session, for the names of its traces."""
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = secrets.token_hex(16)
    return str(st.session_state[_SESSION])


def chosen_view() -> str:
    """Which of its views the page "Step by step" shows."""
    return str(st.session_state[SHOW])


def asked(*names: str) -> dict[str, str]:
    """Parameters of the address that a component owns, as far as they are there. They may be
    one step old: the browser changes them by itself."""
    return {name: st.query_params[name] for name in names if name in st.query_params}


def chosen_head(trace: Trace, n_rows: Mapping[StackName, int]) -> tuple[Chosen, list[str]]:
    """Where the component opens, from its own URL parameters checked against the trace.

    `n_rows` gives the rows that each stack shows. What does not exist gets a sentence and
    leaves the address. None is said where a widget has just changed what exists: the address
    is then of the picture before, and the component corrects it.
    """
    chosen = st.session_state
    found = address.head_from(st.query_params, trace, n_rows, all_or_nothing=chosen[_BY_WIDGET])
    if chosen[_BY_WIDGET]:
        return found.chosen, []
    for key in found.unusable:
        del st.query_params[key]
    said = chosen.get(_PLACE_PROBLEMS, []) if chosen[_REPEATED] else []
    chosen[_PLACE_PROBLEMS] = found.problems or said
    return found.chosen, list(chosen[_PLACE_PROBLEMS])
