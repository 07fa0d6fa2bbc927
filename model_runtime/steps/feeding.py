"""The feed-forward network of a layer, and what the next layer receives.

For built-in models: weights and everything in between are known.
"""

from typing import Literal

import numpy as np

from model_runtime.steps import residual
from model_runtime.steps.folding import SINGLE, all_of
from model_runtime.steps.making import cut, given, made, matrix, of_queries, product
from model_runtime.steps.parts import Step
from model_runtime.steps.residual import Sublayer
from model_runtime.steps.scene import Scene


def ffn_norm(scene: Scene) -> Step:
    """LayerNorm: of the stream before the network, or of the sum after it."""
    return residual.norm(scene, "ffn_norm", _network(scene))


def ffn_in(scene: Scene) -> Step:
    """Into the wider layer: x·W_1 + b_1."""
    return _linear(scene, "ffn_in", "x", "ffn.input", "h", "ffn.pre", "1", "w_in")


def activation(scene: Scene) -> Step:
    """What lets the network bend: ReLU or GELU, number by number."""
    assert scene.insides is not None
    rule: Literal["relu", "gelu"] = scene.insides.config.activation
    result = of_queries(scene, f"{scene.layer}.ffn.post", "a")
    name = f"{scene.layer}.ffn.pre"
    operands = {"A": cut("h", scene.recorded(name), scene.queries, result.cols, name)}
    return made(scene, "activation", rule, operands, result, scene.place.query)


def ffn_out(scene: Scene) -> Step:
    """Back to the width of the stream: ·W_2 + b_2."""
    return _linear(scene, "ffn_out", "a", "ffn.post", "f", "ffn.output", "2", "w_out")


def add_ffn(scene: Scene) -> Step:
    """What the network found, added to the residual stream."""
    return residual.add(scene, "add_ffn", _network(scene))


def next_layer(scene: Scene) -> Step:
    """The residual stream as the layer hands it on."""
    return given(scene, "next", of_queries(scene, f"{scene.layer}.resid_post"), scene.place.query)


MAKERS = {
    "ffn_norm": ffn_norm,
    "ffn_in": ffn_in,
    "activation": activation,
    "ffn_out": ffn_out,
    "add_ffn": add_ffn,
    "next": next_layer,
}


def _network(scene: Scene) -> Sublayer:
    return Sublayer(
        before=f"{scene.layer}.resid_mid",
        input=f"{scene.layer}.ffn.input",
        output=f"{scene.layer}.ffn.output",
        after=f"{scene.layer}.resid_post",
        norm=f"{scene.owner}.layers.{scene.place.layer}.ffn_residual.norm",
        symbol="f",
    )


def _linear(
    scene: Scene, name: str, symbol: str, reads: str, made_symbol: str, gives: str, number: str,
    weights: str,
) -> Step:  # fmt: skip
    """A linear layer with its bias."""
    result = of_queries(scene, f"{scene.layer}.{gives}", made_symbol)
    x, source = scene.recorded(f"{scene.layer}.{reads}"), f"{scene.layer}.{reads}"
    full = f"{scene.owner}.layers.{scene.place.layer}.ffn.{weights}"
    kept = scene.weight(f"{full}.weight")[np.array(result.cols.kept)].T
    inner = all_of(x.shape[1])
    a = cut(symbol, x, scene.queries, inner, source)
    b = matrix(f"W_{number}", kept, inner, result.cols, f"{full}.weight")
    vector = scene.weight(f"{full}.bias")[None]
    bias = cut(f"b_{number}", vector, SINGLE, result.cols, f"{full}.bias")
    return product(scene, name, a, b, result, scene.place.query, bias=bias)
