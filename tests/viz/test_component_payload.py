"""One frame for the browser: read back, it holds what was packed."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.viz.reading import floats, octets, read_frame
from viz.components.attention import (
    EXACT_LIMIT,
    STRINGS,
    AxisToken,
    Chosen,
    Exact,
    HeadCell,
    Stack,
    exact_fits,
    frame,
    head_frame,
    max_pool,
    overview,
    pack,
    quantise,
)


def stack(name="encoder", *, layers=2, heads=3, rows=4, cols=5, exact=True, mask=None):
    rng = np.random.default_rng(len(name))
    pattern, scores, dot = rng.random((3, layers * heads, rows, cols))
    return Stack(
        name=name,
        title=name.upper(),
        rows=tuple(AxisToken(f"r{i}", index=i) for i in range(rows)),
        cols=tuple(AxisToken(f"c{i}", index=i) for i in range(cols)),
        n_layers=layers,
        n_heads=heads,
        heads=tuple(
            HeadCell(i // heads, i % heads, f"n{i}", (0.5,)) for i in range(layers * heads)
        ),
        overview=overview(pattern),
        mask=mask,
        exact=Exact(pattern, scores, dot) if exact else None,
    )


def packed(*stacks, **more):
    asked: dict[str, Any] = {"trace": "t", "api": "api/t", "chosen": Chosen("encoder")} | more
    return read_frame(pack(stacks=stacks, **asked))


@pytest.mark.parametrize("filling", range(9))
def test_a_frame_starts_its_body_at_a_multiple_of_eight(filling):
    header, body = read_frame(frame({"x": "a" * filling}, [np.arange(3, dtype=np.uint8)]))
    assert header == {"x": "a" * filling}
    assert body == b"\0\1\2\0"


def test_arrays_stand_one_after_another_padded_to_four():
    arrays: list[Any] = [
        np.array([1, 2, 3], np.uint8),
        np.array([[0.5, -2]], np.float32),
        np.ones(1, ">f4"),
    ]
    body = read_frame(frame({}, arrays))[1]
    assert octets(body, 0, 3).tolist() == [1, 2, 3]
    assert floats(body, 4, 1, 2).tolist() == [[0.5, -2]]
    assert floats(body, 12, 1).tolist() == [1]
    assert len(body) == 16


def test_an_array_that_lies_crosswise_in_memory_is_written_row_by_row():
    crosswise = np.arange(6, dtype=np.float32).reshape(2, 3).T
    body = read_frame(frame({}, [crosswise]))[1]
    np.testing.assert_array_equal(floats(body, 0, 3, 2), crosswise)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_header_with_no_json_number_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        frame({"x": value}, [])


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_comes_through_a_header(text):
    assert read_frame(frame({"x": text}, []))[0] == {"x": text}


def test_one_head_comes_through_with_and_without_scores():
    pattern, scores, dot = np.random.default_rng(0).random((3, 2, 3))
    header, body = read_frame(head_frame(pattern, scores, dot))
    assert (header["rows"], header["cols"], header["query_range"]) == (2, 3, [0, 2])
    for name, values in (("pattern", pattern), ("scores", scores), ("dot", dot)):
        np.testing.assert_array_equal(floats(body, header[name], 2, 3), values.astype(np.float32))
    header, body = read_frame(head_frame(pattern, query_range=(5, 7)))
    assert (header["scores"], header["dot"], header["query_range"]) == (None, None, [5, 7])
    assert len(body) == 2 * 3 * 4


def test_everything_packed_is_read_back():
    mask = np.tri(4, 5, dtype=bool)
    stacks = [stack(), stack("decoder", rows=3, cols=3), stack("cross", rows=4, cols=5, mask=mask)]
    header, body = packed(*stacks, measured=["x"], query="words=1")
    assert (header["trace"], header["api"], header["query"]) == ("t", "api/t", "words=1")
    assert header["measured"] == ["x"]
    assert header["strings"] == STRINGS
    for told, original in zip(header["stacks"], stacks, strict=True):
        shape = (6, len(original.rows), len(original.cols))
        for axis in ("rows", "cols"):
            tokens = [dataclasses.asdict(token) for token in getattr(original, axis)]
            assert told[axis] == tokens
        np.testing.assert_array_equal(
            octets(body, told["overview"]["at"], *shape), original.overview
        )
        for name in ("pattern", "scores", "dot"):
            values = floats(body, told["exact"][name], *shape)
            np.testing.assert_array_equal(values, getattr(original.exact, name).astype(np.float32))
        assert [cell["name"] for cell in told["heads"]] == [cell.name for cell in original.heads]
    assert header["stacks"][0]["mask"] is None
    np.testing.assert_array_equal(octets(body, header["stacks"][2]["mask"]["at"], 4, 5), mask)


def test_no_two_arrays_overlap_and_none_is_left_over():
    mask = np.tri(4, 5, dtype=bool)
    header, body = packed(stack(mask=mask), stack("cross", rows=3, cols=7))
    sizes = {}
    for told in header["stacks"]:
        heads, rows, cols = len(told["heads"]), len(told["rows"]), len(told["cols"])
        sizes[told["overview"]["at"]] = heads * told["overview"]["rows"] * told["overview"]["cols"]
        sizes |= {told["exact"][n]: heads * rows * cols * 4 for n in ("pattern", "scores", "dot")}
        if told["mask"]:
            sizes[told["mask"]["at"]] = rows * cols
    at = 0
    for offset in sorted(sizes):
        assert offset == at
        at += -(-sizes[offset] // 4) * 4
    assert at == len(body)


def test_exact_numbers_travel_up_to_the_limit_and_not_beyond():
    # 4 · 4 heads of 128 × 128 in f32 are 1 MiB to the byte.
    size = {"layers": 4, "heads": 4, "rows": 128, "exact": False}
    for cols, sent in ((128, True), (129, False)):
        large = stack(**size, cols=cols)
        pattern = np.zeros((16, 128, cols))
        header, _ = packed(dataclasses.replace(large, exact=Exact(pattern)))
        assert (header["stacks"][0]["exact"] is not None) == sent
        assert exact_fits([(16, 128, cols)], values=1) == sent
    assert EXACT_LIMIT == 2**20


def test_all_stacks_send_exact_numbers_or_none_does():
    header, _ = packed(stack(), stack("cross", exact=False))
    assert [told["exact"] for told in header["stacks"]] == [None, None]


def test_a_measure_that_is_not_a_number_is_null():
    cells = tuple(HeadCell(0, n, "", (math.nan, None, math.inf, 0.25)) for n in range(3))
    header, _ = packed(dataclasses.replace(stack(layers=1), heads=cells))
    assert header["stacks"][0]["heads"][0]["measures"] == [None, None, None, 0.25]


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_heads": 4},
        {"overview": np.zeros((6, 4, 5))},
        {"overview": np.zeros((5, 4, 5), np.uint8)},
        {"mask": np.ones((5, 4), bool)},
        {"exact": Exact(np.zeros((6, 4, 4)))},
        {"exact": Exact(np.zeros((6, 4, 5)), scores=np.zeros((5, 4, 5)))},
    ],
)
def test_arrays_that_do_not_fit_their_axes_are_refused(wrong):
    with pytest.raises(ValueError, match="encoder"):
        packed(dataclasses.replace(stack(), **wrong))


def test_a_payload_without_a_stack_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        packed()


def test_a_share_becomes_the_nearest_of_256_steps():
    shares = np.array([0, 1, 0.5, 1 / 255, np.nan, -1, 2, np.inf, -np.inf])
    assert quantise(shares).tolist() == [0, 255, 128, 1, 0, 0, 255, 255, 0]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_pooling_keeps_every_peak_and_invents_none(rows, cols, side, seed):
    values = np.random.default_rng(seed).integers(0, 256, (2, rows, cols), dtype=np.uint8)
    pooled = max_pool(values, side, side)
    height, width = min(rows, side), min(cols, side)
    assert pooled.shape == (2, height, width)
    for row, col in np.ndindex(height, width):
        block = values[
            :,
            row * rows // height : (row + 1) * rows // height,
            col * cols // width : (col + 1) * cols // width,
        ]
        np.testing.assert_array_equal(pooled[:, row, col], block.max(axis=(1, 2)))


@pytest.mark.parametrize(("rows", "cols"), [(0, 5), (5, 0), (-1, 1)])
def test_pooling_to_nothing_is_refused(rows, cols):
    with pytest.raises(ValueError, match="cannot pool"):
        max_pool(np.zeros((9, 9), np.uint8), rows, cols)


@pytest.mark.parametrize(("size", "side"), [(1, 1), (64, 64), (65, 56), (500, 56)])
def test_a_long_side_is_pooled_and_a_short_one_is_not(size, side):
    assert overview(np.zeros((size, 3))).shape == (side, 3)
    assert overview(np.zeros((2, 3, size))).shape == (2, 3, side)
