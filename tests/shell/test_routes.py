"""What the server answers beside the pages: the very numbers of a trace, as frame and file."""

import csv
import io
from urllib.parse import quote

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from model_runtime.views import HeadPlace, Look, View
from shell import cache, routes
from shell.address import view_parameters
from shell.cache import TraceStore
from shell.routes import ROUTES
from tests.model_runtime.layered import layered_trace, window
from tests.model_runtime.reference import made_trace, tokens, traced
from tests.viz.reading import floats, level_of, read_frame

TRACE = traced("Unbelievably, the electrician misunderstood.")
FORMULAS = ("=1", "+2", "-3", "@x", "'q", 'a"b', "a,b", "a;b")
MADE = made_trace(tokens(*FORMULAS, "[EOS]"), tokens("[BOS]", "=", "猫", "[EOS]"))
LAYERED = layered_trace()
VIEWS = [
    View(),
    View(specials=False),
    View(first=False),
    View(words=True),
    View(specials=False, first=False, words=True),
]


@pytest.fixture
def client(monkeypatch):
    store = TraceStore(9, 10**12)
    store.put("real", TRACE)
    store.put("made", MADE)
    store.put("layered", LAYERED)
    source = tokens("play", "ing", "[EOS]", words=(0, 0, None))
    store.put("empty", made_trace(source, tokens("[BOS]", "[EOS]")))
    monkeypatch.setattr(routes, "TRACES", store)
    assert cache.TRACES is not store
    return TestClient(Starlette(routes=ROUTES), raise_server_exceptions=True)


def rows_of(response):
    """The lines of a CSV; Excel's byte order mark is read and dropped."""
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_a_frame_holds_the_numbers_of_the_trace(client, stack):
    response = client.get(f"/api/trace/real/{stack}/2/5")
    header, body = read_frame(response.content)
    record = TRACE.record(stack, 2)
    shape = (header["rows"], header["cols"])
    for name in ("pattern", "scores", "dot"):
        expected = getattr(record, name)(5).astype(np.float32)
        np.testing.assert_array_equal(floats(body, header[name], *shape), expected)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_the_switches_of_the_query_are_respected_everywhere(client, stack, view):
    at, query = f"/api/trace/real/{stack}/1/0", view_parameters(view)
    look = Look(TRACE, stack, view)
    expected = look.map(HeadPlace(1, 0)).pattern
    header, body = read_frame(client.get(at, params=query).content)
    frame = floats(body, header["pattern"], header["rows"], header["cols"])
    np.testing.assert_array_equal(frame, expected.astype(np.float32))

    lines = rows_of(client.get(f"{at}.csv", params=query))
    assert len(lines) == len(look.rows) + 1
    seen_cells = look.mask(HeadPlace(1, 0))
    for line, shares, visible in zip(lines[1:], expected, seen_cells, strict=True):
        for cell, share, seen in zip(line[1:], shares, visible, strict=True):
            assert cell == "" or seen
            assert (cell == "") == (not seen or np.isnan(share))
            if cell:
                assert float(cell) == pytest.approx(share, rel=1e-8, abs=1e-300)

    with np.load(io.BytesIO(client.get(f"{at}.npz", params=query).content)) as file:
        np.testing.assert_array_equal(file["shown"], expected)
        assert len(file["rows"]) == len(look.rows)
        assert len(file["columns"]) == len(look.columns)


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_an_npz_holds_all_that_a_head_computed(client, stack):
    record = TRACE.record(stack, 0)
    response = client.get(f"/api/trace/real/{stack}/0/3.npz")
    with np.load(io.BytesIO(response.content), allow_pickle=False) as file:
        for name in ("q", "k", "v"):
            np.testing.assert_array_equal(file[name], getattr(record, name)[3])
        for name in ("scores", "pattern", "z"):
            np.testing.assert_array_equal(file[name], getattr(record, name)(3))
        np.testing.assert_array_equal(file["mask"], record.visible(3))
        assert file["scale"] == record.scale
        queries, keys = TRACE.tokens(stack)
        assert file["query_tokens"].tolist() == [token.text for token in queries]
        assert file["key_tokens"].tolist() == [token.text for token in keys]
        scores = file["q"].astype(float) @ file["k"].T.astype(float) * file["scale"]
        exps = np.exp(scores) * file["mask"]
        shares = exps / exps.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shares, file["pattern"], atol=1e-9)


