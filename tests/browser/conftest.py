"""Chromium for the tests in this folder: pages of any size, language and colour scheme.

    def test_a_click(page, watch):
        tab = page("/attention?text=hello", viewport=(800, 600), locale="zh-CN")
        tab.get_by_role("button", name="…").click()
        settle(tab)  # from tests.browser.driving

When a test ends, its pages must have logged no error and asked no other host for anything; see
`driving.Watch`. A test that fails leaves a picture of each of its pages in build/screenshots/.
"""

import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.driving import Look, OpenContext, OpenPage, Watch, settle

HERE = Path(__file__).resolve().parent
SCREENSHOTS = HERE.parent.parent / "build" / "screenshots"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Other hosts do not exist: what needs one fails at once, on every machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
WAIT_MS = 30_000
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser, so that `make check` can leave it out."""
    for item in items:
        if HERE in item.path.parents and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed until its pages are closed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium that reaches this machine only; gone afterwards, and its event loop with it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    expect.set_options(timeout=WAIT_MS)
    with chromium() as opened:
        yield opened


@pytest.fixture
def watch(server: str) -> Iterator[Watch]:
    """What the pages of this test log and ask for; judged when the test ends."""
    watch = Watch(host=server.removeprefix("http://"))
    yield watch
    if problems := watch.problems():
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def browser_context(
    browser: Browser, server: str, watch: Watch, request: pytest.FixtureRequest
) -> Iterator[OpenContext]:
    """A factory of watched browser contexts; a relative address is on the server."""
    contexts: list[BrowserContext] = []

    def open_context(**look: Unpack[Look]) -> BrowserContext:
        width, height = look.get("viewport", (1400, 900))
        context = browser.new_context(
            base_url=server,
            viewport={"width": width, "height": height},
            locale=look.get("locale", "en-US"),
            color_scheme=look.get("color_scheme", "light"),
            reduced_motion="reduce" if look.get("reduced_motion") else "no-preference",
        )
        context.set_default_timeout(WAIT_MS)
        watch.follow(context)
        contexts.append(context)
        return context

    yield open_context
    if request.node.stash.get(FAILED, False):
        photograph([page for context in contexts for page in context.pages], request.node.name)
    for context in contexts:
        context.close()


@pytest.fixture
def page(browser_context: OpenContext) -> OpenPage:
    """A factory of pages of the app, opened and settled; see `driving.Look`."""

    def open_page(path: str = "/", **look: Unpack[Look]) -> Page:
        opened = browser_context(**look).new_page()
        opened.goto(path)
        settle(opened)
        return opened

    return open_page


def photograph(pages: list[Page], test: str) -> None:
    """Keep a picture of each page of a failed test."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", test)
    for number, page in enumerate(pages):
        page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png")
