"""What the attention component is sent: tokens, heads, exact values and pictures in one frame.

Arrays in, bytes out. Knows numpy and the component's contract; no model, no session, no
language and no browser.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viz.components.attention.frame import Body, frame
from viz.components.attention.strings import STRINGS
from viz.theme import component_theme

EXACT_LIMIT = 1024 * 1024
"""Bytes of exact f32 values that may travel with the payload; beyond, heads are fetched."""

TokenKind = Literal["", "special", "unknown", "bytes"]
StackName = Literal["encoder", "decoder", "cross"]
Scale = Literal["linear", "log", "row"]
Shown = Literal["map", "lines", "both"]


@dataclass(frozen=True)
class AxisToken:
    """One token on an axis: its text as shown, a note for the tooltip, its kind and position.

    ``part`` is 1 in the second text of a pair; a line is drawn between the parts.
    """

    text: str
    note: str = ""
    kind: TokenKind = ""
    index: int = 0
    part: int = 0


@dataclass(frozen=True)
class HeadCell:
    """One cell of the grid of heads. ``layer`` or ``head`` is ``None`` for a mean over it.

    ``measures`` follow the order of ``measured`` in :func:`pack`; a missing one is ``None``.
    ``mask`` counts in the stack's masks; ``None`` where nothing is masked. How a score comes
    about: q·k × ``scale``, soft-capped at ``softcap``, plus a bias if ``has_bias``. ``sink`` is
    the score that takes part of each row; ``has_sink`` is also true where it differs by row, and
    of a mean over such heads.
    """

    layer: int | None
    head: int | None
    name: str
    measures: tuple[float | None, ...] = ()
    mask: int | None = None
    scale: float = 1.0
    softcap: float | None = None
    has_bias: bool = False
    sink: float | None = None
    has_sink: bool = False


@dataclass(frozen=True, eq=False)
class Exact:
    """Exact values of all heads of a stack, each ``[heads, rows, cols]``.

    ``scores`` are after scale and bias, before mask and softmax; ``dot`` is q·k before the scale.
    Both are ``None`` where a share has no score (merged tokens, means).
    """

    pattern: NDArray[np.floating[Any]]
    scores: NDArray[np.floating[Any]] | None = None
    dot: NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True)
class Levels:
    """How a map is asked for that is too large to be sent whole: as a picture at level
    ``coarsest``, each point of which is the largest of 2^level × 2^level cells, and as tiles of
    ``tile × tile`` points of any level from 0, the cells themselves, on."""

    coarsest: int
    tile: int


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack: both axes, the heads layer by layer, and what is drawn at once.

    ``overview`` is u8 ``[heads, r, c]``, a small picture of each head; ``masks`` are the
    different masks of its heads, each as :func:`visible_runs` of cells that may be attended to.
    ``rows_are`` and ``cols_are`` are translated one-liners for the axes. ``whole`` says that no
    key is hidden. ``measured_on`` is the number of queries that pictures and measures were
    computed on, where that is not all of them, of ``n_queries``. ``levels`` is there where maps are
    too large to be sent whole.
    """

    name: StackName
    title: str
    rows: tuple[AxisToken, ...]
    cols: tuple[AxisToken, ...]
    heads: tuple[HeadCell, ...]
    overview: NDArray[np.uint8]
    rows_are: str = ""
    cols_are: str = ""
    masks: tuple[NDArray[np.uint32], ...] = ()
    exact: Exact | None = None
    whole: bool = True
    measured_on: int | None = None
    n_queries: int = 0
    levels: Levels | None = None


@dataclass(frozen=True)
class Chosen:
    """What is shown at the first mount; validated by the caller. ``row`` is the pinned query."""

    stack: StackName
    layer: int | None = 0
    head: int | None = 0
    row: int | None = None
    scale: Scale = "linear"
    view: Shown = "both"


def exact_fits(shapes: Sequence[tuple[int, int, int]], values: int = 3) -> bool:
    """Tell whether exact f32 values of all stacks fit the payload.

    ``shapes`` holds ``(heads, rows, cols)`` per stack; ``values`` is how many arrays each stack
    sends (pattern, scores, dot). Lets a caller skip computing what would not be sent.
    """
    return sum(math.prod(shape) for shape in shapes) * values * 4 <= EXACT_LIMIT


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _grid(stack: Stack) -> tuple[int, int, list[int]]:
    """Return rows and columns of the grid of heads, and the cell of each head, row-major.

    A row a layer that there is, a column a head. Layers may have different numbers of heads:
    cells that no head has stay empty.
    """
    layers = {layer: row for row, layer in enumerate(dict.fromkeys(h.layer for h in stack.heads))}
    n_heads = max(((h.head or 0) + 1 for h in stack.heads), default=0)
    cells = [layers[h.layer] * n_heads + (h.head or 0) for h in stack.heads]
    return len(layers), n_heads, cells


