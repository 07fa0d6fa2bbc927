"""Step by step in Chromium: the walk, its arithmetic, its address, the example and the mistakes."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from model_runtime import catalog, textbook
from model_runtime.steps import walk
from model_runtime.steps.parts import Place, Step
from tests.browser.driving import OpenPage, Watch, settle
from tests.browser.test_attention_driver import PHONE, traced
from tests.browser.test_navigation import parameters

TEXT = "A dog."
CLOSE = 1e-5
BUDGET = 300_000  # bytes of the page's own, for a sentence of 64 tokens


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/steps/_stcore/(health|host-config)")


class Walker:
    """Somebody who walks through a pass."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.root = tab.locator('[data-headlight="steps"]')
        self.arithmetic = self.root.locator("[data-arithmetic]")
        self.ready()

    def ready(self) -> None:
        """Return once the step is there."""
        expect(self.root).to_have_attribute("data-state", "ready")
        settle(self.tab)

    def at(self, step: str) -> None:
        """Return once this step is shown."""
        expect(self.root).to_have_attribute("data-step", step)
        self.ready()

    @property
    def place(self) -> Place:
        """What is looked at."""
        told = {name: self.root.get_attribute(f"data-{name}") for name in WHERE}
        numbers = {name: int(told[name] or -1) for name in WHERE[1:]}
        stack = next(s for s in ("encoder", "decoder", "cross") if s == told["stack"])
        return Place(stack, **numbers)

    def cell(self) -> tuple[int, int]:
        """The cell whose arithmetic is written out: true row and column."""
        row, _, col = (self.arithmetic.get_attribute("data-cell") or "").partition(",")
        return int(row), int(col)

    def value(self, name: str = "value") -> float:
        """The model's own number in that cell, or the "computed" one."""
        return float(self.arithmetic.get_attribute(f"data-{name}") or "nan")


WHERE = ("stack", "layer", "head", "query", "key")


def step_of(walker: Walker, id_: str, text: str = TEXT, ref: str = catalog.DEFAULT) -> Step:
    """The step as this process takes it apart."""
    insides = catalog.open_model(ref).insides
    return walk.step(traced(text, ref=ref), insides, walker.place, id_, whole=True)


def outline(walker: Walker, text: str = TEXT, ref: str = catalog.DEFAULT) -> list[str]:
    """The ids of all steps, in order."""
    insides = catalog.open_model(ref).insides
    return [ref.id for ref in walk.outline(traced(text, ref=ref), walker.place, insides)]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_keyboard_walks_from_the_first_step_to_the_last_and_back(
    page: OpenPage, locale
) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}", locale=locale))
    ids = outline(walker)
    walker.at(ids[0])
    titles = set()
    for id_ in ids[1:]:
        walker.tab.keyboard.press("ArrowRight")
        walker.at(id_)
        titles.add(walker.root.locator("h3").inner_text())
        assert walker.root.locator("math .lit").count() == 1
    assert len(titles) > 20
    if locale == "zh-CN":
        chinese = [title for title in titles if re.search("[\u4e00-\u9fff]", title)]
        assert len(chinese) > 12
    walker.tab.keyboard.press("ArrowRight")
    walker.at(ids[-1])
    walker.tab.keyboard.press("ArrowLeft")
    walker.at(ids[-2])
    walker.root.locator('[data-walk="first"]').click()
    walker.at(ids[0])
    walker.tab.keyboard.press("End")  # the focus is within now
    walker.at(ids[-1])


COMPUTED = (
    "encoder.embedding", "encoder.positions", "encoder.norm", "encoder.q_all", "encoder.split",
    "encoder.dot", "encoder.softmax", "encoder.weigh", "encoder.heads", "encoder.out",
    "encoder.add_attn", "encoder.ffn_in", "encoder.activation", "encoder.ffn_out",
    "cross.k_all", "cross.scale", "decoder.mask", "decoder.final_norm", "decoder.unembed",
    "decoder.probabilities",
)  # fmt: skip


