"""From page to page: nothing that was chosen is lost, and a link leads to the cell it names."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import Reader


def parameters(tab: Page) -> dict[str, str]:
    """The address's parameters, one value each."""
    return {key: values[0] for key, values in parse_qs(urlsplit(tab.url).query).items()}


def go(tab: Page, page: str) -> None:
    """Click a page's link, and wait until it is there."""
    tab.locator(f'[data-headlight="navigation"] [data-page="{page}"]').click()
    expect(tab.locator(f'[data-page="{page}"]')).to_have_attribute("aria-current", "page")
    settle(tab)


def test_a_link_carries_the_text_and_the_head_to_the_other_page_and_back(page: OpenPage) -> None:
    tab = page("/?text=A+dog.&stack=decoder&layer=0&head=1")
    Reader(tab)
    go(tab, "steps")
    assert urlsplit(tab.url).path == "/steps"
    asked = {"text": "A dog.", "stack": "decoder", "layer": "0", "head": "1"}
    assert parameters(tab) == asked
    go(tab, "attention")
    assert urlsplit(tab.url).path == "/"
    reader = Reader(tab)
    assert parameters(tab) == asked
    assert reader.box("text").input_value() == "A dog."
    expect(reader.root).to_have_attribute("data-layer", "0")
    expect(reader.root).to_have_attribute("data-head", "1")


def test_back_and_forward_walk_over_the_pages(page: OpenPage) -> None:
    tab = page("/?text=A+dog.&stack=decoder&layer=0&head=1")
    Reader(tab)
    go(tab, "steps")
    tab.go_back()
    expect(tab.locator('[data-page="attention"]')).to_have_attribute("aria-current", "page")
    assert Reader(tab).box("text").input_value() == "A dog."
    tab.go_forward()
    expect(tab.locator('[data-page="steps"]')).to_have_attribute("aria-current", "page")
    expect(tab.locator(".st-key-text input")).to_have_value("A dog.")


def test_a_text_too_long_for_an_address_goes_along_all_the_same(page: OpenPage) -> None:
    tab = page("/?model=builtin:writer")
    reader = Reader(tab)
    text = "A dog sleeps. " * 3000
    reader.enter(text)
    assert "text" not in parameters(tab)
    go(tab, "steps")
    expect(tab.locator(".st-key-text input")).to_have_value(text)


def test_a_pinned_row_that_counts_words_stays_behind(page: OpenPage) -> None:
    tab = page("/?words=1&stack=encoder&layer=0&head=0&row=2")
    Reader(tab)
    go(tab, "steps")
    assert "row" not in parameters(tab)


def test_the_link_of_a_pinned_row_names_the_positions_of_its_tokens(page: OpenPage) -> None:
    tab = page("/?stack=encoder&layer=1&head=2&row=3&specials=0")
    reader = Reader(tab)
    reader.root.locator("[data-steps]").click()
    expect(tab.locator('[data-page="steps"]')).to_have_attribute("aria-current", "page")
    settle(tab)
    found = parameters(tab)
    assert {key: found[key] for key in ("stack", "layer", "head", "row")} == {
        "stack": "encoder", "layer": "1", "head": "2", "row": "3",
    }  # fmt: skip
    assert found["col"].isdigit()


def test_a_page_is_found_by_its_address_alone(page: OpenPage, watch: Watch) -> None:
    # Streamlit looks for its server below the path first.
    watch.expected_errors.append(r"404 .*/steps/_stcore/")
    tab = page("/steps?text=A+dog.")
    expect(tab.locator('[data-page="steps"]')).to_have_attribute("aria-current", "page")
    expect(tab.locator(".st-key-text input")).to_have_value("A dog.")


def test_back_leads_to_the_step_that_was_left(page: OpenPage, watch: Watch) -> None:
    watch.expected_errors.append(r"404 .*/steps/_stcore/")
    tab = page("/steps?text=A+dog.&step=cross.dot")
    root = tab.locator('[data-headlight="steps"]')
    expect(root).to_have_attribute("data-state", "ready")
    tab.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-step", "cross.scale")
    go(tab, "attention")
    Reader(tab)
    tab.go_back()
    expect(root).to_have_attribute("data-step", "cross.scale")
    assert parameters(tab)["step"] == "cross.scale"
