"""Tiny checkpoints that may be opened while the tests of a module run.

    from tests.model_runtime.huggingface.openable import folder, opened, root

    __all__ = ["folder", "opened", "root"]  # fixtures

    def test_something(opened):
        model = opened("bert")

Knows where they lie, and nothing of what is in them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import torch

from model_runtime import catalog
from model_runtime.settings import settings
from tests.model_runtime.huggingface.checkpoints import CONTEXT, make


@contextmanager
def may_be_opened(root: Path) -> Iterator[None]:
    """Whatever lies below a folder may be opened meanwhile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADLIGHT_LOCAL_ROOTS", str(root))
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder below which checkpoints may be opened."""
    torch.set_num_threads(1)
    found = tmp_path_factory.mktemp("checkpoints").resolve()
    with may_be_opened(found):
        yield found


@pytest.fixture(scope="module")
def folder(root):
    """The function (family, context=CONTEXT) → where its checkpoint lies; made once."""

    def folder_of(family, context=CONTEXT):
        found = root / f"{family}-{context}"
        return found if found.exists() else make(family, found, context)

    return folder_of


@pytest.fixture(scope="module")
def opened(folder):
    """The function (family, context=CONTEXT) → its model; opened once."""
    return cache(lambda *asked: catalog.open_model(str(folder(*asked))))
