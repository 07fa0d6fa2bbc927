"""What a model hands over after one recorded pass, before it is checked and frozen.

The meeting point of `tracing.py` and the kinds of models it can run. Knows neither kind.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import AttentionRecord
from model_runtime.types import ModelInfo, Reading


@dataclass(frozen=True, eq=False)
class OwnAttention:
    """A record, and beside it what the model itself computed, to check it against."""

    record: AttentionRecord
    pattern: NDArray[np.float32]  # [head, query, key], the model's own
    z: NDArray[np.float32]  # [head, query, d_value], the model's own

    def error(self) -> float:
        """The largest |recomputed − the model's own| over pattern and z of all heads."""
        worst = 0.0
        for head in range(self.record.n_heads):
            pattern, z = self.record.pattern(head), self.record.z(head)
            for ours, own in ((pattern, self.pattern[head]), (z, self.z[head])):
                if ours.size:
                    # numpy's maximum keeps NaN, which must not pass for "no difference".
                    worst = float(np.maximum(worst, np.abs(ours - own).max()))
        return worst


@dataclass(frozen=True, eq=False)
class Pass:
    """All that one forward pass computed."""

    attentions: tuple[OwnAttention, ...]
    intermediates: dict[str, NDArray[np.float32]]
    logits: NDArray[np.float32]  # [position, vocabulary]


class LoadedModel(Protocol):
    """A model that can be traced, whatever it is made of."""

    info: ModelInfo

    def read(self, text: str, target_text: str | None) -> Reading:
        """Turn the texts into tokens; write a target where there is none and one is due."""

    def run(self, reading: Reading) -> Pass:
        """One forward pass with everything recorded."""
