"""What can be set in a view: a slider, a list of numbers, a choice, a switch; and what was asked.

Pure functions from query parameters to values. Knows no view and no language of its own:
sentences go through the `say` it is given.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from viz.attention_map import Say
from viz.labels import visible
from viz.marked import N_

LONGEST_QUOTED = 40
MOST_IN_LIST = 8
NO_NUMBER = N_("{label} is a number from {low} to {high}, and “{value}” is none.")
NO_WHOLE_NUMBER = N_("{label} is a whole number from {low} to {high}, and “{value}” is none.")
OUTSIDE = N_("{label} goes from {low} to {high}, so {value} was not taken.")

Value = float | int | str | bool | tuple[int, ...]


@dataclass(frozen=True)
class Control:
    """One thing that can be set. Its texts are catalog keys, but those of `options` are said."""

    name: str  # the query parameter
    kind: Literal["number", "numbers", "choice", "switch"]
    label: str
    default: Value
    low: float = 0
    high: float = 0
    whole: bool = True  # numbers: whether it has no decimals
    log: bool = False  # a slider whose every step multiplies
    options: tuple[tuple[str, str], ...] = ()  # choice: (value, words), said already
    help: str = ""


class Values:
    """What the controls are set to, by name, each of its kind."""

    def __init__(self, found: Mapping[str, Value], asked: Collection[str] = ()) -> None:
        self._found = found
        self._asked = asked

    def is_asked(self, name: str) -> bool:
        """Whether the address says it; else it is what the view opens with."""
        return name in self._asked

    def number(self, name: str) -> float:
        """Of a slider."""
        found = self._found[name]
        assert isinstance(found, int | float)
        return found

    def whole(self, name: str) -> int:
        """Of a slider without decimals."""
        return int(self.number(name))

    def numbers(self, name: str) -> tuple[int, ...]:
        """Of a list, in the order that they were asked for."""
        found = self._found[name]
        assert isinstance(found, tuple)
        return found

    def choice(self, name: str) -> str:
        """Of a choice."""
        return str(self._found[name])

    def on(self, name: str) -> bool:
        """Of a switch."""
        return bool(self._found[name])

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self._found.items()}


def read(
    controls: Sequence[Control], asked: Mapping[str, str], say: Say
) -> tuple[Values, list[str]]:
    """The values for query parameters, and a sentence for each that cannot be used: the default
    stands in for it, or of a list what there is of it."""
    found: dict[str, Value] = {}
    problems: list[str] = []
    for control in controls:
        text = asked.get(control.name)
        found[control.name] = control.default
        if text is None:
            continue
        value, problem = _READERS[control.kind](control, text.strip(), say)
        if value is not None:
            found[control.name] = value
        if problem:
            quoted = visible(text[:LONGEST_QUOTED]) + ("…" if len(text) > LONGEST_QUOTED else "")
            problems.append(problem.format(label=say(control.label), value=quoted))
    return Values(found, set(asked)), problems


_WHOLE = r"[+-]?\d{1,9}"
_DECIMAL = r"[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})(e[+-]?\d{1,2})?"


def _number(control: Control, text: str, say: Say) -> tuple[Value | None, str]:
    low, high = _written(control.low), _written(control.high)
    if not re.fullmatch(_WHOLE if control.whole else _DECIMAL, text, re.ASCII | re.IGNORECASE):
        said = say(NO_WHOLE_NUMBER if control.whole else NO_NUMBER)
        return None, said.replace("{low}", low).replace("{high}", high)
    value = int(text) if control.whole else float(text)
    if control.low <= value <= control.high:
        return value, ""
    said = say(OUTSIDE)
    return None, said.replace("{low}", low).replace("{high}", high)


def _numbers(control: Control, text: str, say: Say) -> tuple[Value | None, str]:
    low, high = _written(control.low), _written(control.high)
    wanted = [part for part in re.split(r"[,，、;\s]+", text) if part]
    good = [
        int(part)
        for part in wanted
        if re.fullmatch(r"\d{1,6}", part, re.ASCII) and control.low <= int(part) <= control.high
    ]
    known = tuple(dict.fromkeys(good))
    if len(good) < len(wanted) or not wanted:
        said = say(
            N_("{label} takes numbers from {low} to {high}, so of “{value}” the rest was left out.")
        )
        return known[:MOST_IN_LIST] or None, said.replace("{low}", low).replace("{high}", high)
    if len(known) > MOST_IN_LIST:
        said = say(N_("{label} takes {most} at most, so the rest of “{value}” was left out."))
        return known[:MOST_IN_LIST], said.replace("{most}", str(MOST_IN_LIST))
    return known, ""


def _choice(control: Control, text: str, say: Say) -> tuple[Value | None, str]:
    if text in (value for value, _ in control.options):
        return text, ""
    return None, say(N_("{label}: there is no “{value}” here."))


def _switch(control: Control, text: str, say: Say) -> tuple[Value | None, str]:
    if text in ("0", "1"):
        return text == "1", ""
    return None, say(N_("{label}: there is no “{value}” here."))


_READERS = {"number": _number, "numbers": _numbers, "choice": _choice, "switch": _switch}


def _written(value: float) -> str:
    return str(int(value)) if value == math.floor(value) else str(value)


def described(controls: Sequence[Control], say: Say) -> list[dict[str, Any]]:
    """What the browser needs to draw them, in its language."""
    return [
        {
            "name": control.name,
            "kind": control.kind,
            "label": say(control.label),
            "default": list(control.default)
            if isinstance(control.default, tuple)
            else control.default,
            "low": control.low,
            "high": control.high,
            "whole": control.whole,
            "log": control.log,
            "options": [{"value": value, "text": text} for value, text in control.options],
            "help": say(control.help) if control.help else "",
        }
        for control in controls
    ]
