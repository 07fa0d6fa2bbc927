"""Any texts through every page and every built-in model, in one Chromium: `make hostile`.

    python -m tests.browser.any_text [texts.json] [--pages attention walk] [--models writer]

Types each text, waits until the page has answered, and looks at the page with any_text.js. Knows
nothing of what the texts mean; tests/hostile.py is the project's own list.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import torch
from playwright.sync_api import Browser, Dialog
from playwright.sync_api import Error as BrowserError

from model_runtime import catalog
from model_runtime.errors import NothingToTrace
from model_runtime.recording import LoadedModel
from model_runtime.tracing import MAX_CHARACTERS
from model_runtime.types import Request
from shell import lineup
from tests.browser.conftest import chromium
from tests.browser.driving import Watch
from tests.browser.serving import serving
from tests.hostile import FLAG, HOSTILE

HERE = Path(__file__).resolve().parent
VISIBLE = HERE.parents[1] / "viz/components/attention/text.js"
# Of each page the views in which the text stands, then those that have it in the header alone;
# but a model with biases shows them for the text in "relative".
PAGES = {
    "attention": ("attention",),
    "steps": ("walk", "mistakes"),
    "positions": ("order", "sentence"),
}
MORE = {"steps": ("example",), "positions": ("sinusoidal", "learned", "rotary", "relative")}
PAGE_OF = {view: page for pages in (PAGES, MORE) for page, views in pages.items() for view in views}
HARMLESS = "a b c"
WIDE, NARROW = (1400, 900), (390, 844)
BLOCK = 60  # texts that go through all pages before the next: the server keeps their traces
PATIENCE_MS = 120_000  # a server that just began reads torch; a browser works long on 5 MB
# Streamlit looks for its server below the path of a page first.
EXPECTED = [r"404 .*/_stcore/(health|host-config)"]

BOX = ".st-key-text input"
RIGHT = "(asked) => anyText.wrong(asked).length === 0"
POLL_MS = 25


def same_but_for_lines(box: str, text: str) -> bool:
    """Whether a box of one line holds a text. A browser makes spaces of its ends of lines, those
    at its end vanish, and of half a character the protocol to the browser makes U+FFFD."""
    whole = re.sub("[\ud800-\udfff]", "\ufffd", text)
    lines = re.sub("\r\n|\r|\n", " ", whole)
    return box == lines or (lines != whole and box.rstrip() == lines.rstrip())


def said_of(text: str) -> str:
    """What the page must say instead of a picture; "" if it shows one."""
    if not text.strip():
        return NothingToTrace.message
    return str(len(text)) if len(text) > MAX_CHARACTERS else ""


def tokens_of(model: LoadedModel, text: str) -> list[str]:
    """The tokens that the pages must show of a text; no letter of it is in none of them."""
    reading = model.read(Request(model.info.ref, text, "a"))
    # A target's last token is predicted and never read.
    shown = reading.source or reading.target[:-1][: reading.n_given]
    at, nobodys = 0, ""
    for start, end in (token.span for token in shown if token.span):
        nobodys, at = nobodys + text[at:start], max(at, end)
    nobodys += "" if reading.left_out else text[at:]
    assert not any(map(str.isalnum, nobodys)), f"no token has {nobodys[:50]!a}"
    return [token.text for token in shown]


@dataclass
class Drive:
    """One tab with one model: types texts and keeps what went wrong."""

    browser: Browser
    address: str
    model: LoadedModel
    log: Callable[[], str]  # what the server has logged since the last call
    settles_ms: float = 30_000
    is_quick: bool = False  # each text at one width, the next at the other
    failures: list[str] = field(default_factory=list)
    n_looks: int = 0

    def __post_init__(self) -> None:
        self.watch = Watch(self.address.removeprefix("http://"), expected_errors=list(EXPECTED))
        self.context = self.browser.new_context(base_url=self.address, locale="en-US")
        self.context.set_default_timeout(PATIENCE_MS)
        script = VISIBLE.read_text("utf-8").replace("export ", "")
        self.context.add_init_script(f"{{{script}\n{(HERE / 'any_text.js').read_text('utf-8')}}}")
        self.watch.follow(self.context)
        self.usual: dict[str, dict[str, int]] = {}
        self.tokens: dict[str, list[str]] = {}
        self.open()

    def open(self) -> None:
        """A fresh tab on the front page, with a harmless text."""
        for page in self.context.pages:
            page.close()
        self.tab = self.context.new_page()
        self.tab.on("dialog", self._dialog)
        self.tab.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        info = self.model.info
        asked = {"model": info.ref, "text": HARMLESS}
        if "encoder" in info.stacks:
            asked["stack"] = "encoder"
        self.tab.goto("/?" + urlencode(asked, quote_via=quote))
        ready = self.tab.locator('[data-headlight="attention"][data-state="ready"]')
        ready.wait_for(timeout=PATIENCE_MS)
        self.held = HARMLESS
        self._settled(HARMLESS, "attention")

    def _dialog(self, dialog: Dialog) -> None:
        self.watch.errors.append(f"a dialog says {dialog.message}")
        dialog.dismiss()

    def through(self, texts: Sequence[str], views: Sequence[str]) -> None:
        """All texts through some views; those of the page of positions together, for they are
        tabs, which need no run of the server's script."""
        tabs = tuple(view for view in views if PAGE_OF[view] == "positions")
        for shown in [*((view,) for view in views if view not in tabs), tabs]:
            if shown:
                self._go(shown)
                for text in texts:
                    self._show(text, shown)
                    shown = shown[::-1]  # the next begins where this one ended

    def _go(self, views: Sequence[str]) -> None:
        """Through the links of the page, so that the session and its traces stay."""
        self._type(HARMLESS)
        page = PAGE_OF[views[0]]
        links = self.tab.locator('[data-headlight="navigation"]')
        link = links.locator(f'[data-page="{page}"]')
        if link.get_attribute("aria-current") != "page":
            link.click()
        if page == "steps":
            links.locator(f'[data-show="{views[0]}"]').click()
        for view in views:
            self._open(view)
            self._settled(HARMLESS, view)
            self.usual.setdefault(view, self.tab.evaluate("anyText.live()"))

    def _open(self, view: str) -> None:
        """A view of the page of positions, which knows them as tabs."""
        if PAGE_OF[view] == "positions":
            tab = self.tab.locator(f'[data-headlight="positions"] [data-enc="{view}"]')
            if tab.get_attribute("aria-selected") != "true":
                tab.click()

    def _type(self, text: str) -> str:
        """Into the box, Enter, and wait for the run of the server's script; what the box held."""
        before = self.held
        self.tab.locator(BOX).fill(text)
        self.held, runs = self.tab.evaluate("anyText.held()")
        assert same_but_for_lines(self.held, text), f"the box takes {self.held[:50]!a}"
        if self.held != before:
            self.tab.keyboard.press("Enter")
            ended = "(runs) => anyText.held()[1] > runs"
            self.tab.wait_for_function(ended, arg=runs, polling=POLL_MS)
        return self.held

    def _show(self, text: str, views: Sequence[str]) -> None:
        try:
            typed = self._type(text)
            for view in views[:1] if said_of(typed) else views:
                if not said_of(typed):
                    self._open(view)
                self._settled(typed, view)
                if not self.is_quick:
                    self.turn()
                    self._settled(typed, view)
                self._judge(text, view)
            if self.is_quick:
                self.turn()
        except (BrowserError, AssertionError) as problem:
            self._failed(text, views[0], str(problem).splitlines()[0])
            self.open()
            self._go(views)

    def turn(self) -> None:
        """From the desk to the phone or back: the next text begins at that width."""
        size = self.tab.viewport_size or {"width": 0}
        width, height = NARROW if size["width"] == WIDE[0] else WIDE
        self.tab.set_viewport_size({"width": width, "height": height})

    def _settled(self, typed: str, view: str) -> None:
        """Wait until nothing is wrong with the page; keep what still is after a while."""
        self.n_looks += 1
        for problem in self.problems(typed, view):
            self._failed(typed, view, problem)

    def problems(self, typed: str, view: str) -> list[str]:
        """What is wrong with a view of what was typed, and stays wrong for `settles_ms`."""
        said = said_of(typed)
        if typed not in self.tokens:
            self.tokens[typed] = [] if said else tokens_of(self.model, typed)
        asked = {
            "view": view,
            "typed": typed,
            "said": said,
            "tokens": self.tokens[typed],
            "flag": FLAG,
            "usual": self.usual.get(view),
        }
        try:
            self.tab.wait_for_function(RIGHT, arg=asked, timeout=self.settles_ms, polling=POLL_MS)
        except BrowserError:
            return list(self.tab.evaluate("(asked) => anyText.wrong(asked)", asked))
        return []

    def _judge(self, text: str, view: str) -> None:
        """What the browser and the server complained of."""
        for problem in self.watch.problems():
            self._failed(text, view, problem)
        for one in (self.watch.errors, self.watch.warnings, self.watch.requests):
            one.clear()
        logged = self.log()
        if re.search(r"Traceback|ERROR|Exception", logged):
            self._failed(text, view, f"the server logs {logged[-600:]}")

    def _failed(self, text: str, view: str, problem: str) -> None:
        size = self.tab.viewport_size or {"width": 0}
        line = f"{self.model.info.ref} {view} at {size['width']}: {text[:50]!a}: {problem}"
        self.failures.append(line)
        say(f"  FAILED {line}")

    def close(self) -> None:
        """Close the tab."""
        self.context.close()


