"""HTTP beside the pages: what a model predicts of a text, as the table that the page shows.

Answers from kept traces; runs no model. Knows no session; the language is asked for.

    GET /api/predictions/<id>?lang=zh

What is no longer kept is 410.
"""

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shell import language
from shell.cache import TRACES
from shell.routes import HEADERS
from viz import predictions

PLACE = "api/predictions/"


def address_of(trace_id: str) -> str:
    """Where the table of a trace is, in the language of this script run."""
    return f"{PLACE}{trace_id}?{urlencode({'lang': language.current()})}"


async def table(request: Request) -> Response:
    """The table as JSON; 410 for what is gone, 404 for a model that predicts nothing."""
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    trace = TRACES.get(request.path_params["trace"])
    if trace is None:
        raise HTTPException(410, "this recording is no longer kept; reload the page")
    if not predictions.predicts(trace):
        raise HTTPException(404, "this model predicts nothing")
    language.activate(language.best_of([request.query_params.get("lang")]))
    body = predictions.table(trace, language._).as_json()
    return Response(body, media_type="application/json", headers=HEADERS)


ROUTES = [Route(f"/{PLACE}{{trace}}", table)]
