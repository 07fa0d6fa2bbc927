"""The tour of each page: it points at what is there, and ends at any time."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import OpenPage, Watch
from tests.browser.test_attention_driver import PHONE
from viz.tours import TOURS

READY = "[data-headlight][data-state=ready]"
# The example by hand has matrices of its own; the walk has none of them.
ELSEWHERE = {"Numbers to change"}


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")


def begin(tab: Page) -> Page:
    """Start the tour of a page that is drawn."""
    tab.locator(READY).first.wait_for()
    tab.locator('[data-part="tour"] .start').click()
    expect(tab.locator('[data-part="tour"] .card')).to_be_visible()
    return tab


def covers(tab: Page) -> bool:
    """Whether the ring lies on the screen and has a size."""
    box = tab.locator('[data-part="tour"] .ring').bounding_box()
    size = tab.viewport_size
    assert box and size
    return box["width"] > 10 and box["height"] > 10 and 0 <= box["y"] < size["height"]


@pytest.mark.parametrize(
    ("address", "name"),
    [("/", "attention"), ("/steps?step=encoder.softmax", "steps"), ("/positions", "positions")],
)
def test_the_tour_stops_at_everything_that_it_names(
    page: OpenPage, address: str, name: str
) -> None:
    tab = begin(page(address, reduced_motion=True))
    seen = []
    card = tab.locator('[data-part="tour"] .card')
    while card.is_visible():
        seen.append(card.locator("strong").inner_text())
        tab.wait_for_timeout(100)
        assert covers(tab), seen[-1]
        tab.keyboard.press("ArrowRight")
    assert seen == [stop.title for stop in TOURS[name] if stop.title not in ELSEWHERE]


def test_on_a_phone_in_chinese_the_tour_goes_back_and_ends_with_escape(page: OpenPage) -> None:
    tab = begin(page("/", viewport=PHONE, locale="zh-CN"))
    card = tab.locator('[data-part="tour"] .card')
    first = card.locator("strong").inner_text()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in first)
    tab.keyboard.press("ArrowRight")
    expect(card.locator("strong")).not_to_have_text(first)
    tab.keyboard.press("ArrowLeft")
    expect(card.locator("strong")).to_have_text(first)
    box = card.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0]
    tab.keyboard.press("Escape")
    expect(card).to_be_hidden()
    # Whoever began it with the keyboard goes on from there.
    focused = tab.locator('[data-part="tour"]').evaluate(
        "n => n.getRootNode().activeElement?.className"
    )
    assert focused == "start"


def test_it_can_be_skipped_and_the_page_is_as_it_was(page: OpenPage) -> None:
    tab = begin(page("/?text=A+dog."))
    tab.locator('[data-tour="skip"]').click()
    expect(tab.locator('[data-part="tour"] .card')).to_be_hidden()
    assert tab.url.endswith("/?text=A+dog.")
    expect(tab.locator(".st-key-text input")).to_have_value("A dog.")
