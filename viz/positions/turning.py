"""A query and a key as a rotation turns them: their pairs, their score, what each pair gives to it.

Numbers only. Knows neither controls nor pictures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_runtime.positions import rotary
from model_runtime.positions.encodings import Rotation, Values


def ones(d: int, rotation: Rotation) -> Values:
    """(1, 0) in every pair."""
    vector = np.zeros(d)
    vector[rotary.pair_slices(d // 2, rotation.pairing)[0]] = 1.0
    return vector


@dataclass(frozen=True, eq=False)
class Turned:
    """One query and one key, and where they stand."""

    rotation: Rotation
    frequencies: Values  # [pair], in 64 bits
    q: Values  # [d_head], before it is turned
    k: Values
    at_query: int
    at_key: int

    @property
    def _gain(self) -> float:
        """What sines and cosines that are multiplied do to a score."""
        return self.rotation.attention_factor**2

    def score(self, more: int = 0) -> float:
        """q·k with both of them so many positions further on."""
        at = self.at_query + more, self.at_key + more
        return self._gain * rotary.score(
            self.q, self.k, *at, self.frequencies, self.rotation.pairing
        )

    def scores(self, distances: NDArray[np.int64]) -> Values:
        """q·k for a key that stands so many positions before the query."""
        return self._gain * rotary.scores_by_distance(
            self.q, self.k, distances, self.frequencies, self.rotation.pairing
        )

    def pair(self, vector: Values, at: int | None, pair: int) -> tuple[float, float]:
        """The two numbers of one pair of a vector at a position, or before it is turned."""
        if at is not None:
            turned = rotary.rotated(vector, at, self.frequencies, self.rotation.pairing)
            vector = self.rotation.attention_factor * turned
        first, second = rotary.pair_slices(len(self.frequencies), self.rotation.pairing)
        return float(vector[first][pair]), float(vector[second][pair])

    def part(self, more: int, pair: int) -> float:
        """What one pair gives to the score."""
        a, b = self.pair(self.q, self.at_query + more, pair)
        c, d = self.pair(self.k, self.at_key + more, pair)
        return a * c + b * d

    def dimensions(self, pair: int) -> tuple[int, int]:
        """Which two dimensions of the head a pair is."""
        places = np.arange(2 * len(self.frequencies))
        first, second = rotary.pair_slices(len(self.frequencies), self.rotation.pairing)
        return int(places[first][pair]), int(places[second][pair])
