"""HTTP beside the pages: one step of a pass, as a frame, CSV or NumPy script; the model's source.

Answers from kept traces and the weights of built-in models; runs no model. Knows neither
session nor language.

    GET /api/steps/<id>/<stack>/<layer>/<head>/<query>/<key>/<step>[.csv|.py]?around=12
    GET /api/source/transformer.py

`auto` as the key is the one with the largest share. What is no longer kept is 410.
"""

import html

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from model_runtime.errors import NoSuchHead, NoSuchStep
from model_runtime.steps import snippets, source, walk
from model_runtime.steps.parts import Insides, Place, Step
from model_runtime.types import Trace
from shell import cache
from shell.routes import HEADERS, traced
from viz import steps


async def one_step(request: Request) -> Response:
    """The frame that the component asks for, or the same step as a file to keep."""
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    trace, insides, place = _asked(request)
    name = request.path_params["step"]
    step, dot, kind = name.rpartition(".")
    try:
        if dot and kind in ("csv", "py"):
            return _file(walk.step(trace, insides, place, step, whole=True), place, kind)
        around = request.query_params.get("around")
        near = None if around is None else _number(around)
        body = steps.step_frame(walk.step(trace, insides, place, name, around=near), place)
    except (NoSuchStep, IndexError) as error:
        raise HTTPException(404, str(error)) from error
    return Response(body, media_type="application/octet-stream", headers=HEADERS)


def _file(step: Step, place: Place, kind: str) -> Response:
    if kind == "csv":
        body, media = snippets.as_csv(step), "text/csv; charset=utf-8"
    else:
        body, media = snippets.as_numpy(step).encode(), "text/x-python; charset=utf-8"
    file = f"headlight-{step.section}-{step.name}-L{place.layer}H{place.head}.{kind}"
    disposition = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(body, media_type=media, headers=HEADERS | disposition)


def _asked(request: Request) -> tuple[Trace, Insides | None, Place]:
    """What the path names. Raises what `traced` raises."""
    trace, stack = traced(request)
    path = request.path_params
    key = None if path["key"] == "auto" else _number(path["key"])
    layer, head, query = (_number(path[name]) for name in ("layer", "head", "query"))
    try:
        place = walk.settled(trace, stack, layer, head, query, key)
    except (NoSuchHead, IndexError) as error:
        raise HTTPException(404, str(error)) from error
    return trace, cache.insides(trace.request.ref), place


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise HTTPException(404, "layers, heads and positions are numbers")
    return int(text)


def transformer_source(request: Request) -> Response:
    """The file that the built-in models are made of, with a number and an anchor each line."""
    lines = source.whole().splitlines()
    listed = "\n".join(
        f'<li id="L{n}"><code>{html.escape(line)}</code></li>' for n, line in enumerate(lines, 1)
    )
    return HTMLResponse(_SOURCE.format(lines=listed), headers=HEADERS)


_SOURCE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>transformer.py</title>
<style>
  body {{ margin: 1rem; font: 14px/1.5 ui-monospace, monospace; }}
  ol {{ padding-left: 4em; }}
  code {{ font: inherit; white-space: pre; }}
  li::marker {{ color: GrayText; }}
  :target {{ background: Mark; color: MarkText; }}
</style>
<h1>model_runtime/builtin/transformer.py</h1>
<ol>
{lines}
</ol>
</html>
"""


ROUTES = [
    Route("/api/steps/{trace}/{stack}/{layer}/{head}/{query}/{key}/{step}", one_step),
    Route("/api/source/transformer.py", transformer_source),
]
