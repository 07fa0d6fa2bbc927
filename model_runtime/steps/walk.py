"""The walk through one pass: which steps there are, in order, and each of them when it is asked.

A trace and a place in, values out. How a step is made is in the modules that it calls.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from model_runtime.errors import NoSuchStep
from model_runtime.steps import attending, feeding, predicting, projecting, reading, recorded
from model_runtime.steps.looking import place_in, settled
from model_runtime.steps.parts import Insides, Place, Step
from model_runtime.steps.scene import Scene
from model_runtime.types import StackName, Trace

__all__ = ["NAMES", "StepRef", "outline", "settled", "step"]

READ = ("tokens", "ids", "embedding", "positions")
ATTENTION = (
    "resid", "norm", "q_all", "k_all", "v_all", "split", "rotate_q", "rotate_k", "dot", "scale",
    "softcap", "bias", "mask", "softmax", "weigh", "heads", "out", "add_attn",
)  # fmt: skip
FFN = ("ffn_norm", "ffn_in", "activation", "ffn_out", "add_ffn", "next")
END = ("final_norm", "unembed", "probabilities")
NAMES = READ + ATTENTION + FFN + END
MOST_WHOLE = 300_000  # numbers of a step that is exported with nothing folded away

_MAKERS: Mapping[str, Callable[[Scene], Step]] = (
    reading.MAKERS | projecting.MAKERS | attending.MAKERS | feeding.MAKERS | predicting.MAKERS
)


@dataclass(frozen=True)
class StepRef:
    """One step of a walk: where it is, and whether there is anything to show."""

    section: StackName
    name: str  # one of NAMES
    missing: str = ""  # "not in this model", "not recorded", or nothing is missing

    @property
    def id(self) -> str:
        """How a step is asked for: "decoder.dot"."""
        return f"{self.section}.{self.name}"


def outline(trace: Trace, place: Place, insides: Insides | None) -> tuple[StepRef, ...]:
    """All steps in the order in which a pass makes them. An encoder–decoder's go through the
    encoder, the decoder's own attention, cross-attention, and on through the decoder."""
    refs: list[StepRef] = []
    for section, names in _parts(trace):
        scene = Scene(trace, insides, place_in(trace, place, section))
        missing = _missing(scene)
        ordered = _ordered(names, recorded.is_post(scene))
        refs += [StepRef(section, name, missing.get(name, "")) for name in ordered]
    return tuple(refs)


def step(
    trace: Trace,
    insides: Insides | None,
    place: Place,
    id_: str,
    around: int | None = None,
    *,
    whole: bool = False,
) -> Step:
    """The step that an id such as "decoder.dot" names, seen from `place`.

    `around` is a true column of the result that is kept, with its neighbours, whatever is
    folded. With `whole`, nothing is folded in a step of up to MOST_WHOLE numbers. Raises
    NoSuchStep.
    """
    section, name = _named(trace, id_)
    scene = Scene(trace, insides, place_in(trace, place, section), around)
    why = _missing(scene).get(name)
    if why:
        return Step(section, name, "missing", {}, None, (scene.place.query, 0), why=why)
    if insides is None and name in recorded.MAKERS:
        maker = recorded.MAKERS[name]
    else:
        maker = _MAKERS[name]
    found = maker(scene)
    if whole and _size(found) <= MOST_WHOLE:
        return maker(replace(scene, whole=True))
    return found


def _parts(trace: Trace) -> list[tuple[StackName, tuple[str, ...]]]:
    """The sections that are walked through, each with its steps. One may come twice."""
    if trace.info.family != "encoder-decoder":
        alone: StackName = "encoder" if trace.info.family == "encoder" else "decoder"
        return [(alone, NAMES)]
    return [
        ("encoder", READ + ATTENTION + FFN + END[:1]),
        ("decoder", READ + ATTENTION),
        ("cross", ATTENTION[1:]),
        ("decoder", FFN + END),
    ]


def _named(trace: Trace, id_: str) -> tuple[StackName, str]:
    """The section and the name of a step that is in the walk."""
    for section, names in _parts(trace):
        for name in names:
            if id_ == f"{section}.{name}":
                return section, name
    raise NoSuchStep(step=id_)


def _ordered(names: tuple[str, ...], post: bool) -> tuple[str, ...]:
    """Where LayerNorm comes after the addition, its step does as well."""
    if not post:
        return names
    moved = [name for name in names if name not in ("norm", "ffn_norm")]
    for norm, addition in (("norm", "add_attn"), ("ffn_norm", "add_ffn")):
        if norm in names:
            moved.insert(moved.index(addition) + 1, norm)
    return tuple(moved)


def _missing(scene: Scene) -> dict[str, str]:
    """The steps of a section that cannot be shown, and why."""
    found = reading.missing(scene) | attending.missing(scene) | predicting.missing(scene)
    around = recorded if scene.insides is None else projecting
    return found | around.missing(scene)


def _size(step: Step) -> int:
    """How many numbers a step has with nothing folded away."""
    matrices = [*step.operands.values(), *([step.result] if step.result else [])]
    return sum(math.prod((m.rows.size, m.cols.size)) for m in matrices)
