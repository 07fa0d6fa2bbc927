"""HTTP beside the pages: the exact numbers of one map, as a frame, CSV or NPZ.

Answers from kept traces alone; runs no model. Knows neither session nor language.

    GET /api/trace/<id>/<stack>/<layer>/<head>[.csv|.npz]?specials=0&words=1…
    GET /api/trace/<id>/<stack>/<layer>/<head>/<row>?…   scores and q·k of a large map
    GET /api/trace/<id>/<stack>/<layer>/<head>/<level>/<down>/<across>?…   a tile of a larger one

`mean` stands for a layer or head that is averaged over. What is no longer kept is 410.
"""

import csv
import io
from typing import get_args

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from model_runtime import levels
from model_runtime.errors import NoSuchHead
from model_runtime.survey import has_sink
from model_runtime.types import StackName, Trace
from model_runtime.views import AxisGroup, HeadPlace, Look, View
from shell import address
from shell.cache import TRACES
from viz.attention_map import axis_token, head_frame, row_frame
from viz.components.attention import Levels
from viz.labels import in_csv
from viz.long_maps import as_levels, tile_frame

# Numbers of a trace never change, but they are somebody's: the browser may keep them, nobody
# in between.
HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


TOO_LARGE_FOR_CSV = "so many cells would be a gigabyte of text; the .npz has q, k and v instead"


async def one_head(request: Request) -> Response:
    """The frame that the component asks for: pattern, scores and q·k, 32-bit floats."""
    return await run_in_threadpool(_answer, request, "")


async def one_row(request: Request) -> Response:
    """The frame of one row of a map."""
    return await run_in_threadpool(_row, request)


def _row(request: Request) -> Response:
    trace, stack, place, view = _asked(request)
    row = _number(request.path_params["row"])
    if row is None:
        raise HTTPException(404, "rows are numbers")
    try:
        frame = row_frame(trace, stack, place, row, view)
    except (NoSuchHead, IndexError) as error:
        raise HTTPException(404, str(error)) from error
    return Response(frame, media_type="application/octet-stream", headers=HEADERS)


async def one_tile(request: Request) -> Response:
    """The frame of a tile of a map that is too large to be sent whole."""
    return await run_in_threadpool(_tile, request)


def _tile(request: Request) -> Response:
    trace, stack, place, view = _asked(request)
    numbers = [_number(request.path_params[name]) for name in ("level", "down", "across")]
    level, down, across = (-1 if number is None else number for number in numbers)
    try:
        frame = tile_frame(Look(trace, stack, view), place, level, down, across)
    except (NoSuchHead, IndexError) as error:
        raise HTTPException(404, str(error)) from error
    return Response(frame, media_type="application/octet-stream", headers=HEADERS)


async def one_head_as(request: Request) -> Response:
    """The same map as a file to keep."""
    return await run_in_threadpool(_answer, request, request.path_params["kind"])


def _answer(request: Request, kind: str) -> Response:
    trace, stack, place, view = _asked(request)
    try:
        if kind == "csv":
            if as_levels(Look(trace, stack, view)):
                raise HTTPException(413, TOO_LARGE_FOR_CSV)
            body, media = as_csv(Look(trace, stack, view), place), "text/csv; charset=utf-8"
        elif kind == "npz":
            body, media = as_npz(Look(trace, stack, view), place), "application/octet-stream"
        elif kind == "":
            frame = head_frame(trace, stack, place, view)
            return Response(frame, media_type="application/octet-stream", headers=HEADERS)
        else:
            raise HTTPException(404, "csv and npz are the files there are")
    except NoSuchHead as error:
        raise HTTPException(404, str(error)) from error
    name = f"headlight-L{_named(place.layer)}H{_named(place.head)}-{stack}.{kind}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media, headers=HEADERS | disposition)


def traced(request: Request) -> tuple[Trace, StackName]:
    """The trace and the stack that a path names. Raises 404 for what cannot be, 410 for what is
    gone."""
    path = request.path_params
    trace = TRACES.get(path["trace"])
    if trace is None:
        raise HTTPException(410, "this recording is no longer kept; reload the page")
    stacks: tuple[StackName, ...] = get_args(StackName)
    stack = next((known for known in stacks if known == path["stack"]), None)
    if stack is None or stack not in trace.info.stacks:
        raise HTTPException(404, f"stacks: {', '.join(trace.info.stacks)}")
    return trace, stack