@pytest.mark.parametrize(
    ("layer", "head", "mean"),
    [("0", "mean", "heads"), ("mean", "2", "layers"), ("mean",) * 2 + ("both",)],
)
def test_mean_stands_for_what_is_averaged_over(client, layer, head, mean):
    patterns = np.array([[TRACE.record("cross", i).pattern(h) for h in range(6)] for i in range(3)])
    patterns = patterns.mean(axis=0, keepdims=True) if layer == "mean" else patterns[:1]
    expected = patterns.mean(axis=1)[0] if head == "mean" else patterns[0, 2]
    at = f"/api/trace/real/cross/{layer}/{head}"
    header, body = read_frame(client.get(at, params={"mean": mean}).content)
    frame = floats(body, header["pattern"], header["rows"], header["cols"])
    np.testing.assert_allclose(frame, expected, atol=1e-6)
    assert (header["scores"], header["dot"]) == (None, None)
    with np.load(io.BytesIO(client.get(f"{at}.npz").content)) as file:
        assert sorted(file.files) == ["columns", "model", "rows", "shown", "target_text", "text"]
    disposition = client.get(f"{at}.csv").headers["content-disposition"]
    assert f'"headlight-L{layer}H{head}-cross.csv"' in disposition


@pytest.mark.parametrize("view", VIEWS)
def test_a_row_is_that_of_its_map(client, view):
    at, query = "/api/trace/real/decoder/2/1", view_parameters(view)
    look = Look(TRACE, "decoder", view)
    expected = look.map(HeadPlace(2, 1))
    header, body = read_frame(client.get(f"{at}/1", params=query).content)
    row = floats(body, header["pattern"], 1, header["cols"])
    np.testing.assert_allclose(row[0], expected.pattern[1], atol=1e-7)
    assert (header["scores"] is None) == (expected.scores is None)


@pytest.mark.parametrize("row", ["-1", "9999", "mean", "x", "1e0", "٣", "9" * 5000])
def test_a_row_that_is_not_there_is_not_found(client, row):
    assert client.get(f"/api/trace/real/decoder/0/0/{quote(row)}").status_code == 404
    assert client.get("/api/trace/gone/decoder/0/0/0").status_code == 410


def test_each_head_is_empty_where_its_own_mask_is_and_a_sink_has_a_column(client):
    for place, size, sink in (("1/0", 6, False), ("3/1", 3, True), ("6/0", 2, False)):
        lines = rows_of(client.get(f"/api/trace/layered/decoder/{place}.csv"))
        assert (lines[0][-1] == "[sink]") == sink
        cells = [line[1 : 1 + 6] for line in lines[1:]]
        assert [[cell != "" for cell in line] for line in cells] == window(6, size).tolist()
        if sink:
            pattern = LAYERED.record("decoder", 3).pattern(1)
            rest = [float(line[-1]) for line in lines[1:]]
            np.testing.assert_allclose(rest, 1 - pattern.sum(axis=1), atol=1e-9)


def test_no_cell_of_a_csv_is_a_formula(client):
    lines = rows_of(client.get("/api/trace/made/cross/0/0.csv"))
    assert lines[0][1:] == ["'=1", "'+2", "'-3", "'@x", "'q", 'a"b', "a,b", "a;b", "[EOS]"]
    assert [line[0] for line in lines[1:]] == ["'=", "猫", "[EOS]"]
    for line in lines:
        assert not any(cell[:1] in tuple("=+-@\t\r\n") for cell in line if cell)


def test_a_csv_has_nine_digits_and_is_empty_where_masked(client):
    lines = rows_of(client.get("/api/trace/real/decoder/0/0.csv"))
    pattern = TRACE.record("decoder", 0).pattern(0)
    assert lines[1][1] == "1" and set(lines[1][2:]) == {""}
    assert lines[2][1:3] == [f"{share:.9g}" for share in pattern[1, :2]]


def test_nobody_in_between_keeps_what_is_somebodys(client):
    for kind in ("", ".csv", ".npz"):
        headers = client.get(f"/api/trace/real/cross/0/0{kind}").headers
        assert headers["cache-control"].startswith("private")
        assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("name", ["gone", "REAL", "real ", "%00", "..", "a" * 5000, "☃"])
def test_a_trace_that_is_not_kept_is_gone(client, name):
    for kind in ("", ".csv", ".npz"):
        response = client.get(f"/api/trace/{quote(name, safe='%')}x/cross/0/0{kind}")
        assert response.status_code == 410


