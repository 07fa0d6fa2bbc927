"""Tiny checkpoints of many kinds beside the built-in models, and traces of them, for a module.

    def test_something(traced):
        trace = traced("bert", "The cat sleeps.")

Opened as the app opens them: by a path, through `shell.cache`.
"""

from functools import cache

import pytest
import torch

from model_runtime import catalog
from model_runtime.types import Request
from shell import cache as kept
from shell.models import ModelStore
from tests.model_runtime.huggingface.checkpoints import make
from tests.model_runtime.huggingface.openable import may_be_opened

FAMILIES = ("bert", "gpt2", "t5", "bloom", "llama", "mamba", "deberta-v2", "bart")
BUILT_IN = tuple(entry.ref for entry in catalog.entries())
TEXT = "The cat sat on the mat."
LONG_TEXT = "the cat " * 300
CONTEXT = 600


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of the checkpoints; whatever lies there may be opened."""
    folder = tmp_path_factory.mktemp("checkpoints").resolve()
    torch.set_num_threads(1)
    with may_be_opened(folder), pytest.MonkeyPatch.context() as patched:
        patched.setattr(kept, "MODELS", ModelStore(catalog.open_model, 10**12))
        patched.setattr(kept, "TRACES", kept.TraceStore(999, 10**12))
        yield folder


@pytest.fixture(scope="module")
def traced(root):
    """The function (name, text="") → trace of a built-in model or of a family's checkpoint;
    without a text, of the model's first example."""

    @cache
    def ref_of(name):
        is_built_in = name.startswith("builtin:")
        return name if is_built_in else str(make(name, root / name, CONTEXT))

    @cache
    def trace_of(name, text=""):
        ref = ref_of(name)
        examples = kept.model(ref).info.examples
        return kept.trace(kept.PUBLIC, Request(ref, text or (examples[0] if examples else TEXT)))[1]

    return trace_of
