"""The Attention page as a reader uses it, for the other files here; and tests of that driver.

    reader = Reader(page("/?stack=encoder"))
    reader.choose(2, 5)
    reader.hover(row=0, col=3)
    assert reader.account()["share"] == pytest.approx(...)

Expected numbers come from `model_runtime` in this process, never from a list: the weights change.
"""

import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from model_runtime import catalog, tracing
from model_runtime.recording import LoadedModel
from model_runtime.types import StackName, Trace
from model_runtime.views import HeadMap, HeadPlace, Look, View
from tests.browser.driving import OpenPage, settle

DESKTOP, PHONE = (1400, 900), (390, 844)
CLOSE = 1e-5  # what two computations of one share in 32 bits may differ by
STACKS: tuple[StackName, ...] = ("encoder", "decoder", "cross")

# Moves a pointer that only the map feels, and asks the lines which tokens it lights.
FIND_CELLS = """(root) => {
  const map = root.querySelector("[data-map]");
  const box = map.getBoundingClientRect();
  const lit = (kind) => root.querySelector(`[data-${kind}].lit`)?.dataset[kind];
  const point = (x, y) => {
    const where = { clientX: box.left + x, clientY: box.top + y };
    map.dispatchEvent(new PointerEvent("pointermove", where));
    return { query: lit("query"), key: lit("key") };
  };
  const middles = (length, kind, at) => {
    const found = {};
    for (let place = 1; place < length; place += 3) {
      const index = at(place)[kind];
      if (index !== undefined) (found[index] ??= []).push(place);
    }
    return Object.values(found).map((all) => (all[0] + all.at(-1)) / 2);
  };
  const xs = middles(box.width, "key", (x) => point(x, box.height - 9));
  const ys = middles(box.height, "query", (y) => point(xs[0], y));
  map.dispatchEvent(new PointerEvent("pointerleave"));
  return [xs, ys];
}"""

READ_TWIN = """(table) => ({
  caption: table.caption.textContent,
  cols: [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent),
  rows: [...table.tBodies[0].rows].map((row) => row.cells[0].textContent),
  cells: [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map(
    (cell) => (cell.classList.contains("masked") ? "nan" : cell.textContent))),
})"""


@cache
def model(ref: str = catalog.DEFAULT) -> LoadedModel:
    """A model that the server opens, the default if none is named, in this process."""
    return catalog.open_model(ref)


@cache
def traced(text: str, target: str | None = None, *, ref: str = catalog.DEFAULT) -> Trace:
    """What the server's trace of `text` must be."""
    return tracing.trace(model(ref), text, target)


def first_text() -> str:
    """The text that the app opens with."""
    return model().info.examples[0]


def true_map(
    text: str,
    stack: StackName,
    layer: int | None,
    head: int | None,
    view: View | None = None,
    target: str | None = None,
    *,
    ref: str = catalog.DEFAULT,
) -> HeadMap:
    """The map of one head, or of a mean, as it must be on screen."""
    return Look(traced(text, target, ref=ref), stack, view or View()).map(HeadPlace(layer, head))


def row_names(look: Look) -> list[str]:
    """The rows of a map as they must be labelled: a row of the decoder's self-attention names
    the token it read and the one it predicts, a row of cross-attention the latter alone."""
    names = []
    for group in look.rows:
        read = "".join(token.text for token in group.tokens)
        predicted = "".join(token.text for token in group.predicted)
        both = {"encoder": read, "cross": predicted, "decoder": f"{read}→{predicted}"}
        names.append(both[look.stack])
    return names


@dataclass(frozen=True, eq=False)
class Twin:
    """The table twin: labels as shown, shares with NaN where masked."""

    caption: str
    rows: list[str]
    cols: list[str]
    shares: NDArray[np.float64]


