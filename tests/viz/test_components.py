"""What every component hands to the browser: modules that fit together, style and box."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import streamlit as st

from viz import components
from viz.components import recent
from viz.components.modules import Component

FOLDER = Path(components.__file__).parent
ROOT = FOLDER.parents[1]
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
ALL = [importlib.import_module(f"viz.components.{name}").COMPONENT for name in NAMES]
every = pytest.mark.parametrize("component", ALL, ids=[component.name for component in ALL])


def scripts(component):
    """The files that are joined, in their order."""
    return [(FOLDER / component.name / name).resolve() for name in component.scripts]


def test_each_is_named_as_its_folder_is():
    assert len(NAMES) >= 8
    assert [component.name for component in ALL] == NAMES


@every
def test_the_joined_script_has_no_imports_and_one_default_export(component):
    assert not re.search(r"^import\b", component.script, re.MULTILINE)
    (export,) = re.findall(r"^export .*", component.script, re.MULTILINE)
    name = component.name
    made = rf'component\("{name}", createView\);|function {name}\(.*\) \{{'
    assert re.fullmatch(f"export default ({made})", export)


@every
def test_no_two_joined_modules_declare_the_same_name(component):
    declared = re.findall(
        r"^(?:async )?(?:const|let|function|class) (\w+)", component.script, re.MULTILINE
    )
    assert declared and sorted(declared) == sorted(set(declared))


@every
def test_every_module_is_joined_after_those_that_it_imports(component):
    joined = scripts(component)
    assert set((FOLDER / component.name).glob("*.js")) <= set(joined)
    for number, path in enumerate(joined):
        for imported in re.findall(r'\bfrom "(\.[^"]+)";', path.read_text("utf-8")):
            assert (path.parent / imported).resolve() in joined[:number], (path.name, imported)


@every
def test_the_box_goes_by_the_components_name_and_its_style_comes_last(component):
    assert f'data-headlight="{component.name}"' in component.html
    own = (FOLDER / component.name / f"{component.name}.css").read_text("utf-8")
    base = (FOLDER / "base.css").read_text("utf-8")
    assert component.style == (f"{base}\n{own}" if component.has_base else own)


def test_a_component_is_registered_when_it_is_first_mounted_and_never_again(monkeypatch):
    registered: list[tuple[str, set[str]]] = []

    def register(name, **parts):
        registered.append((name, set(parts)))
        return lambda **data: data

    monkeypatch.setattr(st.components.v2, "component", register)
    component = Component("recent", ("recent.js",), recent.HTML)
    assert registered == []
    assert [component.mount(key=key) for key in ("a", "b")] == [{"key": "a"}, {"key": "b"}]
    assert registered == [("headlight_recent", {"html", "css", "js"})]


def test_what_a_component_is_told_comes_in_a_list_which_needs_no_pandas():
    # In a process of its own: here, others may have loaded it.
    told = (
        "import sys; from viz.components import tools\n"
        "from streamlit.components.v2.bidi_component.serialization import serialize_mixed_data\n"
        "from streamlit.proto.BidiComponent_pb2 import BidiComponent\n"
        "sent = {}\n"
        "tools.COMPONENT.__dict__['mount'] = lambda **parts: sent.update(parts)\n"
        "tools.mount(terms=[], stops=[{'text': 'a'}], room='', most_bytes=1, text_fits=True,"
        " say=str, key='x')\n"
        "proto = BidiComponent()\n"
        "serialize_mixed_data(sent['data'], proto)\n"
        "print(proto.json[:11], 'pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == '[{"terms":  False', found.stderr
