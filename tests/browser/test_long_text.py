"""Beyond some sixty tokens one head at a time is fetched; its numbers are as true."""

import numpy as np
import pytest
from playwright.sync_api import Route, expect

from tests.browser.driving import OpenPage, Watch
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    assert_same_map,
    traced,
    true_map,
)
from viz.components.attention import max_pool, quantise, thumbnail_side

TEXT = " ".join(["The old man sat by the river and watched the boats go by."] * 7)
HEAD = "**/api/trace/*/encoder/*/*"


@pytest.fixture(params=[DESKTOP, PHONE])
def reader(page: OpenPage, request: pytest.FixtureRequest) -> Reader:
    address = f"/?text={TEXT}&stack=encoder&layer=0&head=0"
    return Reader(page(address, viewport=request.param))


def test_the_text_is_long_enough_for_this_file() -> None:
    assert 64 < len(traced(TEXT).reading.source) < 128


def test_a_click_fetches_the_true_numbers_once(reader: Reader, watch: Watch) -> None:
    for layer, head in ((0, 1), (2, 5), (0, 1)):
        reader.choose(layer, head)
        assert_same_map(reader.twin(), true_map(TEXT, "encoder", layer, head))
    fetched = [url for url in watch.requests if "/encoder/0/1" in url]
    assert len(fetched) == 1


def test_the_other_stacks_are_fetched_too(page: OpenPage) -> None:
    reader = Reader(page(f"/?text={TEXT}&stack=cross&layer=1&head=1"))
    assert_same_map(reader.twin(), true_map(TEXT, "cross", 1, 1))
    reader.choose_stack("decoder")
    twin = reader.twin()
    assert_same_map(twin, true_map(TEXT, "decoder", 1, 1))
    assert np.isnan(twin.shares).any()


def test_rounded_shares_are_drawn_until_the_exact_ones_are_here(reader: Reader) -> None:
    held: list[Route] = []
    reader.tab.route(HEAD, lambda route: held.append(route))
    reader.root.locator('[data-cell="1,4"]').click()
    expect(reader.root).to_have_attribute("data-state", "loading")
    reader.shows(layer=1, head=4)
    rough = reader.root.locator("[data-measure=entropy]").get_attribute("data-value")
    assert float(rough or "nan") > 0
    reader.root.locator('[data-query="2"]').hover()
    expect(reader.readout).to_contain_text("≈")
    for route in held:
        route.continue_()
    reader.ready()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 1, 4))


def test_a_trace_that_is_gone_is_said_and_can_be_tried_again(reader: Reader, watch: Watch) -> None:
    watch.expected_errors.append("410")
    reader.tab.route(HEAD, lambda route: route.fulfill(status=410, body="gone"))
    reader.root.locator('[data-cell="2,2"]').click()
    expect(reader.root).to_have_attribute("data-state", "failed")
    failure = reader.root.get_by_role("alert")
    expect(failure).to_contain_text("L2 H2")
    again = failure.get_by_role("button")
    again.click()
    expect(reader.root).to_have_attribute("data-state", "failed")
    reader.tab.unroute(HEAD)
    again.click()
    reader.ready()
    expect(failure).to_be_hidden()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 2, 2))


def test_fast_clicks_end_at_the_last_head(reader: Reader) -> None:
    for layer, head in ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (2, 4)):
        reader.root.locator(f'[data-cell="{layer},{head}"]').click()
    reader.shows(layer=2, head=4)
    reader.ready()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 2, 4))


def test_numbers_are_on_their_way_from_the_press_on(reader: Reader, watch: Watch) -> None:
    place = reader.root.locator('[data-cell="1,2"]')
    place.hover()
    with reader.tab.expect_response("**/encoder/1/2"):
        reader.tab.mouse.down()
    reader.shows(layer=0, head=0)
    reader.tab.mouse.up()
    reader.shows(layer=1, head=2)
    reader.ready()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 1, 2))
    assert len([url for url in watch.requests if "/encoder/1/2" in url]) == 1


def test_a_press_that_fails_leaves_the_click_to_try_again(reader: Reader, watch: Watch) -> None:
    watch.expected_errors.append("503")
    reader.tab.route(HEAD, lambda route: route.fulfill(status=503, body="busy"))
    reader.root.locator('[data-cell="1,2"]').hover()
    with reader.tab.expect_response("**/encoder/1/2"):
        reader.tab.mouse.down()
    reader.tab.unroute(HEAD)
    reader.tab.mouse.up()
    reader.shows(layer=1, head=2)
    reader.ready()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 1, 2))


def test_a_bar_says_that_numbers_are_on_their_way_once_that_takes_a_while(reader: Reader) -> None:
    held: list[Route] = []
    reader.tab.route(HEAD, lambda route: held.append(route))
    bar = reader.root.get_by_role("progressbar")
    expect(bar).to_be_hidden()
    reader.root.locator('[data-cell="2,1"]').click()
    expect(bar).to_be_visible()
    for route in held:
        route.continue_()
    reader.ready()
    expect(bar).to_be_hidden()


def test_who_walks_by_keys_finds_the_next_head_there(reader: Reader, watch: Watch) -> None:
    watch.expected_errors.append("ERR_FAILED")  # of the head after it, which nobody is told of
    reader.choose(0, 1)
    with reader.tab.expect_response("**/encoder/0/3"):
        reader.tab.keyboard.press("ArrowRight")
    reader.shows(layer=0, head=2)
    reader.tab.route(HEAD, lambda route: route.abort())
    reader.tab.keyboard.press("ArrowRight")
    reader.shows(layer=0, head=3)
    reader.ready()
    assert_same_map(reader.twin(), true_map(TEXT, "encoder", 0, 3))
    assert len([url for url in watch.requests if "/encoder/0/3" in url]) == 1


def test_a_click_fetches_its_own_head_alone(reader: Reader, watch: Watch) -> None:
    before = len(watch.requests)
    reader.choose(1, 2)
    reader.choose(2, 2)
    reader.tab.wait_for_load_state("networkidle")
    fetched = [url.split("/api/trace/")[1] for url in watch.requests[before:] if "/trace/" in url]
    assert [url.split("/", 1)[1] for url in fetched] == ["encoder/1/2", "encoder/2/2"]


def test_a_rounded_share_has_one_line_and_not_one_for_each_of_its_cells(reader: Reader) -> None:
    reader.choose(0, 1)
    reader.tab.route(HEAD, lambda route: None)
    reader.tab.evaluate(
        """() => {
          const draw = Path2D.prototype.bezierCurveTo;
          window.__lines = new Set();
          Path2D.prototype.bezierCurveTo = function (...ends) {
            window.__lines.add(String(ends));
            return draw.apply(this, ends);
          };
        }"""
    )
    reader.root.locator('[data-cell="1,4"]').click()
    expect(reader.root).to_have_attribute("data-state", "loading")
    n = len(traced(TEXT).reading.source)
    side = thumbnail_side(n)
    pattern = true_map(TEXT, "encoder", 1, 4).pattern.astype(np.float32)
    shares = max_pool(quantise(pattern), side, side)
    assert 0 < reader.tab.evaluate("window.__lines.size") <= np.sum(shares >= 0.02 * 255)
