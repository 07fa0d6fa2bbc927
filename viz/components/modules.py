"""A component as Streamlit takes it: one text of its ES modules, one of its style sheets, no build.

Knows files and the few forms of import and export that the components use; not what is in them.
"""

import hashlib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

PLACE = "api/component/"  # of the scripts, relative to a page

_COMPONENTS = Path(__file__).parent
_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


def joined(folder: Path, names: Sequence[str]) -> str:
    """The modules `names` of a folder in one: no imports, and the one default export.

    They stand in dependency order: each only uses names of those before it.
    """
    texts = ((folder / name).read_text("utf-8") for name in names)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


@dataclass(frozen=True)
class Component:
    """What the folder of a name holds for the browser."""

    name: str
    scripts: tuple[str, ...]  # in dependency order; one of them has the default export
    html: str
    has_base: bool = True  # whether its own style sheet stands on what the large ones share

    @cached_property
    def script(self) -> str:
        """All modules as one."""
        return joined(_COMPONENTS / self.name, self.scripts)

    @cached_property
    def file(self) -> str:
        """The script's name for the browser, which changes whenever the script does: under it the
        browser may keep it for good."""
        digest = hashlib.blake2b(self.script.encode(), digest_size=8).hexdigest()
        return f"{self.name}-{digest}.js"

    @property
    def stub(self) -> str:
        """The module that Streamlit gets in the script's place. Streamlit sends a component's
        script along with its data, every time; so it was half of what a rerun sends."""
        address = f'new URL("{PLACE}{self.file}", document.baseURI).href'
        return f"const {{ default: show }} = await import({address});\nexport default show;\n"

    @property
    def style(self) -> str:
        """All style sheets as one."""
        sheets = ("base.css",) if self.has_base else ()
        own = f"{self.name}/{self.name}.css"
        return "\n".join((_COMPONENTS / name).read_text("utf-8") for name in (*sheets, own))

    @cached_property
    def mount(self) -> Any:
        """Streamlit's function that shows it; registered when a page first needs it, and once."""
        return st.components.v2.component(
            f"headlight_{self.name}", html=self.html, css=self.style, js=self.stub
        )

    def tell(self, told: Mapping[str, Any], *, key: str, **more: Any) -> None:
        """Show it, with `told` as what it is told, which JSON can say. It is put into a list: of
        a dict, Streamlit asks whether each value is a table, for which it loads pandas: half a
        second of the start of the server."""
        self.mount(key=key, data=[told], **more)


def called(name: str) -> Component | None:
    """The component in the folder of a name."""
    if not re.fullmatch("[a-z]+", name) or not (_COMPONENTS / name / "__init__.py").is_file():
        return None
    found = importlib.import_module(f"viz.components.{name}").COMPONENT
    assert isinstance(found, Component)
    return found
