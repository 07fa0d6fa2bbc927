"""What an address asks for, checked: pure functions from query parameters to values.

Knows what can be chosen and the language; neither the session nor a widget.

Python owns the parameters in OWNED. The components own the others, which change without a server
run: `stack layer head row` on every page, `scale view` (attention), `col step pin digits` (steps),
`ex` (the textbook example), `enc` and the settings of each view (positions). `lock hide` are of the
link itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args
from urllib.parse import quote

from model_runtime import catalog
from model_runtime.breaking import MISTAKES
from model_runtime.types import StackName, Trace
from model_runtime.views import Mean, View
from shell import language, lineup
from shell.language import _
from viz.components.attention import Chosen, Scale, Shown
from viz.labels import in_markdown

MODEL, TEXT, TARGET, PAIR, CHAT, LANGUAGE = "model", "text", "target", "pair", "chat", "lang"
SPECIALS, FIRST, WORDS, MEAN = "specials", "first", "words", "mean"
SHOW, MISTAKE = "show", "mistake"  # of the page "Step by step": which of its three views
OWNED = (
    MODEL, TEXT, TARGET, PAIR, CHAT, LANGUAGE, SPECIALS, FIRST, WORDS, MEAN, SHOW, MISTAKE,
)  # fmt: skip
VIEWS = ("walk", "example", "mistakes")
# A longer text stays out of the URL: servers and messengers cut long addresses.
LONGEST_IN_URL = 32_000
LONGEST_REF = 500  # no Hub id is longer, and hardly a path
LONGEST_QUOTED = 80
# Where the reader is looking goes along from page to page; a cell, with a link to its steps.
CARRIED = ("stack", "layer", "head", "row", "lock", "hide")
STEPPED, EXAMPLE = ("col", "step", "pin", "digits"), ("ex",)

Word = TypeVar("Word", bound=str)


def fits(value: str) -> bool:
    """Whether a text is short enough for an address."""
    return len(value) <= LONGEST_IN_URL >= len(quote(value, errors="replace"))


def quoted(value: str) -> str:
    """What an address says, for a sentence about it: to the letter, and cut with a … if long."""
    cut = value if len(value) <= LONGEST_QUOTED else f"{value[:LONGEST_QUOTED]}…"
    return in_markdown(cut)


def known(
    name: str, value: str, allowed: tuple[Word, ...], default: Word, problems: list[str]
) -> Word:
    """The value if it is allowed; else the default, and a sentence among the problems."""
    for choice in allowed:
        if choice == value:
            return choice
    problems.append(
        _("“{value}” is not a known {name}; {default} is shown instead.").format(
            value=quoted(value), name=name, default=in_markdown(default)
        )
    )
    return default


def may_be_checkpoint(ref: str) -> bool:
    """Whether a text can be the name of a checkpoint, as far as anyone knows without looking."""
    is_name = 0 < len(ref) <= LONGEST_REF and ref.isprintable() and ref == ref.strip()
    return is_name and not catalog.is_builtin(ref) and not lineup.called(ref)


def reference(asked: str, default: str, problems: list[str]) -> str:
    """What to open for what was asked: a built-in model, by its name alone too, or whatever
    else may be the name of a checkpoint. For what cannot be one, the default and a sentence.
    A variant that there is not stands for its model."""
    asked = asked.strip()
    if not asked:
        return default
    entry = lineup.called(asked)
    if entry:
        return entry.ref
    if may_be_checkpoint(asked):
        return asked
    name = asked.removeprefix(catalog.BUILTIN).partition("@")[0]
    default = lineup.opening(name).ref if name in lineup.names() else default
    return known(MODEL, asked, (), default, problems)


def first_text(ref: str) -> str:
    """The text that a model opens with; "" where that is known only once it is open."""
    return catalog.entry(ref).examples[0] if catalog.is_builtin(ref) else ""


def from_url(url: Mapping[str, str], spoken: str) -> tuple[dict[str, object], list[str]]:
    """Values for a URL's parameters, and what could not be used of them; `spoken` is the
    language unless the URL asks for another."""
    problems: list[str] = []

    def one_of(key: str, allowed: tuple[str, ...], default: str) -> str:
        return known(key, url.get(key, default), allowed, default, problems)

    switch = ("1", "0")
    spoken = one_of(LANGUAGE, tuple(language.LANGUAGES), spoken)
    ref = reference(url.get(MODEL, catalog.DEFAULT), catalog.DEFAULT, problems)
    values: dict[str, object] = {
        LANGUAGE: spoken,
        MODEL: ref,
        TEXT: url.get(TEXT, first_text(ref)),
        TARGET: url.get(TARGET, ""),
        PAIR: url.get(PAIR, ""),
        CHAT: one_of(CHAT, switch, "0") == "1",
        SPECIALS: one_of(SPECIALS, switch, "1") == "0",
        FIRST: one_of(FIRST, switch, "1") == "0",
        WORDS: one_of(WORDS, switch, "0") == "1",
        MEAN: one_of(MEAN, get_args(Mean), "none"),
        SHOW: one_of(SHOW, VIEWS, VIEWS[0]),
        MISTAKE: one_of(MISTAKE, MISTAKES, MISTAKES[0]),
    }
    return values, problems


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


def view_held(chosen: Any) -> View:
    """The switches as the session holds them: "hide specials" is a tick, the view its opposite."""
    return View(
        specials=not chosen[SPECIALS],
        first=not chosen[FIRST],
        words=chosen[WORDS],
        mean=chosen[MEAN],
    )


def shown(view: str) -> dict[str, str]:
    """The parameter for one of VIEWS; none for the first."""
    return {} if view == VIEWS[0] else {SHOW: view}


def carried(parameters: object, view: View) -> dict[str, str]:
    """What a link takes along of where the reader is looking, as far as it can be that: a few
    short parameters. A pinned row counts tokens, so it stays behind where some are hidden."""
    if not isinstance(parameters, dict):
        return {}
    if SHOW in parameters:  # from view to view of one page: everything stays
        parts = {name: parameters.get(name) for name in (*CARRIED, *STEPPED, *EXAMPLE)}
        return {n: v for n, v in parts.items() if isinstance(v, str) and len(v) < LONGEST_REF}
    # A link to the steps of a cell counts tokens whatever is hidden: it names the key, too.
    counts_tokens = view == View() or "col" in parameters
    names = [*CARRIED, "col", "step"] if counts_tokens else [n for n in CARRIED if n != "row"]
    found = {name: parameters.get(name) for name in names}
    return {n: v for n, v in found.items() if isinstance(v, str) and len(v) < 20}


@dataclass(frozen=True)
class Head:
    """Where the attention component is to open, and what of the address could not be used."""

    chosen: Chosen
    problems: list[str]
    unusable: list[str]  # parameters


def head_from(
    parameters: Mapping[str, str],
    trace: Trace,
    n_rows: Mapping[StackName, int],
    *,
    all_or_nothing: bool,
) -> Head:
    """The component's own parameters, checked against a trace; `n_rows` by stack.

    What does not exist falls back to the model's own opening place: with `all_or_nothing` the
    stack, the layer and the head together, else each for itself.
    """
    problems: list[str] = []
    unusable: list[str] = []
    start = trace.info.opens_at

    def number(key: str, default: int, allowed: range | tuple[int, ...]) -> int:
        text = parameters.get(key)
        if text is None:
            return default
        if text.isascii() and text.isdigit() and len(text) < 6 and int(text) in allowed:
            return int(text)
        unusable.append(key)
        problems.append(
            _("{model} has no {name} {value} here, so the address was not followed.").format(
                model=in_markdown(trace.info.name), name=key, value=quoted(text)
            )
        )
        return default

    def word(key: str, allowed: tuple[Word, ...], default: Word) -> Word:
        found = known(key, parameters.get(key, default), allowed, default, problems)
        if parameters.get(key, found) != found:
            unusable.append(key)
        return found

    stack = word("stack", trace.info.stacks, start.stack)
    layer = number("layer", start.layer, trace.layers(stack))
    head = number("head", start.head, range(trace.n_heads(stack)))
    if all_or_nothing and problems:
        stack, layer, head = start.stack, start.layer, start.head
    # Of a hybrid, not every layer has attention; a stack may lack the one that another opens at.
    if layer not in trace.layers(stack):
        layer = next(iter(trace.layers(stack)), 0)
    row = number("row", -1, range(n_rows[stack]))
    scales: tuple[Scale, ...] = get_args(Scale)
    views: tuple[Shown, ...] = get_args(Shown)
    scale, shown = word("scale", scales, "linear"), word("view", views, "both")
    return Head(
        Chosen(stack, layer, head, None if row == -1 else row, scale, shown), problems, unusable
    )
