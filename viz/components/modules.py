"""ES modules and style sheets as the single texts that Streamlit takes, without a build step.

Knows files and the few forms of import and export that the components use; not what is in them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


def joined(folder: Path, names: Sequence[str]) -> str:
    """The modules `names` of a folder in one: no imports, and the one default export.

    They stand in dependency order: each only uses names of those before it.
    """
    texts = ((folder / name).read_text("utf-8") for name in names)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def styled(path: Path) -> str:
    """The style sheet of a component, after what the large components share."""
    return f"{(Path(__file__).parent / 'base.css').read_text('utf-8')}\n{path.read_text('utf-8')}"
