"""What the attention component is sent: tokens, heads, exact values and pictures in one frame.

Arrays in, bytes out. Knows numpy and the component's contract; no model, no session, no
language and no browser.
"""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viz.components.attention.strings import STRINGS
from viz.theme import component_theme

EXACT_LIMIT = 1024 * 1024
"""Bytes of exact f32 values that may travel with the payload; beyond, heads are fetched."""

UNPOOLED_LIMIT = 64
POOLED_SIDE = 56

TokenKind = Literal["", "special", "unknown", "bytes"]
StackName = Literal["encoder", "decoder", "cross"]
Scale = Literal["linear", "log", "row"]
Shown = Literal["map", "lines", "both"]


@dataclass(frozen=True)
class AxisToken:
    """One token on an axis: its text as shown, a note for the tooltip, its kind and position."""

    text: str
    note: str = ""
    kind: TokenKind = ""
    index: int = 0


@dataclass(frozen=True)
class HeadCell:
    """One cell of the grid of heads. ``layer`` or ``head`` is ``None`` for a mean over it.

    ``measures`` follow the order of ``measured`` in :func:`pack`; a missing one is ``None``.
    """

    layer: int | None
    head: int | None
    name: str
    measures: tuple[float | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Exact:
    """Exact values of all heads of a stack, each ``[heads, rows, cols]``.

    ``scores`` are after scale and bias, before mask and softmax; ``dot`` is q·k before the scale.
    Both are ``None`` where a share has no score (merged tokens, means, renormalised rows).
    """

    pattern: NDArray[np.floating[Any]]
    scores: NDArray[np.floating[Any]] | None = None
    dot: NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack: both axes, the heads in row-major order, and what is drawn at once.

    ``overview`` is u8 ``[heads, r, c]`` from :func:`overview`; ``mask`` is ``[rows, cols]``,
    true where a query may attend to a key, or ``None`` where nothing is masked.
    ``rows_are`` and ``cols_are`` are translated one-liners for the axes.
    """

    name: StackName
    title: str
    rows: tuple[AxisToken, ...]
    cols: tuple[AxisToken, ...]
    n_layers: int
    n_heads: int
    heads: tuple[HeadCell, ...]
    overview: NDArray[np.uint8]
    scale: float = 1.0
    rows_are: str = ""
    cols_are: str = ""
    mask: NDArray[np.bool_] | None = None
    exact: Exact | None = None


@dataclass(frozen=True)
class Chosen:
    """What is shown at the first mount; validated by the caller. ``row`` is the pinned query."""

    stack: StackName
    layer: int | None = 0
    head: int | None = 0
    row: int | None = None
    scale: Scale = "linear"
    view: Shown = "both"


def quantise(pattern: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return shares in 0–1 as u8 ``round(share × 255)``, same shape; NaN becomes 0."""
    clipped = np.clip(np.nan_to_num(pattern, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    result: NDArray[np.uint8] = np.rint(clipped * 255.0).astype(np.uint8)
    return result


def max_pool(values: NDArray[np.uint8], rows: int, cols: int) -> NDArray[np.uint8]:
    """Shrink ``values [..., r, c]`` to ``[..., rows, cols]``, keeping the largest of each block.

    Peaks survive, which a mean would drown. A side that is not larger than asked stays as it is.
    Raises ``ValueError`` when a side is asked to be smaller than 1.
    """
    if rows < 1 or cols < 1:
        raise ValueError(f"cannot pool to {rows} × {cols}")
    for axis, size in ((-2, rows), (-1, cols)):
        have = values.shape[axis]
        if have > size:
            starts = np.arange(size) * have // size
            values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def overview(pattern: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return the u8 picture of ``pattern [..., rows, cols]`` that the grid of heads draws.

    Sides of up to 64 tokens stay as they are; a longer side is max-pooled to 56. Call it head by
    head on long texts, so that no more than one exact pattern is in memory at a time.
    """
    rows, cols = pattern.shape[-2:]
    return max_pool(
        quantise(pattern),
        rows if rows <= UNPOOLED_LIMIT else POOLED_SIDE,
        cols if cols <= UNPOOLED_LIMIT else POOLED_SIDE,
    )


def exact_fits(shapes: Sequence[tuple[int, int, int]], values: int = 3) -> bool:
    """Tell whether exact f32 values of all stacks fit the payload.

    ``shapes`` holds ``(heads, rows, cols)`` per stack; ``values`` is how many arrays each stack
    sends (pattern, scores, dot). Lets a caller skip computing what would not be sent.
    """
    return sum(math.prod(shape) for shape in shapes) * values * 4 <= EXACT_LIMIT


def _padded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _offsets(arrays: Sequence[NDArray[Any]]) -> list[int]:
    """Return where each array starts in the body that :func:`frame` writes."""
    at, result = 0, []
    for array in arrays:
        result.append(at)
        at += _padded(array.nbytes, 4)
    return result


def frame(header: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> bytes:
    """Return one frame: u32 header length, JSON header, the arrays one after another.

    The header is padded so the body starts at a multiple of 8; each array is written row-major
    in its own dtype (little-endian) and padded to a multiple of 4 bytes. Raises ``ValueError``
    when the header holds NaN or infinity, ``TypeError`` when it is not JSON.
    """
    # ASCII escapes keep lone surrogates, which a user's text may hold, out of the UTF-8 encoder.
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("ascii")
    text = text.ljust(_padded(4 + len(text), 8) - 4)
    parts = [struct.pack("<I", len(text)), text]
    for array in arrays:
        raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts.append(raw.ljust(_padded(len(raw), 4), b"\0"))
    return b"".join(parts)


def head_frame(
    pattern: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]] | None = None,
    dot: NDArray[np.floating[Any]] | None = None,
    query_range: tuple[int, int] | None = None,
) -> bytes:
    """Return the frame that the head route answers: f32 ``[rows, cols]`` each."""
    rows, cols = pattern.shape
    arrays, at = _exact_arrays(Exact(pattern, scores, dot), 0)
    start, stop = query_range or (0, rows)
    return frame({"rows": rows, "cols": cols, **at, "query_range": [start, stop]}, arrays)


def _exact_arrays(exact: Exact, at: int) -> tuple[list[NDArray[np.float32]], dict[str, int | None]]:
    """Return the f32 arrays of ``exact`` and their offsets, the first one at ``at``."""
    arrays: list[NDArray[np.float32]] = []
    header: dict[str, int | None] = {}
    for name, values in (("pattern", exact.pattern), ("scores", exact.scores), ("dot", exact.dot)):
        header[name] = None if values is None else at
        if values is not None:
            arrays.append(np.asarray(values, dtype=np.float32))
            at += arrays[-1].nbytes
    return arrays, header


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _check(stack: Stack) -> None:
    """Raise ``ValueError`` when the arrays of ``stack`` do not fit its axes and heads."""
    heads, rows, cols = len(stack.heads), len(stack.rows), len(stack.cols)
    if heads != stack.n_layers * stack.n_heads:
        raise ValueError(f"{stack.name}: {heads} heads in a {stack.n_layers}×{stack.n_heads} grid")
    if stack.overview.dtype != np.uint8 or stack.overview.ndim != 3:
        raise ValueError(f"{stack.name}: overview must be u8 [heads, r, c]")
    if stack.overview.shape[0] != heads:
        raise ValueError(f"{stack.name}: {stack.overview.shape[0]} overviews, {heads} heads")
    if stack.mask is not None and stack.mask.shape != (rows, cols):
        raise ValueError(f"{stack.name}: mask {stack.mask.shape}, tokens {(rows, cols)}")
    for values in () if stack.exact is None else _values(stack.exact):
        if values.shape != (heads, rows, cols):
            raise ValueError(f"{stack.name}: exact {values.shape}, want {(heads, rows, cols)}")


def _values(exact: Exact) -> list[NDArray[np.floating[Any]]]:
    return [a for a in (exact.pattern, exact.scores, exact.dot) if a is not None]


def _tokens(tokens: Sequence[AxisToken]) -> list[dict[str, Any]]:
    return [{"text": t.text, "note": t.note, "kind": t.kind, "index": t.index} for t in tokens]


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
    for stack in stacks:
        _check(stack)
    sizes = [sum(a.size * 4 for a in _values(s.exact)) for s in stacks if s.exact is not None]
    send_exact = len(sizes) == len(stacks) and sum(sizes) <= EXACT_LIMIT

    arrays: list[NDArray[Any]] = []
    size = 0

    def put(array: NDArray[Any]) -> int:
        nonlocal size
        at, size = size, size + _padded(array.nbytes, 4)
        arrays.append(array)
        return at

    described = []
    for stack in stacks:
        exact = None
        if send_exact and stack.exact is not None:
            found, exact = _exact_arrays(stack.exact, size)
            for array in found:
                put(array)
        _, r, c = stack.overview.shape
        described.append({
            "name": stack.name, "title": stack.title,
            "rows_are": stack.rows_are, "cols_are": stack.cols_are,
            "rows": _tokens(stack.rows), "cols": _tokens(stack.cols),
            "n_layers": stack.n_layers, "n_heads": stack.n_heads,
            "heads": [
                {"layer": h.layer, "head": h.head, "name": h.name,
                 "measures": [_finite(m) for m in h.measures]}
                for h in stack.heads
            ],
            "mask": None if stack.mask is None else {"at": put(stack.mask.astype(np.uint8))},
            "scale": stack.scale,
            "overview": {"at": put(stack.overview), "rows": r, "cols": c},
            "exact": exact,
        })  # fmt: skip
    header = {
        "trace": trace, "api": api, "query": query, "caption": caption,
        "strings": dict(strings), "theme": component_theme() if theme is None else dict(theme),
        "chosen": {
            **_place(chosen), "row": chosen.row, "scale": chosen.scale, "view": chosen.view,
        },
        "model": model, "asked": asked, "opens": _place(opens or chosen),
        "measured": list(measured), "stacks": described,
    }  # fmt: skip
    return frame(header, arrays)
