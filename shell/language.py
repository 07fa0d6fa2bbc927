"""The language of one script run: which it is, and every sentence in it.

Catalogs live in `locale/`; English is the sentence itself. Knows neither pages nor state.
"""

import gettext
from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent.parent / "locale"
LANGUAGES = {"en": "EN", "zh": "中文"}
_CATALOGS = {"zh": "zh_CN"}

_current: ContextVar[str] = ContextVar("language", default="en")


def activate(language: str) -> None:
    """Speak `language`, a key of LANGUAGES, for the rest of this script run."""
    _current.set(language)


def current() -> str:
    """The language of this script run, a key of LANGUAGES."""
    return _current.get()


def best_of(accepted: Iterable[str | None]) -> str:
    """The first language that we speak among locales such as "zh-Hans-CN"; else English."""
    for locale in accepted:
        short = (locale or "").replace("_", "-").split("-")[0].lower()
        if short in LANGUAGES:
            return short
    return "en"


@cache
def _catalog(language: str) -> gettext.NullTranslations:
    return gettext.translation(
        "headlight", LOCALE, languages=[_CATALOGS.get(language, language)], fallback=True
    )


def _(text: str) -> str:
    """The sentence in the current language."""
    return _catalog(current()).gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """The sentence for n things in the current language."""
    return _catalog(current()).ngettext(one, many, n)
