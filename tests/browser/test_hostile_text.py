"""What is typed stays text: no element, no script, no formula, no picture comes of it."""

from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from model_runtime.views import Look, View
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import DESKTOP, PHONE, Reader, row_names, traced
from tests.browser.test_exports import export

IMAGE = "<img src=x onerror=window.__pwned=1>"
MARKDOWN = "**b** $x$ :smile: [a](http://x) `c` ~~d~~ <b>e</b> ![f](http://y/z.png) -> ☃"
TEMPLATE = (
    "{{constructor}} ${x} {name} %s &amp; &lt;b&gt; </script><script>window.__pwned=1</script>"
)


def is_unharmed(reader: Reader) -> bool:
    """Whether nothing that was typed has become an element or has run."""
    tab = reader.tab
    assert tab.evaluate("window.__pwned") is None
    assert tab.locator("img[src=x], img[src*='http://y']").count() == 0
    assert reader.root.locator("img, script, iframe, a[href='http://x']").count() == 0
    assert tab.locator("script:not([src])", has_text="__pwned").count() == 0
    return True


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("text", [IMAGE, TEMPLATE])
def test_typed_markup_stays_text(page: OpenPage, text: str, viewport: tuple[int, int]) -> None:
    reader = Reader(page(viewport=viewport))
    reader.enter(text)
    assert reader.tokens("key") == [token.text for token in traced(text).reading.source]
    reader.hover(1, 2)
    reader.twin()
    assert is_unharmed(reader)


def test_markup_in_the_address_stays_text(page: OpenPage) -> None:
    address = f"/?text={quote(IMAGE)}&target={quote(IMAGE)}&stack=decoder"
    reader = Reader(page(address))
    expected = row_names(Look(traced(IMAGE, IMAGE), "decoder", View()))
    assert reader.tokens("query") == expected
    for kind in ("query", "key"):
        reader.root.locator(f'[data-{kind}="1"]').hover()
    reader.twin()
    assert is_unharmed(reader)


def test_a_hostile_target_typed_stays_text(page: OpenPage) -> None:
    reader = Reader(page())
    reader.enter(IMAGE, key="target")
    assert reader.box("target").input_value() == IMAGE
    reader.choose_stack("decoder")
    reader.choose(1, 1)
    assert is_unharmed(reader)


def test_markdown_stays_literal_in_notices(page: OpenPage) -> None:
    reader = Reader(page())
    reader.enter(MARKDOWN)
    unknown = sorted({t.text for t in traced(MARKDOWN).reading.source if t.is_unknown})
    assert "☃" in unknown
    for text in unknown:
        expect(reader.notices).to_contain_text(text)
    assert reader.alerts.locator("a, em, strong, code, del, .katex, img").count() == 0
    assert is_unharmed(reader)


def test_markdown_in_parameters_is_shown_to_the_letter(page: OpenPage) -> None:
    value = "**b**$x$:smile:[a](//x)"
    names = ("stack", "model", "layer", "mean", "lang")
    # What does not begin with builtin: is tried as a checkpoint of the visitor's own.
    asked = dict.fromkeys(names, value) | {"model": f"builtin:{value}"}
    reader = Reader(page("/?" + urlencode(asked)))
    said = [text.replace("\u2060", "") for text in reader.alerts.all_inner_texts()]
    assert len(said) == len(names)
    assert [text for text in said if value not in text] == []
    assert reader.alerts.locator("a, em, strong, code, .katex, img").count() == 0
    assert is_unharmed(reader)


def test_the_svg_escapes_what_was_typed(page: OpenPage) -> None:
    text = IMAGE + " & \"quoted\" 'text' ]]>"
    reader = Reader(page(f"/?text={quote(text)}&stack=encoder"))
    _, content = export(reader, "svg")
    root = ElementTree.fromstring(content)
    tags = {node.tag.split("}")[1] for node in root.iter()}
    assert not tags & {"img", "script", "foreignObject", "a"}
    texts = [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for token in traced(text).reading.source:
        assert token.text in texts
    assert {"<", "&"} & set("".join(texts))


def test_a_formula_is_not_one_in_the_csv(page: OpenPage) -> None:
    text = "=1+1 @SUM -2 +3"
    reader = Reader(page(f"/?text={quote(text)}&stack=encoder"))
    _, content = export(reader, "csv")
    lines = content.decode("utf-8-sig").splitlines()[1:]
    assert lines[0].startswith("'=")
    assert not any(line.lstrip('"')[:1] in "=+-@" for line in lines)