class Reader:
    """Somebody at the Attention page: finds its parts, uses them, reads what they say."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.root = tab.locator('[data-headlight="attention"]')
        self.map = self.root.locator("[data-map]")
        self.tooltip = self.root.locator("[data-tooltip]")
        self.readout = self.root.locator("[data-readout]")
        self.own_target = tab.locator(".st-key-own_target").get_by_test_id("stText")
        self.notices = tab.locator('[class*="st-key-notices"]')
        self.alerts = tab.get_by_test_id("stAlert")
        self._cells: dict[str, tuple[list[float], list[float]]] = {}
        self.ready()

    def ready(self) -> None:
        """Return once the picture holds exact numbers."""
        expect(self.root).to_have_attribute("data-state", "ready")
        settle(self.tab)

    def source(self) -> str:
        """Where the shown head's numbers come from: its address names trace and switches."""
        return self.root.locator("[data-export=csv]").get_attribute("href") or ""

    def trace_id(self) -> str:
        """The name of the shown trace."""
        return urlsplit(self.source()).path.split("/trace/")[1].split("/")[0]

    def box(self, key: str) -> Locator:
        """The text box of a choice: "text" or "target"."""
        return self.tab.locator(f".st-key-{key} input")

    def enter(self, text: str, key: str = "text") -> None:
        """Type over a box, press Enter, and wait for the new picture."""
        before = self.source()
        self.box(key).fill(text)
        self.box(key).press("Enter")
        self.changed(before)

    def switch(self, key: str) -> None:
        """Click the switch `key`, and wait for the new picture."""
        before = self.source()
        self.tab.locator(f".st-key-{key} label").first.click()
        self.changed(before)

    def pick(self, name: str) -> None:
        """Choose a model by its line in the list, and wait for the new picture."""
        before = self.source()
        # A list that is opened while the page still scrolls to it closes again.
        self.tab.get_by_test_id("stMain").evaluate("(node) => node.scrollTo(0, 0)")
        self.tab.locator(".st-key-_model input").click()
        self.tab.get_by_role("option", name=re.compile(f"^{name} — ")).click()
        self.changed(before)

    def mean(self, index: int) -> None:
        """Choose a mean by its place in `views.Mean`, and wait for the new picture."""
        before = self.source()
        self.tab.locator(".st-key-mean [role=radio]").nth(index).click()
        self.changed(before)

    def changed(self, before: str) -> None:
        """Return once the picture no longer is that of the source `before`."""
        expect(self.root.locator("[data-export=csv]")).not_to_have_attribute("href", before)
        self.ready()

    def choose(self, layer: int | str, head: int | str) -> None:
        """Click a head in the grid; "mean" stands for one that is averaged over."""
        self.root.locator(f'[data-cell="{layer},{head}"]').click()
        self.shows(layer=layer, head=head)
        self.ready()

    def choose_stack(self, stack: StackName) -> None:
        """Click a stack's tab."""
        self.root.locator("[role=tab]").nth(model().info.stacks.index(stack)).click()
        self.shows(stack=stack)
        self.ready()

    def set(self, control: str, value: str) -> None:
        """Choose a value of "view" or "scale"."""
        self.root.locator(f'button[data-{control}="{value}"]').click()
        self.shows(**{control: value})

    def shows(self, **values: object) -> None:
        """Return once stack, layer, head, row, scale, view are as given."""
        for name, value in values.items():
            expect(self.root).to_have_attribute(f"data-{name}", str(value))

    def hover(self, row: int, col: int) -> None:
        """Put the pointer on a cell of the map."""
        same = self.source().rsplit("/", 2)[0] + urlsplit(self.source()).query
        if same not in self._cells:
            self._cells[same] = self.root.evaluate(FIND_CELLS)
        xs, ys = self._cells[same]
        self.map.hover(position={"x": xs[col], "y": ys[row]})

    def account(self) -> dict[str, float]:
        """The tooltip's numbers by name, as precise as the page has them."""
        expect(self.tooltip).to_be_visible()
        parts = self.tooltip.locator("[data-part]")
        read = "(all) => all.map((part) => [part.dataset.part, part.dataset.value])"
        return {name: float(value) for name, value in parts.evaluate_all(read)}

    def written(self) -> dict[str, float]:
        """The tooltip's numbers by name, as they are written."""
        parts = self.tooltip.locator("[data-part]")
        read = "(all) => all.map((p) => [p.dataset.part, p.querySelector('dd').textContent])"
        return {
            name: float(text.replace("−", "-")) for name, text in parts.evaluate_all(read) if text
        }

    def lit(self, kind: str) -> list[int]:
        """The tokens that the lines light up; kind is "query" or "key"."""
        found = self.root.locator(f"[data-{kind}].lit")
        return [int(i) for i in found.evaluate_all(f"(all) => all.map((n) => n.dataset.{kind})")]

    def tokens(self, kind: str) -> list[str]:
        """The texts of the lines' tokens; kind is "query" or "key"."""
        return self.root.locator(f"[data-{kind}] .text").all_text_contents()

    def twin(self) -> Twin:
        """The table twin, opened if it was not."""
        details = self.root.locator("details.twin")
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        read = details.locator("table[data-twin]").evaluate(READ_TWIN)
        shares = np.array([[float(text) for text in row] for row in read["cells"]])
        return Twin(read["caption"], read["rows"], read["cols"], shares)

    def url(self) -> dict[str, str]:
        """The parameters in the address bar."""
        query = parse_qs(urlsplit(self.tab.url).query, keep_blank_values=True)
        return {key: values[0] for key, values in query.items()}


def assert_same_map(twin: Twin, expected: HeadMap) -> None:
    """The table holds the expected shares. It names masked cells, whose share is 0, and so
    are empty those of a row that has nothing left to share out."""
    assert twin.shares.shape == expected.pattern.shape
    shares, pattern = np.nan_to_num(twin.shares), np.nan_to_num(expected.pattern)
    np.testing.assert_allclose(shares, pattern, atol=CLOSE)


def test_the_driver_points_at_the_cell_that_it_means(page: OpenPage) -> None:
    reader = Reader(page())
    rows, cols = len(reader.tokens("query")), len(reader.tokens("key"))
    for row, col in ((0, 0), (0, cols - 1), (rows - 1, 0), (rows - 1, cols - 1), (3, 2)):
        reader.hover(row, col)
        assert (reader.lit("query"), reader.lit("key")) == ([row], [col])


def test_the_driver_tells_one_head_from_another(page: OpenPage) -> None:
    reader = Reader(page())
    reader.choose(0, 1)
    assert_same_map(reader.twin(), true_map(first_text(), "cross", 0, 1))
    with pytest.raises(AssertionError):
        assert_same_map(reader.twin(), true_map(first_text(), "cross", 0, 2))
