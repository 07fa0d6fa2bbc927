"""Positions in Chromium: views, curves, maps, controls, files, address, in both languages."""

import csv
import io
import math
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from model_runtime import catalog
from shell.cache import encodings
from tests.browser.driving import OpenPage, Watch, settle, wait_until
from tests.browser.test_attention_driver import PHONE
from tests.browser.test_navigation import go, parameters

CLOSE = 1e-6
WRITTEN = "猫在床上睡觉。"  # what the translator writes of its first example
VIEWS = ("sinusoidal", "learned", "rotary", "relative", "order", "sentence")


@pytest.fixture(autouse=True)
def looked_for_below_the_path(watch: Watch) -> None:
    """Streamlit looks for its server below the path of a page first."""
    watch.expected_errors.append(r"404 .*/positions/_stcore/(health|host-config)")


class Viewer:
    """Somebody who looks at positions."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.root = tab.locator('[data-headlight="positions"]')
        self.ready()

    def ready(self) -> None:
        """Return once the view is there."""
        expect(self.root).to_have_attribute("data-state", "ready")
        settle(self.tab)

    def open(self, view: str) -> None:
        """Click a tab."""
        self.root.locator(f'[data-enc="{view}"]').click()
        expect(self.root).to_have_attribute("data-view", view)
        self.ready()

    def panel(self, name: str) -> Locator:
        """A picture or a table, on the screen and drawn."""
        found = self.root.locator(f'[data-panel="{name}"]')
        found.scroll_into_view_if_needed()
        if "table" not in (found.get_attribute("class") or ""):
            expect(found).to_have_attribute("data-drawn", re.compile(r"\d+"))
        return found

    def lines(self, name: str) -> dict[str, tuple[list[float], list[float]]]:
        """The curves of a chart as plotly has them: name → (x, y)."""
        plot = self.panel(name).locator(".plot")
        told: list[list[object]] = plot.evaluate(
            "gd => gd.data.map(t => [t.name, t.x && [...t.x], [...t.y]])"
        )
        return {
            str(name): (x if x else list(range(len(y))), y)  # type: ignore[misc, arg-type]
            for name, x, y in told
        }

    def table(self, name: str) -> list[list[str]]:
        """The cells of a table, header first."""
        rows: list[list[str]] = self.panel(name).evaluate(
            "n => [...n.querySelectorAll('tr')].map(r => [...r.children].map(c => c.textContent))"
        )
        return rows

    def set(self, name: str, value: str) -> None:
        """Type into a number box or a list, and leave it."""
        box = self.root.locator(f'[data-number="{name}"], [data-list="{name}"]')
        box.fill(value)
        box.press("Enter")
        self.tab.wait_for_timeout(50)
        self.ready()

    def drag(self, name: str, times: int) -> list[str]:
        """Hold a slider and move it down; what its number says after each move."""
        slider = self.root.locator(f'[data-slider="{name}"]')
        slider.focus()
        said = []
        for _ in range(times):
            slider.press("ArrowLeft")
            said.append(self.root.locator(f'[data-number="{name}"]').input_value())
        return said

    @property
    def problems(self) -> list[str]:
        """What the page says of values that it could not use."""
        return self.root.locator(".problems p").all_text_contents()


def formula(position: int, dimension: int, d: int, base: float = 10000.0) -> float:
    """The paper's, to the letter."""
    i = dimension // 2
    angle = position / base ** (2 * i / d)
    return math.sin(angle) if dimension % 2 == 0 else math.cos(angle)


def test_the_page_says_what_the_open_model_has_and_opens_there(page: OpenPage) -> None:
    tab = page("/")
    go(tab, "positions")
    viewer = Viewer(tab)
    expect(viewer.root).to_have_attribute("data-view", "sinusoidal")
    found = viewer.root.locator(".found")
    expect(found).to_contain_text("translator, encoder: sines and cosines")
    expect(found).to_contain_text("encoder.position_table")
    assert parameters(tab)["enc"] == "sinusoidal"


