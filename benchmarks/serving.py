"""A server of its own, a Chromium, and a table of figures: what the benchmarks share."""

import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

# As `make` says it: read when torch and numpy load, so this module comes before them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
DESKTOP, PHONE = (1400, 900), (390, 844)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
START_SECONDS = 120
WARM = "/api/ready"
"""Answered once torch has been read, which a server that has just begun still does."""
READY = '[data-headlight="attention"][data-state=ready]'


def say(line: str = "") -> None:
    """Write a line of the report, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def server(*, warm: bool = True) -> Iterator[str]:
    """The address of the app, started on a free port; `warm`, once it has read torch, else as
    soon as it answers. Ended afterwards."""
    with process(warm=warm) as (address, _):
        yield address


@contextlib.contextmanager
def process(*, warm: bool = True) -> Iterator[tuple[str, int]]:
    """The same, and the id of its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    app = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(f"{address}/_stcore/health"):
            if app.poll() is not None or time.monotonic() > until:
                raise SystemExit("The server did not start; `make run` shows why.")
            time.sleep(0.05)
        if warm:
            answers(f"{address}{WARM}")
        yield address, app.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(app.pid, signal.SIGTERM)
        app.wait(10)


def answers(url: str) -> bool:
    """Whether `url` answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium that reaches this machine only."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, url: str, size: tuple[int, int], ready: str = READY) -> Page:
    """A page of its own context, with the exact numbers there."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(ready)
    page.wait_for_load_state("networkidle")
    return page


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The value that 19 of 20 do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a heading, each column as wide as it needs."""
    cells = [[f"{c:.1f}" if isinstance(c, float) else str(c) for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        say(
            "  ".join(
                c.rjust(w) if i else c.ljust(w)
                for i, (c, w) in enumerate(zip(row, widths, strict=True))
            )
        )
    say()


def verdict(what: str, value: float, limit: float, unit: str) -> None:
    """Print how a figure stands to what the product promises, and by how much it misses it."""
    said = "within" if value <= limit else "OVER"
    missed = f", {value / limit:.2f} times as much" if value > limit else ""
    say(f"{what}: {value:.1f} {unit}, {said} the promised {limit:g} {unit}{missed}")
