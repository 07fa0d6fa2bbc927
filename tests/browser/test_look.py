"""A dark theme and projector mode, as a teacher changes them in the middle of a lesson."""

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.driving import OpenPage, Watch
from tests.browser.test_attention_driver import FIND_CELLS, PHONE, Reader

READY = "[data-headlight][data-state=ready]"
GROUND = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(14, 17, 23)"
LARGER = "(node) => node.currentCSSZoom"
# The middle of a plot's plane and what plotly says of the point that is nearest.
PLANE = ".chart .nsewdrag"
LIGHTNESS = """(map, places) => {
  const pen = map.getContext("2d");
  const sum = ([r, g, b]) => r + g + b;
  return places.map(([x, y]) => sum(pen.getImageData(x, y, 1, 1).data));
}"""


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")


def theme(tab: Page) -> Locator:
    """The switch between light and dark."""
    return tab.locator("[data-look=dark]")


def project(tab: Page) -> None:
    """Press projector mode's key, and wait until the switch says so."""
    switch = tab.locator("[data-look=projector]")
    before = switch.get_attribute("aria-pressed")
    tab.keyboard.press("F2")
    expect(switch).to_have_attribute("aria-pressed", "false" if before == "true" else "true")


def test_the_theme_changes_in_place_and_loses_nothing(page: OpenPage) -> None:
    tab = page("/")
    reader = Reader(tab)
    long = "attention " * 60  # more than an address takes
    reader.enter(long.strip())
    tab.evaluate("() => { window.sameDocument = true; }")
    theme(tab).click()
    tab.wait_for_function(f"() => ({GROUND})() === '{DARK}'")
    expect(reader.root).to_have_attribute("data-ground", "dark")
    expect(reader.box("text")).to_have_value(long.strip())
    assert tab.evaluate("() => window.sameDocument")
    theme(tab).click()
    tab.wait_for_function(f"() => ({GROUND})() === '{LIGHT}'")
    expect(reader.root).to_have_attribute("data-ground", "light")


def test_the_chosen_theme_is_there_with_the_first_paint_of_the_next_visit(page: OpenPage) -> None:
    tab = page("/")
    Reader(tab)
    theme(tab).click()
    tab.wait_for_function(f"() => ({GROUND})() === '{DARK}'")
    # Whatever ground the app ever has on this visit is written down from the first moment on.
    tab.add_init_script(
        """new MutationObserver(() => {
          const app = document.querySelector(".stApp");
          if (app) (window.grounds ??= new Set()).add(getComputedStyle(app).backgroundColor);
        }).observe(document, { childList: true, subtree: true, attributes: true });"""
    )
    tab.goto(tab.url.replace("/?", "/steps?"))
    tab.locator(READY).first.wait_for()
    grounds = tab.evaluate("() => [...window.grounds]")
    assert grounds[-1] == DARK
    # Streamlit begins with a dark ground of its own.
    assert all(max(map(int, re.findall(r"\d+", ground))) < 64 for ground in grounds), grounds


def test_on_a_dark_system_light_can_be_chosen_and_the_system_followed_again(page: OpenPage) -> None:
    tab = page("/", color_scheme="dark")
    Reader(tab)
    assert tab.evaluate(GROUND) == DARK
    expect(theme(tab)).to_have_attribute("aria-pressed", "true")
    theme(tab).click()
    tab.wait_for_function(f"() => ({GROUND})() === '{LIGHT}'")
    theme(tab).click()
    tab.wait_for_function(f"() => ({GROUND})() === '{DARK}'")
    tab.emulate_media(color_scheme="light")
    tab.wait_for_function(f"() => ({GROUND})() === '{LIGHT}'")


