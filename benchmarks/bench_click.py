"""Click on a head → painted, beside a click that paints one pixel. About four minutes.

Both clicks are real mouse clicks in the same page, in turns: the pointer comes, presses, and lets
go after 60 ms. Timed from the stamp of the click, which is when it lets go:

- `paint`: until the component's own `headlight:paint` mark, when its drawing commands are given;
- `frame`: until its `headlight:frame` mark, when the next frame has been made;
- `shown`: until the second animation frame after the click, seen from outside; so is the floor;
- `exact`: until exact numbers are on screen: at once, or when the head was fetched, which
  happens once a head, so this counts first visits only. Fetching begins with the press.
- `key`: the same for an arrow key that turns: nothing is known before;
- `walk`: for one that goes on as the last did, 150 ms after it: the head that a walk comes to next
  is fetched ahead.

The translator up to 64 tokens, whose heads come with the page; beyond, a random model of GPT-2
small's size, of which each head is fetched when it is first clicked.

Promised: median of `paint` at most 16 ms, of `exact` at most 40 ms, up to 512 tokens. A reason to
act: `shown` more than 1.5 times the floor.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Locator, Page

from benchmarks.checkpoint import LETTERS, made
from benchmarks.serving import (
    DESKTOP,
    PHONE,
    READY,
    chromium,
    median,
    opened,
    p95,
    say,
    server,
    table,
    verdict,
)

SENTENCE = "the cat is sleeping on the bed and the dog is in the garden".split()
SIZES, FETCHED = (12, 32, 64), (256, 512)
CLICKS = 40
PRESSED_MS = 60.0
BETWEEN_KEYS_MS = 150.0
PROMISED_MS, PROMISED_EXACT_MS = 16.0, 40.0
COLUMNS = ("paint", "frame", "shown", "floor", "exact", "key", "walk")

PREPARE = """(root) => {
  const seen = (window.__seen = { shown: [], ready: [], start: 0 });
  const started = (event) => {
    seen.start = event.timeStamp;
    const done = () => seen.shown.push(performance.now() - event.timeStamp);
    requestAnimationFrame(() => requestAnimationFrame(done));
  };
  addEventListener("click", started, true);
  addEventListener("keydown", started, true);
  new MutationObserver(() => {
    if (root.dataset.state === "ready") seen.ready.push(performance.now() - seen.start);
  }).observe(root, { attributes: true, attributeFilter: ["data-state"] });
  const pixel = Object.assign(document.createElement("canvas"), { width: 40, height: 40 });
  pixel.id = "floor";
  pixel.style.cssText = "position:fixed;left:0;bottom:0;z-index:9999999;background:#888";
  const context = pixel.getContext("2d");
  let hue = 0;
  pixel.addEventListener("click", () => {
    context.fillStyle = `hsl(${(hue += 40)} 90% 50%)`;
    context.fillRect(0, 0, 1, 1);
  });
  document.body.append(pixel);
}"""
TAKE = """async () => {
  const seen = window.__seen;
  while (!seen.shown.length) await new Promise(requestAnimationFrame);
  await new Promise((resolve) => setTimeout(resolve));
  const last = (name) => performance.getEntriesByName(name).at(-1)?.duration ?? NaN;
  const took = [seen.shown.pop(), last("headlight:paint"), last("headlight:frame")];
  performance.clearMeasures();
  return took;
}"""


@dataclass
class Times:
    """Milliseconds, a value a click."""

    paint: list[float] = field(default_factory=list)
    frame: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)
    key: list[float] = field(default_factory=list)
    walk: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """What is looked at: an address behind the server's, its tokens, and how many heads."""

    asked: str
    tokens: int
    n_layers: int
    n_heads: int

    @property
    def walk(self) -> list[tuple[int, int]]:
        """Heads to click on, each unlike the last: those of the translator more than once."""
        n = self.n_layers * self.n_heads
        return [divmod(i * 7 % n, self.n_heads) for i in range(CLICKS)]

    @property
    def arrows(self) -> list[str]:
        """Keys that visit head after head from the first on, row by row, as an ox ploughs."""
        n = self.n_heads - 1
        rows = [["ArrowRight"] * n, ["ArrowDown"], ["ArrowLeft"] * n, ["ArrowDown"]]
        keys = [key for row in rows for key in row] * self.n_layers
        return keys[: min(CLICKS, self.n_layers * self.n_heads - 1)]

    @property
    def stairs(self) -> list[str]:
        """Keys that turn each time, from the first head down to the last layer or the last head."""
        return ["ArrowRight", "ArrowDown"] * (min(self.n_layers, self.n_heads) - 1)


def text_of(tokens: int) -> str:
    """A text of `tokens` tokens: words that are one each, and [EOS]."""
    return " ".join(SENTENCE[i % len(SENTENCE)] for i in range(tokens - 1))


def cases(folder: Path) -> Iterator[Case]:
    """Short texts of words, and longer ones of letters for the model in a folder."""
    for n in SIZES:
        yield Case(urlencode({"text": text_of(n), "stack": "encoder"}), n, 3, 6)
    for n in FETCHED:
        text = (LETTERS.strip() * n)[:n]
        yield Case(urlencode({"model": str(folder), "text": text}), n, 12, 12)


