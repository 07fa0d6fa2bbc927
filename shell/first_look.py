"""Puts look.js in front of everything else in the page that Streamlit serves, and has the browser
fetch the script of the picture while it reads Streamlit's own.

Knows one document and where its head begins; not what the scripts do. Streamlit has no place for
a script that runs before its own, and after it a page would first be painted in the wrong colours.
"""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPT = (Path(__file__).parent / "look.js").read_text("utf-8")
HEAD = b"<head>"
# A page comes whole and unpacked. Its tag is Streamlit's, and stays when the script changes.
NOT_ASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class FirstLook:
    """ASGI middleware: the script at the beginning of the head of every HTML page; and in that of
    the front page, where its picture's module is to be had, relative to the page."""

    def __init__(self, app: ASGIApp, picture: str = "") -> None:
        self._app = app
        self._tag = HEAD + f"<script>{SCRIPT}</script>".encode()
        self._soon = f'<link rel="modulepreload" href="{picture}">'.encode() if picture else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but pages."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def adding(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if _is_page(message):
                    start = message
                    return
            elif start is not None:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    soon = self._soon if scope["path"].endswith("/") else b""
                    page = bytes(body).replace(HEAD, self._tag + soon, 1)
                    await _send_page(start, page, send)
                return
            await send(message)

        if "text/html" in Headers(scope=scope).get("accept", ""):
            asked = [pair for pair in scope["headers"] if pair[0] not in NOT_ASKED]
            scope = {**scope, "headers": asked}
        await self._app(scope, receive, adding)


async def _send_page(start: Message, page: bytes, send: Send) -> None:
    headers = MutableHeaders(raw=start["headers"])
    headers["Content-Length"] = str(len(page))
    for name in ("ETag", "Last-Modified"):
        if name in headers:
            del headers[name]
    await send(start)
    await send({"type": "http.response.body", "body": page})


def _is_page(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    plain = "content-encoding" not in headers
    return start["status"] == 200 and plain and headers.get("content-type", "")[:9] == "text/html"
