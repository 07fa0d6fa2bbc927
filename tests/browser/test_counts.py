"""What must not grow: bytes, requests, script runs and elements, counted where time would waver.

A limit is a little above what was counted when it was set. Who breaks one either did not mean to,
or sets it anew and says why. `make bench` has the times.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import OpenContext, OpenPage, Watch, settle
from tests.browser.test_attention_driver import Reader

KB = 1000
READY = "[data-headlight][data-state=ready]"
ELEMENTS = """() => {
  const count = (root) => [...root.querySelectorAll("*")].reduce(
    (sum, node) => sum + 1 + (node.shadowRoot ? count(node.shadowRoot) : 0), 0);
  return count(document);
}"""


@dataclass
class Wire:
    """What went over the network since the last look."""

    answers: list[float] = field(default_factory=list)  # bytes of each, as they were sent
    told: list[int] = field(default_factory=list)  # bytes of each message of the server
    runs: int = 0  # messages of the browser: each makes the script run

    def clear(self) -> None:
        """Begin to count anew."""
        self.answers.clear()
        self.told.clear()
        self.runs = 0


def listen(tab: Page) -> Wire:
    """Count what a tab sends and receives from now on."""
    wire = Wire()
    session = tab.context.new_cdp_session(tab)

    def heard(event: dict[str, dict[str, str]]) -> None:
        wire.told.append(len(event["response"]["payloadData"]) * 3 // 4)  # base64

    def asked(_event: object) -> None:
        wire.runs += 1

    session.on("Network.loadingFinished", lambda one: wire.answers.append(one["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", heard)
    session.on("Network.webSocketFrameSent", asked)
    session.send("Network.enable")
    return wire


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")


# Of each page: the most kilobytes of answers, of messages, and elements.
@pytest.mark.parametrize(
    ("path", "answers", "told", "elements"),
    [
        ("/", 1340, 130, 800),
        ("/steps?step=cross.softmax", 1470, 112, 850),
        ("/steps?show=example", 1310, 50, 1250),
        ("/positions", 2900, 46, 1350),
    ],
)
def test_a_first_visit_brings_no_more_than_it_did(
    browser_context: OpenContext, path: str, answers: int, told: int, elements: int
) -> None:
    tab = browser_context().new_page()
    wire = listen(tab)
    tab.goto(path)
    tab.locator(READY).first.wait_for()
    tab.wait_for_load_state("networkidle")
    settle(tab)
    assert 500 * KB < sum(wire.answers) <= answers * KB
    assert 20 * KB < sum(wire.told) <= told * KB
    assert 300 < tab.evaluate(ELEMENTS) <= elements


@pytest.fixture
def counted(page: OpenPage) -> tuple[Reader, Wire, Callable[[], None]]:
    """Somebody at the front page, what went over the wire since, and how to wait until all has."""
    reader = Reader(page("/"))
    wire = listen(reader.tab)

    def rested() -> None:
        settle(reader.tab)
        reader.tab.wait_for_load_state("networkidle")
        reader.tab.wait_for_timeout(300)

    rested()
    wire.clear()
    return reader, wire, rested


def test_looking_around_asks_the_server_for_nothing(
    counted: tuple[Reader, Wire, Callable[[], None]],
) -> None:
    reader, wire, rested = counted
    before = reader.tab.evaluate(ELEMENTS)
    reader.choose(1, 2)
    reader.choose_stack("encoder")
    reader.hover(2, 3)
    reader.set("scale", "log")
    reader.set("view", "map")
    reader.set("view", "both")
    rested()
    assert (wire.runs, wire.told, wire.answers) == (0, [], [])
    assert reader.tab.evaluate(ELEMENTS) < before + 60


def test_a_sentence_runs_the_script_once(
    counted: tuple[Reader, Wire, Callable[[], None]],
) -> None:
    reader, wire, rested = counted
    reader.enter("the dog is here")
    rested()
    assert (wire.runs, wire.answers) == (1, [])
    assert 50 * KB < sum(wire.told) <= 115 * KB


def go_to_the_steps(reader: Reader) -> None:
    """Through the link, until their first step is drawn."""
    reader.tab.locator("[data-headlight=navigation] a").nth(1).click()
    steps = reader.tab.locator('[data-headlight="steps"]')
    expect(steps).to_have_attribute("data-state", "ready")


def test_another_page_runs_the_script_once(
    counted: tuple[Reader, Wire, Callable[[], None]],
) -> None:
    reader, wire, rested = counted
    go_to_the_steps(reader)
    rested()
    assert wire.runs == 1
    assert sum(wire.told) <= 112 * KB


def test_a_step_asks_for_itself_and_the_next_and_no_more(
    counted: tuple[Reader, Wire, Callable[[], None]],
) -> None:
    reader, wire, rested = counted
    go_to_the_steps(reader)
    rested()
    wire.clear()
    reader.tab.keyboard.press("ArrowRight")
    rested()
    assert wire.runs == 0
    assert 1 <= len(wire.answers) <= 2
    assert sum(wire.answers) <= 160 * KB


def test_the_elements_do_not_pile_up(
    counted: tuple[Reader, Wire, Callable[[], None]],
) -> None:
    reader, _wire, rested = counted
    found = []
    for text in ("one two three", "four five six", "seven eight nine", "one two three"):
        reader.enter(text)
        rested()
        found.append(reader.tab.evaluate(ELEMENTS))
    assert found[-1] == found[0]
