"""From a text to the first vectors: tokens, ids, embedding, positions.

Knows nothing of layers.
"""

import math
from dataclasses import replace

import numpy as np

from model_runtime.steps.folding import SINGLE, token_axis
from model_runtime.steps.making import cut, given, made, matrix, of_queries
from model_runtime.steps.parts import NOT_HERE, NOT_RECORDED, Axis, Step
from model_runtime.steps.scene import Scene
from model_runtime.types import Token

MOST_TOKENS = 256  # of a longer text, the ends and what is looked at


def missing(scene: Scene) -> dict[str, str]:
    """The steps that cannot be shown, and why."""
    if scene.insides is None:
        return dict.fromkeys(("embedding", "positions"), NOT_RECORDED)
    if scene.insides.config.positions not in ("sinusoidal", "learned"):
        return {"positions": NOT_HERE}
    return {}


def tokens(scene: Scene) -> Step:
    """The text, cut."""
    shown = _shown(scene, scene.query_tokens)
    return Step(scene.section, "tokens", "tokens", {}, None, (scene.place.query, 0), tokens=shown)


def ids(scene: Scene) -> Step:
    """A number for each token: a single column."""
    rows, everything = scene.queries, scene.query_tokens
    values = np.array([[everything[i].id] for i in rows.kept])
    step = given(scene, "ids", matrix("id", values, rows, SINGLE), scene.place.query)
    return replace(step, tokens=tuple(everything[i] for i in rows.kept))


def embedding(scene: Scene) -> Step:
    """The table's rows of these ids, times √d_model."""
    rows = scene.queries
    result = of_queries(scene, f"{scene.owner}.embedding")
    name = f"{scene.owner}.embedding.weight"
    table = scene.weight(name)
    own = table[[scene.query_tokens[i].id for i in rows.kept]]
    looked_up = matrix("E", own[:, np.array(result.cols.kept)], rows, result.cols, name)
    factor = math.sqrt(table.shape[1])
    numbers = {"factor": factor, "d": float(table.shape[1])}
    row = scene.place.query
    return made(scene, "embedding", "scale", {"A": looked_up}, result, row, numbers=numbers)


def positions(scene: Scene) -> Step:
    """The embedding and a vector that stands for the position."""
    result = of_queries(scene, f"{scene.owner}.0.resid_pre")
    rows, cols = result.rows, result.cols
    operands = {
        letter: cut(symbol, scene.recorded(name), rows, cols, name)
        for letter, symbol, name in (
            ("A", "x", f"{scene.owner}.embedding"),
            ("B", "PE", f"{scene.owner}.positions"),
        )
    }
    return made(scene, "positions", "add", operands, result, scene.place.query)


MAKERS = {"tokens": tokens, "ids": ids, "embedding": embedding, "positions": positions}


def _shown(scene: Scene, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    if len(tokens) <= MOST_TOKENS:
        return tokens
    axis: Axis = token_axis(tokens, (scene.place.query,), around=scene.place.query)
    return tuple(tokens[i] for i in axis.kept)
