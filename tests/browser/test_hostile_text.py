"""What is typed stays text: no element, no script, no formula, no picture comes of it."""

from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, expect

from model_runtime.views import Look, View
from tests.browser.any_text import HARMLESS, Drive
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import DESKTOP, PHONE, Reader, model, row_names, traced
from tests.browser.test_exports import export
from tests.hostile import HOSTILE

IMAGE = HOSTILE["image"].text
MARKDOWN = HOSTILE["notices"].text
TEMPLATE = HOSTILE["template and script"].text
# One of each kind; `make hostile` drives all of them, through every view and every model.
TELLING = ("two scripts", "notices", "marks in a row", "digits")


# What a text could do to a page, done to it by hand; and what is said of it.
PLANTED = {
    "window.__pwned = 1": "A SCRIPT RAN",
    "document.title = 'x'": "the title is x",
    "main.insertAdjacentHTML('beforeend', '<img alt>')": "img, usually",
    "main.insertAdjacentHTML('beforeend', '<b onclick=x>')": "handlers, usually",
    "main.insertAdjacentHTML('beforeend', '<a href=//x.example>')": "links, usually",
    "main.insertAdjacentHTML('beforeend', '<i data-testid=stException>no</i>')": "shown: no",
    "main.insertAdjacentHTML('beforeend', '<p data-testid=stAlert><em>')": "is formatted",
    "main.insertAdjacentHTML('beforeend', '<style>__pwned')": "a style holds the text",
    "root.style.marginLeft = '-50px'": "attention is from -",
    "main.firstElementChild.style.width = '2000px'": "scrolls sideways",
    "document.body.style.display = 'none'": "the page is hidden",
    "root.querySelector('[data-key] .text').textContent = 'x'": "token 0 is shown as x and is",
    "root.querySelectorAll('[data-key]')[1].remove()": "tokens are shown",
    "root.dataset.state = 'busy'": "attention is busy",
    "root.remove()": "attention is not there",
}
PLANT = """(what) => {
  const main = document.querySelector("[data-testid=stMain]");
  const root = anyText.find("attention");
  new Function("main", "root", what)(main, root);
}"""


def test_telling_texts_go_through_all_pages(browser: Browser, server: str) -> None:
    drive = Drive(browser, server, model(), log=str)
    drive.through(
        [HOSTILE[name].text for name in TELLING], ["attention", "walk", "order", "sentence"]
    )
    drive.close()
    assert drive.failures == []


def test_the_drive_sees_what_is_wrong_with_a_page(browser: Browser, server: str) -> None:
    drive = Drive(browser, server, model(), log=str)
    drive.through([], ["attention"])  # what is usual there
    found = "\n".join(drive.problems(HARMLESS, "attention"))
    assert found == ""
    drive.settles_ms = 100
    for what, said in PLANTED.items():
        assert said not in found
        drive.tab.evaluate(PLANT, what)
        found = "\n".join(drive.problems(HARMLESS, "attention"))
        assert said in found, what
    drive.close()


def test_the_drive_hears_the_browser_and_the_server_complain(browser: Browser, server: str) -> None:
    drive = Drive(browser, server, model(), log=lambda: "Traceback (most recent call last)")
    drive.tab.evaluate("console.error('no'), fetch('http://x.example').catch(() => 0)")
    drive.tab.evaluate("alert('hello')")
    drive.through(["The cat."], ["attention"])
    drive.close()
    found = "\n".join(drive.failures)
    for problem in ("console: no", "another host: http://x.example", "a dialog", "server logs"):
        assert problem in found, found


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