def _check(stack: Stack, cells: Sequence[int]) -> None:
    """Raise ``ValueError`` when the arrays of ``stack`` do not fit its axes and heads."""
    heads, rows, cols = len(stack.heads), len(stack.rows), len(stack.cols)
    if not heads or len(set(cells)) != heads:
        raise ValueError(f"{stack.name}: {heads} heads in {len(set(cells))} places")
    if stack.overview.dtype != np.uint8 or stack.overview.ndim != 3:
        raise ValueError(f"{stack.name}: overview must be u8 [heads, r, c]")
    if stack.overview.shape[0] != heads:
        raise ValueError(f"{stack.name}: {stack.overview.shape[0]} overviews, {heads} heads")
    if any(len(runs) % 2 or runs.max(initial=0) > rows * cols for runs in stack.masks):
        raise ValueError(f"{stack.name}: a mask is not of {rows} × {cols} cells")
    if any(h.mask is not None and not 0 <= h.mask < len(stack.masks) for h in stack.heads):
        raise ValueError(f"{stack.name}: a head names a mask beyond {len(stack.masks)}")
    for values in () if stack.exact is None else _values(stack.exact):
        if values.shape != (heads, rows, cols):
            raise ValueError(f"{stack.name}: exact {values.shape}, want {(heads, rows, cols)}")


def _values(exact: Exact) -> list[NDArray[np.floating[Any]]]:
    return [a for a in (exact.pattern, exact.scores, exact.dot) if a is not None]


def _tokens(tokens: Sequence[AxisToken]) -> list[dict[str, Any]]:
    """Return the tokens; what is empty is left out, for thousands of them travel."""
    written = []
    for token in tokens:
        more = {"note": token.note, "kind": token.kind, "part": token.part}
        kept = {name: value for name, value in more.items() if value}
        written.append({"text": token.text, "index": token.index, **kept})
    return written


def _head(cell: HeadCell, at: int) -> dict[str, Any]:
    return {
        "layer": cell.layer, "head": cell.head, "name": cell.name, "at": at,
        "measures": [_finite(value) for value in cell.measures], "mask": cell.mask,
        "scale": cell.scale, "softcap": cell.softcap, "has_bias": cell.has_bias,
        "sink": _finite(cell.sink), "has_sink": cell.has_sink,
    }  # fmt: skip


def _described(stack: Stack, body: Body, *, send_exact: bool) -> dict[str, Any]:
    """Return what the header says of one stack; its arrays go into the body."""
    n_layers, n_heads, cells = _grid(stack)
    _check(stack, cells)
    exact = None
    if send_exact and stack.exact is not None:
        values = (stack.exact.pattern, stack.exact.scores, stack.exact.dot)
        names = ("pattern", "scores", "dot")
        exact = {n: body.put_floats(v) for n, v in zip(names, values, strict=True)}
    _, r, c = stack.overview.shape
    return {
        "name": stack.name, "title": stack.title,
        "rows_are": stack.rows_are, "cols_are": stack.cols_are,
        "rows": _tokens(stack.rows), "cols": _tokens(stack.cols),
        "n_layers": n_layers, "n_heads": n_heads,
        "heads": [_head(cell, at) for cell, at in zip(stack.heads, cells, strict=True)],
        "masks": [{"at": body.put(runs), "edges": len(runs)} for runs in stack.masks],
        "overview": {"at": body.put(stack.overview), "rows": r, "cols": c},
        "exact": exact, "whole": stack.whole,
        "measured_on": stack.measured_on, "n_queries": stack.n_queries,
        "levels": None if stack.levels is None else asdict(stack.levels),
    }  # fmt: skip


def _place(chosen: Chosen) -> dict[str, Any]:
    return {"stack": chosen.stack, "layer": chosen.layer, "head": chosen.head}


def pack(
    *,
    trace: str,
    api: str,
    stacks: Sequence[Stack],
    chosen: Chosen,
    measured: Sequence[str] = (),
    query: str = "",
    strings: Mapping[str, str] = STRINGS,
    caption: str = "",
    theme: Mapping[str, Any] | None = None,
    model: str = "",
    asked: str = "",
    opens: Chosen | None = None,
) -> bytes:
    """Return the payload of :func:`mount`: everything the browser needs to draw, in one frame.

    ``trace`` identifies model and text; ``api`` is the relative base URL of head fetches, and
    ``query`` is appended to each. ``measured`` names the measures of every head, in order;
    ``caption`` stands under exported pictures. ``model`` (without its variant) and ``asked`` (the
    texts) tell what of the reader's choices a new trace keeps; ``opens`` is where the model opens
    for someone who has chosen nothing. Exact values are included when
    those of all stacks fit in 1 MiB, else the browser fetches the chosen head.
    Raises ``ValueError`` when arrays and axes disagree or there is no stack.
    """
    if not stacks:
        raise ValueError("a payload needs at least one stack")
    sizes = [sum(a.size * 4 for a in _values(s.exact)) for s in stacks if s.exact is not None]
    send_exact = len(sizes) == len(stacks) and sum(sizes) <= EXACT_LIMIT
    body = Body()
    described = [_described(stack, body, send_exact=send_exact) for stack in stacks]
    header = {
        "trace": trace, "api": api, "query": query, "caption": caption,
        "strings": dict(strings), "theme": component_theme() if theme is None else dict(theme),
        "chosen": {
            **_place(chosen), "row": chosen.row, "scale": chosen.scale, "view": chosen.view,
        },
        "model": model, "asked": asked, "opens": _place(opens or chosen),
        "measured": list(measured), "stacks": described,
    }  # fmt: skip
    return frame(header, body.arrays)
