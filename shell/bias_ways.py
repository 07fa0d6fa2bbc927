"""The ways to see biases on the scores: a model's own, what was recorded in a text, by hand.

From a trace and its model's encodings to views that can be chosen. Knows neither HTTP nor the
session.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from model_runtime.positions.encodings import Encoding
from model_runtime.types import Trace
from shell import recorded_positions
from shell.language import _
from viz.positions import relative
from viz.positions.controls import Control, Values
from viz.positions.found import of_kind
from viz.positions.sections import Made, at_once


@dataclass(frozen=True)
class Way:
    """One of them: how it is said, what can be set, and what it makes of that."""

    name: str
    said: str
    controls: Sequence[Control]
    made: Callable[[Values], Made]


def own(trace: Trace, encodings: Sequence[Encoding], asked: Mapping[str, str]) -> list[Way]:
    """Those of the open model: as it makes its biases, then as they were recorded."""
    found = [
        *map(_buckets, range(len(encodings)), of_kind(encodings, "buckets")),
        *map(_slopes, of_kind(encodings, "alibi")),
    ]
    for stack in recorded_positions.biased(trace):
        here = recorded_positions.bias(trace, stack, asked, _)
        layers = recorded_positions.biased_layers(trace, stack)
        found.append(
            Way(
                f"recorded-{stack}",
                _("in this text: {place}").format(place=here.place),
                relative.recorded_controls(layers, here),
                _recorded(here),
            )
        )
    return [way for way in found if way is not None]


def _buckets(number: int, encoding: Encoding) -> Way | None:
    found = encoding.buckets
    if found is None:
        return None

    def made(values: Values) -> Made:
        return relative.buckets(found, values, _)

    return Way(f"buckets-{number}", encoding.where, relative.bucket_controls(own=True), made)


def _slopes(encoding: Encoding) -> Way | None:
    found = encoding.slopes
    if found is None:
        return None

    def made(values: Values) -> Made:
        return relative.alibi(found, values, _, causal="encoder" not in encoding.stacks)

    return Way("slopes", encoding.where, relative.alibi_controls(own=len(found)), made)


def _recorded(here: relative.Recorded) -> Callable[[Values], Made]:
    return lambda values: ([at_once(relative.recorded(here, values, _))], [])


def by_hand() -> list[Way]:
    """The two formulas, with whatever numbers."""
    return [
        Way(
            "alibi",
            _("ALiBi by hand"),
            relative.alibi_controls(),
            lambda values: relative.alibi(None, values, _, causal=True),
        ),
        Way(
            "t5",
            _("T5’s buckets by hand"),
            relative.bucket_controls(own=False),
            lambda values: relative.buckets(None, values, _),
        ),
    ]
