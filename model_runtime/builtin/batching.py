"""Token ids in batches of similar length, padded: what a training step eats.

Knows lists of ids only; neither text nor models.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from model_runtime.builtin.tokenization import PAD_ID

Example = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Batch:
    """Padded token ids of some pairs: lists of equal length, [PAD] at the end."""

    source: list[list[int]]  # what an encoder reads; empty for a decoder alone
    target: list[list[int]]  # what a decoder reads and predicts; an encoder's expected tokens
    # A decoder's expected tokens where it is not asked for every next one; [PAD] asks nothing.
    expected: list[list[int]] | None = None


def batches(
    examples: list[tuple[list[int], list[int]]], max_tokens: int, rng: random.Random
) -> Iterator[Batch]:
    """Batches in random order, each of similar lengths and at most `max_tokens` per side."""
    order = sorted(
        range(len(examples)),
        key=lambda i: (len(examples[i][1]), len(examples[i][0]), rng.random()),
    )
    groups: list[list[int]] = []
    widest = 0
    for i in order:
        width = max(len(side) for side in examples[i])
        widest = max(widest, width)
        if not groups or widest * (len(groups[-1]) + 1) > max_tokens:
            groups.append([])
            widest = width
        groups[-1].append(i)
    rng.shuffle(groups)
    for group in groups:
        sides = zip(*(examples[i] for i in group), strict=True)
        source, target = (padded(list(side)) for side in sides)
        yield Batch(source, target)


def padded(sequences: list[list[int]]) -> list[list[int]]:
    """The sequences, each filled with [PAD] to the length of the longest."""
    width = max(map(len, sequences))
    return [ids + [PAD_ID] * (width - len(ids)) for ids in sequences]
