"""A link as a QR code: read back by another library's reader, and refused where it is too long."""

import ipaddress
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import zxingcpp
from starlette.applications import Starlette
from starlette.testclient import TestClient

from shell import routes_share

CLIENT = TestClient(Starlette(routes=routes_share.ROUTES))
SCALE = 4


def painted(svg: bytes) -> np.ndarray:
    """The picture, [pixel, pixel], 0 or 255: segno draws rows as horizontal strokes."""
    root = ElementTree.fromstring(svg)
    size = int(root.attrib["width"])
    cells = np.full((size // SCALE, size // SCALE), 255, dtype=np.uint8)
    (path,) = [one for one in root.iter() if one.tag.endswith("path") and "stroke" in one.attrib]
    x = y = 0.0
    number = ""
    for command in (
        path.attrib["d"].replace("M", " M").replace("m", " m").replace("h", " h").split()
    ):
        kind, number = command[0], command[1:]
        if kind in "Mm" and number:
            x, y = (x + float(number), y) if kind == "m" else (float(number), y)
        elif kind == "h":
            cells[int(y), int(x) : int(x + float(number))] = 0
            x += float(number)
        else:
            y += float(command)
    return np.kron(cells, np.ones((SCALE, SCALE), dtype=np.uint8))


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "http://192.0.2.7:8501/?text=%E7%8C%AB&layer=2&head=0",
        "http://192.0.2.7:8501/?" + "x" * (routes_share.MOST_BYTES - 24),
    ],
)
def test_a_code_reads_back_as_the_link(text: str) -> None:
    answer = CLIENT.get("/api/qr.svg", params={"text": text})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    (found,) = zxingcpp.read_barcodes(painted(answer.content))
    assert found.text == text


@pytest.mark.parametrize("text", ["", "x" * (routes_share.MOST_BYTES + 1), "猫" * 500])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    assert CLIENT.get("/api/qr.svg", params={"text": text}).status_code == 413


def test_hostile_text_is_only_ever_dots() -> None:
    answer = CLIENT.get("/api/qr.svg", params={"text": "</svg><script>alert(1)</script>"})
    assert b"script" not in answer.content


def test_the_address_in_the_room_is_one_that_others_can_reach_or_none() -> None:
    found = routes_share.address_in_the_room()
    assert found == "" or not ipaddress.ip_address(found).is_loopback
