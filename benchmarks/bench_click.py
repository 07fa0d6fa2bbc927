"""Click on a head → painted, beside a click that paints one pixel. About 40 seconds.

Both clicks are real mouse clicks in the same page, in turns, timed from the event's own stamp:

- `paint`: until the component's own `headlight:paint` mark, when its drawing commands are given;
- `frame`: until its `headlight:frame` mark, when the next frame has been made;
- `shown`: until the second animation frame after the click, seen from outside; so is the floor;
- `exact`: until exact numbers are on screen: at once, or when the head was fetched, which
  happens once a head, so this counts first visits only.

Promised: median of `paint` at most 20 ms up to 64 tokens. A reason to act: `shown` more than
1.5 times the floor.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

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

SENTENCE = "the cat is sleeping on the bed and the dog is in the garden".split()
SIZES = (12, 32, 64)
CLICKS = 40
WALK = [divmod(i * 7 % 18, 6) for i in range(CLICKS)]  # all 18 heads, each unlike the last
PROMISED_MS = 20.0

PREPARE = """(root) => {
  const seen = (window.__seen = { shown: [], ready: [], start: 0 });
  addEventListener("click", (event) => {
    seen.start = event.timeStamp;
    const done = () => seen.shown.push(performance.now() - event.timeStamp);
    requestAnimationFrame(() => requestAnimationFrame(done));
  }, true);
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
    floor: list[float] = field(default_factory=list)


def text_of(tokens: int) -> str:
    """A text of `tokens` tokens: words that are one each, and [EOS]."""
    return " ".join(SENTENCE[i % len(SENTENCE)] for i in range(tokens - 1))


def clicked(page: Page) -> Times:
    """Click heads and the floor in turns."""
    root = page.locator('[data-headlight="attention"]')
    root.evaluate(PREPARE)
    root.locator('[data-cell="2,5"]').click()
    page.evaluate(TAKE)
    times = Times()
    for turn, (layer, head) in enumerate(WALK):
        page.locator("#floor").click()
        times.floor.append(page.evaluate(TAKE)[0])
        page.evaluate("window.__seen.ready.length = 0")
        root.locator(f'[data-cell="{layer},{head}"]').click()
        shown, paint, frame = page.evaluate(TAKE)
        page.wait_for_selector('[data-headlight="attention"][data-state=ready]')
        at = root.evaluate("(root) => [root.dataset.layer, root.dataset.head]")
        assert at == [str(layer), str(head)], "the click chose another head"
        fetched = page.evaluate("window.__seen.ready.at(-1) ?? null")
        times.shown.append(shown)
        times.paint.append(paint)
        times.frame.append(frame)
        if (layer, head) not in WALK[:turn]:
            times.exact.append(paint if fetched is None else max(paint, fetched))
    return times


def measure(browser: Browser, address: str, tokens: int, size: tuple[int, int]) -> Times:
    """The clicks on one text in one window."""
    page = opened(browser, f"{address}/?text={text_of(tokens)}&stack=encoder", size)
    try:
        assert page.locator("[data-key]").count() == tokens, "the text has another length"
        return clicked(page)
    finally:
        page.context.close()


def main() -> None:
    rows, worst = [], 0.0
    with server() as address, chromium() as browser:
        for size in (DESKTOP, PHONE):
            for tokens in SIZES:
                times = measure(browser, address, tokens, size)
                worst = max(worst, median(times.paint))
                cells: list[object] = [f"{size[0]}×{size[1]}", tokens]
                for values in (times.paint, times.frame, times.shown, times.floor, times.exact):
                    cells.append(f"{median(values):.1f} / {p95(values):.1f}")
                cells.append(f"{median(times.shown) / median(times.floor):.2f}")
                rows.append(cells)
    say(f"Click on a head, {CLICKS} clicks each: median / p95 in ms")
    head = ["window", "tokens", "paint", "frame", "shown", "floor", "exact", "shown ÷ floor"]
    table(head, rows)
    verdict("click → painted, worst median", worst, PROMISED_MS, "ms")


if __name__ == "__main__":
    main()
