"""Which stack and which layer an attention belongs to, told from the module's name and shapes.

Model files have no common name for this: `layer_idx` is missing in some, one module serves
many layers in others. Knows names only; runs nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model_runtime.types import StackName

_CROSS = re.compile(r"cross|encoder_attn|encdec|enc_dec|encoder_decoder", re.IGNORECASE)
_ENCODER = re.compile(r"(^|\.)\w*encoder\w*\.", re.IGNORECASE)
_DECODER = re.compile(r"(^|\.)\w*decoder\w*\.", re.IGNORECASE)
_NUMBER = re.compile(r"\.(\d+)(?=\.|$)")


@dataclass(frozen=True)
class Spot:
    """Where on the residual stream a tensor was taken."""

    layer: str  # the layer's dotted name
    call: int  # 0 the first time that it ran; some models run one layer many times
    part: str  # "resid_pre", "resid_post", or the model file's name of a part of the layer


@dataclass(frozen=True)
class Place:
    """Where one attention is."""

    stack: StackName
    layer: int


def stack_of(name: str, family: str) -> StackName:
    """The stack of a module by its dotted name, in a model of a family."""
    if family != "encoder-decoder":
        return "encoder" if family == "encoder" else "decoder"
    encoder, decoder = _ENCODER.search(name), _DECODER.search(name)
    inside_decoder = decoder is not None and (encoder is None or decoder.start() < encoder.start())
    tail = name[decoder.end() :] if decoder and inside_decoder else name
    if inside_decoder or encoder is None:
        return "cross" if _CROSS.search(tail) else "decoder"
    return "encoder"


def placed_stacks(name: str, family: str) -> tuple[StackName, ...]:
    """Whose tokens a module deals with by its dotted name: one stack, or both where an
    encoder–decoder holds it outside of either."""
    if family == "encoder-decoder" and not (_ENCODER.search(name) or _DECODER.search(name)):
        return ("encoder", "decoder")
    return ("encoder",) if stack_of(name, family) == "encoder" else ("decoder",)


def places(names: Sequence[str], family: str) -> list[Place]:
    """The place of each call, given the names of the modules in the order of the calls.

    A layer goes by the number in its module's name where every call of the stack has its own
    (of a hybrid, that leaves gaps); else by the order of the calls (albert calls one module
    many times, funnel numbers blocks and layers).
    """
    stacks = [stack_of(name, family) for name in names]
    found: list[Place] = [Place(stack, 0) for stack in stacks]
    for stack in dict.fromkeys(stacks):
        calls = [i for i, of in enumerate(stacks) if of == stack]
        for i, layer in zip(calls, _layers([names[i] for i in calls]), strict=True):
            found[i] = Place(stack, layer)
    return found


def _layers(names: Sequence[str]) -> list[int]:
    """The layer of each call of one stack."""
    numbers = [_NUMBER.findall(name) for name in names]
    first = [int(of[0]) for of in numbers if of]
    if len(first) == len(names) and first == sorted(set(first)):
        return first
    return list(range(len(names)))


def layer_module(name: str) -> str | None:
    """The dotted name of the layer that a module is in: up to the first number."""
    match = _NUMBER.search(name)
    return name[: match.end()] if match else None


def stream_names(spots: Iterable[Spot], family: str) -> dict[Spot, str]:
    """Names such as "decoder.0.resid_pre" for what was taken from the residual stream, with the
    numbers that the layers' attention goes by."""
    spots = list(spots)
    runs = list(dict.fromkeys((spot.layer, spot.call) for spot in spots))
    runs_in_order = dict(zip(runs, places([f"{layer}." for layer, _ in runs], family), strict=True))
    names = {}
    for spot in spots:
        place = runs_in_order[spot.layer, spot.call]
        stack = "encoder" if place.stack == "encoder" else "decoder"
        names[spot] = f"{stack}.{place.layer}.{spot.part}"
    return names
