"""How a step is put together by each rule: its operands cut to what is kept, and its result.

Knows the rules of `parts.py`; not where in a model a step stands.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model_runtime.steps.folding import SINGLE, left_out, term_axis
from model_runtime.steps.parts import Axis, Matrix, Rule, Step, Values
from model_runtime.steps.scene import Scene

EPSILON = 1e-5  # what torch.nn.LayerNorm adds to the variance
Numbers = NDArray[np.floating]


def matrix(symbol: str, values: Numbers, rows: Axis, cols: Axis, source: str = "") -> Matrix:
    """A matrix of values that are cut to the axes already."""
    return Matrix(symbol, np.asarray(values, dtype=np.float64), rows, cols, source)


def cut(symbol: str, values: Numbers, rows: Axis, cols: Axis, source: str = "") -> Matrix:
    """A matrix of the kept part of values that are whole, [rows.size, cols.size]."""
    kept = values[np.ix_(np.array(rows.kept, dtype=int), np.array(cols.kept, dtype=int))]
    return matrix(symbol, kept, rows, cols, source)


def folded(scene: Scene, symbol: str, values: Numbers, source: str = "") -> Matrix:
    """A matrix of whole values that have a row for each query, cut to what is worth a look."""
    cols = scene.columns(values.shape[1], values[scene.place.query])
    return cut(symbol, values, scene.queries, cols, source)


def of_queries(scene: Scene, name: str, symbol: str = "x") -> Matrix:
    """What was recorded under a name with a row for each query, cut to what is worth a look."""
    return folded(scene, symbol, scene.recorded(name), name)


def row_of(values: Numbers, rows: Axis, row: int) -> Numbers:
    """One true row of a matrix whose rows are cut to an axis."""
    return np.asarray(values[rows.kept.index(row)])


def made(
    scene: Scene,
    name: str,
    rule: Rule,
    operands: Mapping[str, Matrix],
    result: Matrix,
    row: int,
    *,
    col: int | None = None,
    numbers: Mapping[str, float] | None = None,
    rest: Values | None = None,
) -> Step:
    """A step whose cell worth a look is in a true `row`, at a true `col`: by default the column
    that was asked for, else where the row is largest."""
    return Step(
        scene.section,
        name,
        rule,
        operands,
        result,
        (row, _column(scene, result, row) if col is None else col),
        numbers or {},
        rest,
    )


def _column(scene: Scene, result: Matrix, row: int) -> int:
    if scene.around in result.cols.kept:
        return scene.around
    values = np.abs(row_of(result.values, result.rows, row))
    return result.cols.kept[int(values.argmax())]


def given(scene: Scene, name: str, result: Matrix, row: int) -> Step:
    """A step of which only the result is known."""
    return made(scene, name, "given", {}, result, row)


def product(
    scene: Scene,
    name: str,
    a: Matrix,
    b: Matrix,
    result: Matrix,
    row: int,
    *,
    col: int | None = None,
    bias: Matrix | None = None,
    terms: Axis | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Step:
    """A·B, where both come whole along the index that is summed over: it is cut to `terms`, by
    default so that the step does not grow large, and what is left out is summed in `rest`."""
    whole = made(scene, name, "matmul", {}, result, row, col=col)
    i, j = result.rows.kept.index(row), result.cols.kept.index(whole.cell[1])
    if terms is None:
        beside = len(result.rows.kept) + len(result.cols.kept)
        terms = term_axis(a.values[i] * b.values[:, j], beside, whole=scene.whole)
    rest = None
    others = left_out(terms)
    if len(others):
        rest = a.values[:, others] @ b.values[others]
    kept = np.array(terms.kept, dtype=int)
    operands = {
        "A": matrix(a.symbol, a.values[:, kept], a.rows, terms, a.source),
        "B": matrix(b.symbol, b.values[kept], terms, b.cols, b.source),
    }
    if bias is not None:
        operands["b"] = bias
    return made(
        scene, name, "matmul", operands, result, row, col=whole.cell[1], numbers=numbers, rest=rest
    )


def normed(
    scene: Scene, name: str, whole: Numbers, source: str, weights: str, result: Matrix, row: int,
    symbol: str = "x",
) -> Step:  # fmt: skip
    """LayerNorm of `whole` [kept rows, all columns], with the weights of that name."""
    values = np.asarray(whole, dtype=np.float64)
    rows, cols = result.rows, result.cols
    kept = np.array(cols.kept, dtype=int)
    operands = {
        "A": matrix(symbol, values[:, kept], rows, cols, source),
        "mean": matrix("mean", values.mean(axis=1, keepdims=True), rows, SINGLE),
        "variance": matrix("variance", values.var(axis=1, keepdims=True), rows, SINGLE),
    }
    for letter, weight in (("γ", "weight"), ("β", "bias")):
        vector = scene.weight(f"{weights}.{weight}")[None]
        operands[letter] = cut(letter, vector, SINGLE, cols, f"{weights}.{weight}")
    return made(scene, name, "norm", operands, result, row, numbers={"epsilon": EPSILON})
