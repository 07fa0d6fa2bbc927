"""One token pointed at lights up in all pictures; a pinned row stays; the keyboard does it all."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    first_text,
    model,
    traced,
    true_map,
)

INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) % 1000000007;
  return sum;
}"""


def marks(reader: Reader) -> dict[str, int]:
    """A number for what each picture draws; it differs if one pixel does."""
    overlays = {
        "grid": reader.root.locator(".grid-pane canvas.over"),
        "map": reader.root.locator(".map-pane canvas.over"),
        "lines": reader.root.locator(".lines-pane canvas"),
    }
    return {name: int(canvas.evaluate(INK)) for name, canvas in overlays.items()}


def strongest(layer: int, head: int, row: int) -> int:
    """The key with the largest share of a row of the first text's cross-attention."""
    return int(true_map(first_text(), "cross", layer, head).pattern[row].argmax())


def query(reader: Reader, row: int) -> Locator:
    """A token on the lines' left side."""
    return reader.root.locator(f'[data-query="{row}"]')


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_token_pointed_at_in_the_lines_lights_up_everywhere(
    page: OpenPage, viewport: tuple[int, int]
) -> None:
    reader = Reader(page("/?layer=1&head=0", viewport=viewport))
    before = marks(reader)
    query(reader, 2).hover()
    assert reader.lit("query") == [2]
    trace, key = traced(first_text()), strongest(1, 0, 2)
    share = true_map(first_text(), "cross", 1, 0).pattern[2, key]
    for said in (trace.reading.target[3].text, trace.reading.source[key].text, f"{share:.2f}"):
        expect(reader.readout).to_contain_text(said)
    after = marks(reader)
    assert [name for name in before if before[name] == after[name]] == []


def test_a_cell_pointed_at_in_the_map_lights_up_everywhere(page: OpenPage) -> None:
    reader = Reader(page())
    before = marks(reader)
    reader.hover(3, 4)
    assert (reader.lit("query"), reader.lit("key")) == ([3], [4])
    after = marks(reader)
    assert [name for name in before if before[name] == after[name]] == []
    reader.tab.mouse.move(2, 2)
    expect(reader.root.locator(".token.lit")).to_have_count(0)
    expect(reader.tooltip).to_be_hidden()
    assert marks(reader) == before


def test_the_lines_of_a_row_carry_its_shares(page: OpenPage) -> None:
    reader = Reader(page("/?layer=2&head=3"))
    query(reader, 1).hover()
    shares = true_map(first_text(), "cross", 2, 3).pattern[1]
    for key, share in enumerate(shares):
        text = reader.root.locator(f'[data-key="{key}"] .share').inner_text()
        assert text == (f"{share:.2f}" if share >= 0.005 else "")


def test_a_click_pins_a_row_which_stays_until_escape(page: OpenPage) -> None:
    reader = Reader(page("/?layer=1&head=0"))
    reader.hover(4, 2)
    reader.tab.mouse.down()
    reader.tab.mouse.up()
    reader.shows(row=4)
    assert reader.url()["row"] == "4"
    reader.tab.mouse.move(2, 2)
    expect(query(reader, 4)).to_have_class(r"token pinned")
    expect(reader.readout).to_contain_text(traced(first_text()).reading.target[5].text)
    reader.choose(2, 2)
    reader.shows(row=4)
    share = true_map(first_text(), "cross", 2, 2).pattern[4].max()
    expect(reader.readout).to_contain_text(f"{share:.2f}")
    reader.tab.keyboard.press("Escape")
    reader.shows(row="")
    assert "row" not in reader.url()
    expect(query(reader, 4)).to_have_class(r"token")


def test_a_click_on_a_token_pins_and_unpins_its_row(page: OpenPage) -> None:
    reader = Reader(page())
    for _ in range(2):
        query(reader, 3).click()
        reader.shows(row=3)
        query(reader, 3).click()
        reader.shows(row="")
    query(reader, 3).click()
    reader.readout.get_by_role("button", name="unpin").click()
    reader.shows(row="")


def test_arrow_keys_choose_heads_in_the_grid(page: OpenPage) -> None:
    reader = Reader(page("/?layer=0&head=0"))
    reader.root.locator('[data-cell="0,0"]').focus()
    for key, cell in (("ArrowRight", "0,1"), ("ArrowDown", "1,1"), ("ArrowLeft", "1,0")):
        reader.tab.keyboard.press(key)
        expect(reader.root.locator(f'[data-cell="{cell}"]')).to_be_focused()
    reader.tab.keyboard.press("End")
    reader.tab.keyboard.press("Enter")
    last = model().info.n_heads - 1
    reader.shows(layer=1, head=last)
    chosen = reader.root.locator('[data-cell][aria-selected="true"]')
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_attribute("data-cell", f"1,{last}")
    assert reader.twin().shares == pytest.approx(
        true_map(first_text(), "cross", 1, last).pattern, abs=1e-5
    )


def test_arrow_keys_walk_the_cells_of_the_map_and_are_read_out(page: OpenPage) -> None:
    reader = Reader(page("/?layer=1&head=0"))
    trace, shares = traced(first_text()), true_map(first_text(), "cross", 1, 0).pattern
    reader.map.focus()
    reader.tab.keyboard.press("ArrowRight")  # shows where the walk starts
    for key, row, col in (
        ("ArrowRight", 0, 1),
        ("ArrowDown", 1, 1),
        ("End", 1, len(shares[0]) - 1),
    ):
        reader.tab.keyboard.press(key)
        assert (reader.lit("query"), reader.lit("key")) == ([row], [col])
        assert reader.account()["share"] == pytest.approx(shares[row, col], abs=1e-5)
        target, source = trace.reading.target[row + 1].text, trace.reading.source[col].text
        for said in (target, source, f"{shares[row, col]:.2f}"):
            expect(reader.readout).to_contain_text(said)
        expect(reader.root.get_by_role("status")).to_contain_text(
            f"“{source}” {shares[row, col]:.2f}"
        )
    reader.tab.keyboard.press("Enter")
    reader.shows(row=1)
    reader.tab.keyboard.press("Escape")
    reader.shows(row="")


def test_the_tab_key_reaches_stacks_heads_map_and_measures(page: OpenPage) -> None:
    reader = Reader(page())
    reader.root.locator('[role=tab][aria-selected="true"]').focus()
    reached = set()
    active = "(root) => { const a = root.getRootNode().activeElement; return !a ? '' : "
    active += "a.dataset.cell ? 'head' : 'map' in a.dataset ? 'map' : a.dataset.measure ?? '' }"
    for _ in range(24):
        reader.tab.keyboard.press("Tab")
        reached.add(reader.root.evaluate(active))
    assert {"head", "map", "entropy", "first"} <= reached


def test_arrow_keys_change_the_stack(page: OpenPage) -> None:
    reader = Reader(page("/?stack=encoder"))
    reader.root.locator('[role=tab][aria-selected="true"]').focus()
    reader.tab.keyboard.press("ArrowRight")
    reader.shows(stack="decoder")
    reader.tab.keyboard.press("ArrowRight")
    reader.shows(stack="cross")
