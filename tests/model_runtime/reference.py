"""What the tests compare with: the paper's formula in plain loops, traces made by hand.

Written apart from the code under test, and slowly on purpose.
"""

import math
from functools import cache
from types import MappingProxyType

import numpy as np

from model_runtime import catalog, tracing
from model_runtime.attention import AttentionRecord
from model_runtime.recording import LoadedModel
from model_runtime.types import ModelInfo, OpensAt, Reading, Request, Token, Trace
from tests.hostile import NASTY, naughty_strings

__all__ = ["NASTY", "naughty_strings"]


def pattern_in_loops(record: AttentionRecord, head: int) -> np.ndarray:
    """softmax of one head's scores, cell by cell, with Python's own floats."""
    q, k = record.q[head], record.k[head // (len(record.q) // len(record.k))]
    pattern = np.zeros((len(q), len(k)))
    for row in range(len(q)):
        exps = {}
        for key in range(len(k)):
            if record.mask is not None and not record.mask[head % len(record.mask), row, key]:
                continue
            score = sum(float(a) * float(b) for a, b in zip(q[row], k[key], strict=True))
            score *= record.scale
            if record.softcap is not None:
                score = record.softcap * math.tanh(score / record.softcap)
            if record.bias is not None:
                score += float(record.bias[head % len(record.bias), row, key])
            exps[key] = math.exp(score)
        total = sum(exps.values())
        if record.sinks is not None:
            total += math.exp(float(record.sinks[head]))
        for key, exp in exps.items():
            pattern[row, key] = exp / total
    return pattern


def z_in_loops(record: AttentionRecord, head: int) -> np.ndarray:
    """pattern·v of one head, one sum a cell."""
    pattern = pattern_in_loops(record, head)
    v = record.v[head // (len(record.q) // len(record.v))]
    z = np.zeros((len(pattern), v.shape[1]))
    for row in range(len(pattern)):
        for column in range(v.shape[1]):
            z[row, column] = sum(pattern[row, key] * float(v[key, column]) for key in range(len(v)))
    return z


@cache
def translator() -> LoadedModel:
    """The model that ships with Headlight, opened once for all tests."""
    return catalog.open_model(catalog.DEFAULT)


@cache
def traced(text: str, target_text: str | None = None) -> Trace:
    """A trace of the translator; one for each pair of texts, for reading only."""
    return tracing.trace(translator(), text, target_text)


def tokens(*texts: str, words: tuple[int | None, ...] | None = None) -> tuple[Token, ...]:
    """Tokens with these texts; [IN BRACKETS] is special. Each a word, unless `words` says."""
    made = []
    for position, text in enumerate(texts):
        special = len(text) > 2 and text[0] == "[" and text[-1] == "]"
        word = None if special else words[position] if words else position
        made.append(
            Token(position, 100 + position, text, None if special else (0, 1), word, special)
        )
    return tuple(made)


def made_record(
    stack: str, layer: int, n_queries: int, n_keys: int, *, n_heads: int = 2, seed: int = 0
) -> AttentionRecord:
    """A random record with d_head 4; a decoder's is causal."""
    rng = np.random.default_rng((seed, layer, ord(stack[0])))
    causal = np.tril(np.ones((1, n_queries, n_keys), dtype=bool))
    return AttentionRecord(
        stack=stack,
        layer=layer,
        q=rng.normal(size=(n_heads, n_queries, 4)).astype(np.float32),
        k=rng.normal(size=(n_heads, n_keys, 4)).astype(np.float32),
        v=rng.normal(size=(n_heads, n_keys, 4)).astype(np.float32),
        scale=0.5,
        mask=causal if stack == "decoder" else None,
    )


def made_trace(
    source: tuple[Token, ...], target: tuple[Token, ...], *, n_layers: int = 2, n_heads: int = 2
) -> Trace:
    """An encoder–decoder's trace with random numbers, around tokens made by hand."""
    lengths = {
        "encoder": (len(source), len(source)),
        "decoder": (len(target) - 1, len(target) - 1),
        "cross": (len(target) - 1, len(source)),
    }
    info = ModelInfo(
        ref="builtin:made",
        name="made",
        family="encoder-decoder",
        stacks=("encoder", "decoder", "cross"),
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        d_model=4 * n_heads,
        d_head=4,
        context_length=64,
        n_parameters=1,
        licence="none",
        cards={"en": ""},
        examples=("a",),
        vocabulary=tuple("abcdefghij"),
        opens_at=OpensAt("cross", 0, 0),
    )
    records = tuple(
        made_record(stack, layer, *shape, n_heads=n_heads)
        for stack, shape in lengths.items()
        for layer in range(n_layers)
    )
    return Trace(
        request=Request("builtin:made", "text"),
        info=info,
        reading=Reading(source, target, target_is_own=True),
        records=records,
        intermediates=MappingProxyType({}),
        logits=np.zeros((len(target) - 1, 10), dtype=np.float32),
        check=0.0,
    )
