"""`streamlit run app.py` → the first picture in Chromium, beside the floor. About two minutes.

The floor is a process that imports streamlit and torch, reads the default model and runs it
once. Both are timed from the start of the process, in turns:

- `cold`: files of Python, its packages and Headlight are first pushed out of the page cache,
  which needs no root on Linux but spares what another process has mapped; the browser runs, its
  cache is empty. How much the floor then reads from the disk shows whether it worked;
- `files cached`: the same with files in the page cache, as at a second start;
- `same visitor`, `new visitor`: another visit while the process runs, with the browser's cache
  filled and empty; from the opening of the page.

`answers` is when the server answers, `painted` the second animation frame after the exact numbers
are there. Bytes are those of the first visit on the wire, headers and websocket included.

Promised: cold, at most 1.5 times the floor; a first load of at most 2 MB.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Browser, BrowserContext

from benchmarks.bench_load import MB, PROMISED_MB
from benchmarks.serving import (
    DESKTOP,
    READY,
    ROOT,
    chromium,
    median,
    say,
    server,
    table,
    verdict,
)
from benchmarks.wire import Wire

TURNS = 3
PROMISED = 1.5  # of the floor
PAINTED = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""


@dataclass
class Starts:
    """What several starts took, in ms."""

    floor: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    same: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)  # by the floor from the disk, in MB


def push_out() -> None:
    """Ask the system to forget the contents of all files that a start reads."""
    if not hasattr(os, "posix_fadvise"):
        return
    # A virtual environment's standard library lies elsewhere than its packages.
    for top in {Path(sys.prefix).resolve(), Path(os.__file__).resolve().parent, ROOT}:
        for place, _, names in os.walk(top):
            for name in names:
                try:
                    file = os.open(os.path.join(place, name), os.O_RDONLY | os.O_NONBLOCK)
                except OSError:
                    continue
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)


def floor(starts: Starts) -> None:
    """One process of the floor."""
    start = perf_counter()
    command = [sys.executable, "-m", "benchmarks.start_floor"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        starts.floor.append((perf_counter() - start) * 1000)
    assert process.returncode == 0, "the floor failed"
    starts.read.append(int(said) / MB)


def visitor(browser: Browser) -> BrowserContext:
    """Someone whose browser has nothing of Headlight's."""
    width, height = DESKTOP
    return browser.new_context(viewport={"width": width, "height": height}, locale="en-US")


def visit(context: BrowserContext, address: str) -> tuple[float, float]:
    """Open the front page: ms from there until it is painted, MB on the wire."""
    page = context.new_page()
    wire = Wire(page)
    page.goto(address, wait_until="commit")
    page.wait_for_selector(READY)
    took = float(page.evaluate(PAINTED))
    page.wait_for_load_state("networkidle")
    page.close()
    return took, wire.bytes / MB


def run(browser: Browser, starts: Starts) -> None:
    """One process of the app, and three visits."""
    start = perf_counter()
    with server(warm=False) as address:
        up = (perf_counter() - start) * 1000
        first, other = visitor(browser), visitor(browser)
        opening = (perf_counter() - start) * 1000
        took, megabytes = visit(first, address)
        starts.answers.append(up)
        starts.painted.append(opening + took)
        starts.megabytes.append(megabytes)
        starts.same.append(visit(first, address)[0])
        starts.new.append(visit(other, address)[0])
        first.close()
        other.close()


def main() -> None:
    cold, cached = Starts(), Starts()
    with chromium() as browser:
        for _ in range(TURNS):
            push_out()
            floor(cold)
            push_out()
            run(browser, cold)
            floor(cached)
            run(browser, cached)
    report(cold, cached)


def report(cold: Starts, cached: Starts) -> None:
    """The table, and how it stands to what is promised."""
    say(f"A start, {TURNS} of each: median (least–most) in ms")
    rows = []
    for name, starts in (("cold", cold), ("files cached", cached)):
        times = (starts.floor, starts.answers, starts.painted)
        ratio = median(starts.painted) / median(starts.floor)
        rows.append([name, *map(spread, times), f"{ratio:.2f}", f"{median(starts.read):.0f}"])
    head = ["", "floor", "answers", "painted", "painted ÷ floor", "floor read from disk, MB"]
    table(head, rows)
    rows = [
        ["same visitor", spread(cold.same + cached.same)],
        ["new visitor", spread(cold.new + cached.new)],
    ]
    table(["another visit", "painted"], rows)
    if median(cold.read) <= 2 * median(cached.read):
        say("Files could not be pushed out of the page cache: cold is a new process, no more.")
    ratio = median(cold.painted) / median(cold.floor)
    verdict("painted, of the floor, cold", ratio, PROMISED, "×")
    verdict("first load", max(cold.megabytes + cached.megabytes), PROMISED_MB, "MB")


def spread(values: list[float]) -> str:
    """The median, and between what the values lie."""
    return f"{median(values):.0f} ({min(values):.0f}–{max(values):.0f})"


if __name__ == "__main__":
    main()