def test_projector_mode_points_at_the_cell_under_the_pointer(page: OpenPage) -> None:
    reader = Reader(page("/"))
    shares = reader.twin().shares
    project(reader.tab)
    assert reader.map.evaluate(LARGER) == pytest.approx(1.35)
    rows, cols = len(reader.tokens("query")), len(reader.tokens("key"))
    larger = reader.map.evaluate(LARGER)
    for row, col in ((0, 0), (rows - 1, cols - 1), (3, 2)):
        reader.hover(row, col)
        assert (reader.lit("query"), reader.lit("key")) == ([row], [col])
        # The tooltip stands beside the pointer, inside of the window.
        tip, box = reader.tooltip.bounding_box(), reader.map.bounding_box()
        assert tip and box and larger > 1
        assert tip["x"] >= 0 and tip["x"] + tip["width"] <= 1400
        assert tip["y"] >= 0
    # A dot of the canvas is a dot of the screen: the map is sharp, and where the pointer finds the
    # largest share of a row, there it is painted darkest.
    width = reader.map.evaluate("(node) => node.width")
    shown = reader.map.bounding_box()
    assert shown and width == pytest.approx(shown["width"], abs=2)
    xs, ys = reader.root.evaluate(FIND_CELLS)
    across = 0.35 * (xs[1] - xs[0])  # beside the number
    places = [[round(x + across), round(y)] for y in ys for x in xs]
    light = np.array(reader.map.evaluate(LIGHTNESS, places)).reshape(rows, cols)
    assert light.argmin(axis=1).tolist() == shares.argmax(axis=1).tolist()


def test_projector_mode_shows_fewer_controls_and_gives_them_back(page: OpenPage) -> None:
    tab = page("/")
    reader = Reader(tab)
    hidden = [
        tab.locator(".st-key-header [data-testid=stColumn]").last,
        tab.locator(".st-key-footer"),
        tab.locator("[data-part=tour]"),
        reader.root.locator(".measures"),
        reader.root.locator(".controls .menu"),
    ]
    shown = [reader.box("text"), reader.map, tab.locator("[data-part=share]")]
    project(tab)
    for part in hidden:
        expect(part).to_be_hidden()
    for part in shown:
        expect(part).to_be_visible()
    project(tab)
    for part in [*hidden, *shown]:
        expect(part).to_be_visible()
    assert reader.map.evaluate(LARGER) == 1


def test_in_projector_mode_quiet_words_have_the_ink_of_the_text(page: OpenPage) -> None:
    reader = Reader(page("/"))
    colour = "(node) => getComputedStyle(node).color"
    axes = reader.root.locator(".axes")
    ink = reader.root.evaluate(colour)
    assert axes.evaluate(colour) != ink
    project(reader.tab)
    assert axes.evaluate(colour) == ink


def test_the_key_takes_nothing_from_who_is_typing(page: OpenPage) -> None:
    tab = page("/")
    reader = Reader(tab)
    reader.box("text").fill("half a sent")
    project(tab)
    expect(reader.box("text")).to_have_value("half a sent")
    expect(reader.box("text")).to_be_focused()


def test_projector_mode_stays_from_page_to_page_and_points_truly_there(page: OpenPage) -> None:
    tab = page("/steps?step=encoder.softmax")
    tab.locator(READY).first.wait_for()
    project(tab)
    result = tab.locator('[data-headlight="steps"] [data-matrix=result] canvas')
    box = result.bounding_box()
    assert box
    # The last cell of the result: were the pointer read without the enlargement, it would be
    # taken for one outside.
    tab.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] - 12)
    expect(result).to_have_css("cursor", "crosshair")
    tab.goto("/positions")
    picture = tab.locator('[data-headlight="positions"] .panel').first
    picture.wait_for()
    assert picture.evaluate(LARGER) == pytest.approx(1.35)
    plane = tab.locator(PLANE).first
    plane.scroll_into_view_if_needed()
    plane.hover()
    # "x unified": the title of the label is x, which in the middle is half of the axis.
    title = tab.locator(".chart .hoverlayer .legendtitletext, .chart .hoverlayer text").first
    expect(title).to_be_visible()
    shown = float((title.text_content() or "").split()[0].replace("−", "-"))
    assert 47 <= shown <= 52


def test_a_phone_has_room_for_both_switches(page: OpenPage) -> None:
    tab = page("/", viewport=PHONE, locale="zh-CN")
    Reader(tab)
    for name in ("dark", "projector"):
        box = tab.locator(f"[data-look={name}]").bounding_box()
        assert box and box["width"] >= 24 and box["x"] + box["width"] <= PHONE[0]
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
