"""HTTP beside the pages: one view of the page "Positions", as a frame or CSV; plotly's script.

Answers from kept traces, and runs built-in models where a view is an experiment.

    GET /api/positions/<id>/<view>?lang=zh&ground=dark&d=64…&only=0,1
    GET /api/positions/<id>/<view>/<panel>.csv?…
    GET /api/plotly/<version>.js

What is no longer kept is 410.
"""

import re
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from shell import language, positions
from shell.cache import TRACES
from shell.language import _
from shell.routes import HEADERS
from viz.positions import sections
from viz.positions.page import VIEWS
from viz.positions.sections import View
from viz.theme import Ground

LIBRARY = f"api/plotly/{version('plotly')}.js"


async def one_view(request: Request) -> Response:
    """The frame that the component asks for."""
    return await run_in_threadpool(_frame, request)


async def one_file(request: Request) -> Response:
    """One picture of a view, as the numbers that it was drawn from."""
    return await run_in_threadpool(_file, request)


def _frame(request: Request) -> Response:
    ground: Ground = "dark" if request.query_params.get("ground") == "dark" else "light"
    body = sections.answer(_view(request), ground, _, _only(request))
    return Response(body, media_type="application/octet-stream", headers=HEADERS)


def _only(request: Request) -> set[int] | None:
    """The sections that are asked for, or None for all."""
    asked = request.query_params.get("only")
    if asked is None:
        return None
    return {int(one) for one in asked.split(",") if re.fullmatch("[0-9]{1,3}", one)}


def _file(request: Request) -> Response:
    found = sections.file(_view(request), request.path_params["file"])
    if found is None:
        raise HTTPException(404, "no such picture in this view")
    name, text = found
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    body = text.encode("utf-8-sig", "replace")
    return Response(body, media_type="text/csv; charset=utf-8", headers=HEADERS | disposition)


def _view(request: Request) -> View:
    trace = TRACES.get(request.path_params["trace"])
    if trace is None:
        raise HTTPException(410, "this recording is no longer kept; reload the page")
    name = request.path_params["view"]
    if name not in VIEWS:
        raise HTTPException(404, f"views: {', '.join(VIEWS)}")
    # Each request has a context of its own, so the language is this request's alone.
    language.activate(language.best_of([request.query_params.get("lang")]))
    return positions.view(name, positions.Asked(trace, request.query_params))


@cache
def _library() -> Path:
    """Where plotly's Python package keeps the script; the package itself is not imported."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise FileNotFoundError("plotly is not installed")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


async def plotly_script(request: Request) -> Response:
    """The script, under the version's own name, so a browser fetches it once."""
    forever = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(_library(), media_type="text/javascript", headers=forever)


ROUTES = [
    Route("/api/positions/{trace}/{view}", one_view),
    Route("/api/positions/{trace}/{view}/{file}", one_file),
    Route(f"/{LIBRARY}", plotly_script),
]
