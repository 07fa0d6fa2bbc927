"""The picture of any trace: layers that differ, sinks, soft-capping, pairs, a thousand tokens."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, expect

from model_runtime.attention import AttentionRecord
from model_runtime.types import OpensAt, Trace
from model_runtime.views import HeadPlace, Look, View
from tests.browser.alone import alone
from tests.browser.test_attention_driver import CLOSE, DESKTOP, Reader
from tests.model_runtime.layered import layered_trace, window
from tests.model_runtime.reference import made_trace, tokens

LAYERED = layered_trace()
N = 1024
RELATIVE = 2e-5


class Alone(Reader):
    """Somebody at a page with nothing but the component."""

    def ready(self) -> None:
        """Return once the picture holds exact numbers."""
        expect(self.root).to_have_attribute("data-state", "ready")

    def place(self) -> tuple[int, int]:
        """The cell that is pointed at, by the positions that the tooltip names."""
        said = self.tooltip.locator(".token-pair small").all_text_contents()
        row, col = (int(re.findall(r"position (\d+)", text)[0]) for text in said)
        return row, col


Open = Callable[..., Alone]


@pytest.fixture
def shown(browser: Browser) -> Iterator[Open]:
    """A factory of pages that show a trace. They must have logged no error by the end."""
    errors: list[str] = []
    with ExitStack() as stack:

        def show(trace: Trace, view: View | None = None, query: str = "") -> Alone:
            address = stack.enter_context(alone(trace, view))
            context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
            stack.callback(context.close)
            tab = context.new_page()
            tab.on("pageerror", lambda error: errors.append(str(error)))
            tab.on(
                "console", lambda said: errors.append(said.text) if said.type == "error" else None
            )
            tab.goto(address + query)
            return Alone(tab)

        yield show
    assert errors == []


def long_trace() -> Trace:
    """A decoder of 1,024 tokens with two layers: causal, and a window of 64."""
    rng = np.random.default_rng(0)
    made = made_trace(tokens("a"), tokens(*(f"t{i}" for i in range(N + 1))))
    records = []
    for layer, size in enumerate((N, 64)):
        q, k, v = rng.normal(size=(3, 2, N, 8)).astype(np.float32)
        mask = window(N, size)[None]
        records.append(AttentionRecord("decoder", layer, q, k, v, scale=1.0, mask=mask))
    info = replace(
        made.info, family="decoder", stacks=("decoder",), opens_at=OpensAt("decoder", 0, 0)
    )
    reading = replace(made.reading, source=(), n_given=N)
    return replace(made, info=info, reading=reading, records=tuple(records))


def test_every_head_that_there_is_can_be_chosen_and_no_other(shown: Open) -> None:
    reader = shown(LAYERED)
    places = Look(LAYERED, "decoder", View()).places
    cells = reader.root.locator("[data-cell]")
    assert [c.get_attribute("data-cell") for c in cells.all()] == [
        f"{place.layer},{place.head}" for place in places
    ]
    rows = reader.root.locator(".cellrow")
    assert [row.locator("[data-cell]").count() for row in rows.all()] == [2, 3, 2]
    for place in places:
        assert place.layer is not None and place.head is not None
        reader.choose(place.layer, place.head)
        record = LAYERED.record("decoder", place.layer)
        twin = reader.twin()
        n_sinks = int(record.sinks is not None)
        pattern, visible = record.pattern(place.head), record.visible(place.head)
        shares = twin.shares[:, : len(twin.cols) - n_sinks]
        np.testing.assert_array_equal(np.isnan(shares), ~visible)
        np.testing.assert_allclose(np.nan_to_num(shares), pattern, atol=CLOSE)
        if n_sinks:
            assert twin.cols[-1] == "sink"
            np.testing.assert_allclose(twin.shares[:, -1], 1 - pattern.sum(axis=1), atol=1e-4)


def test_arrows_walk_over_the_empty_cells_of_the_grid(shown: Open) -> None:
    reader = shown(LAYERED)
    reader.choose(3, 2)
    for key, layer, head in (
        ("ArrowDown", 6, 1),
        ("ArrowUp", 3, 1),
        ("End", 3, 2),
        ("ArrowUp", 1, 1),
    ):
        reader.tab.keyboard.press(key)
        reader.shows(layer=layer, head=head)


def test_the_address_names_the_head_that_is_shown(shown: Open) -> None:
    reader = shown(LAYERED)
    reader.choose(6, 1)
    reader.shows(layer=6, head=1)
    assert (reader.url()["layer"], reader.url()["head"]) == ("6", "1")


@pytest.mark.parametrize(("layer", "head"), [(1, 1), (3, 0), (3, 2), (6, 0), (6, 1)])
def test_the_tooltip_follows_the_heads_own_formula(shown: Open, layer: int, head: int) -> None:
    record = LAYERED.record("decoder", layer)
    reader = shown(LAYERED)
    reader.choose(layer, head)
    row, col = 5, 4
    reader.hover(row, col)
    said = reader.account()
    dot, score = record.dot(head)[row, col], record.scores(head)[row, col]
    scaled = dot * record.scale
    assert said["dot"] == pytest.approx(dot, rel=RELATIVE, abs=CLOSE)
    assert said["scale"] == record.scale
    assert said["score"] == pytest.approx(score, rel=RELATIVE, abs=CLOSE)
    assert said["share"] == pytest.approx(record.pattern(head)[row, col], abs=CLOSE)
    assert said["exp"] / said["sum"] == pytest.approx(said["share"], abs=CLOSE)
    assert ("capped" in said) == (record.softcap is not None)
    if record.softcap is not None:
        capped = record.softcap * np.tanh(scaled / record.softcap)
        assert said["capped"] == pytest.approx(capped, rel=RELATIVE, abs=CLOSE)
        expect(reader.tooltip).to_contain_text("soft-capped at 1.5")
    assert ("bias" in said) == (record.bias is not None)
    if record.bias is not None:
        assert said["bias"] == pytest.approx(record.bias[0, row, col], abs=CLOSE)
    assert ("sink" in said) == (record.sinks is not None)
    if record.sinks is not None:
        rest = 1 - record.pattern(head)[row].sum()
        assert said["sink"] == pytest.approx(rest, abs=CLOSE)
        expect(reader.tooltip).to_contain_text("the rest goes to the sink")
    assert "outside" not in said


def test_rows_are_said_to_sum_to_one_or_to_leave_the_rest_to_a_sink(shown: Open) -> None:
    reader = shown(LAYERED)
    caption = reader.root.locator(".map-pane .axes")
    rest = 1 - LAYERED.record("decoder", 3).pattern(1).sum(axis=1).mean()
    expect(caption).to_contain_text(
        f"the rest of each row goes to the sink ({rest:.2f} on average)"
    )
    expect(reader.root.locator("[data-measure=sink]")).to_contain_text(f"sink {rest:.2f}")
    reader.choose(1, 0)
    expect(caption).to_contain_text("each row sums to 1")


def test_of_hidden_keys_and_a_sink_each_has_its_part(shown: Open) -> None:
    reader = shown(LAYERED, View(specials=False))
    shown_map = Look(LAYERED, "decoder", View(specials=False)).map(HeadPlace(3, 1))
    record = LAYERED.record("decoder", 3)
    reader.hover(2, 1)  # a row that sees the special token, too
    said, whole = reader.account(), record.pattern(1)[2]
    assert said["share"] == pytest.approx(shown_map.pattern[2, 1], abs=CLOSE)
    assert said["sink"] == pytest.approx(1 - whole.sum(), abs=1e-4)
    assert said["outside"] == pytest.approx(whole[0], abs=1e-4)
    assert said["exp"] / said["sum"] == pytest.approx(said["share"], abs=CLOSE)


def test_a_sink_that_differs_by_query_takes_what_is_missing(shown: Open) -> None:
    sinks = np.linspace(-1, 1, 18, dtype=np.float32).reshape(3, 6)
    record = replace(LAYERED.records[1], sinks=sinks)
    for view, row, col in ((View(), 5, 4), (View(specials=False), 2, 1)):
        reader = shown(replace(LAYERED, records=(record,)), view)
        reader.hover(row, col)
        said = reader.account()
        shares = Look(replace(LAYERED, records=(record,)), "decoder", view).map(HeadPlace(3, 1))
        rest = 1 - shares.pattern[row].sum()
        assert said["sink" if view.specials else "outside"] == pytest.approx(rest, abs=1e-4)
        assert ("sink" in said) == view.specials
        assert said["exp"] / said["sum"] == pytest.approx(said["share"], abs=CLOSE)


def test_the_second_text_of_a_pair_is_divided_from_the_first(shown: Open) -> None:
    trace = made_trace(tokens("[A]", "a", "b", "c"), tokens("[BOS]", "x"))
    source = tuple(replace(token, part=int(token.position > 1)) for token in trace.reading.source)
    encoder = tuple(record for record in trace.records if record.stack == "encoder")
    reader = shown(
        replace(
            trace,
            reading=replace(trace.reading, source=source),
            records=encoder,
            info=replace(trace.info, stacks=("encoder",), opens_at=OpensAt("encoder", 0, 0)),
        )
    )
    for kind in ("query", "key"):
        divided = reader.root.locator(f"[data-{kind}].divided")
        assert [node.get_attribute(f"data-{kind}") for node in divided.all()] == ["2"]


def point_at(reader: Alone, across: float, down: float) -> None:
    """Put the pointer on a place of the map, as parts of its size."""
    box = reader.map.bounding_box()
    assert box is not None
    reader.map.hover(position={"x": box["width"] * across, "y": box["height"] * down})


def test_a_thousand_tokens_have_exact_numbers_where_one_points(shown: Open) -> None:
    trace = long_trace()
    reader = shown(trace)
    for layer in (0, 1):
        reader.choose(layer, 1)
        record = trace.record("decoder", layer)
        for across, down in ((0.3, 0.5), (0.5, 0.55), (0.45, 0.9)):
            point_at(reader, across, down)
            row, col = reader.place()
            visible = bool(record.visible(1)[row, col])
            expect(reader.tooltip.locator("[data-part=dot]")).to_have_count(1)
            said = reader.account()
            assert said["dot"] == pytest.approx(record.dot(1)[row, col], rel=RELATIVE, abs=1e-4)
            assert said["share"] == pytest.approx(record.pattern(1)[row, col], rel=1e-4, abs=1e-7)
            assert ("sum" in said) == visible
            if visible:
                assert said["exp"] / said["sum"] == pytest.approx(said["share"], rel=1e-3)


def test_a_thousand_tokens_can_be_walked_and_scrolled(shown: Open) -> None:
    trace = long_trace()
    reader = shown(trace)
    assert reader.root.locator("[data-query]").count() < 512
    reader.map.focus()
    reader.tab.keyboard.press("Control+End")
    reader.tab.keyboard.press("Control+End")
    expect(reader.readout).to_contain_text(f"t{N - 1}→t{N}")
    expect(reader.root.locator(f'[data-query="{N - 1}"]')).to_be_visible()
    reader.root.get_by_role("button", name="enlarge").click()
    reader.map.focus()
    reader.tab.keyboard.press("Control+Home")
    reader.tab.keyboard.press("Control+Home")
    expect(reader.readout).to_contain_text("t0→t1")
    expect(reader.readout).to_contain_text("1.00")


def test_a_row_that_does_not_arrive_is_said(shown: Open) -> None:
    reader = shown(long_trace())
    reader.choose(0, 1)
    reader.tab.route("**/decoder/0/1/*", fulfil_nothing)
    point_at(reader, 0.3, 0.5)
    expect(reader.tooltip).to_contain_text("How it came about did not arrive")
    assert reader.account()["share"] >= 0


def fulfil_nothing(route: Route) -> None:
    """An answer that holds no numbers, without an error in the console."""
    route.fulfill(status=200, body=b"")
