"""What the model predicts: the table on screen holds the softmax of the trace's logits."""

import csv
import io
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Route, expect

from model_runtime.types import Trace
from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import DESKTOP, PHONE, Reader, first_text, traced
from tests.browser.test_front_page import COLOUR_SCHEMES, nothing_is_beside
from tests.browser.test_hostile_text import IMAGE, MARKDOWN, is_unharmed
from tests.browser.test_models import decoder, encoder

STORY = "The old man opened the"
READ = """(rows) => rows.map((row) => ({
  name: row.cells[0].innerText.replace(/\\s+/g, ""),
  guesses: [...row.cells].slice(1).filter((cell) => cell.children.length).map((cell) => ({
    token: cell.querySelector("bdi").textContent,
    share: cell.querySelector(".share").textContent,
    bar: cell.querySelector(".bar").getBoundingClientRect().width / cell.clientWidth,
    real: cell.classList.contains("real"),
  })),
}))"""


class Guess(TypedDict):
    """One cell of the table."""

    token: str
    share: str
    bar: float
    real: bool


class Line(TypedDict):
    """One row of the table."""

    name: str
    guesses: list[Guess]


def arrived(reader: Reader) -> Locator:
    """The table, once it was scrolled to and has come."""
    root = reader.tab.locator('[data-headlight="predictions"]')
    root.scroll_into_view_if_needed()
    expect(root).to_have_attribute("data-state", "ready")
    return root.locator(".predictions")


def table(reader: Reader) -> list[Line]:
    """The rows, once they have come."""
    arrived(reader)
    found: list[Line] = reader.tab.locator(".predictions tbody tr").evaluate_all(READ)
    return found


def toggle(reader: Reader) -> None:
    """Open the section, or close it."""
    reader.tab.locator(".st-key-predictions summary, summary", has_text="What it predicts").click()


def holds_the_softmax(lines: list[Line], trace: Trace, positions: list[int]) -> bool:
    """Whether the rows are those of the trace, to the digits shown."""
    assert len(lines) == len(positions)
    for line, position in zip(lines, positions, strict=True):
        logits = torch.from_numpy(trace.logits[position].copy()).double()
        shares, ids = torch.softmax(logits, dim=-1).topk(5)
        five = line["guesses"][:5]
        assert [guess["share"] for guess in five] == [f"{share:.2f}" for share in shares]
        names = [trace.info.vocabulary[i] for i in ids.tolist()]
        assert [guess["token"] for guess in five] == [name.strip() or "␣" for name in names]
        bars = [guess["bar"] for guess in five]
        np.testing.assert_allclose(bars, shares.numpy(), atol=0.12)
        assert bars == sorted(bars, reverse=True)
    return True


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_decoder_alone_shows_what_it_predicts(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page(f"/?model={decoder().ref}&text={STORY}", viewport=viewport))
    trace = traced(STORY, ref=decoder().ref)
    target = trace.reading.target
    assert holds_the_softmax(table(reader), trace, list(range(len(target) - 1)))
    for line, read, after in zip(table(reader), target, target[1:], strict=False):
        assert line["name"] == f"{read.position}{read.text}→{after.text}"
        assert sum(guess["real"] for guess in line["guesses"]) == 1
    first_own = reader.tab.locator(".predictions tr.own").first
    expect(first_own.locator(".position")).to_have_text(str(trace.reading.n_given - 1))
    assert nothing_is_beside(reader, viewport[0])


def test_it_is_sent_only_while_it_is_open(page: OpenPage) -> None:
    reader = Reader(page())
    expect(reader.tab.locator(".predictions")).to_have_count(0)
    toggle(reader)
    expect(arrived(reader)).to_be_visible()
    trace = traced(first_text())
    assert holds_the_softmax(table(reader), trace, list(range(len(trace.reading.target) - 1)))
    reader.enter("She reads a good book.")
    trace = traced("She reads a good book.")
    assert holds_the_softmax(table(reader), trace, list(range(len(trace.reading.target) - 1)))
    toggle(reader)
    expect(reader.tab.locator(".predictions")).to_have_count(0)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_an_encoder_alone_fills_its_blanks(page: OpenPage, viewport: tuple[int, int]) -> None:
    text = "The [MASK] is sleeping on the [MASK]."
    reader = Reader(page(f"/?model={encoder().ref}&text={quote(text)}", viewport=viewport))
    trace = traced(text, ref=encoder().ref)
    masks = [t.position for t in trace.reading.source if t.text == "[MASK]"]
    assert len(masks) == 2
    assert holds_the_softmax(table(reader), trace, masks)
    assert not any(guess["real"] for line in table(reader) for guess in line["guesses"])
    assert nothing_is_beside(reader, viewport[0])


