"""HTTP beside the pages: the scripts of the components. Knows neither session nor trace.

GET /api/component/<name>-<digest>.js
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from viz.components import attention, modules

PICTURE = modules.PLACE + attention.COMPONENT.file
"""Of the front page: fetched before anything has asked for it, see `first_look.py`."""

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


async def script(request: Request) -> Response:
    """A component's script; 404 under the name of one that it no longer is."""
    file = request.path_params["file"]
    component = modules.called(file.partition("-")[0])
    if component is None or component.file != file:
        raise HTTPException(404, "no such script, or not of this version; reload the page")
    return Response(component.script, media_type="text/javascript", headers=HEADERS)


ROUTES = [Route(f"/{modules.PLACE}{{file}}", script)]
