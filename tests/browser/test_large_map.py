"""A map of thousands of tokens: a picture at once, exact numbers of what is looked at, and no more.

The model is tiny and random; the text is a little too long for its map to be sent whole.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from playwright.sync_api import Position, expect

from model_runtime import settings
from model_runtime.views import HeadMap
from tests.browser.driving import OpenPage, Watch
from tests.browser.serving import serving
from tests.browser.test_attention_driver import CLOSE, Reader, traced, true_map
from tests.model_runtime.huggingface.checkpoints import make
from viz.long_maps import MOST_WHOLE

WORDS = ("the", "cat", "sleeps", "on", "a", "bed", "old", "river", "dog", "boat")
TEXT = " ".join(random.Random(1).choices(WORDS, k=880))
TILE = re.compile(r"/decoder/(\d+)/(\d+)/(\d+)/(\d+)/(\d+)$")


@pytest.fixture(scope="module")
def ref(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A checkpoint that reads 4,096 tokens."""
    folder = tmp_path_factory.mktemp("checkpoints").resolve() / "long-llama"
    return str(make("llama", folder, 4096))


@pytest.fixture(scope="module")
def server(ref: str) -> Iterator[str]:
    """A server that may open it; so may this process, to compare."""
    root = str(Path(ref).parent)
    allowed = {
        "HEADLIGHT_LOCAL_ROOTS": root,
        "HEADLIGHT_HUB": "off",
        "HEADLIGHT_MAX_TOKENS": "4096",
    }
    with pytest.MonkeyPatch.context() as patched, serving(**allowed) as (address, _):
        for name, value in allowed.items():
            patched.setenv(name, value)
        settings.settings.cache_clear()
        yield address
    settings.settings.cache_clear()


@pytest.fixture
def reader(page: OpenPage, ref: str) -> Reader:
    where = {"model": ref, "text": TEXT, "stack": "decoder", "layer": "0", "head": "1"}
    return Reader(page("/?" + urlencode(where, quote_via=quote)))


def truth(ref: str, layer: int = 0, head: int = 1) -> HeadMap:
    return true_map(TEXT, "decoder", layer, head, ref=ref)


def place(reader: Reader, across: float, down: float) -> Position:
    """A place of the map, in parts of its width and height."""
    box = reader.map.bounding_box()
    assert box
    return {"x": round(box["width"] * across), "y": round(box["height"] * down)}


def point(reader: Reader, across: float, down: float) -> tuple[int, int]:
    """Put the pointer on a place of the map, in parts of it. Returns the cell that is told."""
    reader.map.hover(position=place(reader, across, down))
    expect(reader.tooltip.locator("[data-part=dot]")).to_be_visible()
    row, col = re.findall(r"position (\d+)", reader.tooltip.inner_text())[:2]
    return int(row), int(col)


def test_the_text_is_long_enough_for_this_file(ref: str, server: str) -> None:
    n = len(traced(TEXT, ref=ref).tokens("decoder")[0])
    assert MOST_WHOLE < n * n < 1.3 * MOST_WHOLE


def test_a_picture_comes_at_once_and_says_what_a_point_of_it_is(
    reader: Reader, watch: Watch
) -> None:
    notes = reader.root.locator(".notes")
    expect(notes).to_contain_text(re.compile(r"largest share of every (\d+) × \1 cells"))
    expect(reader.root.locator(".lines-pane .caption")).to_contain_text("one query")
    assert not [url for url in watch.requests if TILE.search(url)]


def test_the_pointed_cell_is_told_exactly(reader: Reader, ref: str) -> None:
    row, col = point(reader, 0.4, 0.8)
    expected, told = truth(ref), reader.account()
    assert told["share"] == pytest.approx(expected.pattern[row, col], abs=CLOSE)
    assert expected.scores is not None and expected.dot is not None
    assert told["score"] == pytest.approx(expected.scores[row, col], rel=1e-4, abs=1e-4)
    assert told["dot"] == pytest.approx(expected.dot[row, col], rel=1e-4, abs=1e-4)


def test_a_click_pins_a_row_whose_lines_and_strongest_key_are_the_true_ones(
    reader: Reader, ref: str
) -> None:
    row, _ = point(reader, 0.3, 0.6)
    reader.map.click(position=place(reader, 0.3, 0.6))
    reader.shows(row=row)
    reader.tab.mouse.move(5, 5)
    expect(reader.tooltip).to_be_hidden()
    strongest = truth(ref).pattern[row].max()
    expect(reader.readout.locator(".share-now")).to_have_text(f" {strongest:.2f}")
    reader.choose(1, 2)
    strongest = truth(ref, 1, 2).pattern[row].max()
    expect(reader.readout.locator(".share-now")).to_have_text(f" {strongest:.2f}")


def test_larger_cells_are_fetched_where_they_are_in_sight_and_nowhere_else(
    reader: Reader, ref: str, watch: Watch
) -> None:
    closer = reader.root.locator('[data-zoom="in"]')
    sizes = 0
    while closer.is_visible():
        closer.click()
        expect(reader.root).to_have_attribute("data-tiles", "ready")
        sizes += 1
    expect(reader.root.locator(".notes")).not_to_contain_text("×")
    asked = [found.groups() for url in watch.requests if (found := TILE.search(url))]
    finest = {
        tile for *_, level, down, across in asked if (tile := (level, down, across))[0] == "0"
    }
    assert sizes > 3 and len(asked) == len(set(asked))
    assert 0 < len(finest) < 12  # of 81
    row, col = point(reader, 0.5, 0.5)
    assert reader.account()["share"] == pytest.approx(truth(ref).pattern[row, col], abs=CLOSE)
    reader.map.press("-")
    expect(closer).to_be_visible()
    reader.root.get_by_role("button", name="fit").click()
    expect(reader.root.locator('[data-zoom="out"]')).to_be_hidden()


def test_the_table_shows_the_first_tokens_exactly(reader: Reader, ref: str) -> None:
    details = reader.root.locator("details.twin")
    details.locator("summary").click()
    expect(details.locator("table[data-twin]")).to_be_visible()
    expected = truth(ref).pattern[:200, :200]
    np.testing.assert_allclose(np.nan_to_num(reader.twin().shares), expected, atol=CLOSE)


def test_what_does_not_arrive_leaves_the_picture_and_what_is_said_of_it(
    reader: Reader, watch: Watch
) -> None:
    watch.expected_errors.append("500")
    reader.tab.route(TILE, lambda route: route.fulfill(status=500, body=""))
    closer = reader.root.locator('[data-zoom="in"]')
    for _ in range(3):
        closer.click()
    expect(reader.root).to_have_attribute("data-tiles", "ready")
    expect(reader.root.locator(".notes")).to_contain_text("largest share of every 4 × 4 cells")


def test_its_files_are_those_that_do_not_grow_with_its_cells(reader: Reader) -> None:
    reader.root.locator(".menu summary").click()
    links = reader.root.locator("[data-export]")
    shown = [link.get_attribute("data-export") for link in links.all() if link.is_visible()]
    assert shown == ["npz", "png"]
    expect(reader.root.locator(".sheet .hint")).to_be_visible()
    with reader.tab.expect_download() as download:
        reader.root.locator('[data-export="png"]').click()
    assert Path(download.value.path()).stat().st_size > 10_000