@pytest.mark.parametrize("kind", ["", ".csv", ".npz"])
@pytest.mark.parametrize(
    "place",
    [
        "cross/3/0", "cross/0/6", "cross/-1/0", "cross/0/-1", "cross/9999/0", "cross/0/99999",
        "cross/mean/6", "cross/3/mean", "cross/0/" + "9" * 5000, "cross/1e0/0", "cross/0x0/0",
        "cross/0/ 0", "cross/٣/0", "cross/²/0", "cross/Mean/0", "cross/0/NaN", "cross/0/0.0",
        "Cross/0/0", "none/0/0", "%00/0/0", "cross/%00/0", "☃/0/0", "__class__/0/0",
    ],
)  # fmt: skip
def test_a_place_that_is_not_there_is_not_found(client, place, kind):
    response = client.get(f"/api/trace/real/{quote(place, safe='/%')}{kind}")
    assert response.status_code == 404


@pytest.mark.parametrize("kind", [".exe", ".CSV", ".csv.exe", ".npz ", ".", ".%00", ".☃", ".html"])
def test_a_kind_of_file_that_is_not_there_is_not_found(client, kind):
    assert client.get(f"/api/trace/real/cross/0/0{quote(kind, safe='.%')}").status_code == 404


@pytest.mark.parametrize("query", ["specials=2", "mean=<b>", "words=%00", "first=", "x=1&x=2"])
def test_a_switch_that_is_not_known_counts_as_the_default(client, query):
    at = "/api/trace/real/cross/0/0"
    assert client.get(f"{at}?{query}").content == client.get(at).content


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_written(client, method):
    assert getattr(client, method)("/api/trace/real/cross/0/0").status_code == 405


@pytest.mark.parametrize("kind", ["", ".csv", ".npz"])
@pytest.mark.parametrize("words", ["0", "1"])
def test_a_map_that_would_have_no_row_shows_its_special_tokens(client, kind, words):
    response = client.get(f"/api/trace/empty/cross/0/0{kind}?specials=0&words={words}")
    assert response.status_code == 200


@pytest.fixture
def large(monkeypatch):
    """LAYERED is too large to be sent whole: two tiles a side, and a picture of 3 × 3."""
    monkeypatch.setattr("viz.long_maps.MOST_WHOLE", 20)
    monkeypatch.setattr("viz.long_maps.TILE", 4)
    monkeypatch.setattr("model_runtime.levels.MOST_SIDE", 3)


def test_a_tile_of_a_large_map_is_answered(client, large):
    header, cells, _ = level_of(client.get("/api/trace/layered/decoder/1/0").content)
    assert (header["level"], cells.shape) == (1, (3, 3))
    response = client.get("/api/trace/layered/decoder/1/0/0/1/0")
    _, cells, _ = level_of(response.content)
    pattern = LAYERED.record("decoder", 1).pattern(0).astype(np.float32)
    expected = np.where(window(6, 6), pattern, -1)[4:, :4]
    np.testing.assert_array_equal(cells, expected)
    assert response.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "tile", ["2/0/0", "0/2/0", "0/0/2", "-1/0/0", "mean/0/0", "0/x/0", "0/0/" + "9" * 5000]
)
def test_a_tile_that_is_not_there_is_not_found(client, large, tile):
    assert client.get(f"/api/trace/layered/decoder/1/0/{tile}").status_code == 404
    assert client.get("/api/trace/gone/decoder/1/0/0/0/0").status_code == 410
    assert client.get("/api/trace/layered/decoder/1/2/0/0/0").status_code == 404


def test_files_of_a_large_map_hold_what_does_not_grow_with_its_cells(client, large):
    at = "/api/trace/layered/decoder/1/0"
    refused = client.get(f"{at}.csv")
    assert refused.status_code == 413 and ".npz" in refused.text
    record = LAYERED.record("decoder", 1)
    with np.load(io.BytesIO(client.get(f"{at}.npz").content)) as file:
        assert {"shown", "pattern", "scores", "mask", "z"}.isdisjoint(file.files)
        for name in ("q", "k", "v"):
            np.testing.assert_array_equal(file[name], getattr(record, name)[0])
        assert file["pooled"].shape == (3, 3) and file["level"] == 1
        assert file["pooled"][0, 0] == 1 and file["pooled"][0, 1] == -1
