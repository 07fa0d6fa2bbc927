"""HTTP beside the pages: a link as a QR code. Knows neither what is linked nor the session.

GET /api/qr.svg?text=…
"""

import io
import socket

import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MOST_BYTES = 1200
"""A longer link makes a code too fine for a phone at the back of a room."""


async def qr(request: Request) -> Response:
    """The code as SVG, dark on white in any theme, with the quiet margin that scanners need."""
    text = request.query_params.get("text", "")
    if not 0 < len(text.encode("utf-8", "replace")) <= MOST_BYTES:
        raise HTTPException(413, f"a code takes 1 to {MOST_BYTES} bytes")
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(out, kind="svg", scale=4, border=4, dark="#000", light="#fff")
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(out.getvalue(), media_type="image/svg+xml", headers=headers)


def address_in_the_room() -> str:
    """The address of this machine in its own network, or "" where it has none.

    A datagram socket that is connected sends nothing: it only finds out which of the machine's
    addresses a packet would leave from. The address asked about is one that belongs to nobody
    (RFC 5737).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if found.startswith("127.") or found == "0.0.0.0" else found


ROUTES = [Route("/api/qr.svg", qr)]
