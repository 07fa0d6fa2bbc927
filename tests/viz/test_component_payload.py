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
    pack,
    quantise,
    thumbnail_side,
    visible_runs,
)


def stack(name="encoder", *, layers=2, heads=3, rows=4, cols=5, exact=True, mask=None):
    rng = np.random.default_rng(len(name))
    pattern, scores, dot = rng.random((3, layers * heads, rows, cols))
    return Stack(
        name=name,
        title=name.upper(),
        rows=tuple(AxisToken(f"r{i}", index=i) for i in range(rows)),
        cols=tuple(AxisToken(f"c{i}", index=i) for i in range(cols)),
        heads=tuple(
            HeadCell(i // heads, i % heads, f"n{i}", (0.5,), None if mask is None else 0)
            for i in range(layers * heads)
        ),
        overview=quantise(pattern),
        masks=() if mask is None else (visible_runs(mask),),
        exact=Exact(pattern, scores, dot) if exact else None,
    )


def cells(body, told, rows, cols):
    """A mask, put together from its runs."""
    edges = np.frombuffer(body, "<u4", told["edges"], told["at"])
    mask = np.zeros(rows * cols, bool)
    for start, stop in edges.reshape(-1, 2).tolist():
        mask[start:stop] = True
    return mask.reshape(rows, cols)


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
    assert (header["rows"], header["cols"], header["by_row"]) == (2, 3, False)
    for name, values in (("pattern", pattern), ("scores", scores), ("dot", dot)):
        np.testing.assert_array_equal(floats(body, header[name], 2, 3), values.astype(np.float32))
    header, body = read_frame(head_frame(pattern, by_row=True))
    assert (header["scores"], header["dot"], header["by_row"]) == (None, None, True)
    assert len(body) == 2 * 3 * 4


def test_of_the_visible_cells_alone_it_is_said_of_how_many_rows_and_columns_they_are():
    header, body = read_frame(head_frame(np.array([1, 0.5, 0.5]), shape=(2, 2)))
    assert (header["rows"], header["cols"], header["cells"]) == (2, 2, 3)
    assert floats(body, header["pattern"], 3).tolist() == [1, 0.5, 0.5]


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
            assert [AxisToken(**token) for token in told[axis]] == list(getattr(original, axis))
        np.testing.assert_array_equal(
            octets(body, told["overview"]["at"], *shape), original.overview
        )
        for name in ("pattern", "scores", "dot"):
            values = floats(body, told["exact"][name], *shape)
            np.testing.assert_array_equal(values, getattr(original.exact, name).astype(np.float32))
        assert [cell["name"] for cell in told["heads"]] == [cell.name for cell in original.heads]
        assert [cell["at"] for cell in told["heads"]] == list(range(6))
    assert header["stacks"][0]["masks"] == []
    assert {cell["mask"] for cell in header["stacks"][0]["heads"]} == {None}
    assert {cell["mask"] for cell in header["stacks"][2]["heads"]} == {0}
    np.testing.assert_array_equal(cells(body, header["stacks"][2]["masks"][0], 4, 5), mask)


@pytest.mark.parametrize(
    ("mask", "edges"),
    [
        (np.ones((2, 2), bool), [0, 4]),
        (np.zeros((2, 2), bool), []),
        (np.tri(3, dtype=bool), [0, 1, 3, 5, 6, 9]),
        (np.eye(2, dtype=bool), [0, 1, 3, 4]),
        (np.array([[False, True], [True, False]]), [1, 3]),  # one run over the end of a row
    ],
)
def test_a_mask_travels_as_where_its_visible_cells_begin_and_end(mask, edges):
    assert visible_runs(mask).tolist() == edges
    assert visible_runs(mask).dtype == np.uint32


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_any_mask_comes_through(rows, cols, seed):
    mask = np.random.default_rng(seed).random((rows, cols)) < 0.6
    header, body = packed(stack(layers=1, heads=1, rows=rows, cols=cols, mask=mask))
    np.testing.assert_array_equal(cells(body, header["stacks"][0]["masks"][0], rows, cols), mask)


def test_a_causal_mask_of_a_long_text_is_small():
    assert visible_runs(np.tri(2048, dtype=bool)).nbytes == 8 * 2048


def test_layers_with_fewer_heads_leave_cells_of_the_grid_empty():
    places = [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2), (6, 0)]
    ragged = dataclasses.replace(
        stack(layers=2), heads=tuple(HeadCell(*place, "") for place in places)
    )
    header, _ = packed(ragged)
    (told,) = header["stacks"]
    assert (told["n_layers"], told["n_heads"]) == (3, 3)
    assert [cell["at"] for cell in told["heads"]] == [0, 1, 3, 4, 5, 6]


def test_how_a_score_comes_about_is_told_of_each_head():
    cell = HeadCell(0, 0, "", (), None, 0.25, 30.0, True, -1.5, True)
    plain = HeadCell(0, 1, "", ())
    header, _ = packed(dataclasses.replace(stack(layers=1, heads=2), heads=(cell, plain)))
    told = [
        [one[name] for name in ("scale", "softcap", "has_bias", "sink", "has_sink")]
        for one in header["stacks"][0]["heads"]
    ]
    assert told == [[0.25, 30.0, True, -1.5, True], [1.0, None, False, None, False]]


def test_what_is_empty_of_a_token_does_not_travel():
    named = AxisToken("b", "note", "bytes", 7, 1)
    header, _ = packed(dataclasses.replace(stack(rows=2), rows=(AxisToken("a", index=3), named)))
    assert header["stacks"][0]["rows"] == [{"text": "a", "index": 3}, dataclasses.asdict(named)]


def test_no_two_arrays_overlap_and_none_is_left_over():
    mask = np.tri(4, 5, dtype=bool)
    header, body = packed(stack(mask=mask), stack("cross", rows=3, cols=7))
    sizes = {}
    for told in header["stacks"]:
        heads, rows, cols = len(told["heads"]), len(told["rows"]), len(told["cols"])
        sizes[told["overview"]["at"]] = heads * told["overview"]["rows"] * told["overview"]["cols"]
        sizes |= {told["exact"][n]: heads * rows * cols * 4 for n in ("pattern", "scores", "dot")}
        sizes |= {mask["at"]: mask["edges"] * 4 for mask in told["masks"]}
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
        {"heads": ()},
        {"heads": (HeadCell(0, 0, ""),) * 6},
        {"heads": tuple(HeadCell(0, i, "", (), 0) for i in range(6))},
        {"overview": np.zeros((6, 4, 5))},
        {"overview": np.zeros((5, 4, 5), np.uint8)},
        {"masks": (np.array([0, 21], np.uint32),)},
        {"masks": (np.array([0], np.uint32),)},
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
    assert thumbnail_side(size) == side


@pytest.mark.parametrize(("size", "side"), [(1, 1), (56, 56), (57, 56), (64, 56), (500, 56)])
def test_the_pictures_of_a_hundred_heads_and_more_are_pooled_a_little_sooner(size, side):
    assert thumbnail_side(size, n_heads=144) == side


@pytest.mark.parametrize(("size", "side"), [(1, 1), (32, 32), (33, 28), (500, 28)])
def test_the_pictures_of_very_many_heads_are_half_as_large(size, side):
    assert thumbnail_side(size, n_heads=1024) == side