def test_without_a_blank_an_encoder_says_how_to_type_one(page: OpenPage) -> None:
    text = "The cat is sleeping."
    reader = Reader(page(f"/?model={encoder().ref}&text={text}"))
    expect(reader.tab.locator(".predictions")).to_have_count(0)
    toggle(reader)
    expect(arrived(reader).locator("caption")).to_contain_text("Type [MASK]")
    trace = traced(text, ref=encoder().ref)
    assert holds_the_softmax(table(reader), trace, list(range(len(trace.reading.source))))
    reader.enter("The [MASK] is sleeping.")
    expect(arrived(reader).locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize("text", [IMAGE, MARKDOWN])
def test_typed_markup_stays_text(page: OpenPage, text: str) -> None:
    reader = Reader(page(f"/?model={decoder().ref}&text={quote(text)}"))
    trace = traced(text, ref=decoder().ref)
    names = [line["name"] for line in table(reader)]
    for name, token in zip(names, trace.reading.target[-1 - len(names) : -1], strict=True):
        assert name.startswith(f"{token.position}{''.join(token.text.split())}→")
    assert is_unharmed(reader)
    for live in ("img", "script", "b", "a", "code", "strong", "em"):
        expect(reader.tab.locator(f".predictions {live}")).to_have_count(0)


def test_the_last_of_many_positions_are_shown(page: OpenPage) -> None:
    text = "cat dog " * 60
    reader = Reader(page(f"/?model={decoder().ref}&text={quote(text)}"))
    trace = traced(text, ref=decoder().ref)
    n = len(trace.reading.target) - 1
    assert n > 64
    expect(arrived(reader).locator("caption")).to_contain_text(f"last 64 of {n}")
    assert holds_the_softmax(table(reader), trace, list(range(n - 64, n)))


def test_the_csv_has_all_positions(page: OpenPage) -> None:
    reader = Reader(page(f"/?model={decoder().ref}&text={STORY}"))
    with reader.tab.expect_download() as download:
        reader.tab.get_by_test_id("stDownloadButton").get_by_role("button").click()
    assert download.value.suggested_filename == "headlight-predictions.csv"
    content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content)))
    trace = traced(STORY, ref=decoder().ref)
    best = torch.softmax(torch.from_numpy(trace.logits.copy()).double(), dim=-1).max(dim=-1).values
    shares = [float(line["share"]) for line in lines if line["rank"] == "1"]
    np.testing.assert_allclose(shares, best.numpy(), rtol=1e-6)


def test_it_speaks_chinese_in_the_dark(page: OpenPage) -> None:
    seen = {}
    for scheme in COLOUR_SCHEMES:
        reader = Reader(
            page(f"/?model={decoder().ref}&text={STORY}", locale="zh-CN", color_scheme=scheme)
        )
        expect(arrived(reader).locator("caption")).to_contain_text("词元")
        bar = reader.tab.locator(".predictions td:not(.real) .bar").first
        seen[scheme] = bar.evaluate("(node) => getComputedStyle(node).backgroundColor")
        settle(reader.tab)
    assert len(set(seen.values())) == 2


def test_it_is_asked_for_once_it_comes_into_sight(page: OpenPage, watch: Watch) -> None:
    reader = Reader(page(f"/?model={decoder().ref}&text={STORY}", viewport=(1400, 400)))
    assert not [url for url in watch.requests if "/api/predictions/" in url]
    arrived(reader)
    reader.enter("The young woman")
    trace = traced("The young woman", ref=decoder().ref)
    assert holds_the_softmax(table(reader), trace, list(range(len(trace.reading.target) - 1)))
    assert len([url for url in watch.requests if "/api/predictions/" in url]) == 2


def test_a_table_that_does_not_arrive_is_said_and_can_be_tried_again(
    page: OpenPage, watch: Watch
) -> None:
    watch.expected_errors.append("410")
    reader = Reader(page(f"/?model={decoder().ref}&text={STORY}", viewport=(1400, 400)))

    def gone(route: Route) -> None:
        route.fulfill(status=410, body="gone")

    reader.tab.route("**/api/predictions/*", gone)
    root = reader.tab.locator('[data-headlight="predictions"]')
    root.scroll_into_view_if_needed()
    failure = root.get_by_role("alert")
    expect(failure).to_contain_text("did not arrive")
    reader.tab.unroute("**/api/predictions/*", gone)
    failure.get_by_role("button").click()
    expect(arrived(reader)).to_be_visible()
    expect(failure).to_be_hidden()
