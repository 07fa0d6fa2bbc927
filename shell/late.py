"""Routes about a trace, read when they are first asked for.

So the server answers at once, and a browser reads Streamlit's scripts while this process reads
what the pages and these routes need. Knows the modules; not what they answer.
"""

from starlette.concurrency import run_in_threadpool
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send


def _numbers() -> Router:
    from shell import routes, routes_positions, routes_predictions, routes_steps

    parts = (routes, routes_steps, routes_positions, routes_predictions)
    return Router([route for part in parts for route in part.ROUTES])


class Late:
    """ASGI app: the routes below `/api/` that are about a trace."""

    def __init__(self) -> None:
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the routes do, the first time after they were read."""
        if self._router is None:
            self._router = await run_in_threadpool(_numbers)
        await self._router(scope, receive, send)


ROUTES = [Route("/api/{path:path}", Late())]
"""To stand behind all others: they match whatever is asked below `/api/`."""
