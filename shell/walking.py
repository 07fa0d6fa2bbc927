"""Where a walk through the steps of a pass begins: the address checked against a trace.

Pure functions from parameters to values. Knows neither the session nor a widget.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from model_runtime.steps import walk
from model_runtime.steps.parts import Insides, Place
from model_runtime.steps.walk import StepRef
from model_runtime.types import StackName, Trace
from model_runtime.views import shown_stacks
from shell.address import quoted
from shell.language import _
from viz.components.attention import Chosen
from viz.steps import Digits, Opening

DIGITS: tuple[Digits, ...] = ("2", "4", "full")

Outlines = Mapping[StackName, Sequence[StepRef]]


def outlines(trace: Trace, insides: Insides | None) -> Outlines:
    """The steps of a walk, by the stack that the reader has chosen a head of."""
    found: dict[StackName, Sequence[StepRef]] = {}
    for stack in shown_stacks(trace):
        place = walk.settled(trace, stack, trace.layers(stack)[0], 0, 0, None)
        found[stack] = walk.outline(trace, place, insides)
    return found


def opening(
    trace: Trace, head: Chosen, asked: Mapping[str, str], steps: Outlines
) -> tuple[Opening, list[str]]:
    """Where the component opens, and a sentence for each parameter that could not be used.

    `head` is checked already; `asked` has those of STEPPED that the address names.
    """
    problems: list[str] = []
    place, names_key = place_of(trace, head, asked, problems)
    first = steps[head.stack][0].id
    step = asked.get("step", first)
    if step not in {ref.id for ref in steps[head.stack]}:
        problems.append(_nothing_there("step", step))
        step = first
    pin = re.fullmatch(r"(\d{1,6}),(\d{1,6})", asked.get("pin", ""), re.ASCII)
    digits: Digits = next((known for known in DIGITS if known == asked.get("digits")), "2")
    return (
        Opening(
            place,
            step,
            names_key=names_key,
            pin=(int(pin[1]), int(pin[2])) if pin else None,
            digits=digits,
        ),
        problems,
    )


def place_of(
    trace: Trace, head: Chosen, asked: Mapping[str, str], problems: list[str]
) -> tuple[Place, bool]:
    """The cell that is looked at, and whether the address names its key; else the key is the one
    with the largest share. A sentence is added for a key that is not there."""
    layer, number = head.layer or 0, head.head or 0
    n_queries, n_keys = (len(tokens) for tokens in trace.tokens(head.stack))
    query = _worth_a_look(trace, head.stack, layer, number) if head.row is None else head.row
    key = _number(asked, "col", n_keys, problems)
    place = walk.settled(trace, head.stack, layer, number, min(query, n_queries - 1), key)
    return place, key is not None


def _worth_a_look(trace: Trace, stack: StackName, layer: int, head: int) -> int:
    """The query that looks most at one token which is neither the first nor itself, among the
    first hundred; the last one where there is none."""
    rows = slice(0, 100)
    pattern = trace.record(stack, layer).pattern(head, rows).copy()
    n = len(pattern)
    if stack != "cross":
        pattern[np.arange(n), np.arange(n)] = 0
        pattern[:, 0] = 0
    strongest = pattern.max(axis=1, initial=0.0)
    return int(strongest.argmax()) if strongest.max(initial=0.0) > 0 else n - 1


def _number(asked: Mapping[str, str], name: str, n: int, problems: list[str]) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 7 and int(text) < n:
        return int(text)
    problems.append(_nothing_there(name, text))
    return None


def _nothing_there(name: str, value: str) -> str:
    return _("There is no {name} {value} here, so the address was not followed.").format(
        name=name, value=quoted(value)
    )
