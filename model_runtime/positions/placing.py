"""What positions the tokens of a pass are told instead of their own, and who can be told.

Plain values. Knows neither how a model is told them (`builtin/placed.py`) nor what for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from model_runtime.steps.parts import Insides
from model_runtime.types import Floats, ModelInfo, Reading, Request

Places = tuple[int | None, ...]


@dataclass(frozen=True)
class Placing:
    """The positions that the tokens of each stack are told, in any order.

    Token i is told the i-th of its stack's, and None is no position at all: nothing is added,
    turned or taken off. Tokens that nothing is given for keep their own. What a decoder may look
    at stays as it is, and so does cross-attention. Raises ValueError for a position below 0.
    """

    encoder: Places = ()
    decoder: Places = ()

    def __post_init__(self) -> None:
        for position in (*self.encoder, *self.decoder):
            if position is not None and position < 0:
                raise ValueError(f"position {position} is before the first")


@runtime_checkable
class Placeable(Protocol):
    """A model whose tokens can be told other positions than their own."""

    info: ModelInfo

    @property
    def insides(self) -> Insides:
        """Its configuration and weights."""

    def read_placed(self, request: Request, places: Placing) -> Reading:
        """Tokens of the texts; a target that is due is written by a model that is told `places`."""

    def run_placed(self, reading: Reading, places: Placing) -> Mapping[str, Floats]:
        """All that is recorded of the pass, by name: "encoder.0.attn.pattern"
        [head, query, key], "encoder.final" [position, d_model], "logits" [position, vocabulary]."""


def nowhere(info: ModelInfo) -> Placing:
    """No position for any token, however many are read or written."""
    none = (None,) * info.context_length
    return Placing(none, none)
