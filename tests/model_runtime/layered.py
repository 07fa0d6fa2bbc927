"""A trace of a model in which no two layers are alike, made by hand.

Layers 1, 3 and 6 of a decoder have attention: 2, 3 and 2 heads; causal, a window, one mask a
head; other scales, soft-capping, sinks, a bias, one key head for three query heads.
"""

from dataclasses import replace

import numpy as np

from model_runtime.attention import AttentionRecord
from model_runtime.types import OpensAt, Reading, Trace
from tests.model_runtime.reference import made_trace, tokens

N = 6
TEXTS = ("[BOS]", "b", "c", "d", "e", "f", "g")


def window(n: int, size: int) -> np.ndarray:
    """[query, key], True for the `size` keys up to the query itself."""
    apart = np.subtract.outer(np.arange(n), np.arange(n))
    return (apart >= 0) & (apart < size)


def layered_records(n: int = N, seed: int = 0) -> tuple[AttentionRecord, ...]:
    """The records of `n` queries and keys."""
    rng = np.random.default_rng(seed)

    def made(layer: int, heads: int, kv_heads: int, **more: object) -> AttentionRecord:
        q, k, v = (
            rng.normal(size=(count, n, 4)).astype(np.float32)
            for count in (heads, kv_heads, kv_heads)
        )
        return AttentionRecord("decoder", layer, q, k, v, **more)  # type: ignore[arg-type]

    masks = np.stack([window(n, 2), window(n, 4)])
    return (
        made(1, 2, 2, scale=0.5, mask=window(n, n)[None]),
        made(
            3,
            3,
            1,
            scale=1.0,
            mask=window(n, 3)[None],
            softcap=1.5,
            sinks=np.array([0.5, -1, 2], np.float32),
        ),
        made(6, 2, 2, scale=0.25, mask=masks, bias=rng.normal(size=(1, n, n)).astype(np.float32)),
    )


def layered_trace(n: int = N) -> Trace:
    """A decoder alone around these records."""
    made = made_trace(tokens("a"), tokens(*(TEXTS[i % 7] for i in range(n + 1))))
    return replace(
        made,
        info=replace(
            made.info,
            family="decoder",
            stacks=("decoder",),
            n_layers=7,
            n_heads=3,
            opens_at=OpensAt("decoder", 3, 1),
        ),
        reading=Reading((), made.reading.target, True, n_given=n),
        records=layered_records(n),
    )
