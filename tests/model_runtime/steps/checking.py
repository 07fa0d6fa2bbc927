"""What tests of steps ask again and again: is a rule kept, is a folded matrix true.

Evaluates the rules as `parts.py` words them, cell by cell or in plain numpy.
"""

import math

import numpy as np

from model_runtime.steps import walk
from model_runtime.steps.parts import Matrix, Step

TOLERANCE = 1e-5  # of the largest value of the row


def all_steps(trace, insides, place, around=None, *, whole=False):
    """Every step of a walk."""
    refs = walk.outline(trace, place, insides)
    return [walk.step(trace, insides, place, ref.id, around, whole=whole) for ref in refs]


def result_of(step: Step) -> Matrix:
    """The result of a step that has one."""
    assert step.result is not None, step
    return step.result


def by_rule(step):
    """The result that the rule makes of the operands."""
    of = {letter: matrix.values for letter, matrix in step.operands.items()}
    n = step.numbers
    if step.rule == "matmul":
        total = of["A"] @ of["B"] + of.get("b", 0.0)
        return total if step.rest is None else total + step.rest
    if step.rule == "add":
        return of["A"] + of["B"]
    if step.rule == "scale":
        return of["A"] * n["factor"]
    if step.rule == "norm":
        scaled = (of["A"] - of["mean"]) / np.sqrt(of["variance"] + n["epsilon"])
        return scaled * of["γ"] + of["β"]
    if step.rule == "rotate":
        a, b = of["A"][:, 0::2], of["A"][:, 1::2]
        result = np.zeros_like(of["A"])
        result[:, 0::2] = a * of["cos"] - b * of["sin"]
        result[:, 1::2] = a * of["sin"] + b * of["cos"]
        return result
    if step.rule == "columns":
        columns = step.operands["A"].cols.kept
        first = int(n["first"])
        wanted = [columns.index(first + j) for j in step.result.cols.kept]
        return of["A"][:, wanted]
    if step.rule == "heads":
        d = int(n["d"])
        cells = []
        for col in step.result.cols.kept:
            z = step.operands[f"z{col // d}"]
            cells.append(z.values[:, z.cols.kept.index(col % d)])
        return np.stack(cells, axis=1)
    if step.rule == "softcap":
        return n["softcap"] * np.tanh(of["A"] / n["softcap"])
    if step.rule == "mask":
        return np.where(of["visible"] == 1, of["A"], -np.inf)
    if step.rule == "softmax":
        return np.exp(of["A"] - of["max"]) / of["sum"]
    if step.rule == "relu":
        return np.maximum(0.0, of["A"])
    if step.rule == "gelu":
        return of["A"] * (1 + np.vectorize(math.erf)(of["A"] / math.sqrt(2))) / 2
    assert step.rule == "given", step.rule
    return step.result.values


def assert_close(found, expected, unit=None):
    """Each value to 1e-5 of the largest in its row (of `unit`, where rows are folded)."""
    assert found.shape == expected.shape
    masked = np.isneginf(expected)
    np.testing.assert_array_equal(np.isneginf(found), masked)
    found, expected = np.where(masked, 0.0, found), np.where(masked, 0.0, expected)
    unit = np.where(masked, 0.0, expected) if unit is None else unit
    unit = np.abs(np.where(np.isfinite(unit), unit, 0.0)).max(axis=1, keepdims=True)
    worst = (np.abs(found - expected) / np.maximum(unit, 1e-30)).max()
    assert worst <= TOLERANCE, worst


def assert_whole(step):
    """The shapes of a step fit its axes, the axes fit together, and it points into itself."""
    for matrix in (*step.operands.values(), step.result):
        assert matrix.values.shape == (len(matrix.rows.kept), len(matrix.cols.kept))
        assert matrix.values.dtype == np.float64
        for axis in (matrix.rows, matrix.cols):
            assert list(axis.kept) == sorted(set(axis.kept))
            assert 0 <= axis.kept[0] and axis.kept[-1] < axis.size
            assert len(axis.labels) in (0, len(axis.kept))
    assert step.cell[0] in step.result.rows.kept
    assert step.cell[1] in step.result.cols.kept
    if step.rule == "matmul":
        assert step.operands["A"].cols == step.operands["B"].rows
        folded = len(step.operands["A"].cols.kept) < step.operands["A"].cols.size
        assert (step.rest is not None) == folded


def n_bytes(step):
    """What a frame of it sends, in 32 bits."""
    matrices = [*step.operands.values(), *([step.result] if step.result else [])]
    numbers = sum(m.values.size for m in matrices)
    return 4 * (numbers + (0 if step.rest is None else step.rest.size))
