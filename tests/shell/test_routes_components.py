"""Each component's script is to be had under a name of its own, and under no other."""

import importlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from shell import routes_components
from viz import components
from viz.components import modules

CLIENT = TestClient(Starlette(routes=routes_components.ROUTES))
NAMES = sorted(path.parent.name for path in Path(components.__file__).parent.glob("*/__init__.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_found_where_its_stub_looks_for_it_and_may_be_kept_for_good(name):
    component = importlib.import_module(f"viz.components.{name}").COMPONENT
    address = f"{modules.PLACE}{component.file}"
    assert f'"{address}"' in component.stub
    got = CLIENT.get(f"/{address}")
    assert got.status_code == 200
    assert got.text == component.script
    assert got.headers["content-type"].startswith("text/javascript")
    assert "immutable" in got.headers["cache-control"]


@pytest.mark.parametrize(
    "file",
    ["attention.js", "attention-0.js", "attention-", "-", "modules-0.js", "x-0.js", "%2e-0.js"],
)  # fmt: skip
def test_any_other_name_is_not_found_and_not_kept(file):
    got = CLIENT.get(f"/{modules.PLACE}{file}")
    assert got.status_code == 404
    assert "cache-control" not in got.headers


def test_the_front_page_is_told_of_the_script_that_it_needs():
    assert CLIENT.get(f"/{routes_components.PICTURE}").status_code == 200


def test_another_script_has_another_name():
    one = modules.Component("tools", ("tour.js",), "")
    other = modules.Component("tools", ("tour.js", "../attention/text.js"), "")
    assert one.file != other.file
    assert one.file == modules.Component("tools", ("tour.js",), "<p>").file
