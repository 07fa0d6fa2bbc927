"""ES modules as the single script that Streamlit takes of a component, without a build step.

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
