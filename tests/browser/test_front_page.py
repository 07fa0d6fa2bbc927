"""What a newcomer sees first: a traced sentence, whole, in their language and colours, quickly."""

import re
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Locator, Page, expect

from tests.browser.driving import OpenContext, OpenPage, Watch
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    STACKS,
    Reader,
    assert_same_map,
    first_text,
    model,
    traced,
    true_map,
)

MIB = 2**20
COLOUR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data.slice(i, i + 3).join());
  return seen.size;
}"""


def bottom(place: Locator) -> float:
    """Where the visible thing ends, in pixels from the top of the window."""
    box = place.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def is_painted(canvas: Locator) -> bool:
    """Whether the canvas shows a picture rather than one flat colour."""
    return int(canvas.evaluate(COLOURS)) > 8


def nothing_is_beside(reader: Reader, width: int) -> bool:
    """Whether all of the page is within the window's width: nothing scrolls sideways."""
    beyond = "(node) => node.scrollWidth - node.clientWidth"
    assert reader.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert reader.tab.get_by_test_id("stMain").evaluate(beyond) <= 0
    for pane in (".grid-pane", ".map-pane", ".lines-pane", ".measures", ".bar"):
        box = reader.root.locator(pane).bounding_box()
        assert box is not None
        assert box["x"] >= 0, pane
        assert box["x"] + box["width"] <= width, pane
    return True


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_it_paints_a_traced_sentence(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page(viewport=viewport))
    trace = traced(first_text())
    assert reader.box("text").input_value() == first_text()
    expect(reader.own_target).to_have_text(f"→ {trace.target_text}")
    source, read = trace.reading.source, trace.reading.target
    assert reader.tokens("key") == [token.text for token in source]
    assert reader.tokens("query") == [token.text for token in read[1:]]
    assert is_painted(reader.map)
    assert is_painted(reader.root.locator(".grid-pane canvas.under"))
    assert is_painted(reader.root.locator(".lines-pane canvas"))
    place = model().info.opens_at
    reader.shows(stack=place.stack, layer=place.layer, head=place.head, row="")
    assert nothing_is_beside(reader, viewport[0])


def test_every_stack_shows_all_of_its_heads(page: OpenPage) -> None:
    reader = Reader(page())
    info = model().info
    places = [f"{layer},{head}" for layer in range(info.n_layers) for head in range(info.n_heads)]
    for stack in STACKS:
        reader.choose_stack(stack)
        cells = reader.root.locator("[data-cell]")
        found = cells.evaluate_all("(all) => all.map((cell) => cell.dataset.cell)")
        assert found == places
        assert is_painted(reader.root.locator(".grid-pane canvas.under"))


def test_the_pictures_are_above_the_fold_of_a_laptop(page: OpenPage) -> None:
    reader = Reader(page(viewport=DESKTOP))
    for name in (".grid-pane", ".map-pane", ".lines-pane", ".measures"):
        assert bottom(reader.root.locator(name)) <= DESKTOP[1], name
    assert reader.tab.evaluate("scrollY") == 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_it_speaks_the_language_of_the_browser(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page(locale="zh-CN", viewport=viewport))
    expect(reader.root.locator("[data-measure=entropy]")).to_contain_text("熵")
    assert reader.tokens("key") == [token.text for token in traced(first_text()).reading.source]
    assert "lang" not in reader.url()
    assert nothing_is_beside(reader, viewport[0])


def test_the_language_can_be_chosen_and_stays_after_a_reload(page: OpenPage) -> None:
    reader = Reader(page())
    expect(reader.root.locator("[data-measure=entropy]")).to_contain_text("entropy")
    reader.tab.locator(".st-key-lang [role=radio]").nth(1).click()
    expect(reader.root.locator("[data-measure=entropy]")).to_contain_text("熵")
    expect(reader.tab).to_have_url(re.compile("lang=zh"))
    reader.tab.reload()
    again = Reader(reader.tab)
    expect(again.root.locator("[data-measure=entropy]")).to_contain_text("熵")


def test_it_is_dark_where_dark_is_asked_for(page: OpenPage) -> None:
    grounds = {}
    ground = "(node) => getComputedStyle(node).backgroundColor.match(/\\d+/g).map(Number)"
    for scheme in COLOUR_SCHEMES:
        reader = Reader(page(color_scheme=scheme))
        assert reader.root.get_attribute("data-ground") == scheme
        assert is_painted(reader.map)
        place = model().info.opens_at
        expected = true_map(first_text(), place.stack, place.layer, place.head)
        assert_same_map(reader.twin(), expected)
        grounds[scheme] = reader.tab.get_by_test_id("stApp").evaluate(ground)[:3]
    assert min(grounds["light"]) > 200
    assert max(grounds["dark"]) < 60


def test_the_page_says_how_far_to_trust_it(page: OpenPage) -> None:
    reader = Reader(page())
    footer = reader.tab.locator(".st-key-footer")
    said = re.search(r"own to (\S+)", footer.inner_text())
    assert said is not None
    assert 0 < float(said[1]) <= 1e-5
    footer.get_by_role("button", name="attention is not explanation").click()
    expect(reader.tab.get_by_text("Wiegreffe")).to_be_visible()


def wire(context: BrowserContext, tab: Page) -> tuple[CDPSession, list[float]]:
    """A session that counts the bytes of `tab`, and the list it counts in."""
    session = context.new_cdp_session(tab)
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    for name in ("Network.webSocketFrameReceived", "Network.webSocketFrameSent"):
        session.on(name, lambda event: sizes.append(frame_bytes(event["response"])))
    session.send("Network.enable")
    return session, sizes


def frame_bytes(frame: dict[str, object]) -> float:
    """The size of a frame; binary ones are reported in base 64."""
    text = str(frame["payloadData"])
    return len(text.encode()) if frame["opcode"] == 1 else len(text) * 3 / 4


def test_the_first_load_is_small_and_brings_no_plotly(
    browser_context: OpenContext, watch: Watch
) -> None:
    context = browser_context()
    tab = context.new_page()
    _, sizes = wire(context, tab)
    tab.goto("/")
    Reader(tab)
    assert len(sizes) > 10
    assert sum(sizes) <= 2 * MIB, f"{sum(sizes) / MIB:.2f} MiB"
    assert [url for url in watch.requests if "plotly" in url.lower()] == []
