"""The first load, packed by us, beside Streamlit's own delivery. About 50 seconds.

Each load has a fresh context and so a cold cache. Streamlit's own delivery is what the same
server sends to a browser that accepts nothing packed. Loads take turns, without a brake and on
a line of 10 Mbit/s, as a full classroom has it. Bytes are those on the wire, headers and
websocket included; time is until the exact numbers are there.

Promised: at most 2 MB. A reason to act: more than half of Streamlit's own bytes.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Browser, TimeoutError

from benchmarks.serving import DESKTOP, READY, chromium, median, p95, say, server, table, verdict
from benchmarks.wire import Wire

MB = 1e6
PROMISED_MB = 2.0
LINE = 10e6 / 8  # bytes a second
LOADS = {"unbraked": 4, "10 Mbit/s": 2}
MOST_BROWSERS = 5
ACCEPTED = {"packed": None, "Streamlit's own": "identity"}


@dataclass
class Loads:
    """What several loads took."""

    bytes: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)


def load(browser: Browser, address: str, loads: Loads, encoding: str | None, braked: bool) -> None:
    """Open the front page once, with nothing cached."""
    width, height = DESKTOP
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    page = context.new_page()
    wire = Wire(page)
    if encoding is not None:
        wire.session.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": encoding}})
    if braked:
        speed = {"downloadThroughput": LINE, "uploadThroughput": LINE, "latency": 5}
        wire.session.send("Network.emulateNetworkConditions", {"offline": False, **speed})
    page.goto(address, wait_until="commit")
    page.wait_for_selector(READY)
    loads.ready.append(float(page.evaluate("performance.now()")))
    page.wait_for_load_state("networkidle")
    packed = "gzip" in wire.encodings
    assert packed == (encoding is None), f"encodings: {wire.encodings}"
    loads.bytes.append(wire.bytes / MB)
    loads.requests.append(len(wire.sizes))
    context.close()


def load_again(address: str, loads: Loads, encoding: str | None, braked: bool) -> int:
    """The same in a browser of its own. Chromium hangs when it brakes its line after a dozen loads
    without, and in one of four when it reads 5 MB at once through a braked one: then in another.
    Returns how many hung."""
    for hung in range(MOST_BROWSERS):
        with chromium() as browser:
            try:
                load(browser, address, loads, encoding, braked)
                return hung
            except TimeoutError:
                if not braked:
                    raise
    raise SystemExit(f"{MOST_BROWSERS} browsers hung, one after another")


def main() -> None:
    rows = []
    found: dict[tuple[str, str], Loads] = {}
    hung = 0
    with server() as address:
        with chromium() as browser:
            load(browser, address, Loads(), None, False)  # fills the server's own caches
        for line, times in LOADS.items():
            for _ in range(times):
                for name, encoding in ACCEPTED.items():
                    loads = found.setdefault((line, name), Loads())
                    hung += load_again(address, loads, encoding, line != "unbraked")
    for (line, name), loads in found.items():
        ready = f"{median(loads.ready):.0f} / {p95(loads.ready):.0f}"
        rows.append([name, line, f"{median(loads.bytes):.2f}", ready])
    say(f"First load, cold cache; browsers that hung and were replaced: {hung}")
    table(["delivery", "line", "MB on the wire", "ready, median / p95 in ms"], rows)
    packed, own = ACCEPTED
    for line in LOADS:
        small, large = found[line, packed], found[line, own]
        share = median(small.bytes) / median(large.bytes)
        pace = median(small.ready) / median(large.ready)
        say(f"packed ÷ Streamlit's own, {line}: bytes {share:.2f}, time {pace:.2f}")
    most = max(found["unbraked", packed].bytes)
    verdict("first load", most, PROMISED_MB, "MB")


if __name__ == "__main__":
    main()
