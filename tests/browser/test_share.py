"""A link to what is on the screen, its QR code, and what a link locks and hides."""

from urllib.parse import parse_qs, urlsplit

import numpy as np
import zxingcpp
from playwright.sync_api import Page, expect

from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import PHONE, Reader
from tests.browser.test_navigation import go, parameters

PIXELS = """async (image) => {
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, [...data].filter((_, i) => i % 4 === 0)];
}"""


def opened_menu(tab: Page) -> str:
    """Open the menu, and return the link in it."""
    menu = tab.locator('[data-part="share"]')
    menu.locator("summary").click()
    expect(menu.locator("img")).to_be_visible()
    return menu.locator("input.link").input_value()


def test_the_link_is_the_address_of_what_is_looked_at_and_the_code_holds_it(
    page: OpenPage, watch: Watch
) -> None:
    tab = page("/?text=A+dog.&stack=decoder&layer=1&head=2&row=1")
    Reader(tab)
    link = opened_menu(tab)
    here, there = urlsplit(tab.url), urlsplit(link)
    assert (there.path, there.query, there.port) == (here.path, here.query, here.port)
    # The code is looked at before the host of this machine is judged to be a stranger.
    image = tab.locator('[data-part="share"] img')
    width, pixels = image.evaluate(PIXELS)
    grey = np.array(pixels, dtype=np.uint8).reshape(-1, width)
    (code,) = zxingcpp.read_barcodes(grey)
    assert code.text == link
    assert not watch.strangers()


def test_rules_are_ticked_into_the_link_and_hold_for_whoever_opens_it(page: OpenPage) -> None:
    tab = page("/?text=A+dog.")
    Reader(tab)
    opened_menu(tab)
    menu = tab.locator('[data-part="share"]')
    for rule in ("lock.model", "lock.text", "hide.pages"):
        menu.locator(f'[data-rule="{rule}"]').check()
    asked = parse_qs(urlsplit(menu.locator("input.link").input_value()).query)
    assert asked == {"text": ["A dog."], "lock": ["model,text"], "hide": ["pages"]}
    assert "lock" not in parameters(tab)  # whoever made the link is free

    tab = page("/?text=A+dog.&lock=model,text&hide=pages")
    reader = Reader(tab)
    expect(reader.box("text")).to_be_disabled()
    expect(reader.box("text")).to_have_value("A dog.")
    expect(tab.locator(".st-key-_model input")).to_be_disabled()
    expect(tab.locator('[data-headlight="navigation"] a')).to_have_count(0)


def test_rules_go_along_from_page_to_page(page: OpenPage, watch: Watch) -> None:
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")
    tab = page("/?lock=text")
    Reader(tab)
    go(tab, "positions")
    assert parameters(tab)["lock"] == "text"
    expect(tab.locator(".st-key-text input")).to_be_disabled()
    go(tab, "attention")
    assert parameters(tab)["lock"] == "text"


def test_hidden_boxes_leave_the_picture_as_it_was(page: OpenPage) -> None:
    tab = page("/?text=A+dog.&hide=header", locale="zh-CN")
    reader = Reader(tab)
    expect(reader.box("text")).to_have_count(0)
    expect(reader.root).to_contain_text("查询")
    settle(tab)
    assert parameters(tab)["text"] == "A dog."


def test_a_link_that_cannot_be_copied_is_marked_so_that_it_can(page: OpenPage) -> None:
    tab = page("/", viewport=PHONE)
    Reader(tab)
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    link = opened_menu(tab)
    menu = tab.locator('[data-part="share"]')
    menu.locator('[data-do="copy"]').click()
    expect(menu.locator(".said")).to_contain_text("copy it by hand")
    marked = menu.locator("input.link").evaluate(
        "n => n.value.slice(n.selectionStart, n.selectionEnd)"
    )
    assert marked == link
    tab.keyboard.press("Escape")
    expect(menu.locator("details")).not_to_have_attribute("open", "")
