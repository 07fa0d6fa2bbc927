"""Exports open and hold the numbers on screen: CSV, NPZ, PNG and SVG."""

import csv
import io
import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from model_runtime.views import View
from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    DESKTOP,
    PHONE,
    Reader,
    first_text,
    traced,
    true_map,
)

SVG = "{http://www.w3.org/2000/svg}"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def export(reader: Reader, kind: str) -> tuple[str, bytes]:
    """(file name, content) of an export, through the menu and the browser's download."""
    reader.root.locator("details.menu summary").click()
    with reader.tab.expect_download() as download:
        reader.root.locator(f"[data-export={kind}]").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def shares_of(content: bytes) -> tuple[list[str], list[str], np.ndarray]:
    """(row names, column names, shares) of an exported CSV; empty cells are NaN."""
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    cells = [[float(cell or "nan") for cell in line[1:]] for line in lines[1:]]
    return [line[0] for line in lines[1:]], lines[0][1:], np.array(cells)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_csv_holds_the_map_on_screen(page: OpenPage, viewport: tuple[int, int]) -> None:
    reader = Reader(page("/?stack=decoder&layer=1&head=4", viewport=viewport))
    name, content = export(reader, "csv")
    rows, cols, shares = shares_of(content)
    twin = reader.twin()
    assert name.endswith(".csv")
    assert (rows, cols) == (twin.rows, twin.cols)
    expected = true_map(first_text(), "decoder", 1, 4).pattern
    np.testing.assert_allclose(np.nan_to_num(shares), expected, atol=1e-6)
    np.testing.assert_array_equal(np.isnan(shares), np.isnan(twin.shares))


def test_the_csv_follows_head_and_switches(page: OpenPage) -> None:
    reader = Reader(page())
    reader.switch("first")
    reader.mean(1)
    reader.choose(2, "mean")
    _, content = export(reader, "csv")
    view = View(first=False, mean="heads")
    expected = true_map(first_text(), "cross", 2, None, view).pattern
    np.testing.assert_allclose(shares_of(content)[2], expected, atol=1e-6)


def test_the_npz_holds_the_whole_record_of_the_head(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=2&head=3"))
    name, content = export(reader, "npz")
    assert name.endswith(".npz")
    record = traced(first_text()).record("cross", 2)
    expected = {
        "q": record.q[3],
        "k": record.k[3],
        "v": record.v[3],
        "scores": record.scores(3),
        "pattern": record.pattern(3),
        "z": record.z(3),
        "shown": record.pattern(3),
    }
    with np.load(io.BytesIO(content)) as arrays:
        for key, values in expected.items():
            assert arrays[key].shape == values.shape, key
            np.testing.assert_allclose(arrays[key], values, rtol=1e-4, atol=1e-4, err_msg=key)
        scores = arrays["q"] @ arrays["k"].T * arrays["scale"]
        np.testing.assert_allclose(scores, arrays["scores"], rtol=1e-4, atol=1e-4)
        keys = [token.text for token in traced(first_text()).reading.source]
        assert arrays["key_tokens"].tolist() == keys


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_png_is_a_picture_of_a_size_to_print(page: OpenPage, viewport: tuple[int, int]) -> None:
    name, content = export(Reader(page(viewport=viewport)), "png")
    assert name.endswith(".png")
    assert content.startswith(PNG_MAGIC)
    width, height = struct.unpack(">II", content[16:24])
    assert 600 <= width <= 8000
    assert 600 <= height <= 8000
    assert len(content) > 10_000


def test_the_svg_is_xml_with_tokens_and_shares_as_text(page: OpenPage) -> None:
    reader = Reader(page("/?stack=cross&layer=1&head=0"))
    name, content = export(reader, "svg")
    assert name.endswith(".svg")
    root = ElementTree.fromstring(content)
    assert root.tag == f"{SVG}svg"
    texts = [node.text or "" for node in root.iter(f"{SVG}text")]
    for token in reader.tokens("query") + reader.tokens("key"):
        assert token in texts
    pattern = true_map(first_text(), "cross", 1, 0).pattern
    for share in pattern[pattern > 0.006]:
        assert f"{share:.2f}" in texts
    assert any("L1 H0" in text for text in texts)
    assert len(list(root.iter(f"{SVG}rect"))) >= pattern.size


def test_an_example_is_exported_to_whoever_has_its_address(page: OpenPage) -> None:
    reader = Reader(page())
    answer = reader.tab.request.get(reader.source())
    assert answer.status == 200
    assert "private" in answer.headers["cache-control"]
    assert reader.tab.request.get(reader.source().replace(".csv", ".exe")).status == 404
    unknown = reader.source().replace(reader.trace_id(), "0" * 32)
    assert reader.tab.request.get(unknown).status == 410
