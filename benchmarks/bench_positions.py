"""A slider of the page "Positions" → repainted. About 40 seconds.

The sinusoidal table of 2,048 positions × 512 dimensions with five curves of each kind. From the
event's own stamp:

- `paint`: until the pictures on the screen are drawn, both of plotly's and the map;
- `frame`: until the next frame has been made;
- `sent`: bytes of one answer while a slider is dragged, and of the whole view when it rests.

Beside it what the same slider costs where nothing needs drawing: the floor of an answer. Promised:
median of `frame` at most 100 ms.
"""

from playwright.sync_api import Browser, Page, Response

from benchmarks.bench_step import LAST
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

TIMES = 24
PAUSE_MS = 150
PROMISED_MS = 100.0
READY = '[data-headlight="positions"][data-state=ready]'
LARGE = "/positions?enc=sinusoidal&n=2048&d=512&dims=0,1,64,128,256&at=0,1,10,100,1000"
SMALL = "/positions?enc=sinusoidal&n=1&d=1&dims=0&at=0"
SLIDERS = ("base", "n", "d", "by")


def measure(page: Page, slider: str) -> tuple[list[float], list[float]]:
    """(paint, frame) in ms of one slider moved step by step."""
    paint, frame = [], []
    handle = page.locator(f'[data-slider="{slider}"]')
    handle.evaluate("node => node.focus({ preventScroll: true })")
    for i in range(TIMES):
        page.wait_for_timeout(PAUSE_MS)
        page.evaluate("performance.clearMeasures()")
        # Away from the ends and back, so every step changes something.
        page.keyboard.press("ArrowLeft" if i % 2 == 0 else "ArrowRight")
        painted, framed = page.evaluate(LAST)
        paint.append(painted)
        frame.append(framed)
    return paint, frame


def at(browser: Browser, url: str, size: tuple[int, int]) -> tuple[Page, list[tuple[str, int]]]:
    """The page at rest, and what it gets from then on: (address, bytes)."""
    page = opened(browser, url, size, READY)
    # On a phone the pictures begin below the controls.
    page.locator("[data-panel=sinusoidal-table]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-panel=sinusoidal-table][data-drawn]")
    answers: list[tuple[str, int]] = []

    def heard(answer: Response) -> None:
        if "/api/positions/" in answer.url:
            answers.append((answer.url, len(answer.body())))

    page.on("response", heard)
    return page, answers


def main() -> None:
    rows, slowest = [], 0.0
    with server() as address, chromium() as browser:
        for size in (DESKTOP, PHONE):
            page, answers = at(browser, address + LARGE, size)
            for slider in SLIDERS:
                paint, frame = measure(page, slider)
                slowest = max(slowest, median(frame))
                cells = [f"{median(values):.1f} / {p95(values):.1f}" for values in (paint, frame)]
                rows.append([f"{size[0]}×{size[1]}", slider, *cells])
            page.wait_for_timeout(1000)
            parts = [size for url, size in answers if "only=" in url]
            wholes = [size for url, size in answers if "only=" not in url]
            say(f"{size[0]}×{size[1]}: {median(parts) / 1000:.0f} KB while a slider is dragged, ")
            say(f"{median(wholes) / 1000:.0f} KB when it rests")
            page.context.close()
        page, _answers = at(browser, address + SMALL, DESKTOP)
        floor = measure(page, "base")[1]
        page.context.close()
    say("A slider at 2,048 × 512 → repainted: median / p95 in ms")
    table(["window", "slider", "paint", "frame"], rows)
    say(f"the same for one number: {median(floor):.1f} ms")
    verdict("slider → repainted, worst median", slowest, PROMISED_MS, "ms")


if __name__ == "__main__":
    main()
