"""trace(model, text) → Trace: one forward pass, recorded, checked and frozen.

The only way from a model to numbers that are shown. Knows no kind of model in
particular and nothing of the screen.
"""

import re
from dataclasses import fields
from types import MappingProxyType

import numpy as np

from model_runtime.attention import AttentionRecord
from model_runtime.errors import NothingToTrace, TextTooLong
from model_runtime.recording import LoadedModel
from model_runtime.types import Request, Trace

# Tokenizing this much takes a second; a model's context is far smaller.
MAX_CHARACTERS = 200_000


def trace(model: LoadedModel, text: str, target_text: str | None = None) -> Trace:
    """Run `model` on `text` and keep what its attention did.

    With no `target_text` (None or blank) an encoder–decoder writes its own, greedily.
    Text beyond the context is left out, and `trace.reading` says how much. Every pattern
    and z is recomputed from the recorded q, k, v; `trace.check` is the largest
    difference to the model's own. Raises NothingToTrace for a blank text and TextTooLong
    for one beyond MAX_CHARACTERS.
    """
    text = _whole(text)
    target_text = None if target_text is None else _whole(target_text)
    if not text.strip():
        raise NothingToTrace
    longest = max(len(text), len(target_text or ""))
    if longest > MAX_CHARACTERS:
        raise TextTooLong(characters=longest, most=MAX_CHARACTERS)
    if target_text is not None and not target_text.strip():
        target_text = None
    reading = model.read(text, target_text)
    run = model.run(reading)
    return Trace(
        request=Request(model.info.ref, text, target_text),
        info=model.info,
        reading=reading,
        records=tuple(_frozen(attention.record) for attention in run.attentions),
        intermediates=MappingProxyType(
            {name: _locked(array) for name, array in run.intermediates.items()}
        ),
        logits=_locked(run.logits),
        check=float(np.max([attention.error() for attention in run.attentions], initial=0.0)),
    )


def _whole(text: str) -> str:
    """The text with halves of characters (lone surrogates) replaced, for no tokenizer
    takes them."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _locked(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _frozen(record: AttentionRecord) -> AttentionRecord:
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            _locked(value)
    return record
