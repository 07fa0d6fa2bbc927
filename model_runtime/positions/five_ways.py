"""five(text, open_model) → one text in five models that differ in their positions alone.

Each was trained to name, for every token, the token before it (`builtin/recipes/positions.py`).
Knows neither where opened models are kept nor the screen.
"""

import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from model_runtime.measures import Guess, likeliest
from model_runtime.positions.encodings import Kind
from model_runtime.recording import LoadedModel
from model_runtime.tracing import trace
from model_runtime.types import Trace

KINDS: tuple[Kind, ...] = ("sinusoidal", "learned", "rotary", "alibi", "none")


@dataclass(frozen=True, eq=False)
class OneOfFive:
    """What one of the five models makes of a text."""

    kind: Kind
    ref: str  # "builtin:positions@rotary"
    trace: Trace
    layer: int  # the head that it opens at: the one that looks most at the token before
    head: int
    predicted: tuple[Guess, ...]  # one a token: the likeliest, by id in `trace.info.vocabulary`
    right: tuple[bool | None, ...]  # whether that is the token before; None of the first token
    share_right: float  # of all tokens but the first, 0…1


def five(text: str, open_model: Callable[[str], LoadedModel]) -> tuple[OneOfFive, ...]:
    """One text in all five models, in the order of KINDS; `open_model` takes their references.

    What does not fit into their context is left out, as `trace.reading` says. Raises ValueError
    that names the first character that they cannot read, and NothingToTrace for no text at all.
    """
    stranger = _first_unreadable(text)
    if stranger is not None:
        raise ValueError(f"{stranger!r} is not a letter from a to z")
    return tuple(_one(kind, f"builtin:positions@{kind}", text, open_model) for kind in KINDS)


def readable(text: str) -> bool:
    """Whether the five models know every token of a text: small letters from a to z alone, in
    full width too, and at least one."""
    return bool(text) and _first_unreadable(text) is None


def _first_unreadable(text: str) -> str | None:
    # Their tokenizer normalises by NFKC, which makes a full-width ａ an a.
    letters = set(string.ascii_lowercase)
    return next((c for c in text if not set(unicodedata.normalize("NFKC", c)) <= letters), None)


def _one(kind: Kind, ref: str, text: str, open_model: Callable[[str], LoadedModel]) -> OneOfFive:
    found = trace(open_model(ref), text)
    ids = [token.id for token in found.reading.source]
    predicted = tuple(likeliest(row, 1)[0] for row in found.logits)
    right = [guess.id == before for guess, before in zip(predicted[1:], ids[:-1], strict=True)]
    at = found.info.opens_at
    share = sum(right) / len(right)
    return OneOfFive(kind, ref, found, at.layer, at.head, predicted, (None, *right), share)