def say(line: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(line.encode("utf-8", "replace").decode() + "\n")
    sys.stdout.flush()


def texts_in(path: Path | None) -> list[str]:
    """The strings of a JSON list, or the values of an object; without one, the project's own."""
    if path is None:
        return [one.text for one in HOSTILE.values()]
    found = json.loads(path.read_text("utf-8"))
    return [str(text) for text in (found.values() if isinstance(found, dict) else found)]


def models_named(names: Sequence[str]) -> list[str]:
    """Their references; of no names, one of each model, for its variants read texts alike."""
    known = [entry.ref for entry in catalog.entries()]
    if "all" in names:
        return known
    found = [f"{catalog.BUILTIN}{name.removeprefix(catalog.BUILTIN)}" for name in names]
    if unknown := set(found) - set(known):
        raise SystemExit(f"There is no model {' '.join(sorted(unknown))}. Known: {known}")
    return found or [lineup.opening(name).ref for name in lineup.names()]


def drive(arguments: argparse.Namespace) -> int:
    """The number of failures."""
    refs = models_named(arguments.models)
    end = arguments.skip + arguments.most if arguments.most else None
    texts = texts_in(arguments.texts)[arguments.skip : end]
    views = [view for name in arguments.pages for view in PAGES.get(name, (name,))]
    if "every" in views:
        views = list(PAGE_OF)
    n_views = len(views)
    say(f"{len(texts)} strings × {n_views} views × {len(refs)} models")
    start, failures, n_looks = time.monotonic(), 0, 0
    own = nullcontext((arguments.server, str)) if arguments.server else serving()
    with own as (address, log), chromium() as browser:
        for number, ref in enumerate(refs):
            began = time.monotonic()
            one = Drive(browser, address, catalog.open_model(ref), log, is_quick=arguments.quick)
            if arguments.quick and number % 2:
                one.turn()
            for at in range(0, len(texts), BLOCK):
                one.through(texts[at : at + BLOCK], views)
                if len(texts) > BLOCK:
                    done = min(at + BLOCK, len(texts)) + arguments.skip
                    say(f"  {ref}: {done} done, {time.monotonic() - began:.0f} s")
            one.close()
            failures, n_looks = failures + len(one.failures), n_looks + one.n_looks
            seconds = time.monotonic() - began
            said = f"{len(texts)} strings × {n_views} views, {len(one.failures)} failures"
            say(f"{ref}: {said}, {seconds:.0f} s")
    seconds = time.monotonic() - start
    said = f"{len(texts)} strings × {n_views} views × {len(refs)} models, {n_looks} looks"
    say(f"{said}: {failures} failures, {seconds:.0f} s")
    return failures


def main() -> None:
    """Parse the arguments and do what they say."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.any_text")
    parser.add_argument("texts", type=Path, nargs="?", help="a JSON list; else the project's own")
    parser.add_argument(
        "--pages",
        nargs="+",
        choices=sorted({*PAGES, *PAGE_OF, "every"}),
        default=[*PAGES],
        help="or their views; every: those too that have the text in the header alone",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="NAME",
        help="or all; else one of each model, without its variants",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a text at one width with a model, at the other with the next; else at both",
    )
    parser.add_argument("--skip", type=int, default=0, help="strings that are done already")
    parser.add_argument("--most", type=int, default=0, help="strings after those; 0: all")
    parser.add_argument("--server", help="http://host:port of a running app; else one is started")
    torch.set_num_threads(1)
    raise SystemExit(1 if drive(parser.parse_args()) else 0)


if __name__ == "__main__":
    main()
