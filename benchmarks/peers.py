"""Peers that draw all heads of a model: fetched once, made to run offline, opened in Chromium.

BertViz comes from the package index into the user's cache, its scripts as npm packages beside it:
neither is a requirement of Headlight. Knows neither Headlight nor what is promised.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.peer_drawing import Drawn
from benchmarks.peer_page import SCRIPTS
from benchmarks.serving import ROOT

BERTVIZ = "1.4.1"
# What its pages load from a CDN, and the same from npm. jquery 2.0.0 is not on npm.
NPM = {
    "d3.min": ("d3@5.7.0", "package/dist/d3.min.js", "d3/5.7.0/d3.min"),
    "jquery.min": ("jquery@2.1.0", "package/dist/jquery.min.js", "jquery/2.0.0/jquery.min"),
    "require.min": ("requirejs@2.3.6", "package/require.js", "require.js/2.3.6/require.min"),
}
CDN = "https://cdnjs.cloudflare.com/ajax/libs/"
MAKING_SECONDS, DRAWING_SECONDS = 120, 60
OPENING_SECONDS = 30  # for Chromium itself
MEMORY = 12 * 2**30
PICTURES = {  # by name: when its page has drawn, told by what its last act leaves behind
    "model_view": "document.querySelector('#vis svg')",
    "head_view": "document.querySelector('#vis svg')",
    "plotly": "window.__drawn",
}


class Failed(Exception):
    """A peer has no picture; says why."""


def packages() -> Path:
    """The folder of BertViz and the scripts; filled at the first call. SystemExit without a
    package index."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "headlight-benchmarks" / f"bertviz-{BERTVIZ}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        made = Path(place) / "made"
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(made)]
        # Its other dependencies (transformers, boto3, …) are not those of these two views.
        fetch([*pip, "--no-deps", f"bertviz=={BERTVIZ}"])
        fetch([*pip, "IPython>=9,<10"])
        (made / "scripts").mkdir()
        for name, (package, inside, _) in NPM.items():
            npm = shutil.which("npm") or "npm"
            fetch([npm, "pack", "--silent", "--pack-destination", place, package])
            packed = Path(place) / f"{package.replace('@', '-')}.tgz"
            with tarfile.open(packed) as archive:
                script = archive.extractfile(inside)
                assert script is not None
                (made / "scripts" / f"{name}.js").write_bytes(script.read())
        for path in (made / "bertviz").glob("*_view.*"):
            text = path.read_text("utf-8")
            for name, (_, _, address) in NPM.items():
                text = text.replace(CDN + address, f"{SCRIPTS}/{name}")
            path.write_text(text, "utf-8")
        made.rename(folder)
    return folder


def fetch(command: list[str]) -> None:
    """Run a package client. SystemExit says what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"BertViz cannot be fetched: {error}") from error
    if done.returncode:
        raise SystemExit(f"BertViz cannot be fetched: {' '.join(command)}\n{done.stderr.strip()}")


def made(picture: str, attentions: Path, tokens: str, page: Path, times: int) -> list[float]:
    """Write a peer's page; the milliseconds of each time. Raises Failed."""
    command = [sys.executable, "-m", "benchmarks.peer_page", picture, str(attentions), tokens]
    command += [str(page), str(times), str(packages()), str(MEMORY)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=MAKING_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no page made in {MAKING_SECONDS} s") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Failed(f"making the page: {said[:60]}, exit {done.returncode}")
    took: list[float] = json.loads(done.stdout)
    return took


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word; scripts may be kept, as a CDN's are."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Add how long a file may be kept."""
        kept = "max-age=3600" if self.path.startswith(SCRIPTS) else "no-store"
        self.send_header("Cache-Control", kept)
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file, as long as somebody takes it: a page that crashed no longer does."""
        with contextlib.suppress(ConnectionError):
            super().copyfile(source, outputfile)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of `folder`, the peers' scripts among its files."""
    from plotly.offline import get_plotlyjs

    scripts = folder / SCRIPTS.strip("/")
    shutil.copytree(packages() / "scripts", scripts)
    (scripts / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    names = sorted(path.name for path in scripts.iterdir())
    tags = [f'<script src="{SCRIPTS}/{name}"></script>' for name in names]
    (folder / "scripts.html").write_text("".join(tags), encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def drawn(picture: str, address: str, page: str, times: int) -> Drawn:
    """Open a peer's page until it is painted. Raises Failed."""
    command = [sys.executable, "-m", "benchmarks.peer_drawing", address, page]
    command += [PICTURES[picture], str(times), str(DRAWING_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=OPENING_SECONDS + times * DRAWING_SECONDS)
        except subprocess.TimeoutExpired as error:
            # Chromium ends with the process that holds its pipe, even if its page hangs.
            process.kill()
            raise Failed(f"not painted in {DRAWING_SECONDS} s, and hung") from error
    if not said:
        raise Failed(f"Chromium ended, exit {process.returncode}")
    found = Drawn(**json.loads(said))
    if found.failed:
        raise Failed(found.failed)
    return found
