"""From a step to what the browser reads: one step as a frame, and what the page begins with.

Values in, bytes out. Knows neither the session nor the language it speaks: sentences go through
the `say` it is given, and what is said of a step comes in its own words (`Told`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from model_runtime.steps.parts import Axis, Matrix, Place, Step
from model_runtime.steps.walk import StepRef
from model_runtime.types import StackName, Token, Trace
from viz.attention_map import STACKS, TITLES, Say
from viz.components import steps as component
from viz.components.attention.frame import Body, frame
from viz.theme import component_theme

Digits = Literal["2", "4", "full"]

SECTIONS: dict[StackName, str] = {**STACKS, "cross": TITLES["cross"]}


@dataclass(frozen=True)
class Told:
    """What is said of one kind of step, in the reader's language. `formula` is MathML that we
    wrote ourselves; the browser takes it as markup, so no user text may be in it."""

    title: str
    explain: str
    formula: str = ""
    code: tuple[str, ...] = ()  # lines of transformer.py
    code_at: int = 0  # the number of the first of them
    code_link: str = ""  # where the file can be read at that line
    paper: str = ""  # "eq. 1"


@dataclass(frozen=True)
class Opening:
    """Where the reader begins, as the address says or by default: checked values only."""

    place: Place  # with a key that was settled, if the address names none
    step: str  # "decoder.dot", one of the outline
    names_key: bool = False  # the address names the key; else it is the one with the largest share
    pin: tuple[int, int] | None = None  # true row and column of a cell of the step's result
    digits: Digits = "2"


def step_frame(step: Step, place: Place) -> bytes:
    """One step, seen from `place`, for the browser: f32 values, −∞ among them, after a header.

    Each matrix is [rows kept, columns kept]; `rest` is of the result's shape. Raises ValueError
    where one of the step's `numbers` is not finite.
    """
    body = Body()
    matrices = {letter: _matrix(matrix, body) for letter, matrix in step.operands.items()}
    header = {
        "id": f"{step.section}.{step.name}",
        "section": step.section,
        "name": step.name,
        "rule": step.rule,
        "place": asdict(place),
        "cell": list(step.cell),
        "numbers": dict(step.numbers),
        "why": step.why,
        "matrices": matrices,
        "result": None if step.result is None else _matrix(step.result, body),
        "rest_at": body.put_floats(step.rest),
        "tokens": [_token(token) for token in step.tokens],
    }
    return frame(header, body.arrays)


def payload(
    trace: Trace,
    opening: Opening,
    first: bytes,
    outlines: Mapping[StackName, Sequence[StepRef]],
    texts: Mapping[str, Told],
    *,
    api: str,
    say: Say,
) -> bytes:
    """Everything that the component needs to show its first step without asking.

    `first` is the frame of `opening.step`; `outlines` has each stack that can be chosen. `texts`
    go by the name of a step, or by its id where a section has words of its own. `api` says
    where to ask for any other step, relative to the page.
    """
    body = Body()
    sequences: list[list[dict[str, object]]] = []
    stacks = [_stack(trace, stack, refs, sequences, say) for stack, refs in outlines.items()]
    named = {name for refs in outlines.values() for ref in refs for name in (ref.name, ref.id)}
    inline = np.frombuffer(first, dtype=np.uint8)
    header = {
        "api": api,
        "stacks": stacks,
        "sections": {stack: say(text) for stack, text in SECTIONS.items()},
        "tokens": sequences,
        "texts": {name: asdict(told) for name, told in texts.items() if name in named},
        "opens": _opens(opening),
        "first": {"at": body.put(inline), "size": len(first)},
        "strings": {key: say(text) for key, text in component.STRINGS.items()},
        "theme": component_theme(),
    }
    return frame(header, body.arrays)


def _opens(opening: Opening) -> dict[str, object]:
    return {
        **asdict(opening.place),
        "names_key": opening.names_key,
        "step": opening.step,
        "pin": None if opening.pin is None else list(opening.pin),
        "digits": opening.digits,
    }


def _stack(
    trace: Trace,
    stack: StackName,
    refs: Sequence[StepRef],
    sequences: list[list[dict[str, object]]],
    say: Say,
) -> dict[str, object]:
    """What can be chosen in a stack. Its tokens go among `sequences`, each of them sent once."""
    numbers = []
    for tokens, predicted in zip(trace.tokens(stack), (trace.predicted(stack), None), strict=True):
        told = [_token(token) for token in tokens]
        for token, after in zip(told, predicted or (), strict=False):
            token["text"] = f"{token['text']}→{after.text}"  # as the rows of the matrices
        if told not in sequences:
            sequences.append(told)
        numbers.append(sequences.index(told))
    layers = trace.layers(stack)
    return {
        "name": stack,
        "title": say(TITLES[stack]),
        "layers": list(layers),
        "heads": [trace.record(stack, layer).n_heads for layer in layers],
        "queries": numbers[0],
        "keys": numbers[1],
        "outline": [[ref.section, ref.name, ref.missing] for ref in refs],
    }


def _axis(axis: Axis) -> dict[str, object]:
    return {
        "kind": axis.kind,
        "size": axis.size,
        "kept": list(axis.kept),
        "labels": list(axis.labels),
    }


def _matrix(matrix: Matrix, body: Body) -> dict[str, object]:
    return {
        "symbol": matrix.symbol,
        "source": matrix.source,
        "rows": _axis(matrix.rows),
        "cols": _axis(matrix.cols),
        "at": body.put_floats(matrix.values),
    }


def _token(token: Token) -> dict[str, object]:
    """A token, for the browser; what is usual is left out, for thousands of them travel."""
    kind = "special" if token.is_special else "unknown" if token.is_unknown else ""
    kind = kind or ("bytes" if token.is_byte_piece else "")
    told: dict[str, object] = {"text": token.text, "position": token.position, "id": token.id}
    return told | ({"kind": kind} if kind else {})