def _asked(request: Request) -> tuple[Trace, StackName, HeadPlace, View]:
    """What the path and the query name. Raises what `traced` raises."""
    trace, stack = traced(request)
    path = request.path_params
    place = HeadPlace(_number(path["layer"]), _number(path["head"]))
    return trace, stack, place, address.view_from(request.query_params)


def _number(text: str) -> int | None:
    if text == "mean":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise HTTPException(404, "layers and heads are numbers, or mean")
    return int(text)


def _named(number: int | None) -> str:
    return "mean" if number is None else str(number)


def _label(group: AxisGroup, stack: StackName) -> str:
    """A row or column as it is named on screen."""
    return in_csv(axis_token(group, stack, str).text)


def as_csv(look: Look, place: HeadPlace) -> bytes:
    """The pattern, a line a query and a column a key; 9 digits, empty where masked. What goes to
    a sink has a column of its own, where no key is hidden.

    Starts with a byte order mark, without which Excel misreads Chinese.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    sinks = has_sink(look, place) and look.is_whole
    heads = [_label(group, look.stack) for group in look.columns]
    writer.writerow(["query \\ key", *heads, *(["[sink]"] if sinks else [])])
    pattern = look.map(place).pattern
    for group, shares, visible in zip(look.rows, pattern, look.mask(place), strict=True):
        cells = [
            f"{share:.9g}" if seen and np.isfinite(share) else ""
            for share, seen in zip(shares, visible, strict=True)
        ]
        rest = [f"{1 - shares.sum():.9g}"] if sinks else []
        writer.writerow([_label(group, look.stack), *cells, *rest])
    return out.getvalue().encode("utf-8-sig", "replace")


def as_npz(look: Look, place: HeadPlace) -> bytes:
    """q, k, v, scores, pattern and z of one head as recorded, and the map as it is looked at.

    Names and shapes: q [query, d_head], k [key, d_head], v [key, d_value], scale [],
    scores, pattern and mask [query, key], z [query, d_value], shown [row, column], query
    and key token texts, and which model read what. A mean has no q, k, v, so it holds `shown`
    and the texts only. Of a map that is too large, what grows with its cells is left out: scores
    and pattern follow from q, k and scale, and `pooled` [row, column] is the largest share of each
    2^level × 2^level cells, -1 where they are masked.
    """
    large = as_levels(look)
    request = look.trace.request
    arrays: dict[str, object] = {
        "model": np.array(request.ref),
        "text": np.array(request.text),
        "target_text": np.array(look.trace.target_text),
        **_map_of(look, place, large),
        "rows": np.array(["".join(t.text for t in g.predicted or g.tokens) for g in look.rows]),
        "columns": np.array(["".join(t.text for t in g.tokens) for g in look.columns]),
    }
    if place.layer is not None and place.head is not None:
        record = look.trace.record(look.stack, place.layer)
        if place.head >= record.n_heads:
            raise NoSuchHead(
                model=look.trace.info.name, stack=look.stack, layer=place.layer, head=place.head
            )
        kv = record.kv_head(place.head)
        queries, keys = look.trace.tokens(look.stack)
        arrays |= {
            "q": record.q[place.head],
            "k": record.k[kv],
            "v": record.v[kv],
            "scale": np.float64(record.scale),
            "query_tokens": np.array([token.text for token in queries]),
            "key_tokens": np.array([token.text for token in keys]),
        }
        if large is None:
            arrays |= {
                "scores": record.scores(place.head),
                "pattern": record.pattern(place.head),
                "mask": record.visible(place.head),
                "z": record.z(place.head),
            }
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _map_of(look: Look, place: HeadPlace, large: Levels | None) -> dict[str, object]:
    """The map as it is looked at, or, where that is too large, a picture of it."""
    if large is None:
        return {"shown": look.map(place).pattern}
    n_rows = -(-len(look.rows) // 2**large.coarsest)
    picture = levels.pooled(look, place, large.coarsest, slice(0, n_rows))
    return {"pooled": picture.cells, "level": np.int64(large.coarsest)}


ROUTES = [
    Route("/api/trace/{trace}/{stack}/{layer}/{head}.{kind}", one_head_as),
    Route("/api/trace/{trace}/{stack}/{layer}/{head}", one_head),
    Route("/api/trace/{trace}/{stack}/{layer}/{head}/{row}", one_row),
    Route("/api/trace/{trace}/{stack}/{layer}/{head}/{level}/{down}/{across}", one_tile),
]
