"""In Chinese, a label that is pointed at tells the English of its terms; in English, nothing."""

from playwright.sync_api import expect

from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import Reader


def test_a_chinese_label_tells_the_english_of_its_terms(page: OpenPage) -> None:
    reader = Reader(page("/", locale="zh-CN"))
    cross = reader.root.get_by_role("tab", name="交叉注意力")
    cross.hover()
    expect(cross).to_have_attribute("title", "交叉注意力: cross-attention")
    axes = reader.root.locator(".axes")
    axes.hover(position={"x": 5, "y": 5})
    expect(axes).to_have_attribute("title", "词元: token\n查询: query\n键: key")


def test_what_a_label_said_already_stays_and_comes_first(page: OpenPage) -> None:
    reader = Reader(page("/", locale="zh-CN"))
    steps = reader.tab.locator("[data-headlight=navigation] a").nth(2)
    before = steps.get_attribute("title")
    steps.hover()
    expect(steps).to_have_attribute("title", f"{before}\n位置编码: positional encoding")
    reader.map.hover()
    steps.hover()
    expect(steps).to_have_attribute("title", f"{before}\n位置编码: positional encoding")


def test_a_text_of_the_reader_is_no_label(page: OpenPage) -> None:
    tab = page("/?model=builtin%3Azh-en&text=%E9%94%AE&stack=encoder", locale="zh-CN")
    reader = Reader(tab)
    token = reader.root.locator('[data-query="0"]')
    expect(token).to_contain_text("键")
    token.hover()
    expect(token).not_to_have_attribute("title", "键: key")


def test_an_english_label_needs_none_and_loses_it_with_the_language(page: OpenPage) -> None:
    reader = Reader(page("/", locale="zh-CN"))
    cross = reader.root.get_by_role("tab").nth(2)
    cross.hover()
    expect(cross).to_have_attribute("title", "交叉注意力: cross-attention")
    reader.tab.get_by_role("radio", name="EN").click()
    expect(cross).to_have_text("cross-attention")
    reader.map.hover()
    cross.hover()
    expect(cross).not_to_have_attribute("title", "交叉注意力: cross-attention")
