"""A sublayer and the residual stream: the LayerNorm before it or after it, and the addition.

For built-in models. Knows no sublayer: attention is in `projecting.py`, the other in `feeding.py`.
"""

from dataclasses import dataclass

import numpy as np

from model_runtime.steps.making import cut, folded, made, normed, of_queries
from model_runtime.steps.parts import Step
from model_runtime.steps.scene import Scene


@dataclass(frozen=True)
class Sublayer:
    """The names that its parts are recorded under, and that its weights go by."""

    before: str  # the stream that it adds to
    input: str
    output: str
    after: str  # the stream that it leaves
    norm: str
    symbol: str  # of what it found


def is_pre(scene: Scene) -> bool:
    """Whether LayerNorm comes before a sublayer, or after the addition."""
    assert scene.insides is not None
    return scene.insides.config.norm == "pre"


def norm(scene: Scene, name: str, sublayer: Sublayer) -> Step:
    """LayerNorm: of the stream before the sublayer, or of the sum after it."""
    pre = is_pre(scene)
    result = of_queries(scene, sublayer.input if pre else sublayer.after)
    rows = np.array(scene.queries.kept)
    whole = scene.recorded(sublayer.before)[rows]
    if not pre:
        whole = whole.astype(np.float64) + scene.recorded(sublayer.output)[rows]
    source = sublayer.before if pre else ""
    return normed(scene, name, whole, source, sublayer.norm, result, scene.place.query)


def add(scene: Scene, name: str, sublayer: Sublayer) -> Step:
    """What the sublayer found, added to the stream."""
    before, output = scene.recorded(sublayer.before), scene.recorded(sublayer.output)
    if is_pre(scene):
        result = of_queries(scene, sublayer.after)
    else:
        result = folded(scene, "x", before.astype(np.float64) + output)
    operands = {
        "A": cut("x", before, scene.queries, result.cols, sublayer.before),
        "B": cut(sublayer.symbol, output, scene.queries, result.cols, sublayer.output),
    }
    return made(scene, name, "add", operands, result, scene.place.query)