@pytest.mark.parametrize("section", ["encoder", "decoder", "cross"])
def test_the_arithmetic_of_a_cell_makes_the_number_that_the_model_made(
    page: OpenPage, section: str
) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}"))
    ids = outline(walker)
    for id_ in (id_ for id_ in COMPUTED if id_.startswith(section)):
        walker.root.locator(".tick").nth(ids.index(id_)).click()
        walker.at(id_)
        compare_cells(walker, id_)


def compare_cells(walker: Walker, id_: str) -> None:
    """The cell that is shown and some beside it: the model's own number, and the computed one."""
    result = step_of(walker, id_).result
    assert result
    largest = float(np.abs(result.values[np.isfinite(result.values)]).max())
    seen = set()
    board = walker.root.locator("[data-matrix=result] [tabindex]").first
    for key in (None, "ArrowRight", "ArrowDown", "ArrowRight"):
        if key:
            board.press(key)
        row, col = walker.cell()
        seen.add((row, col))
        at = result.rows.kept.index(row), result.cols.kept.index(col)
        own = float(result.values[at])
        if np.isfinite(own):
            assert abs(walker.value() - own) <= CLOSE * largest
            assert abs(walker.value("computed") - own) <= CLOSE * largest
    assert len(seen) > 1


def test_the_terms_of_a_score_are_the_products_of_query_and_key(page: OpenPage) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&step=cross.dot&digits=full"))
    place = walker.place
    record = traced(TEXT).record("cross", place.layer)
    q = record.q[place.head][place.query].astype(float)
    k = record.k[record.kv_head(place.head)][place.key].astype(float)
    terms = walker.arithmetic.locator("[data-row=product] [data-value]")
    found = [float(n.get_attribute("data-value") or "nan") for n in terms.all()]
    shown = [
        int(n.get_attribute("data-term") or "-1")
        for n in walker.arithmetic.locator("[data-term]").all()
    ]
    np.testing.assert_allclose(found[: len(shown)], (q * k)[shown], rtol=CLOSE)
    assert sum(found) == pytest.approx(float(q @ k), rel=CLOSE)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_pointing_at_a_cell_writes_its_arithmetic(page: OpenPage, locale) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&step=encoder.softmax", locale=locale))
    place = walker.place
    record = traced(TEXT).record("encoder", place.layer)
    pattern, scores = record.pattern(place.head), record.scores(place.head)
    canvas = walker.root.locator("[data-matrix=result] canvas").first
    box = canvas.bounding_box()
    assert box
    seen = set()
    for across, down in ((0.3, 0.4), (0.6, 0.7), (0.5, 0.5)):
        canvas.hover(position={"x": across * box["width"], "y": down * box["height"]})
        row, col = walker.cell()
        seen.add((row, col))
        assert walker.value() == pytest.approx(pattern[row, col], abs=CLOSE)
        parts = walker.arithmetic.locator("[data-part]").all()
        told = {n.get_attribute("data-part"): n.get_attribute("data-value") for n in parts}
        assert float(told["score"] or "nan") == pytest.approx(scores[row, col], rel=CLOSE)
        assert float(told["max"] or "nan") == pytest.approx(scores[row].max(), rel=CLOSE)
    assert len(seen) > 1


def test_a_pinned_cell_and_the_step_are_in_the_address_and_come_back(page: OpenPage) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&step=encoder.q_all"))
    board = walker.root.locator("[data-matrix=result] [tabindex]").first
    board.press("ArrowDown")
    board.press("Enter")
    row, col = walker.cell()
    expect(walker.tab).to_have_url(re.compile(f"pin={row}(,|%2C){col}"))
    value = walker.value()
    walker.tab.reload()
    again = Walker(walker.tab)
    again.at("encoder.q_all")
    assert again.cell() == (row, col) and again.value() == value


