"""Sends Streamlit's own scripts and styles, and ours, packed once per process; numbers as they are.

Knows paths and bytes only. Streamlit leaves `/static` uncompressed, expecting a proxy in
front; a classroom has none, and thirty first visits of 5 MB each are slow on its network. All
else it packs, which for the 3 MB of a head's floats took 100 ms and saved little.
"""

import gzip
import threading
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PLACES = ("/static/", "/api/plotly/", "/api/component/")
NUMBERS = "/api/trace/"
TEXTS_OF_NUMBERS = ".csv"
SUFFIXES = (".js", ".css", ".svg", ".json", ".html")
# All of Streamlit's scripts are 8 MB when packed.
MOST_BYTES = 16 * 2**20


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header asks for gzip; "gzip;q=0" refuses it (RFC 9110)."""
    for offer in accepted.lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class StaticGzip:
    """ASGI middleware: fixed content, gzip, from memory after the first time; no gzip of frames."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packed: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but static text that the browser takes packed."""
        path = scope.get("path", "")
        wanted = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and any(place in path for place in PLACES)
            and path.endswith(SUFFIXES)
            and takes_gzip(Headers(scope=scope).get("accept-encoding", ""))
            and "range" not in Headers(scope=scope)
        )
        if not wanted:
            if NUMBERS in path and not path.endswith(TEXTS_OF_NUMBERS):
                taken = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
                scope = {**scope, "headers": taken}
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def packing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            if start["status"] == 200 and "content-encoding" not in Headers(raw=start["headers"]):
                # The file's tag is part of the key: a new Streamlit is a new file.
                tag = Headers(raw=start["headers"]).get("etag", "")
                out = self._pack(path + tag, bytes(body))
                headers = MutableHeaders(raw=start["headers"])
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(out))
                headers.add_vary_header("Accept-Encoding")
                if tag and not tag.startswith("W/"):
                    headers["ETag"] = f"W/{tag}"  # the same content in other bytes
            else:
                out = bytes(body)
            await send(start)
            await send({"type": "http.response.body", "body": out})

        await self._app(scope, receive, packing)

    def _pack(self, key: str, body: bytes) -> bytes:
        with self._lock:
            if key in self._packed:
                self._packed.move_to_end(key)
                return self._packed[key]
        packed = gzip.compress(body, compresslevel=9, mtime=0)
        with self._lock:
            self._packed[key] = packed
            while sum(map(len, self._packed.values())) > MOST_BYTES:
                self._packed.popitem(last=False)
        return packed
