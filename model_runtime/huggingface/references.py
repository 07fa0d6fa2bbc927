"""What people type for a model, as a reference: a Hub model or a local folder.

Knows how names look; asks neither the disk nor the network whether there is such a model.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from model_runtime.errors import UnreadableReference

# What an address of the Hub begins with, however it was copied.
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
# …/tree/main, …/blob/main/config.json: what comes after the name of a model.
_PAGES = ("tree", "blob", "resolve", "raw", "commit")
_NOT_MODELS = {"datasets", "spaces", "docs", "collections", "papers", "blog", "models", "learn"}
_FOLDER = re.compile(r"[/~\\]|\.{1,2}(?:[/\\]|$)|[A-Za-z]:[/\\]")
# A branch, a tag, a commit, or refs/pr/1. It becomes part of a path, so nothing may climb.
_REVISION = re.compile(r"[A-Za-z0-9][\w.+-]*(?:/[A-Za-z0-9][\w.+-]*)*", re.ASCII)
_LONGEST_REVISION = 200


@dataclass(frozen=True)
class Reference:
    """A model that may or may not exist."""

    kind: Literal["hub", "local"]
    name: str  # "gpt2", "org/name", or the path as it was typed
    revision: str | None = None  # of a Hub model: a branch, a tag or a commit

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


def parse(text: str) -> Reference:
    """Read "name", "org/name", "org/name@revision", the address of a Hub page, or a path, which
    begins with /, ./, ../, ~, a drive or a backslash. Raises UnreadableReference."""
    asked = text.strip()
    if not asked.isprintable():
        raise UnreadableReference(ref=text)
    if _FOLDER.match(asked):
        return Reference("local", asked)
    address = _ADDRESS.match(asked)
    name, revision = _from_page(asked[address.end() :]) if address else _split(asked)
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise UnreadableReference(ref=text) from None
    if revision is not None and not _is_revision(revision):
        raise UnreadableReference(ref=text)
    return Reference("hub", name, revision)


def _split(asked: str) -> tuple[str, str | None]:
    name, at, revision = asked.partition("@")
    return name, revision if at else None


def _from_page(path: str) -> tuple[str, str | None]:
    """The model and the revision of a page of the Hub; an empty name if it shows no model."""
    parts = [unquote(part) for part in re.split(r"[?#]", path)[0].split("/") if part]
    if not parts or parts[0] in _NOT_MODELS:
        return "", None
    page = next((i for i in (1, 2) if parts[i : i + 1] and parts[i] in _PAGES), None)
    if page is None:
        return _split("/".join(parts[:2]))
    return "/".join(parts[:page]), parts[page + 1] if len(parts) > page + 1 else None


def _is_revision(text: str) -> bool:
    short = len(text) <= _LONGEST_REVISION and ".." not in text
    return short and _REVISION.fullmatch(text) is not None
