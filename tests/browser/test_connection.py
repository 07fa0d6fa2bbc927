"""A lost connection takes nothing from the reader: picture, choices and typed words stay."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.driving import OpenContext, Watch
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    assert_same_map,
    first_text,
    true_map,
)

LONG = " ".join(["The old man sat by the river and watched the boats go by."] * 7)
WORDS = "We live in a small house."
COMPLAINTS = ["ERR_CONNECTION_REFUSED", "server endpoint", "server is not responding"]


class Wire:
    """All that runs between one page and the server; it can be cut and mended."""

    def __init__(self, tab: Page) -> None:
        self.is_up = True
        self._sockets: list[WebSocketRoute] = []
        tab.route_web_socket("**/_stcore/stream", self._socket)
        tab.route("**/*", self._request)

    def _socket(self, socket: WebSocketRoute) -> None:
        if not self.is_up:
            socket.close()
            return
        socket.connect_to_server()
        self._sockets.append(socket)

    def _request(self, route: Route) -> None:
        route.continue_() if self.is_up else route.abort("connectionrefused")

    def drop(self) -> None:
        """End the sockets; the server stays within reach."""
        while self._sockets:
            self._sockets.pop().close()

    def cut(self) -> None:
        """End everything, as if the server had gone."""
        self.is_up = False
        self.drop()

    def mend(self) -> None:
        """Let the page find the server again."""
        self.is_up = True


Wired = Callable[[str], tuple[Reader, Wire]]


@pytest.fixture(params=[DESKTOP, PHONE])
def wired(browser_context: OpenContext, watch: Watch, request: pytest.FixtureRequest) -> Wired:
    """Open an address on a wire that the test may cut."""
    watch.expected_errors += COMPLAINTS

    def open_wired(address: str) -> tuple[Reader, Wire]:
        tab = browser_context(viewport=request.param).new_page()
        wire = Wire(tab)
        tab.goto(address)
        return Reader(tab), wire

    return open_wired


def see_it_lost(reader: Reader) -> None:
    """Read Streamlit's own notice that the server is gone, and close it."""
    dialog = reader.tab.get_by_role("dialog")
    expect(dialog).to_be_visible()
    reader.tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_picture_can_be_explored_without_the_server(wired: Wired) -> None:
    reader, wire = wired("/?stack=cross&layer=0&head=0")
    reader.box("text").fill(WORDS)
    wire.cut()
    see_it_lost(reader)
    for layer, head in ((2, 5), (1, 0)):
        reader.root.locator(f'[data-cell="{layer},{head}"]').click()
        reader.shows(layer=layer, head=head)
        assert_same_map(reader.twin(), true_map(first_text(), "cross", layer, head))
    reader.root.locator('[data-query="1"]').click()
    reader.shows(row=1)
    assert reader.box("text").input_value() == WORDS
    wire.mend()
    reader.ready()
    assert reader.box("text").input_value() == WORDS
    reader.shows(layer=1, head=0)
    before = reader.source()
    reader.box("text").press("Enter")
    reader.changed(before)
    assert_same_map(reader.twin(), true_map(WORDS, "cross", 1, 0))


def test_a_socket_that_drops_is_replaced_unseen(wired: Wired) -> None:
    reader, wire = wired("/?stack=cross&layer=0&head=0")
    reader.enter(WORDS)
    reader.choose(2, 1)
    trace_id = reader.trace_id()
    reader.box("text").fill("half a sen")
    with reader.tab.expect_request("**/_stcore/health"):  # looks for the server again
        wire.drop()
    reader.ready()
    assert reader.box("text").input_value() == "half a sen"
    reader.shows(layer=2, head=1)
    assert reader.trace_id() == trace_id
    reader.enter(first_text())
    assert_same_map(reader.twin(), true_map(first_text(), "cross", 2, 1))


def test_a_head_that_cannot_be_fetched_is_said_and_comes_later(wired: Wired) -> None:
    reader, wire = wired(f"/?text={LONG}&stack=encoder&layer=0&head=0")
    wire.cut()
    see_it_lost(reader)
    reader.root.locator('[data-cell="1,2"]').click()
    expect(reader.root).to_have_attribute("data-state", "failed")
    reader.shows(layer=1, head=2)
    wire.mend()
    reader.root.get_by_role("alert").get_by_role("button").click()
    reader.ready()
    assert_same_map(reader.twin(), true_map(LONG, "encoder", 1, 2))
