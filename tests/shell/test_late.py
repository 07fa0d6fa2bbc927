"""The server answers before torch has been read, and its first picture does not need it."""

import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from shell import late
from tests.conftest import ROOT


def test_neither_torch_nor_pandas_is_read_before_the_server_answers():
    program = "import sys, app; print([n for n in ('torch', 'pandas') if n in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT
    )
    assert found.stdout.strip().splitlines()[-1] == "[]", found.stderr


def test_the_first_picture_needs_no_torch():
    program = (
        "import sys; from pages import attention, positions, steps; from shell import cache;"
        "from model_runtime import catalog; from model_runtime.types import Request;"
        "from model_runtime.views import View;"
        "example = cache.model(catalog.DEFAULT).info.examples[0];"
        "name, trace = cache.trace(cache.PUBLIC, Request(catalog.DEFAULT, example));"
        "assert cache.OVERVIEWS.of(name, trace, View()) and trace.check <= 1e-5;"
        "print('torch' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT
    )
    assert found.stdout.split() == ["False"], found.stderr


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/source/transformer.py", 200),
        ("/api/trace/nobody/encoder/0/0", 410),
        ("/api/positions/nobody/order", 410),
        ("/api/nothing", 404),
        ("/elsewhere", 404),
    ],
)
def test_a_late_route_answers_as_itself(path, status):
    assert TestClient(Starlette(routes=late.ROUTES)).get(path).status_code == status