def test_maps_and_curves_hold_the_numbers_of_the_formula(page: OpenPage) -> None:
    viewer = Viewer(page("/positions?enc=sinusoidal&d=33&n=20&dims=0,5,32&at=0,7"))
    curves = viewer.lines("sinusoidal-dimensions")
    assert list(curves) == ["dimension 0", "dimension 5", "dimension 32"]
    for dimension in (0, 5, 32):
        _x, y = curves[f"dimension {dimension}"]
        expected = [formula(p, dimension, 33) for p in range(20)]
        np.testing.assert_allclose(y, expected, atol=CLOSE)
    _x, y = viewer.lines("sinusoidal-positions")["position 7"]
    np.testing.assert_allclose(y, [formula(7, j, 33) for j in range(33)], atol=CLOSE)
    _x, waves = viewer.lines("sinusoidal-wavelengths")["wavelength"]
    expected = [2 * math.pi * 10000 ** (2 * i / 33) for i in range(17)]
    np.testing.assert_allclose(waves, expected, rtol=CLOSE)
    assert viewer.table("sinusoidal-mistake")[1] == ["PE[1, 2]", "d = 4, 10000", "0.0100", "0.0001"]

    map_ = viewer.panel("sinusoidal-table")
    map_.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        map_.locator("canvas").press(key)
    readout = map_.locator(".readout")
    expect(readout).to_have_text(re.compile("position 2, dimension 2: "))
    read = float(readout.get_attribute("data-value") or "nan")
    assert abs(read - formula(2, 2, 33)) < CLOSE


def test_a_click_on_a_column_adds_its_curve_and_the_address_keeps_it(page: OpenPage) -> None:
    tab = page("/positions?enc=sinusoidal&d=8&n=10&dims=0")
    viewer = Viewer(tab)
    canvas = viewer.panel("sinusoidal-table").locator("canvas")
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        canvas.press(key)
    expect(viewer.root.locator('[data-list="dims"]')).to_have_value("0, 3")
    viewer.ready()
    tab.wait_for_url(re.compile(r"dims=0%2C3"))
    assert list(viewer.lines("sinusoidal-dimensions")) == ["dimension 0", "dimension 3"]
    tab.reload()
    again = Viewer(tab)
    assert list(again.lines("sinusoidal-dimensions")) == ["dimension 0", "dimension 3"]
    again.root.locator('[data-do="reset"]').click()
    expect(again.root.locator('[data-list="dims"]')).not_to_have_value("0, 3")
    again.ready()
    assert "dims" not in parameters(tab)


def test_a_dragged_slider_asks_for_what_is_on_the_screen_and_then_for_the_rest(
    page: OpenPage,
) -> None:
    tab = page("/positions?enc=sinusoidal&d=512&n=2048&dims=0,256")
    viewer = Viewer(tab)
    viewer.panel("sinusoidal-dimensions")
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    typed = viewer.drag("base", 3)[-1]
    base = float(typed)
    tab.wait_for_url(re.compile("base="))

    def is_the_rest(url: str) -> bool:
        return "/api/positions/" in url and "only=" not in url and f"base={typed}" in url

    wait_until(tab, lambda: any(map(is_the_rest, asked)))
    viewer.ready()
    frames = [url for url in asked if "/api/positions/" in url]
    assert "only=" in frames[0]
    assert "only=" not in frames[-1]
    _x, y = viewer.lines("sinusoidal-dimensions")["dimension 256"]
    assert len(y) == 2048
    np.testing.assert_allclose(y[:50], [formula(p, 256, 512, base) for p in range(50)], atol=CLOSE)


def test_an_answer_to_an_older_place_of_a_slider_draws_curves_and_leaves_the_number_alone(
    page: OpenPage,
) -> None:
    tab = page("/positions?enc=sinusoidal&d=512&n=64&dims=0,256")
    viewer = Viewer(tab)
    viewer.panel("sinusoidal-dimensions")
    held: list[Route] = []
    tab.route("**/api/positions/**", lambda route: held.append(route))
    number = viewer.root.locator('[data-number="base"]')
    said = viewer.drag("base", 3)
    assert len(set(said)) == 3

    def second_sine() -> float:
        return viewer.lines("sinusoidal-dimensions")["dimension 256"][1][1]

    older, latest = (formula(1, 256, 512, float(said[i])) for i in (0, -1))
    wait_until(tab, lambda: len(held) == 1)
    held[0].continue_()
    wait_until(tab, lambda: len(held) == 2)
    wait_until(tab, lambda: abs(second_sine() - older) < CLOSE)
    assert second_sine() == pytest.approx(older, abs=CLOSE)
    expect(number).to_have_value(said[-1])
    held[1].continue_()
    tab.unroute("**/api/positions/**")
    viewer.ready()
    assert second_sine() == pytest.approx(latest, abs=CLOSE)
    expect(number).to_have_value(said[-1])


