"""One step as a file to check by hand: a table for a spreadsheet, a script for NumPy.

Takes a step and its values as they are; recomputes nothing. Knows no trace and no screen.
"""

import csv
import io
from collections.abc import Iterator

from model_runtime.steps.parts import Axis, Matrix, Step, Values

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
# What letters are called in a script: its own names are not hidden, and it stays in ASCII.
_NAMES = {"γ": "gamma", "β": "beta", "max": "highest", "sum": "total"}

_HEAD = '''"""{title}

Written by Headlight: every number as it was in the model, and how the result is made of them.
"""

import math
import sys

import numpy as np
from numpy import inf

np.set_printoptions(floatmode="unique", threshold=sys.maxsize, linewidth=100)
'''


def as_csv(step: Step) -> bytes:
    """A table of all matrices, one below the other, UTF-8 with a mark for spreadsheets.

    Each begins with its letter, symbol, source and sizes, then a line of true column indices
    and a line a row: true index, label, values. Blank lines between; numbers at full precision.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["step", f"{step.section}.{step.name}"])
    writer.writerow(["rule", _plain(step)])
    writer.writerow(["shown", _shown(step)])
    for name, number in step.numbers.items():
        writer.writerow(["number", name, repr(float(number))])
    if step.tokens:
        writer.writerow([])
        writer.writerow(["position", "id", "token"])
        for token in step.tokens:
            writer.writerow([token.position, token.id, _cell(token.text)])
    for letter, matrix in _matrices(step):
        rows, cols = matrix.rows, matrix.cols
        writer.writerow([])
        sizes = (f"rows {_of(rows)}", f"columns {_of(cols)}")
        writer.writerow([letter, matrix.symbol, matrix.source, *sizes])
        writer.writerow(["", "", *cols.kept])
        if cols.labels:
            writer.writerow(["", "", *(_cell(label) for label in cols.labels)])
        labels = rows.labels or ("",) * len(rows.kept)
        for index, label, values in zip(rows.kept, labels, matrix.values, strict=True):
            writer.writerow([index, _cell(label), *(repr(float(v)) for v in values)])
    return out.getvalue().encode("utf-8-sig", "replace")


def as_numpy(step: Step) -> str:
    """A script that anyone with NumPy can run: the operands at full precision, the rule, and
    the result, which it prints, with the largest difference to what was shown."""
    parts = [_HEAD.format(title=f"{step.section}.{step.name}: {_plain(step)}")]
    parts.append(f"# {_shown(step)}")
    if step.tokens:
        tokens = [(token.position, token.id, token.text) for token in step.tokens]
        listed = "".join(f"    {token!r},\n" for token in tokens)
        parts.append(f"# position, id, text\ntokens = [\n{listed}]")
    for name, number in step.numbers.items():
        parts.append(f"{name} = {float(number)!r}")
    for letter, matrix in _matrices(step):
        if letter != "C":
            parts.append(_array(_NAMES.get(letter, letter), matrix))
    if step.result is None:
        parts.append(f"print({'tokens' if step.tokens else repr(step.why)})")
        return "\n".join(parts) + "\n"
    parts.append(_array("shown", step.result))
    parts.append(_line(step))
    parts.append("print(C)")
    if step.rule != "given":
        parts.append("seen = np.isfinite(shown)")
        parts.append("off = np.abs(C[seen] - shown[seen]).max(initial=0)")
        parts.append("print('differs from what was shown by', off)")
    return "\n".join(parts) + "\n"


def _line(step: Step) -> str:
    """The rule as NumPy has it."""
    if step.rule == "matmul":
        more = " + b" if "b" in step.operands else ""
        return "C = A @ B" + more + (" + rest" if step.rest is not None else "")
    if step.rule == "columns":
        # Of a folded matrix, the head's columns stand elsewhere than in a whole one.
        first = step.operands["A"].cols.kept.index(int(step.numbers["first"]))
        return f"C = A[:, {first} : {first + int(step.numbers['d'])}]"
    if step.rule == "heads":
        return f"C = np.concatenate([{', '.join(step.operands)}], axis=1)"
    return _LINES[step.rule]


_LINES = {
    "given": "C = shown",
    "add": "C = A + B",
    "scale": "C = A * factor",
    "norm": "C = (A - mean) / np.sqrt(variance + epsilon) * gamma + beta",
    "rotate": (
        "C = np.stack([A[:, 0::2] * cos - A[:, 1::2] * sin,"
        " A[:, 0::2] * sin + A[:, 1::2] * cos], axis=-1).reshape(A.shape)"
    ),
    "softcap": "C = softcap * np.tanh(A / softcap)",
    "mask": "C = np.where(visible > 0, A, -inf)",
    "softmax": "C = np.exp(A - highest) / total",
    "relu": "C = np.maximum(A, 0)",
    "gelu": "C = A * 0.5 * (1 + np.vectorize(math.erf)(A / math.sqrt(2)))",
}


def _plain(step: Step) -> str:
    """The rule in one line, for people."""
    if step.rule == "missing":
        return step.why
    return "the text, cut into tokens" if step.rule == "tokens" else _line(step)


def _shown(step: Step) -> str:
    """Whether anything is left out, said so that nobody takes a part for the whole."""
    matrices = [matrix for _, matrix in _matrices(step)]
    if all(len(axis.kept) == axis.size for m in matrices for axis in (m.rows, m.cols)):
        return "whole: nothing is left out"
    left_out = "folded: the indices of the rows and columns that are here are given"
    if step.rest is not None:
        return f"{left_out}; rest is the sum of all products whose terms are left out"
    return left_out


def _matrices(step: Step) -> Iterator[tuple[str, Matrix]]:
    """The operands, what was left out of a sum, and the result, by letter."""
    yield from step.operands.items()
    if step.result is not None:
        if step.rest is not None:
            yield "rest", Matrix("rest", step.rest, step.result.rows, step.result.cols)
        yield "C", step.result


def _array(name: str, matrix: Matrix) -> str:
    about = f"# {matrix.symbol}" + (f" = {matrix.source}" if matrix.source else "")
    indices = [
        f"# {what} {_of(axis)}{_listed(axis)}"
        for what, axis in (("rows", matrix.rows), ("columns", matrix.cols))
    ]
    return "\n".join(["", about, *indices, f"{name} = np.array([", _rows(matrix.values), "])"])


def _rows(values: Values) -> str:
    # repr of a float gives back the same float; -inf is imported by name.
    return "\n".join(f"    {row!r}," for row in values.tolist())


def _listed(axis: Axis) -> str:
    """The true indices of a folded axis, and the labels where there are any, quoted so that no
    text leaves its comment."""
    if axis.labels:
        pairs = zip(axis.kept, axis.labels, strict=True)
        return ": " + ", ".join(f"{index} {label!r}" for index, label in pairs)
    if len(axis.kept) < axis.size:
        return ": " + ", ".join(map(str, axis.kept))
    return ""


def _of(axis: Axis) -> str:
    return f"{len(axis.kept)} of {axis.size}"


def _cell(text: str) -> str:
    """A label as it may stand in a table file: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text[:1] in _FORMULAS else text
