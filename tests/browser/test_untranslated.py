"""On a Chinese page nothing is left in English but names, mathematics and what was typed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import OpenContext, OpenPage, Watch, settle
from tests.browser.test_attention_driver import Reader
from tests.browser.test_connection import COMPLAINTS, Wire

READY = "[data-headlight][data-state=ready], .broken"
TYPED = "z"  # what is typed here; too short for a word
# Words in the Latin alphabet, with where they stand: texts and what is read aloud, in all shadow
# roots. Mathematics, code and icons (whose names stand for pictures) are no words.
LATIN = """() => {
  const found = [];
  const isWord = (text) => /[A-Za-z]{2}/.test(text) && !/\\p{Script=Han}/u.test(text);
  const names = ["aria-label", "title", "placeholder", "alt", "aria-roledescription"];
  const skipped =
    "script, style, noscript, title, math, code, pre, .symbol, [translate=no]";
  const read = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) read(node.shadowRoot);
      if (node.closest(skipped)) continue;
      const inside = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE);
      const texts = inside.map(({ data }) => data);
      for (const name of names) if (node.hasAttribute(name)) texts.push(node.getAttribute(name));
      found.push(...texts.filter(isWord).map((text) => text.trim()));
    }
  };
  read(document);
  return [...new Set(found)];
}"""
# Names, symbols and settings that are written so everywhere.
NAMES = {
    "Headlight", "EN", "PNG", "SVG", "CSV", "NPZ", "NumPy", "softmax", "exp", "pattern", "PE",
    "ALiBi", "make run", "d_model", "d_head", "default", "linear", "dynamic", "yarn", "llama3",
    "translator",
}  # fmt: skip
# Special tokens, and where something stands in a module.
EXEMPT = re.compile(r"\[(BOS|EOS|PAD|UNK|MASK)\]|\w+(\.\w+)+")


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")


def untranslated(tab: Page) -> list[str]:
    """The texts of a page that are in no language but English."""
    left = []
    for text in tab.evaluate(LATIN):
        words = re.findall(r"[A-Za-z_]{2,}\d?(?: run)?", EXEMPT.sub("", text))
        if any(word not in NAMES for word in words):
            left.append(text)
    return left


@pytest.mark.parametrize(
    "path",
    [
        "/?",
        "/steps?step=encoder.softmax",
        "/steps?show=example",
        "/steps?show=mistakes",
        *(
            f"/positions?enc={name}"
            for name in ("sinusoidal", "learned", "rotary", "relative", "order", "sentence")
        ),
    ],
)
def test_every_word_of_a_page_is_chinese(page: OpenPage, path: str) -> None:
    tab = page(f"{path}&text={TYPED}&target={TYPED}", locale="zh-CN")
    tab.locator(READY).first.wait_for()
    settle(tab)
    # Streamlit's own words are replaced, all at once, when the component that does it has come.
    expect(tab.get_by_text("Skip to main content")).to_have_count(0)
    assert untranslated(tab) == []


def test_what_streamlit_says_while_one_types_and_picks_is_chinese(page: OpenPage) -> None:
    reader = Reader(page(f"/?text={TYPED}", locale="zh-CN"))
    reader.box("text").fill(f"{TYPED} {TYPED}")
    expect(reader.tab.get_by_text("按回车键确认")).to_be_visible()
    assert untranslated(reader.tab) == []
    picked = reader.tab.locator(".st-key-_model input")
    picked.click()
    picked.fill(TYPED)
    expect(reader.tab.get_by_text(f"打开：{TYPED}")).to_be_visible()
    assert untranslated(reader.tab) == []


def test_what_streamlit_says_of_a_lost_server_is_chinese_and_says_what_to_do(
    browser_context: OpenContext, watch: Watch
) -> None:
    watch.expected_errors += COMPLAINTS
    tab = browser_context(locale="zh-CN").new_page()
    wire = Wire(tab)
    tab.goto(f"/?text={TYPED}")
    Reader(tab)
    wire.cut()
    dialog = tab.get_by_role("dialog", name="Headlight 没有响应")
    expect(dialog).to_be_visible()
    assert "make run" in dialog.inner_text() or "网络" in dialog.inner_text()
    assert untranslated(tab) == []


def test_with_the_language_the_words_come_back_and_go_again(page: OpenPage) -> None:
    reader = Reader(page(f"/?text={TYPED}", locale="zh-CN"))
    box = reader.tab.locator(".st-key-_model input")
    for language, placeholder in (("EN", "Choose or add an option"), ("中文", "选择或输入")):
        reader.tab.get_by_role("radio", name=language).click()
        expect(box).to_have_attribute("placeholder", placeholder)


def test_a_word_of_a_model_is_not_taken_for_one_of_streamlits(page: OpenPage) -> None:
    tab = page("/?model=builtin%3Awriter&text=Help&target=Open", locale="zh-CN")
    reader = Reader(tab)
    expect(reader.root.locator('[data-query="1"]')).to_contain_text("Help")
    tab.locator('[data-headlight="predictions"]').scroll_into_view_if_needed()
    predictions = tab.locator(".predictions")
    expect(predictions).to_contain_text("Help")
    expect(predictions).not_to_contain_text("帮助")
