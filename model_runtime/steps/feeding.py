"""The feed-forward network of a layer, and what the next layer receives.

For built-in models: weights and everything in between are known.
"""

from typing import Literal

import numpy as np

from model_runtime.steps.folding import SINGLE, all_of
from model_runtime.steps.making import cut, given, made, matrix, normed, product
from model_runtime.steps.parts import Matrix, Step
from model_runtime.steps.projecting import is_pre
from model_runtime.steps.scene import Scene


def ffn_norm(scene: Scene) -> Step:
    """LayerNorm: of the stream before the network, or of the sum after it."""
    pre = is_pre(scene)
    after = _stream(scene, "x", "ffn.input" if pre else "resid_post")
    rows = np.array(scene.queries.kept)
    before = scene.recorded(f"{scene.layer}.resid_mid")[rows]
    if not pre:
        before = before.astype(np.float64) + scene.recorded(f"{scene.layer}.ffn.output")[rows]
    weights = f"{scene.owner}.layers.{scene.place.layer}.ffn_residual.norm"
    source = f"{scene.layer}.resid_mid" if pre else ""
    return normed(scene, "ffn_norm", before, source, weights, after, scene.place.query)


def ffn_in(scene: Scene) -> Step:
    """Into the wider layer: x·W_1 + b_1."""
    return _linear(scene, "ffn_in", "x", "ffn.input", "h", "ffn.pre", "1", "w_in")


def activation(scene: Scene) -> Step:
    """What lets the network bend: ReLU or GELU, number by number."""
    assert scene.insides is not None
    rule: Literal["relu", "gelu"] = scene.insides.config.activation
    result = _stream(scene, "a", "ffn.post")
    name = f"{scene.layer}.ffn.pre"
    operands = {"A": cut("h", scene.recorded(name), scene.queries, result.cols, name)}
    return made(scene, "activation", rule, operands, result, scene.place.query)


def ffn_out(scene: Scene) -> Step:
    """Back to the width of the stream: ·W_2 + b_2."""
    return _linear(scene, "ffn_out", "a", "ffn.post", "f", "ffn.output", "2", "w_out")


def add_ffn(scene: Scene) -> Step:
    """What the network found, added to the residual stream."""
    mid, output = f"{scene.layer}.resid_mid", f"{scene.layer}.ffn.output"
    if is_pre(scene):
        result = _stream(scene, "x", "resid_post")
    else:
        total = scene.recorded(mid).astype(np.float64) + scene.recorded(output)
        cols = scene.columns(total.shape[1], total[scene.place.query])
        result = cut("x", total, scene.queries, cols)
    operands = {
        "A": cut("x", scene.recorded(mid), scene.queries, result.cols, mid),
        "B": cut("f", scene.recorded(output), scene.queries, result.cols, output),
    }
    return made(scene, "add_ffn", "add", operands, result, scene.place.query)


def next_layer(scene: Scene) -> Step:
    """The residual stream as the layer hands it on."""
    return given(scene, "next", _stream(scene, "x", "resid_post"), scene.place.query)


MAKERS = {
    "ffn_norm": ffn_norm,
    "ffn_in": ffn_in,
    "activation": activation,
    "ffn_out": ffn_out,
    "add_ffn": add_ffn,
    "next": next_layer,
}


def _stream(scene: Scene, symbol: str, part: str) -> Matrix:
    name = f"{scene.layer}.{part}"
    values = scene.recorded(name)
    cols = scene.columns(values.shape[1], values[scene.place.query])
    return cut(symbol, values, scene.queries, cols, name)


def _linear(
    scene: Scene, name: str, symbol: str, reads: str, made_symbol: str, gives: str, number: str,
    weights: str,
) -> Step:  # fmt: skip
    """A linear layer with its bias."""
    result = _stream(scene, made_symbol, gives)
    x, source = scene.recorded(f"{scene.layer}.{reads}"), f"{scene.layer}.{reads}"
    full = f"{scene.owner}.layers.{scene.place.layer}.ffn.{weights}"
    kept = scene.weight(f"{full}.weight")[np.array(result.cols.kept)].T
    inner = all_of(x.shape[1])
    a = cut(symbol, x, scene.queries, inner, source)
    b = matrix(f"W_{number}", kept, inner, result.cols, f"{full}.weight")
    vector = scene.weight(f"{full}.bias")[None]
    bias = cut(f"b_{number}", vector, SINGLE, result.cols, f"{full}.bias")
    return product(scene, name, a, b, result, scene.place.query, bias=bias)
