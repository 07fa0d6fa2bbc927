"""For everyone, WCAG 2.2 AA: axe-core on every page, then what it cannot see: keys, words, colours.

axe-core is the script that axe-playwright-python brings. A page is loaded once and then asked in
each theme and language, and at the size of a phone.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import PHONE, Reader, first_text, traced, true_map
from viz.components import modules
from viz.theme import component_theme

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """async (levels) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: levels } });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? ""}`));
}"""
ENCODINGS = ("sinusoidal", "learned", "rotary", "relative", "order", "sentence")
PATHS = (
    "/",
    "/steps",
    "/steps?show=example",
    "/steps?show=mistakes",
    "/steps?stack=cross&step=cross.softmax&row=2&col=3",
    "/?model=nobody/knows-it",
    *(f"/positions?enc={name}" for name in ENCODINGS),
)
COMPONENT = Path(__file__).parents[2] / "viz" / "components" / "attention"

# What takes the pointer or the keyboard, in every shadow root.
EACH = """const each = (root, visit) => {
  for (const node of root.querySelectorAll("*")) {
    visit(node);
    if (node.shadowRoot) each(node.shadowRoot, visit);
  }
};"""
SMALL = f"""() => {{
  {EACH}
  const sought = "a[href], button, select, summary, textarea, [role=radio], [role=slider], "
    + "[role=gridcell], [role=listbox], [tabindex='0']:not(input, .stMain, .formula)";
  const small = [];
  each(document, (node) => {{
    if (!node.matches(sought) || node.dataset.testid === "stSkipToContent") return;
    const {{ width, height }} = node.getBoundingClientRect();
    const side = Math.min(width, height);
    if (side && side < 24 - 0.01) small.push(node.outerHTML.slice(0, 200));
  }});
  return small;
}}"""
# The element that has the focus, and whether a line around it or around what holds it shows that.
FOCUSED = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  if (!node || node === document.body) return null;
  const lined = (at) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  };
  let seen = false;
  for (let at = node, n = 0; at && n < 5; at = at.parentElement, n++) seen ||= lined(at);
  const name = node.getAttribute("aria-label") || node.textContent || node.tagName;
  const { cell, map } = node.dataset;
  const kind = cell ? "head" : map === "" ? "map" : node.className;
  return { seen, name: name.trim().slice(0, 60), kind };
}"""
MOVING = f"""() => {{
  {EACH}
  const moving = [];
  each(document, (node) => {{
    for (const part of [null, "::before", "::after"]) {{
      const style = getComputedStyle(node, part);
      const long = (times) => times.split(",").some((time) => parseFloat(time) > 0.001);
      const runs = style.animationName !== "none" && long(style.animationDuration);
      if (runs || long(style.transitionDuration)) moving.push(node.outerHTML.slice(0, 200));
    }}
  }});
  return moving;
}}"""


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server under the page's path first."""
    watch.expected_errors.append(r"404 .*/_stcore/(health|host-config)")


def violations(tab: Page) -> list[str]:
    """What axe-core finds, an entry for each element."""
    tab.evaluate(AXE)
    found: list[str] = tab.evaluate(RUN_AXE, LEVELS)
    return found


def drawn(tab: Page) -> None:
    """Return once the page's component has drawn itself and nothing is on its way."""
    settle(tab)
    tab.wait_for_function(
        "() => !document.querySelector('[data-state=loading], [data-stale=true]')"
    )
    tab.wait_for_timeout(150)  # colours fade from one theme to the other


def speak(tab: Page, language: str) -> None:
    """Choose a language, and wait until the page says that it has it."""
    tab.get_by_role("radio", name={"en": "EN", "zh-Hans": "中文"}[language]).click()
    tab.wait_for_function("(lang) => document.documentElement.lang === lang", arg=language)


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_no_violation_light_or_dark_small_or_large(page: OpenPage, path: str) -> None:
    tab = page(path)
    found: dict[str, list[str]] = {}
    looks: tuple[tuple[str, Literal["light", "dark"]], ...]
    looks = (("en", "light"), ("zh-Hans", "dark"))
    for language, scheme in looks:
        if language != "en":
            speak(tab, language)
        tab.emulate_media(color_scheme=scheme)
        drawn(tab)
        found[f"{language} {scheme}"] = violations(tab)
    tab.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    drawn(tab)
    found["phone"] = violations(tab)
    tab.set_viewport_size({"width": 1400, "height": 900})
    tab.keyboard.press("F2")
    drawn(tab)
    found["projector"] = violations(tab)
    assert {look: said for look, said in found.items() if said} == {}


def test_axe_sees_what_is_wrong(page: OpenPage) -> None:
    tab = page()
    unnamed = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    tab.locator(".stMain").evaluate("(m, html) => m.insertAdjacentHTML('beforeend', html)", unnamed)
    assert [said.split(":")[0] for said in violations(tab)] == ["image-alt"]


def luminance(colour: str) -> float:
    """WCAG 2: relative luminance of `rgb(r,g,b)` or `#rrggbb`, 0…1."""
    if colour.startswith("#"):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    else:
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """WCAG 2: 1 for the same colour, 21 for black on white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def steps_and_inks(browser: Browser, theme: dict[str, Any], ground: str) -> dict[str, Any]:
    """What colour.js makes of a theme on a ground: 256 colours and the ink on each."""
    tab = browser.new_page()
    tab.add_script_tag(content=modules.joined(COMPONENT, ("screen.js", "colour.js")))
    tab.evaluate("(c) => document.body.style.setProperty('--st-background-color', c)", ground)
    found: dict[str, Any] = tab.evaluate("(theme) => readPalette(theme, document.body)", theme)
    tab.close()
    return found


def test_contrast_is_21_between_black_and_white() -> None:
    assert contrast("rgb(0,0,0)", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("scale", ["sequential", "diverging"])
def test_a_number_can_be_read_on_each_of_the_256_colours(
    browser: Browser, ground: str, scale: str
) -> None:
    theme = {name: {**own, "sequential": own[scale]} for name, own in component_theme().items()}  # type: ignore[literal-required]
    found = steps_and_inks(browser, theme, component_theme()[ground]["ground"])
    assert (found["name"], len(found["css"]), len(found["inkOn"])) == (ground, 256, 256)
    assert min(map(contrast, found["css"], found["inkOn"])) >= 4.5


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_the_quiet_numbers_of_small_shares_can_be_read(browser: Browser, ground: str) -> None:
    found = steps_and_inks(browser, component_theme(), component_theme()[ground]["ground"])
    assert min(contrast(colour, found["quiet"]) for colour in found["css"][:12]) >= 4.5


@pytest.mark.parametrize("path", PATHS[:5])
@pytest.mark.parametrize("viewport", [(1400, 900), PHONE])
def test_every_target_is_24_pixels_wide_and_high(
    page: OpenPage, path: str, viewport: tuple[int, int]
) -> None:
    tab = page(path, viewport=viewport)
    drawn(tab)
    assert tab.evaluate(SMALL) == []


@pytest.mark.parametrize("path", PATHS[:4])
def test_the_tab_key_passes_through_the_page_and_shows_where_it_is(
    page: OpenPage, path: str
) -> None:
    tab = page(path)
    drawn(tab)
    stops = []
    for _ in range(150):
        tab.keyboard.press("Tab")
        if (stop := tab.evaluate(FOCUSED)) is None:
            break
        stops.append(stop)
    else:
        pytest.fail(f"never comes out: {stops[-3:]}")
    assert [stop["name"] for stop in stops if not stop["seen"]] == []
    assert {"Model", "Text", "Examples", "EN"} <= {stop["name"] for stop in stops}
    if path == "/":
        assert {"head", "map", "tokens queries", "tokens keys"} <= {stop["kind"] for stop in stops}


def test_in_the_lines_alone_the_keyboard_walks_the_queries_and_pins_one(page: OpenPage) -> None:
    reader = Reader(page("/?view=lines&layer=1&head=0"))
    queries = reader.root.locator(".queries")
    queries.focus()
    reader.tab.keyboard.press("ArrowDown")  # shows where the walk starts
    for key, row in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("Home", 0)):
        reader.tab.keyboard.press(key)
        assert (reader.lit("query"), reader.lit("key")) == ([row], [])
        option = queries.locator(f'[data-query="{row}"]')
        expect(queries).to_have_attribute(
            "aria-activedescendant", option.get_attribute("id") or "no id"
        )
    reader.tab.keyboard.press("End")
    reader.tab.keyboard.press("ArrowDown")
    last = len(true_map(first_text(), "cross", 1, 0).pattern) - 1
    assert reader.lit("query") == [last]
    reader.tab.keyboard.press("Enter")
    reader.shows(row=last)
    expect(queries.get_by_role("option", selected=True)).to_have_attribute("data-query", str(last))
    reader.tab.keyboard.press("Escape")
    reader.shows(row="")
    expect(queries.get_by_role("option", selected=True)).to_have_count(0)


def test_an_arrow_leads_from_the_queries_to_the_keys_and_back(page: OpenPage) -> None:
    reader = Reader(page("/?view=lines"))
    reader.root.locator(".queries").focus()
    for key, column, lit in (("ArrowRight", "keys", "key"), ("ArrowLeft", "queries", "query")):
        reader.tab.keyboard.press(key)
        expect(reader.root.locator(f".{column}")).to_be_focused()
        reader.tab.keyboard.press("ArrowDown")
        assert reader.lit(lit) == [0]
    reader.tab.keyboard.press("Tab")
    reader.tab.keyboard.press("Tab")
    assert reader.lit("query") == []


@pytest.mark.parametrize("by_key", [False, True])
def test_a_pinned_row_is_summed_up_in_a_sentence(page: OpenPage, by_key: bool) -> None:
    reader = Reader(page("/?layer=1&head=0"))
    if by_key:
        reader.map.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
            reader.tab.keyboard.press(key)
    else:
        reader.root.locator('[data-query="2"]').click()
    reader.shows(row=2)
    trace, shares = traced(first_text()), true_map(first_text(), "cross", 1, 0).pattern
    most = sorted(range(shares.shape[1]), key=lambda key: -shares[2, key])[:3]
    keys = [f"“{trace.reading.source[key].text}” {shares[2, key]:.2f}" for key in most]
    query = trace.reading.target[3].text
    said = (
        f"Pinned. Row 3 of {len(shares)}, “{query}”: most on {keys[0]}, then {', '.join(keys[1:])}."
    )
    expect(reader.root.get_by_role("status")).to_have_text(said)


def test_a_pointer_that_passes_says_nothing(page: OpenPage) -> None:
    reader = Reader(page())
    reader.hover(2, 3)
    expect(reader.readout).to_contain_text(traced(first_text()).reading.target[3].text)
    expect(reader.root.get_by_role("status")).to_be_empty()


def test_the_table_names_the_query_of_each_row_and_the_key_of_each_column(page: OpenPage) -> None:
    reader = Reader(page())
    twin = reader.twin()
    table = reader.root.locator("table[data-twin]")
    assert table.locator("th[scope=row]").all_text_contents() == twin.rows
    assert table.locator("th[scope=col]").all_text_contents()[1:] == twin.cols
    assert (len(twin.rows), len(twin.cols)) == twin.shares.shape


def test_escape_puts_a_definition_away_and_leaves_the_focus(page: OpenPage) -> None:
    reader = Reader(page())
    measure = reader.root.locator("[data-measure=entropy]")
    measure.focus()
    bubble = measure.get_by_role("tooltip")
    expect(bubble).to_be_visible()
    reader.tab.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    expect(measure).to_be_focused()
    measure.blur()
    measure.focus()
    expect(bubble).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/steps", "/steps?show=example"])
def test_nothing_moves_for_those_who_ask_for_less_motion(page: OpenPage, path: str) -> None:
    tab = page(path, reduced_motion=True)
    drawn(tab)
    assert tab.evaluate(MOVING) == []
