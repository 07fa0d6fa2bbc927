"""Enter → new sentence painted, beside a rerun without a new trace and the bare trace.
About 30 seconds.

Three things in turns for each sentence, on a warm server:

- `enter`: from the Enter key's own stamp until the second animation frame after the component
  has taken over the new trace;
- `rerun`, a floor: the same for a switch that merges no pieces here: everything but a new trace;
- `trace`, a floor: `model_runtime.tracing.trace` of that sentence in this process.

Promised: median of `enter` at most 500 ms. A reason to act: `enter` more than 1.5 times the sum
of the two floors.
"""

import time

from playwright.sync_api import Page

from benchmarks.serving import DESKTOP, chromium, median, opened, p95, say, server, table, verdict
from model_runtime import catalog, tracing

PROMISED_MS = 500.0
SENTENCES = """\
The old man sat by the river.
My sister will come home next week.
I have never seen such a beautiful garden.
He asked me to help him with his work.
They were playing in the park when it rained.
We need to buy some bread and milk today.
Do you know where the nearest station is?
She opened the window because the room was hot.
The children went to bed early last night.
I want to learn how to speak Chinese well.
If it rains tomorrow we will stay at home.
He told me that he had lost his key.
The train was so full that I could not sit down.
Nobody knows what will happen in the next ten years.
You should drink more water when the weather is hot.
My father reads the newspaper every morning before he goes to work.
I am sorry that I was late for school this morning.
The book on the table belongs to my best friend.
It took me three hours to finish my homework last night.
She has been living in this small town since she was born.
""".splitlines()

PREPARE = """(root) => {
  const link = root.querySelector("[data-export=csv]");
  const seen = (window.__seen = { start: 0, took: null });
  const started = (event) => {
    if (event.type === "keydown" && event.key !== "Enter") return;
    Object.assign(seen, { start: event.timeStamp, took: null });
  };
  addEventListener("keydown", started, true);
  addEventListener("pointerdown", started, true);
  let before = link.href;
  new MutationObserver(() => {
    if (link.href === before) return;
    before = link.href;
    const done = () => (seen.took = performance.now() - seen.start);
    requestAnimationFrame(() => requestAnimationFrame(done));
  }).observe(link, { attributes: true, attributeFilter: ["href"] });
}"""
TAKE = """async () => {
  while (window.__seen.took === null) await new Promise(requestAnimationFrame);
  return window.__seen.took;
}"""
SETTLED = """() => document.querySelector("[data-testid=stApp]")
  .dataset.testScriptState === "notRunning" """


def entered(page: Page, text: str) -> float:
    """Milliseconds from Enter to the picture of `text`."""
    box = page.locator(".st-key-text input")
    box.fill(text)
    box.press("Enter")
    took = float(page.evaluate(TAKE))
    page.wait_for_function(SETTLED)
    return took


def rerun(page: Page) -> float:
    """Milliseconds from the press on a switch to the same numbers again."""
    page.locator(".st-key-words label").first.click()
    took = float(page.evaluate(TAKE))
    page.wait_for_function(SETTLED)
    return took


def main() -> None:
    model = catalog.open_model(catalog.DEFAULT)
    enter, again, bare = [], [], []
    with server() as address, chromium() as browser:
        page = opened(browser, address, DESKTOP)
        page.locator('[data-headlight="attention"]').evaluate(PREPARE)
        entered(page, "Good morning.")
        tracing.trace(model, "Good morning.")
        for text in SENTENCES:
            assert 6 <= len(text.split()) <= 15, text
            enter.append(entered(page, text))
            start = time.perf_counter()
            trace = tracing.trace(model, text)
            bare.append((time.perf_counter() - start) * 1000)
            shown = page.locator("[data-query] .text").all_text_contents()
            expected = [token.text for token in trace.reading.target[1:]]
            assert shown == expected, f"{shown} is shown for {expected}"
            again.append(rerun(page))
            rerun(page)  # the switch back
    say(f"Enter → new sentence painted, {len(SENTENCES)} sentences, in ms")
    rows = [
        [name, median(values), p95(values), f"{median(values) / median(enter):.2f}"]
        for name, values in (("enter", enter), ("rerun", again), ("trace", bare))
    ]
    table(["", "median", "p95", "÷ enter"], rows)
    floors = [one + other for one, other in zip(again, bare, strict=True)]
    say(f"enter ÷ (rerun + trace): {median(enter) / median(floors):.2f}")
    verdict("Enter → painted, median", median(enter), PROMISED_MS, "ms")


if __name__ == "__main__":
    main()
