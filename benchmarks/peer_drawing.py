"""Opens a peer's page until it is painted: a Chromium and a process of its own, for both may hang.

`python -m benchmarks.peer_drawing ADDRESS PAGE CONDITION TIMES SECONDS` prints what it found. Knows
no peer: CONDITION is JavaScript that holds once the page has drawn.
"""

import json
import sys
from dataclasses import asdict, dataclass

from playwright.sync_api import BrowserContext, Error, Page

from benchmarks.serving import DESKTOP, chromium

# Looks once a frame. A script that draws in one go lets no frame pass before it has ended.
PAINTED = """const look = () => {
  if (!(%s)) return requestAnimationFrame(look);
  requestAnimationFrame(() => requestAnimationFrame(() => (window.__took = performance.now())));
};
requestAnimationFrame(look);"""


@dataclass(frozen=True)
class Drawn:
    """What a page took and weighs once it is painted; or why it was not."""

    ms: tuple[float, ...] = ()  # each time, from the opening of the page
    nodes: int = 0  # of the document, text included
    heap: float = 0.0  # bytes that its scripts keep
    failed: str = ""


def weight(page: Page) -> tuple[int, float]:
    """DOM nodes, and bytes of heap after a collection, arrays' own memory included."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    nodes = int(session.send("Memory.getDOMCounters")["nodes"])
    heap = session.send("Runtime.getHeapUsage")
    session.detach()
    return nodes, float(heap["usedSize"] + heap.get("backingStorageSize", 0))


def drawn(context: BrowserContext, url: str, condition: str, times: int, seconds: int) -> Drawn:
    """Open a page `times` times until it is painted. The last is left open: what hangs cannot
    be closed."""
    took: list[float] = []
    problems: list[str] = []
    nodes, heap = 0, 0.0
    for _ in range(times):
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(error.message))
        page.on("crash", lambda _: problems.append("the page crashed"))
        page.add_init_script(PAINTED % condition)
        try:
            page.goto(url, wait_until="commit", timeout=seconds * 1000)
            page.wait_for_function("() => window.__took", timeout=seconds * 1000)
            took.append(float(page.evaluate("window.__took")))
            nodes, heap = weight(page)
        except Error as error:
            timed_out = not problems and "Timeout" in str(error)
            said = f"not painted in {seconds} s" if timed_out else (problems or [str(error)])[0]
            return Drawn(failed=said.splitlines()[0][:60])
        page.close()
    return Drawn(tuple(took), nodes, heap)


def main(arguments: list[str]) -> None:
    address, page, condition, times, seconds = arguments
    width, height = DESKTOP
    with chromium() as browser:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
        # The scripts are in the browser's cache, as in a notebook from the second picture on.
        first = context.new_page()
        first.goto(f"{address}/scripts.html", wait_until="load")
        first.close()
        found = drawn(context, f"{address}/{page}", condition, int(times), int(seconds))
        sys.stdout.write(json.dumps(asdict(found)))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