def test_values_that_cannot_be_used_are_named_and_nothing_is_lost(page: OpenPage) -> None:
    tab = page("/positions?enc=sinusoidal&d=8&n=abc&lang=en&dims=0,99,x")
    viewer = Viewer(tab)
    assert any("length" in said and "abc" in said for said in viewer.problems)
    assert any("99" in said for said in viewer.problems)
    viewer.set("d", "100000")
    assert any("100000" in said and "1024" in said for said in viewer.problems)
    viewer.set("d", "1")
    viewer.set("n", "1")
    assert viewer.lines("sinusoidal-dimensions")["dimension 0"][1] == [0]
    chinese = Viewer(page("/positions?enc=sinusoidal&n=abc", locale="zh-CN"))
    assert any("abc" in said and re.search("[\u4e00-\u9fff]", said) for said in chinese.problems)


def test_every_curve_is_a_csv_a_png_and_an_svg(page: OpenPage) -> None:
    tab = page("/positions?enc=sinusoidal&d=8&n=10&dims=0,1")
    viewer = Viewer(tab)
    files: dict[str, bytes] = {}
    for kind in ("csv", "png", "svg"):
        panel = viewer.panel("sinusoidal-dimensions")
        panel.locator("summary").click()
        with tab.expect_download() as download:
            panel.locator(f'[data-export="{kind}"]').click()
        files[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    name = "headlight-sinusoidal-dimensions"
    assert files[f"{name}.png"].startswith(b"\x89PNG\r\n")
    assert b"<svg" in files[f"{name}.svg"] and b"dimension 1" in files[f"{name}.svg"]
    rows = list(csv.reader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"))))
    assert rows[0] == ["line", "position", "value"]
    found = {(line, int(x)): float(y) for line, x, y in rows[1:]}
    assert len(found) == 20
    assert abs(found["dimension 1", 9] - formula(9, 1, 8)) < 1e-15

    panel = viewer.panel("sinusoidal-table")
    panel.locator("summary").click()
    with tab.expect_download() as download:
        panel.locator('[data-export="csv"]').click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert len(text.splitlines()) == 11


def test_a_learned_table_is_the_models_own(page: OpenPage) -> None:
    viewer = Viewer(page("/positions?model=builtin:blanks&dims=3&n=128"))
    expect(viewer.root).to_have_attribute("data-view", "learned")
    (encoding,) = encodings("builtin:blanks")
    assert encoding.table is not None
    _x, y = viewer.lines("learned-dimensions")["dimension 3"]
    np.testing.assert_allclose(y, encoding.table[:, 3], atol=CLOSE)
    components = viewer.lines("learned-components")
    assert len(components) == 3


def test_the_turned_score_is_the_recorded_one_and_stays_as_both_move(page: OpenPage) -> None:
    tab = page("/positions?model=builtin:induction&enc=rotary&m=6&k=1")
    viewer = Viewer(tab)
    rows = viewer.table("rotary-moved")
    scores = {row[3] for row in rows[1:]}
    assert len(scores) == 1
    (score,) = scores
    expect(viewer.root.locator("section").first).to_contain_text(f"recorded: {score}")
    x, y = viewer.lines("rotary-scores")["q · k"]
    assert abs(y[x.index(5)] - float(score)) < 1e-4
    before = viewer.lines("rotary-circle")
    viewer.set("both", "3")
    after = viewer.lines("rotary-circle")
    assert "query at 6" in before and "query at 9" in after
    for name in ("query", "key"):
        for lines, at in ((before, 0), (after, 3)):
            place = {"query": 6, "key": 1}[name] + at
            (_, x1), (_, y1) = lines[f"{name} at {place}"]
            (_, x0), (_, y0) = lines[f"{name}, not turned"]
            assert math.hypot(x1, y1) == pytest.approx(math.hypot(x0, y0), abs=1e-5)


def test_words_shuffled_give_the_same_rows_without_positions_only(page: OpenPage) -> None:
    viewer = Viewer(page("/positions?enc=order"))
    _header, none, own = viewer.table("order-differences")
    assert float(own[1]) > 0.1 and own[2] == "other rows"
    assert float(none[1]) < 1e-5 and none[2] == "the same rows"
    before = viewer.table("order-tokens")
    viewer.set("seed", "2")
    after = viewer.table("order-tokens")
    assert sorted(before[2]) == sorted(after[2]) and before[2] != after[2]


def test_a_sentence_taken_apart_and_read_without_its_positions(page: OpenPage) -> None:
    viewer = Viewer(page(f"/positions?enc=sentence&text={quote('There are two dogs.')}"))
    lines = viewer.lines("sentence-shares")
    shares = np.array([y for _x, y in lines.values()])
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-5)
    said = viewer.root.locator("section").nth(1)
    expect(said).to_contain_text("It wrote")
    removed = said.inner_text()
    viewer.root.locator('[data-choice-how="shuffled"]').click()
    viewer.ready()
    expect(said).not_to_have_text(removed)
    assert len(viewer.table("five-predictions")) == 6


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_view_is_complete_in_both_languages(page: OpenPage, locale: str) -> None:
    tab = page("/positions", locale=locale, color_scheme="dark")  # type: ignore[arg-type]
    viewer = Viewer(tab)
    for view in VIEWS:
        viewer.open(view)
        names = viewer.root.locator("[data-panel]").evaluate_all(
            "found => found.map(one => one.dataset.panel)"
        )
        assert names, view
        for name in names:
            viewer.panel(name)
        words = viewer.root.inner_text()
        own = " ".join(viewer.root.locator("h2, h3, .label, .words").all_inner_texts())
        assert bool(re.search("[\u4e00-\u9fff]{4,}", own.replace(WRITTEN, ""))) == (
            locale == "zh-CN"
        )
        assert "{" not in words and "undefined" not in words and "NaN" not in words


def test_on_a_phone_nothing_is_wider_than_the_screen(page: OpenPage) -> None:
    tab = page("/positions", viewport=PHONE)
    viewer = Viewer(tab)
    for view in VIEWS:
        viewer.open(view)
        widths = viewer.root.evaluate(
            "root => [root.scrollWidth, root.clientWidth, document.documentElement.scrollWidth]"
        )
        assert widths[0] <= widths[1] and widths[2] <= PHONE[0]


def test_the_view_and_its_settings_survive_a_visit_to_another_page(page: OpenPage) -> None:
    tab = page("/positions?enc=rotary&i=3")
    viewer = Viewer(tab)
    go(tab, "attention")
    assert "enc" not in parameters(tab) and "i" not in parameters(tab)
    go(tab, "positions")
    again = Viewer(tab)
    expect(again.root).to_have_attribute("data-view", "rotary")
    expect(again.root.locator('[data-number="i"]')).to_have_value("3")
    del viewer


def test_a_recording_that_is_gone_is_said_and_brought_back_by_a_reload(
    page: OpenPage, watch: Watch
) -> None:
    watch.expected_errors.append("410")
    tab = page("/positions")
    viewer = Viewer(tab)
    tab.route("**/api/positions/**", lambda route: route.fulfill(status=410))
    viewer.root.locator('[data-enc="rotary"]').click()
    expect(viewer.root.locator(".failure")).to_contain_text("no longer keeps")
    tab.unroute("**/api/positions/**")
    viewer.root.locator(".failure button").click()
    again = Viewer(tab)
    expect(again.root).to_have_attribute("data-view", "rotary")


def test_a_link_leads_to_a_model_that_has_it(page: OpenPage) -> None:
    tab = page("/positions?enc=rotary")
    viewer = Viewer(tab)
    viewer.root.get_by_role("link", name="open positions@rotary").click()
    tab.wait_for_url(re.compile("positions%40rotary"))
    again = Viewer(tab)
    expect(again.root).to_have_attribute("data-view", "rotary")
    expect(again.root.locator(".found")).to_contain_text("rotary")
    assert catalog.is_builtin(parameters(tab)["model"])
