"""From a reference to a folder with a checkpoint in it, if that may be opened here.

Knows the folders that are allowed and hands Hub models on to `hub.py`; opens no weights.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from model_runtime.errors import (
    Corrupt,
    NotACheckpoint,
    NotAFolder,
    NotFoundHere,
    OutsideRoots,
)
from model_runtime.huggingface.memory import ensure_weights_fit, listed, weights_bytes
from model_runtime.huggingface.references import Reference
from model_runtime.recording import Report
from model_runtime.settings import PREFIX, Settings, settings

CONFIG = "config.json"
CARD = "README.md"
_LONGEST_CARD = 2**20  # characters; the licence stands at the beginning
_LICENCE = re.compile(r"^licen[sc]e: *[\"']?([^\"'\n#]+)", re.MULTILINE)
_DEEPEST = 3  # folders below a root that are looked through for checkpoints to name
_MOST_NAMED = 12
_MOST_COUNTED = 500


@dataclass(frozen=True)
class Found:
    """A folder that holds config.json and weights in safetensors."""

    folder: Path
    ref: str  # as it is named in sentences
    name: str  # for people
    revision: str  # of a Hub model the commit; else ""
    licence: str  # of the weights; "" if they do not say


def find(reference: Reference, report: Report) -> Found:
    """Find what is referred to, downloading it if need be. Raises a HeadlightError.

    `report` hears how far a download is. Weights that would not fit into memory are refused
    here, by the headers of their files.
    """
    allowed = settings()
    if reference.kind == "hub":
        from model_runtime.huggingface.hub import fetched

        folder, name = fetched(reference, report, allowed), reference.name
        revision = folder.name
    else:
        folder, revision = _local(reference, allowed), ""
        name = folder.name
    ref = str(reference)
    ensure_weights_fit(weights_bytes(folder, ref), allowed.memory, ref)
    return Found(folder, ref, name, revision, licence(folder))


def _local(reference: Reference, allowed: Settings) -> Path:
    """The folder of a path, every file of which lies within the roots."""
    ref = reference.name
    # Links and .. are followed first; what counts is where the path really leads.
    folder = Path(os.path.realpath(os.path.expanduser(ref)))
    if not _is_within(folder, allowed):
        raise _outside(ref, allowed)
    if not os.path.exists(folder):  # which, unlike Path's, takes a name of any length
        raise NotFoundHere(ref=ref, known=", ".join(known(allowed)) or "–")
    if not folder.is_dir():
        raise NotAFolder(ref=ref)
    for entry in _entries(folder, ref):
        if not _is_within(Path(os.path.realpath(entry)), allowed):
            raise _outside(f"{ref}/{entry.relative_to(folder)}", allowed)
    if not (folder / CONFIG).is_file():
        raise NotACheckpoint(ref=ref, found=listed(folder))
    return folder


def _entries(folder: Path, ref: str) -> Iterator[Path]:
    """Everything in a folder, at any depth: templates for chats lie in a folder of their own.
    Raises Corrupt where it cannot be read."""

    def refuse(problem: OSError) -> None:
        raise Corrupt(ref=ref, file=Path(problem.filename).name, why=problem.strerror)

    for at, folders, files in os.walk(folder, onerror=refuse):
        yield from (Path(at, name) for name in (*folders, *files))


def _is_within(path: Path, allowed: Settings) -> bool:
    return any(path.is_relative_to(os.path.realpath(root)) for root in allowed.local_roots)


def _outside(ref: str, allowed: Settings) -> OutsideRoots:
    roots = ", ".join(_short(root) for root in allowed.local_roots)
    return OutsideRoots(ref=ref, roots=roots or "–", setting=f"{PREFIX}LOCAL_ROOTS")


def known(allowed: Settings) -> list[str]:
    """Checkpoints that lie in the roots, as they would be typed; of many some, and how many."""
    found = (config.parent for root in allowed.local_roots for config in _configs(root))
    names = sorted(_short(folder) for folder in islice(found, _MOST_COUNTED))
    if len(names) <= _MOST_NAMED:
        return names
    more = "+" if len(names) == _MOST_COUNTED else ""
    return [*names[:_MOST_NAMED], f"… ({len(names)}{more})"]


def _configs(root: Path) -> Iterator[Path]:
    for depth in range(_DEEPEST + 1):
        yield from sorted(root.glob("*/" * depth + CONFIG))


def _short(path: Path) -> str:
    """A path from the working directory on, where it lies in it: what is shown to everybody
    need not tell where on this machine that is."""
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)


def licence(folder: Path) -> str:
    """The licence that a checkpoint's card names at its beginning; "" if there is none."""
    try:
        with (folder / CARD).open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LONGEST_CARD)
    except OSError:
        return ""
    parts = text.split("---\n", maxsplit=2)  # YAML between two lines of dashes
    found = _LICENCE.search(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    return found[1].strip() if found else ""
