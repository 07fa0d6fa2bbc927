"""A step forward or back → painted, and what the page sends. About 40 seconds.

The keys → and ← walk through the middle of the translator's pass, from the event's own stamp:

- `paint`: until the component's own `headlight:paint` mark, when its drawing commands are given;
- `frame`: until its `headlight:frame` mark, when the next frame has been made;
- `jump`: the same until painted, for steps that were not fetched ahead;
- `sent`: bytes of the page's own at its start, without Streamlit's scripts: socket and frames.

Promised: median of `frame` at most 50 ms, and at most 300 KB sent, for 64 tokens.
"""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Browser, Page, Request

from benchmarks.bench_click import text_of
from benchmarks.serving import (
    DESKTOP,
    PHONE,
    chromium,
    median,
    opened,
    p95,
    say,
    server,
    table,
    verdict,
)

SIZES = (12, 32, 64)
STEPS = 24
PAUSE_MS = 150  # between two steps: less than it takes to read one, enough to fetch the next
PROMISED_MS, PROMISED_KB = 50.0, 300.0
READY = '[data-headlight="steps"][data-state=ready]'
LAST = """async () => {
  while (!performance.getEntriesByName("headlight:frame").length) {
    await new Promise(requestAnimationFrame);
  }
  const took = ["headlight:paint", "headlight:frame"].map(
    (mark) => performance.getEntriesByName(mark).at(-1).duration,
  );
  performance.clearMeasures();
  return took;
}"""


def sizes_of(page: Page) -> Callable[[], int]:
    """How many bytes the page has got since, of its own."""
    sizes: list[int] = []

    def heard(request: Request) -> None:
        if "/api/" in request.url:
            sizes.append(request.sizes()["responseBodySize"])  # as sent: scripts come packed

    page.on("websocket", lambda s: s.on("framereceived", lambda f: sizes.append(len(f))))
    page.on("requestfinished", heard)
    return lambda: sum(sizes)


def measure(
    browser: Browser, address: str, tokens: int, size: tuple[int, int]
) -> tuple[list[float], list[float], list[float], int]:
    """(paint, frame, jump) in ms, and the bytes sent at the start."""
    url = f"{address}/steps?text={quote(text_of(tokens))}&stack=encoder&step=encoder.norm"
    page = opened(browser, url, size, READY)
    sent = sizes_of(page)
    page.reload()
    page.wait_for_selector(READY)
    page.wait_for_load_state("networkidle")
    at_start = sent()
    paint, frame, jump = [], [], []
    for key in ["ArrowRight"] * STEPS + ["ArrowLeft"] * STEPS:
        page.wait_for_timeout(PAUSE_MS)
        page.evaluate("performance.clearMeasures()")
        page.keyboard.press(key)
        painted, framed = page.evaluate(LAST)
        paint.append(painted)
        frame.append(framed)
    fresh = opened(browser, url, size, READY)
    ticks = fresh.locator('[data-headlight="steps"] .tick')
    for i in range(20, 60, 4):
        fresh.wait_for_timeout(PAUSE_MS)
        fresh.evaluate("performance.clearMeasures()")
        ticks.nth(i).click()
        jump.append(fresh.evaluate(LAST)[1])
    for tab in (page, fresh):
        tab.context.close()
    return paint, frame, jump, at_start


def main() -> None:
    rows, slowest, largest = [], 0.0, 0.0
    with server() as address, chromium() as browser:
        for size in (DESKTOP, PHONE):
            for tokens in SIZES:
                *times, sent = measure(browser, address, tokens, size)
                slowest, largest = max(slowest, median(times[1])), max(largest, sent / 1000)
                cells: list[object] = [f"{size[0]}×{size[1]}", tokens]
                cells += [f"{median(values):.1f} / {p95(values):.1f}" for values in times]
                rows.append([*cells, f"{sent / 1000:.0f} KB"])
    say("A step forward or back: median / p95 in ms")
    table(["window", "tokens", "paint", "frame", "jump", "sent"], rows)
    verdict("step → painted, worst median", slowest, PROMISED_MS, "ms")
    verdict("sent at the start, most", largest, PROMISED_KB, "KB")


if __name__ == "__main__":
    main()
