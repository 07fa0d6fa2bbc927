"""What a model hands over after one recorded pass, before it is checked and frozen.

The meeting point of `tracing.py` and the kinds of models it can run. Knows neither kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import ALL, AttentionRecord
from model_runtime.positions.encodings import Encoding
from model_runtime.steps.parts import Insides
from model_runtime.types import ModelInfo, Reading, Remark, Request

# Tokens. Making and comparing every pattern costs more than the forward pass itself, with n²:
# of a longer text only some rows of every head are compared, and less is kept beside q, k, v.
LONG = 256


@dataclass(frozen=True)
class Progress:
    """How far the opening of a model is."""

    stage: Literal["looking", "downloading", "loading", "checking"]
    done: int = 0  # bytes
    total: int = 0  # bytes; 0 where it is not known


Report = Callable[[Progress], None]
# Called with the bytes that a model is about to take; may raise instead of returning.
RoomFor = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class OwnAttention:
    """A record, and beside it what the model itself computed, to check it against."""

    record: AttentionRecord
    pattern: NDArray[np.float32] | None  # [head, query, key]; None where it never made one
    z: NDArray[np.float32]  # [head, query, d_value], the model's own

    def errors(self, rows: slice = ALL) -> tuple[float, float]:
        """The largest |recomputed − the model's own| over all heads, (of patterns, of z), in
        some query rows or in all. Where values are larger than 1, z is measured in units of the
        largest: 32 bits hold seven digits, not seven decimals."""
        worst_pattern = worst_z = 0.0
        unit = max(1.0, float(np.abs(self.z).max(initial=0.0)))
        for heads in self.record.parts(rows):
            pattern = self.record.pattern(heads, rows)
            z = self.record.z_of(pattern, heads)
            worst_z = _worse(worst_z, (z - self.z[heads, rows]) / unit)
            if self.pattern is not None:
                worst_pattern = _worse(worst_pattern, pattern - self.pattern[heads, rows])
        return worst_pattern, worst_z

    def error(self, rows: slice = ALL) -> float:
        """The larger of both `errors`."""
        return float(np.maximum(*self.errors(rows)))


def _worse(worst: float, difference: NDArray[np.floating]) -> float:
    """numpy's maximum keeps NaN, which must not pass for "no difference"."""
    return float(np.maximum(worst, np.abs(difference).max(initial=0.0)))


@dataclass(frozen=True, eq=False)
class Pass:
    """All that one forward pass computed."""

    attentions: tuple[OwnAttention, ...]
    intermediates: dict[str, NDArray[np.float32]]
    logits: NDArray[np.float32]  # [position, vocabulary], from position `logits_start` on
    logits_start: int = 0
    reading: Reading | None = None  # the reading with what the pass itself added to it
    remarks: tuple[Remark, ...] = ()  # what cannot be shown of it, and why


class LoadedModel(Protocol):
    """A model that can be traced, whatever it is made of."""

    info: ModelInfo

    @property
    def nbytes(self) -> int:
        """Memory held by the weights."""

    @property
    def insides(self) -> Insides | None:
        """Its weights by name, of a model whose every step can be told; None of others."""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """What it tells positions by: at least one, of kind "none" where nothing was found."""

    def read(self, request: Request) -> Reading:
        """Turn the texts into tokens; write a target where there is none and one is due."""

    def run(self, reading: Reading) -> Pass:
        """One forward pass with everything recorded."""
