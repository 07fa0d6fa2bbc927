"""The attention component alone in a page, without Streamlit: any trace, however it was made.

    with alone(trace) as address:
        tab.goto(address)

Answers what the app's own routes answer: the payload, the numbers of a head, those of a row.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from model_runtime.types import Trace
from model_runtime.views import HeadPlace, View
from viz import attention_map
from viz.components import attention

# Streamlit hands over a shadow root and the payload's bytes, and calls the default export.
PAGE = b"""<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<body style="margin: 20px; font-family: sans-serif"><div id="host"></div>
<script type="module">
  import attention from "./component.js";
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const root = document.getElementById("host").attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = await (await fetch("./component.css")).text();
  root.append(style);
  attention({ parentElement: root, data: await bytes("./payload") });
</script>"""


@contextmanager
def alone(trace: Trace, view: View | None = None) -> Iterator[str]:
    """The address of a page that shows `trace`."""
    view = view or View()
    start = trace.info.opens_at
    chosen = attention.Chosen(start.stack, start.layer, start.head)
    payload = attention_map.payload(trace, view, chosen, api="api/trace/made", query="", say=str)
    files = {
        "/": ("text/html", PAGE),
        "/component.js": ("text/javascript", attention.COMPONENT.script.encode()),
        "/component.css": ("text/css", attention.COMPONENT.style.encode()),
        "/payload": ("application/octet-stream", payload),
    }

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            media, body = files.get(path) or ("application/octet-stream", numbers(path))
            self.send_response(200)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what fails."""

    def numbers(path: str) -> bytes:
        name, *parts = path.removeprefix("/api/trace/made/").split("/")
        stack = next(stack for stack in trace.info.stacks if stack == name)
        layer, head = (None if part == "mean" else int(part) for part in parts[:2])
        place = HeadPlace(layer, head)
        if len(parts) > 2:
            return attention_map.row_frame(trace, stack, place, int(parts[2]), view)
        return attention_map.head_frame(trace, stack, place, view)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