def lift(page: Page, place: Locator) -> tuple[float, float, float]:
    """Click there as a hand does. Returns `shown`, `paint` and `frame`."""
    box = place.bounding_box()
    assert box
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*at)
    page.mouse.click(*at, delay=PRESSED_MS)
    shown, paint, frame = page.evaluate(TAKE)
    return shown, paint, frame


def exact_after(page: Page, paint: float) -> float:
    """Milliseconds until the numbers were exact, of the head that was chosen last."""
    page.wait_for_selector(READY)
    fetched: float | None = page.evaluate("window.__seen.ready.at(-1) ?? null")
    return paint if fetched is None else max(paint, fetched)


def chosen(root: Locator) -> tuple[int, int]:
    """The head that is shown."""
    layer, head = root.evaluate("(root) => [root.dataset.layer, root.dataset.head]")
    return int(layer), int(head)


def clicked(page: Page, walk: list[tuple[int, int]]) -> Times:
    """Click heads and the floor in turns."""
    root = page.locator('[data-headlight="attention"]')
    root.evaluate(PREPARE)
    layer, head = walk[-1]
    root.locator(f'[data-cell="{layer},{head}"]').scroll_into_view_if_needed()
    lift(page, root.locator(f'[data-cell="{layer},{head}"]'))
    page.wait_for_selector(READY)
    times = Times()
    for turn, (layer, head) in enumerate(walk):
        times.floor.append(lift(page, page.locator("#floor"))[0])
        page.evaluate("window.__seen.ready.length = 0")
        shown, paint, frame = lift(page, root.locator(f'[data-cell="{layer},{head}"]'))
        exact = exact_after(page, paint)
        assert chosen(root) == (layer, head), "the click chose another head"
        times.shown.append(shown)
        times.paint.append(paint)
        times.frame.append(frame)
        if (layer, head) not in walk[:turn]:
            times.exact.append(exact)
    return times


def walked(
    browser: Browser, address: str, case: Case, keys: list[str], size: tuple[int, int]
) -> list[float]:
    """Walk over the heads of one text by arrow keys. Returns `exact` of each."""
    page = opened(browser, f"{address}/?{case.asked}", size)
    took = []
    try:
        root = page.locator('[data-headlight="attention"]')
        root.evaluate(PREPARE)
        root.locator('[data-cell="0,0"]').click()
        page.evaluate(TAKE)
        page.wait_for_selector(READY)
        for key in keys:
            before = chosen(root)
            page.wait_for_timeout(BETWEEN_KEYS_MS)
            page.evaluate("window.__seen.ready.length = 0")
            page.keyboard.press(key)
            took.append(exact_after(page, page.evaluate(TAKE)[1]))
            assert chosen(root) != before, "the key chose no other head"
    finally:
        page.context.close()
    return took


def measure(browser: Browser, address: str, case: Case, size: tuple[int, int]) -> Times:
    """The clicks on one text in one window."""
    page = opened(browser, f"{address}/?{case.asked}", size)
    try:
        found = page.locator("[data-key]").count()
        assert found == case.tokens or case.tokens > max(SIZES), f"the text has {found} tokens"
        times = clicked(page, case.walk)
    finally:
        page.context.close()
    times.key = walked(browser, address, case, case.stairs, size)
    took = walked(browser, address, case, case.arrows, size)
    turns = zip(took[1:], pairwise(case.arrows), strict=True)
    times.walk = [ms for ms, (last, key) in turns if key == last]
    return times


def main() -> None:
    rows, worst, slowest, turning, going_on = [], 0.0, 0.0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADLIGHT_LOCAL_ROOTS"] = folder
        checkpoint = made(Path(folder) / "gpt2-small")
        with server() as address, chromium() as browser:
            for size in (DESKTOP, PHONE):
                for case in cases(checkpoint):
                    times = measure(browser, address, case, size)
                    worst = max(worst, median(times.paint))
                    slowest = max(slowest, median(times.exact))
                    turning = max(turning, median(times.key))
                    going_on = max(going_on, median(times.walk))
                    cells: list[object] = [f"{size[0]}×{size[1]}", case.tokens]
                    for name in COLUMNS:
                        values = getattr(times, name)
                        cells.append(f"{median(values):.1f} / {p95(values):.1f}")
                    cells.append(f"{median(times.shown) / median(times.floor):.2f}")
                    rows.append(cells)
    say(f"Click on a head, {CLICKS} clicks each: median / p95 in ms")
    table(["window", "tokens", *COLUMNS, "shown ÷ floor"], rows)
    verdict("click → painted, worst median", worst, PROMISED_MS, "ms")
    verdict("click → exact numbers, worst median", slowest, PROMISED_EXACT_MS, "ms")
    verdict("… by a key that goes on", going_on, PROMISED_EXACT_MS, "ms")
    verdict("… by a key that turns", turning, PROMISED_EXACT_MS, "ms")


if __name__ == "__main__":
    main()
