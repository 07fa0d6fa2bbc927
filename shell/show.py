"""How an error, a notice, a remark and progress are shown, the same on every page.

Knows Streamlit's elements and the language; no state and no maths.
"""

import logging
from collections.abc import Mapping

import streamlit as st
from babel.numbers import format_decimal
from streamlit.delta_generator import DeltaGenerator

from model_runtime.errors import HeadlightError, Unforeseen
from model_runtime.recording import Progress
from model_runtime.types import Remark
from shell import language
from shell.language import _
from viz.labels import in_markdown

LONGEST_VALUE = 300  # characters of one value in a sentence

log = logging.getLogger(__name__)


def sentence(message: str, values: Mapping[str, object]) -> str:
    """A sentence of the catalog filled in, as Markdown. Values are shown to the letter; one
    that is a remark itself is a sentence within the sentence."""
    return _(message).format(**{name: _filled(value) for name, value in values.items()})


def _filled(value: object) -> str:
    if isinstance(value, Remark):
        return sentence(value.message, value.values)
    text = str(value)
    return in_markdown(text[:LONGEST_VALUE]) + ("…" if len(text) > LONGEST_VALUE else "")


def error(problem: HeadlightError) -> None:
    """Say what is wrong and what to do, in the user's language."""
    st.warning(sentence(problem.message, problem.values), icon=":material/info:")


def unexpected(problem: Exception) -> bool:
    """The last resort, for an error that nobody foresaw: say so, and where its details are.

    Returns True: Streamlit shows nothing of its own.
    """
    log.error("a page could not be shown", exc_info=problem)
    error(Unforeseen(kind=type(problem).__name__))
    return True


def notices(sentences: list[str], *, key: str = "notices") -> None:
    """Say things that the user should know and need not act on. Markdown, escaped before."""
    if sentences:
        with st.container(key=key, gap="xsmall"):
            for said in sentences:
                st.info(said, icon=":material/info:")


def number(count: int) -> str:
    """A count with its digits in groups, as the language writes them."""
    return format_decimal(count, locale=language.current())


def progress(place: DeltaGenerator, name: str, now: Progress) -> None:
    """How far the opening of a model is, in place of what was said before."""
    stages = {
        "looking": _("Looking for {model}…"),
        "downloading": _("Downloading {model}…"),
        "loading": _("Loading {model} into memory…"),
        "checking": _("Checking what is recorded of {model} against its own results…"),
    }
    said = stages[now.stage].format(model=in_markdown(name))
    if not now.total:
        place.info(said, icon="spinner")
        return
    done = min(now.done, now.total)
    of = _("{done} of {total} MB").format(done=_megabytes(done), total=_megabytes(now.total))
    place.progress(done / now.total, text=f"{said} {of}")


def _megabytes(count: int) -> str:
    return format_decimal(round(count / 1e6, 1), locale=language.current())
