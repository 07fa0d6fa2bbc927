"""What a link takes out of the reader's hands: what is locked, and what is hidden.

Pure functions from the parameters `lock` and `hide` to values. Knows no widget. A reader can edit
the address; this keeps thirty hands off the model box, and nobody out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shell.address import quoted
from shell.language import _

LOCK, HIDE = "lock", "hide"
LOCKED = ("model", "text")
HIDDEN = ("header", "pages")


@dataclass(frozen=True)
class Rules:
    """What cannot be changed, and what is not shown."""

    locked: frozenset[str] = frozenset()  # of LOCKED
    hidden: frozenset[str] = frozenset()  # of HIDDEN


def rules(asked: Mapping[str, str]) -> tuple[Rules, list[str]]:
    """The rules of an address, and a sentence for each word that is none."""
    problems: list[str] = []
    locked = _words(LOCK, asked, LOCKED, problems)
    return Rules(locked, _words(HIDE, asked, HIDDEN, problems)), problems


def _words(
    name: str, asked: Mapping[str, str], allowed: tuple[str, ...], problems: list[str]
) -> frozenset[str]:
    words = {word for word in asked.get(name, "").split(",") if word}
    for word in sorted(words.difference(allowed)):
        said = _("“{value}” is nothing that “{name}” knows: it takes {allowed}.")
        problems.append(said.format(value=quoted(word), name=name, allowed=", ".join(allowed)))
    return frozenset(words.intersection(allowed))