def test_walking_runs_no_script_and_stays_small(page: OpenPage, watch: Watch) -> None:
    text = ("A man in a red coat walks with his old dog. " * 6).strip()
    tab = page(f"/steps?model=builtin:blanks&text={quote(text)}")
    walker = Walker(tab)
    assert len(traced(text, ref="builtin:blanks").reading.source) >= 64
    bodies: list[int] = []
    messages: list[int] = []

    def count(socket) -> None:
        socket.on("framereceived", lambda frame: messages.append(len(frame)))

    tab.on("websocket", count)
    tab.on(
        "response",
        lambda answer: bodies.append(len(answer.body())) if "/api/" in answer.url else None,
    )
    tab.reload()
    walker = Walker(tab)
    assert sum(messages) + sum(bodies) <= BUDGET
    before = len(messages)
    for _ in range(8):
        tab.keyboard.press("ArrowRight")
        tab.wait_for_timeout(50)
    walker.ready()
    assert len(messages) == before


def test_files_of_a_step_hold_it_and_the_script_prints_it(page: OpenPage, tmp_path: Path) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&step=cross.softmax"))
    walker.root.locator("details.menu summary").click()
    with walker.tab.expect_download() as caught:
        walker.root.locator("[data-export=py]").click()
    script = tmp_path / "step.py"
    caught.value.save_as(script)
    assert "cross" in caught.value.suggested_filename
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, timeout=120
    )
    result = step_of(walker, "cross.softmax").result
    assert result
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", ran.stdout)]
    for value in result.values.ravel():
        assert min(abs(np.array(numbers) - value)) <= CLOSE


def test_the_code_of_a_step_leads_to_its_line(page: OpenPage) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&step=cross.weigh"))
    details = walker.root.locator("details.source-of")
    details.locator("summary").click()
    expect(details).to_contain_text("z = pattern @ v")
    with walker.tab.context.expect_page() as opened:
        details.locator("a").click()
    expect(opened.value.locator(":target")).to_contain_text("z = pattern @ v")


def test_space_plays_and_stops_on_a_fresh_page(page: OpenPage) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}", reduced_motion=True))
    ids = outline(walker)
    walker.tab.keyboard.press("Space")
    walker.at(ids[2])
    walker.tab.keyboard.press("Space")
    walker.ready()
    now = walker.root.get_attribute("data-step")
    walker.tab.wait_for_timeout(3500)
    assert walker.root.get_attribute("data-step") == now


def test_a_row_goes_by_what_it_reads_and_predicts(page: OpenPage) -> None:
    walker = Walker(page("/steps?stack=cross&layer=2&head=0&row=3&step=cross.softmax"))
    text = catalog.entry(catalog.DEFAULT).examples[0]
    made = traced(text)
    read, predicted = made.tokens("cross")[0][3], (made.predicted("cross") or ())[3]
    label = f"{read.text}→{predicted.text}"
    expect(walker.root.locator("[data-query='3']")).to_have_text(label)
    expect(walker.arithmetic).to_contain_text(label)


def test_hostile_tokens_are_text(page: OpenPage) -> None:
    walker = Walker(page("/steps?text=" + quote("<img src=x onerror=alert(1)> **b** $x$")))
    assert walker.root.locator("img, script, strong").count() == 0
    expect(walker.root).to_contain_text("<")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("view", ["walk", "example", "mistakes"])
def test_every_view_fits_a_phone(page: OpenPage, view: str, locale) -> None:
    tab = page(f"/steps?show={view}&step=cross.dot", viewport=PHONE, locale=locale)
    settle(tab)
    widest = "Math.max(...[...document.querySelectorAll('.stMain')].map((n) => n.scrollWidth))"
    assert tab.evaluate(widest) <= PHONE[0]
    assert tab.get_by_test_id("stException").count() == 0


READ_CELLS = """(root, name) => {
  const cells = [...root.querySelectorAll(`td[data-matrix="${name}"][data-cell]`)];
  return cells.map((cell) => cell.dataset.value);
}"""


def read(tab: Page, name: str) -> np.ndarray:
    """The numbers of one matrix of the example, as precise as the page has them."""
    found = tab.locator('[data-headlight="textbook"]').evaluate(READ_CELLS, name)
    return np.array([float(text) for text in found])


