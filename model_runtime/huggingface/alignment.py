"""Where tokens stand in a text when nobody says: by decoding, and by comparing characters.

For tokenizers without offsets, and for what a model writes. Knows neither models nor screens.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from model_runtime.huggingface.pieces import IDEOGRAPH, Pieces
from model_runtime.tokens import Span

_LONGEST_CHARACTER = 4  # bytes in UTF-8
_SEARCHED = 200  # characters, for the next token that is known
# An accent, a variation sign, or a joiner and what it joins.
_JOINED = r"(?:\u200d.|[\u0300-\u036f\ufe0f])"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|{_JOINED})*|\S{_JOINED}*")


@dataclass(frozen=True)
class Group:
    """Tokens that make characters together: most often one token."""

    n_tokens: int
    text: str


def decoded(
    ids: Sequence[int], context: Sequence[int], pieces: Pieces, decode: Callable[[list[int]], str]
) -> list[Group]:
    """What each token adds to a text that `context` begins. Bytes are kept together until they
    are a character."""
    everything = [*context, *ids]
    start, read = 0, len(context)  # what is decoded along with new tokens, and the first of these
    groups = []
    for end in range(read + 1, len(everything) + 1):
        held = [pieces.bytes_of(pieces.piece(id_)) for id_ in everything[read:end]]
        is_last = end == len(everything) or end - read == _LONGEST_CHARACTER
        if not is_last and None not in held and not _is_text(b"".join(held)):  # type: ignore[arg-type]
            continue
        before, now = decode(everything[start:read]), decode(everything[start:end])
        text = now[len(before) :] if now.startswith(before) else decode(everything[read:end])
        groups.append(Group(end - read, text))
        if text.strip():
            start = read
        read = end
    return groups


def _is_text(held: bytes) -> bool:
    try:
        held.decode()
    except UnicodeDecodeError:
        return False
    return True


def aligned(groups: Sequence[Group], are_unknown: Sequence[bool], text: str) -> list[Span]:
    """The characters of `text` that each token stands for; `are_unknown` is by token.

    Case, accents, width and white space do not count, for tokenizers change them. Tokens that
    are unknown, or found nowhere, share what stands between those that are found.
    """
    keys, places = _keys(text)
    found: list[tuple[int, int] | None] = []  # in `keys`, by group
    at = waiting = token = 0
    for group in groups:
        unknown = any(are_unknown[token : token + group.n_tokens])
        token += group.n_tokens
        key, _ = _keys(group.text)
        place = -1
        if key and not unknown:
            place = keys.find(key, at + waiting, at + waiting + len(key) + _SEARCHED)
            if waiting == 0 and place > at and not keys.startswith(key, at) and len(key) == 1:
                place = place if place - at < 3 else -1  # one letter is soon found somewhere
        if not key and not unknown:
            found.append((at, at))
        elif place < 0:
            found.append(None)
            waiting += 1
        else:
            found.append((place, place + len(key)))
            at, waiting = place + len(key), 0
    spans: list[Span] = []
    for group, place in zip(groups, _shared_out(found, len(keys)), strict=True):
        first, last = place
        if first < last:
            span = (places[first], places[last - 1] + 1)
        else:
            start = places[first] if first < len(places) else len(text)
            span = (start, start)
        spans += [span] * group.n_tokens
    return spans


def _shared_out(found: list[tuple[int, int] | None], length: int) -> list[tuple[int, int]]:
    """The same with every None filled: one key each, and the rest for the last of them."""
    out: list[tuple[int, int]] = []
    at = 0
    for is_lost, run in groupby(range(len(found)), key=lambda i: found[i] is None):
        places = list(run)
        if not is_lost:
            out += [found[i] or (0, 0) for i in places]
            at = out[-1][1]
            continue
        following = places[-1] + 1
        end = length if following == len(found) else (found[following] or (0, 0))[0]
        for i in places:
            upto = end if i == places[-1] else min(at + 1, end)
            out.append((at, upto))
            at = upto
    return out


def _keys(text: str) -> tuple[str, list[int]]:
    """What is compared of a text, and the place in it that each compared character is from."""
    keys, places = [], []
    for place, character in enumerate(text):
        for key in unicodedata.normalize("NFKD", character).casefold():
            if not key.isspace() and not unicodedata.combining(key):
                keys.append(key)
                places.append(place)
    return "".join(keys), places


def words_in(text: str) -> list[int | None]:
    """The number of the word that each character belongs to; None for white space. Signs and
    Chinese characters are words of their own."""
    numbers: list[int | None] = [None] * len(text)
    number = 0
    for word in _WORD.finditer(text):
        for place in range(*word.span()):
            if place > word.start() and IDEOGRAPH.search(text, place - 1, place + 1):
                number += 1
            numbers[place] = number
        number += 1
    return numbers
