"""Which rows and columns of a matrix are kept, so that a step fits a screen and a wire.

Knows axes and sizes of numbers; neither models nor what a matrix stands for.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from model_runtime.steps.parts import Axis
from model_runtime.types import Token

WHOLE_TOKENS = 16  # up to here, nothing of a sequence is left out
WHOLE_COLUMNS = 48
WHOLE_TERMS = 1_024  # of a sum over dimensions
TERMS = 64  # of a longer one: those with the largest |product|
ROOM = 14_500  # numbers: what both factors of a product may take before their sum is folded
MOST_LIKELY = 20
_NEAR = 8  # columns beside one that was asked for
_BESIDE = 2  # tokens beside those that are looked at
_SHARES = 6
_LARGEST = 8
_TOKEN_ENDS, _COLUMN_ENDS = 2, 3

SINGLE = Axis("single", 1, (0,))


def token_axis(
    tokens: Sequence[Token],
    looked_at: Iterable[int],
    *,
    shares: NDArray[np.floating] | None = None,
    around: int | None = None,
    whole: bool = False,
) -> Axis:
    """The tokens of a sequence: all of a short one; of a longer one its ends, those beside what
    is looked at, the keys with the largest `shares` [key], and those near `around`."""
    size = len(tokens)
    kept = set(range(size))
    if size > WHOLE_TOKENS and not whole:
        kept = _ends(size, _TOKEN_ENDS) | _near(around, _NEAR)
        for position in looked_at:
            kept |= _near(position, _BESIDE)
        if shares is not None:
            kept |= largest(shares, _SHARES)
    indices = _within(kept, size)
    return Axis("token", size, indices, tuple(tokens[i].text for i in indices))


def column_axis(
    size: int,
    row: NDArray[np.floating] | None = None,
    *,
    head: range | None = None,
    ends: bool = True,
    around: int | None = None,
    whole: bool = False,
) -> Axis:
    """Dimensions: all of a few; of more the columns of one `head` where heads matter, else those
    where |row| [size] is largest; with them both `ends`, and those near `around`."""
    kept = set(range(size))
    if size > WHOLE_COLUMNS and not whole:
        kept = _near(around, _NEAR) | (_ends(size, _COLUMN_ENDS) if ends else set())
        if head is not None:
            kept |= set(head)
        elif row is not None:
            kept |= largest(np.abs(row), _LARGEST)
    return Axis("dimension", size, _within(kept, size))


def all_of(size: int) -> Axis:
    """Dimensions, none of them left out: those of one head."""
    return Axis("dimension", size, tuple(range(size)))


def term_axis(products: NDArray[np.floating], beside: int, *, whole: bool = False) -> Axis:
    """The index that a product sums over: whole, unless the factors, `beside` numbers each term,
    would take too much; then those with the largest |products| [term] of one cell."""
    size = len(products)
    if whole or (size <= WHOLE_TERMS and size * beside <= ROOM):
        return all_of(size)
    return Axis("dimension", size, _within(largest(np.abs(products), TERMS), size))


def vocabulary_axis(
    names: Sequence[str],
    logits: NDArray[np.floating],
    also: Iterable[int] = (),
    *,
    whole: bool = False,
) -> Axis:
    """Tokens by id: the likeliest of one row of `logits` [vocabulary], and those in `also`."""
    size = len(logits)
    kept = set(range(size))
    if size > WHOLE_COLUMNS and not whole:
        kept = largest(logits, MOST_LIKELY) | set(also)
    indices = _within(kept, size)
    # Some checkpoints give logits for ids that no token has.
    labels = tuple(names[i] if i < len(names) else f"#{i}" for i in indices)
    return Axis("vocabulary", size, indices, labels)


def largest(values: NDArray[np.floating], n: int) -> set[int]:
    """Where the n largest of [size] values stand; of equal ones, the first."""
    return {int(i) for i in np.argsort(-values, kind="stable")[:n]}


def runs(kept: Sequence[int]) -> list[slice]:
    """The stretches without a gap that ascending indices are made of."""
    found: list[slice] = []
    for index in kept:
        if found and found[-1].stop == index:
            found[-1] = slice(found[-1].start, index + 1)
        else:
            found.append(slice(index, index + 1))
    return found


def left_out(axis: Axis) -> NDArray[np.intp]:
    """The true indices that are not kept."""
    return np.setdiff1d(np.arange(axis.size), np.array(axis.kept, dtype=np.intp))


def _ends(size: int, n: int) -> set[int]:
    return {*range(n), *range(size - n, size)}


def _near(index: int | None, n: int) -> set[int]:
    return set() if index is None else set(range(index - n, index + n + 1))


def _within(kept: Iterable[int], size: int) -> tuple[int, ...]:
    return tuple(sorted(i for i in kept if 0 <= i < size))
