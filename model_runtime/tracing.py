"""trace(model, text) → Trace: one forward pass, recorded, checked and frozen.

The only way from a model to numbers that are shown. Knows no kind of model in
particular and nothing of the screen.
"""

import re
from dataclasses import fields
from types import MappingProxyType

import numpy as np

from model_runtime.attention import ALL, AttentionRecord
from model_runtime.errors import NothingToTrace, TextTooLong
from model_runtime.recording import LONG, LoadedModel
from model_runtime.types import Request, Trace

# Tokenizing this much takes a second; a model's context is far smaller.
MAX_CHARACTERS = 200_000
CHECKED_ROWS = 8  # of every head, where a text is LONG


def trace(
    model: LoadedModel,
    text: str,
    target_text: str | None = None,
    *,
    pair_text: str | None = None,
    chat: bool = False,
) -> Trace:
    """Run `model` on `text` and keep what its attention did.

    With no `target_text` (None or blank) a model that writes goes on by itself, greedily.
    `pair_text` is read after the text, in one sequence, by a model whose info `takes_pair`;
    `chat` puts the text into the chat template of one that `has_chat`. Text beyond the
    context is left out, and `trace.reading` says how much. Every pattern and z is
    recomputed from the recorded q, k, v; `trace.check` is the largest difference to the
    model's own, over all rows or, of a long text, over `trace.checked_rows` rows of every
    head. Raises NothingToTrace for a blank text and TextTooLong for one beyond
    MAX_CHARACTERS.
    """
    request = Request(
        model.info.ref,
        _whole(text),
        _given(target_text),
        _given(pair_text) if model.info.takes_pair else None,
        chat and model.info.has_chat,
    )
    if not text.strip():
        raise NothingToTrace
    longest = max(len(part or "") for part in (text, target_text, pair_text))
    if longest > MAX_CHARACTERS:
        raise TextTooLong(characters=longest, most=MAX_CHARACTERS)
    reading = model.read(request)
    run = model.run(reading)
    rows = _rows_to_check(max((a.record.q.shape[1] for a in run.attentions), default=0))
    return Trace(
        request=request,
        info=model.info,
        reading=run.reading or reading,
        records=tuple(_frozen(attention.record) for attention in run.attentions),
        intermediates=MappingProxyType(
            {name: _locked(array) for name, array in run.intermediates.items()}
        ),
        logits=_locked(run.logits),
        check=float(np.max([attention.error(rows) for attention in run.attentions], initial=0.0)),
        logits_start=run.logits_start,
        checked_rows=None if rows == ALL else CHECKED_ROWS,
        remarks=run.remarks,
    )


def _given(text: str | None) -> str | None:
    """What was typed; None for white space alone."""
    return _whole(text) if text and text.strip() else None


def _rows_to_check(n_queries: int) -> slice:
    """All query rows, or CHECKED_ROWS of them spread over a long text."""
    if n_queries <= LONG:
        return ALL
    step = n_queries // CHECKED_ROWS
    return slice(step - 1, step * CHECKED_ROWS, step)


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
