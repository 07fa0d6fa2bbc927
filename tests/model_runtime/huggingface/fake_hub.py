"""A Hub of our own on this machine, spoken to by the real client: models, files, refusals.

Knows the few addresses that the client asks for; keeps a list of what it was asked.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


@dataclass
class Model:
    """What the Hub has of one model; all at one commit."""

    files: Mapping[str, bytes]
    gated: bool = False  # files only for those who bring a token
    revisions: tuple[str, ...] = ("main",)
    sizes: Mapping[str, int] = field(default_factory=dict)  # claimed, where they are not true
    parameters: int = 0  # as the Hub counts them; 0: it does not


@dataclass
class Hub:
    """The running server."""

    address: str
    models: dict[str, Model]
    asked: list[tuple[str, str, str | None]]  # method, path, authorization
    broken: int = 0  # an HTTP status that everything is answered with

    def got(self) -> set[str]:
        """The names of the files that were downloaded."""
        return {path.rsplit("/", 1)[1] for kind, path, _ in self.asked if _is_get(kind, path)}


def _is_get(kind: str, path: str) -> bool:
    return kind == "GET" and "/resolve/" in path


@contextmanager
def running(models: dict[str, Model]) -> Iterator[Hub]:
    """Serve `models` on a free port of this machine while the block runs."""
    hub = Hub("", models, [])

    class Handler(_Handler):
        of = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers like huggingface.co, as far as the client looks."""

    of: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Keep the log to the tests."""

    def _answer(self) -> None:
        hub = self.of
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("authorization")
        hub.asked.append((self.command, path, token))
        parts = path.strip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        if is_api:
            parts = parts[2:]
        name = next((n for n in hub.models if parts[: n.count("/") + 1] == n.split("/")), None)
        if hub.broken:
            self._say(hub.broken, b"{}")
        elif name is None:
            # What the Hub says to strangers, of what is not there and of what is private.
            self._say(401, b"{}", {"X-Error-Message": "Invalid username or password."})
        else:
            rest = parts[name.count("/") + 1 :]
            model = hub.models[name]
            if rest[:1] in (["revision"], ["tree"], ["resolve"]):
                known = (*model.revisions, COMMIT)
                given = next((r for r in known if rest[1 : r.count("/") + 2] == r.split("/")), None)
                if given is None:
                    self._say(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                    return
                rest = [rest[0], *rest[given.count("/") + 2 :]]
            if not is_api:
                self._file(model, "/".join(rest[1:]), token)
            elif rest[:1] == ["tree"]:
                self._json([{"type": "file", "path": n, **_facts(model, n)} for n in model.files])
            else:
                self._json(_info(name, model))

    def _file(self, model: Model, name: str, token: str | None) -> None:
        if model.gated and not token:
            self._say(401, b"{}", {"X-Error-Code": "GatedRepo"})
        elif name not in model.files:
            self._say(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        else:
            etag = hashlib.sha256(model.files[name]).hexdigest()
            self._say(200, model.files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _json(self, value: object) -> None:
        self._say(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _facts(model: Model, name: str) -> dict[str, object]:
    size = model.sizes.get(name, len(model.files[name]))
    return {"size": size, "oid": hashlib.sha1(model.files[name]).hexdigest()}


def _info(name: str, model: Model) -> dict[str, object]:
    siblings = [
        {"rfilename": n, "size": f["size"], "blobId": f["oid"]}
        for n, f in ((n, _facts(model, n)) for n in model.files)
    ]
    info: dict[str, object] = {"id": name, "sha": COMMIT, "siblings": siblings}
    info["gated"] = "auto" if model.gated else False
    if model.parameters:
        info["safetensors"] = {"parameters": {"BF16": model.parameters}, "total": model.parameters}
    return info
