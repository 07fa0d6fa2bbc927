"""What a model hands over after one recorded pass, before it is checked and frozen.

The meeting point of `tracing.py` and the kinds of models it can run. Knows neither kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import ALL, AttentionRecord
from model_runtime.types import ModelInfo, Reading, Request


@dataclass(frozen=True)
class Progress:
    """How far the opening of a model is."""

    stage: Literal["looking", "downloading", "loading", "checking"]
    done: int = 0  # bytes
    total: int = 0  # bytes; 0 where it is not known


Report = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class OwnAttention:
    """A record, and beside it what the model itself computed, to check it against."""

    record: AttentionRecord
    pattern: NDArray[np.float32] | None  # [head, query, key]; None where it never made one
    z: NDArray[np.float32]  # [head, query, d_value], the model's own

    def error(self, rows: slice = ALL) -> float:
        """The largest |recomputed − the model's own| over pattern and z of all heads, in some
        query rows or in all."""
        worst = 0.0
        for head in range(self.record.n_heads):
            pattern = self.record.pattern(head, rows)
            z = pattern @ self.record.v[self.record.kv_head(head)].astype(np.float64)
            pairs = [(z, self.z[head][rows])]
            if self.pattern is not None:
                pairs.append((pattern, self.pattern[head][rows]))
            for ours, own in pairs:
                if ours.size:
                    # numpy's maximum keeps NaN, which must not pass for "no difference".
                    worst = float(np.maximum(worst, np.abs(ours - own).max()))
        return worst


@dataclass(frozen=True, eq=False)
class Pass:
    """All that one forward pass computed."""

    attentions: tuple[OwnAttention, ...]
    intermediates: dict[str, NDArray[np.float32]]
    logits: NDArray[np.float32]  # [position, vocabulary], from position `logits_start` on
    logits_start: int = 0
    reading: Reading | None = None  # the reading with what the pass itself added to it


class LoadedModel(Protocol):
    """A model that can be traced, whatever it is made of."""

    info: ModelInfo

    def read(self, request: Request) -> Reading:
        """Turn the texts into tokens; write a target where there is none and one is due."""

    def run(self, reading: Reading) -> Pass:
        """One forward pass with everything recorded."""