def test_the_example_begins_with_the_score_of_the_textbook(page: OpenPage) -> None:
    tab = page("/steps?show=example")
    expect(tab.locator('[data-headlight="textbook"]')).to_have_attribute("data-state", "ready")
    np.testing.assert_allclose(read(tab, "dot"), 0.32, atol=1e-12)
    np.testing.assert_allclose(read(tab, "scaled"), 0.32 / 3**0.5, atol=1e-12)
    np.testing.assert_allclose(read(tab, "shares"), 0.2, atol=1e-12)
    expect(tab.locator('[data-headlight="textbook"]')).to_contain_text("0.1848")


def test_a_changed_number_of_the_example_changes_all_that_follows(page: OpenPage) -> None:
    tab = page("/steps?show=example")
    root = tab.locator('[data-headlight="textbook"]')
    expect(root).to_have_attribute("data-state", "ready")
    q, k, v = textbook.example(5, 3)
    k = np.array(k, dtype=float)
    k[2, 1] = 4.5
    box = root.locator('[data-matrix="k"][data-cell="2,1"] input')
    box.fill("4.5")
    box.press("Enter")
    worked = textbook.worked(np.array(q), k, np.array(v))
    for name in ("dot", "scaled", "shares", "z"):
        expected = np.asarray(getattr(worked, name), dtype=float).ravel()
        np.testing.assert_allclose(read(tab, name), expected, atol=1e-12)
    tab.reload()
    expect(root).to_have_attribute("data-state", "ready")
    np.testing.assert_allclose(
        read(tab, "z"), np.asarray(worked.z, dtype=float).ravel(), atol=1e-12
    )


@pytest.mark.parametrize("mistake", ["no_root", "mask_after", "concatenated", "no_positions"])
def test_a_mistake_shows_both_sides_and_what_gives_it_away(page: OpenPage, mistake: str) -> None:
    tab = page(f"/steps?show=mistakes&mistake={mistake}&text={quote(TEXT)}")
    settle(tab)
    shown = tab.locator(".broken").first
    expect(shown).to_be_visible()
    assert tab.get_by_test_id("stException").count() == 0


def test_a_mistake_is_chosen_and_is_in_the_address(page: OpenPage) -> None:
    tab = page(f"/steps?show=mistakes&text={quote(TEXT)}")
    tab.get_by_role("radio", name="softmax over the wrong axis").click()
    expect(tab).to_have_url(re.compile("mistake=wrong_axis"))
    settle(tab)
    tab.go_back()
    settle(tab)
    assert "mistake" not in parameters(tab)


def test_an_address_that_asks_for_no_step_is_said(page: OpenPage) -> None:
    tab = page(f"/steps?text={quote(TEXT)}&step=magic.step&col=999")
    walker = Walker(tab)
    walker.at(outline(walker)[0])
    expect(tab.locator('[class*="st-key-notices"]')).to_contain_text("magic")


def test_from_view_to_view_the_place_stays_and_back_leads_through_them(page: OpenPage) -> None:
    walker = Walker(page(f"/steps?text={quote(TEXT)}&stack=cross&layer=2&head=0&row=1"))
    walker.root.locator("[data-pick=layer]").select_option("1")
    walker.root.locator("[data-pick=head]").select_option("3")
    walker.root.locator("[data-walk=on]").click()
    walker.at("encoder.ids")
    place = walker.place
    tab = walker.tab
    tab.locator("[data-show=mistakes]").click()
    expect(tab.locator(".broken")).to_contain_text("L1 H3")
    tab.locator("[data-show=example]").click()
    expect(tab.locator('[data-headlight="textbook"]')).to_have_attribute("data-state", "ready")
    tab.locator("[data-show=walk]").click()
    again = Walker(tab)
    again.at("encoder.ids")
    assert again.place == place
    tab.go_back()
    expect(tab.locator('[data-headlight="textbook"]')).to_have_attribute("data-state", "ready")
    tab.go_back()
    expect(tab.locator(".broken")).to_contain_text("L1 H3")
    tab.go_back()
    back = Walker(tab)
    back.at("encoder.ids")
    assert back.place == place
