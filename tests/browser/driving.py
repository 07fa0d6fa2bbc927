"""Driving the app in a browser: how it should look, when it is ready, what went wrong meanwhile."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypedDict, Unpack
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError


class Look(TypedDict, total=False):
    """How a page is looked at; what is left out is a light English page of 1400 × 900."""

    viewport: tuple[int, int]
    locale: Literal["en-US", "zh-CN"]
    color_scheme: Literal["light", "dark"]
    reduced_motion: bool


class OpenContext(Protocol):
    """A factory of browser contexts: each has cookies, a size and a language of its own."""

    def __call__(self, **look: Unpack[Look]) -> BrowserContext: ...


class OpenPage(Protocol):
    """A factory of pages of the app, each in a context of its own, opened and settled."""

    def __call__(self, path: str = "/", **look: Unpack[Look]) -> Page: ...


SETTLED = """() => {
  const app = document.querySelector("[data-testid=stApp]");
  return app?.dataset.testConnectionState === "CONNECTED"
    && app.dataset.testScriptState === "notRunning"
    && !document.querySelector("[data-testid=stSkeleton]");
}"""


def settle(page: Page) -> None:
    """Return once the page is connected, its script has run and its widgets are drawn.

    After a click, first wait for what the click should bring: the script may not have begun.
    """
    page.wait_for_function(SETTLED)


def wait_until(page: Page, holds: Callable[[], bool], seconds: float = 30) -> None:
    """Return once `holds()`; what the test asserts next says what was wrong if it never does."""
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        page.wait_for_timeout(50)


HOSTED = ("http", "https", "ws", "wss")  # schemes that reach a host; not data: or blob:


@dataclass
class Watch:
    """Everything that the pages of one test logged and requested.

    A test that provokes errors says which: `watch.expected_errors.append("404")`, a regular
    expression that may occur anywhere in the message.
    """

    host: str  # the server's, with its port
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected_errors: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Record whatever happens in any page of `context` from now on."""
        context.on("console", self.heard)
        context.on("weberror", self.thrown)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("page", self.opened)

    def opened(self, page: Page) -> None:
        """Record the sockets that a page opens, which are not among its requests."""
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def heard(self, message: ConsoleMessage) -> None:
        """Record a line of the console, if it complains."""
        place = message.location
        line = f"{message.text} ({place['url']}:{place['lineNumber']})"
        if message.type == "error":
            self.errors.append(line)
        elif message.type == "warning":
            self.warnings.append(line)

    def thrown(self, error: WebError) -> None:
        """Record an exception that nothing in the page caught."""
        self.errors.append(f"uncaught: {error.error}")

    def problems(self) -> list[str]:
        """Errors that the test did not expect, and requests that left the server."""
        found = [
            f"console: {error}"
            for error in self.errors
            if not any(re.search(expected, error) for expected in self.expected_errors)
        ]
        return found + [f"request to another host: {url}" for url in self.strangers()]

    def strangers(self) -> list[str]:
        """The addresses asked for that are not the server's."""
        urls = [(url, urlsplit(url)) for url in self.requests]
        return [url for url, parts in urls if parts.scheme in HOSTED and parts.netloc != self.host]
