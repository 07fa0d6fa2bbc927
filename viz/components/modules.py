"""A component as Streamlit takes it: one text of its ES modules, one of its style sheets, no build.

Knows files and the few forms of import and export that the components use; not what is in them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

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

    @property
    def script(self) -> str:
        """All modules as one."""
        return joined(_COMPONENTS / self.name, self.scripts)

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
            f"headlight_{self.name}", html=self.html, css=self.style, js=self.script
        )
