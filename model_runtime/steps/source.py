"""Where a step is in the code: lines of `builtin/transformer.py`, with their numbers.

Reads the file as text. Knows no step, and imports neither the model nor torch.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "builtin" / "transformer.py"
MOST_LINES = 6


@dataclass(frozen=True)
class Excerpt:
    """Some lines of the file, without what they are indented by."""

    first: int  # the number of the first line, from 1
    lines: tuple[str, ...]


@cache
def whole() -> str:
    """The file."""
    return FILE.read_text("utf-8")


@cache
def excerpt(name: str, needle: str) -> Excerpt:
    """The statement of a function or class that contains a piece of code, such as
    ("attention", "masked_fill"). Raises LookupError unless exactly one does."""
    lines = whole().splitlines()
    owner = _owner(name)
    found = [
        node
        for node in ast.walk(owner)
        if isinstance(node, ast.stmt)
        and not isinstance(node, ast.FunctionDef | ast.ClassDef)
        and needle in "\n".join(lines[node.lineno - 1 : node.end_lineno])
    ]
    # An `if` holds its statements: the shortest is meant.
    found.sort(key=lambda node: (node.end_lineno or node.lineno) - node.lineno)
    shortest = found[:1]
    if not shortest or any(
        (node.end_lineno, node.lineno) != (shortest[0].end_lineno, shortest[0].lineno)
        and not (node.lineno <= shortest[0].lineno <= (node.end_lineno or 0))
        for node in found
    ):
        raise LookupError(f"{len(found)} statements of {name} contain {needle!r}")
    first, last = shortest[0].lineno, shortest[0].end_lineno or shortest[0].lineno
    kept = lines[first - 1 : min(last, first + MOST_LINES - 1)]
    indent = min(len(line) - len(line.lstrip()) for line in kept if line.strip())
    return Excerpt(first, tuple(line[indent:] for line in kept))


def _owner(name: str) -> ast.AST:
    for node in ast.parse(whole()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"nothing in {FILE.name} is called {name}")
