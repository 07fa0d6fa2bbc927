"""Where tokens stand in a text when nobody says: by decoding, and by comparing characters.

For tokenizers without offsets, and for what a model writes. Knows neither models nor screens.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from model_runtime.huggingface.pieces import IDEOGRAPH, Pieces
from model_runtime.tokens import Span

_SEARCHED = 200  # characters, for the next token that is known
_NEAR = 3  # characters left out before a token, for each of its own, if no unknown one stands there
# An accent, a variation sign, or a joiner and what it joins.
_JOINED = r"(?:\u200d.|[\u0300-\u036f\ufe0f])"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|{_JOINED})*|\S{_JOINED}*")


@dataclass(frozen=True)
class Group:
    """Tokens that make characters together: most often one token."""

    text: str
    spans: tuple[Span, ...]  # the characters in it that each token makes, or helps to make


def decoded(
    ids: Sequence[int], context: Sequence[int], pieces: Pieces, decode: Callable[[list[int]], str]
) -> list[Group]:
    """What each token adds to a text that `context` begins. Bytes are kept together until they
    are characters."""
    everything = [*context, *ids]
    start, read = 0, len(context)  # what is decoded along with new tokens, and the first of these
    groups = []
    held: list[bytes] = []
    for end in range(read + 1, len(everything) + 1):
        added = pieces.bytes_of(pieces.piece(everything[end - 1]))
        held = [*held, added or b""]
        if added and end < len(everything) and _is_beginning(b"".join(held)):
            continue
        before, now = decode(everything[start:read]), decode(everything[start:end])
        text = now[len(before) :] if now.startswith(before) else decode(everything[read:end])
        groups.append(Group(text, _parted(held, text)))
        if text.strip():
            start = read
        read, held = end, []
    return groups


def _is_beginning(held: bytes) -> bool:
    """Whether bytes end amid a character."""
    try:
        held.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def _parted(held: Sequence[bytes], text: str) -> tuple[Span, ...]:
    """The characters that each token's bytes belong to."""
    if b"".join(held) != text.encode():
        return ((0, len(text)),) * len(held)
    ends = list(accumulate((len(character.encode()) for character in text), initial=0))
    spans = []
    at = 0
    for some in held:
        first, last = bisect_right(ends, at) - 1, bisect_left(ends, at + len(some))
        spans.append((first, last) if some else (first, first))
        at += len(some)
    return tuple(spans)


def aligned(
    groups: Sequence[Group], are_unknown: Sequence[bool], text: str, *, is_whole: bool = True
) -> list[Span]:
    """The characters of `text` that each token stands for; `are_unknown` is by token. If not
    `is_whole`, the tokens are those of its beginning.

    Where the groups do not simply make up the text, case, accents, width and white space do not
    count, for tokenizers change them. Tokens that are unknown, or found nowhere, share what
    stands between those that are found.
    """
    made = "".join(group.text for group in groups)
    if made == text or (text.startswith(made) and not is_whole):
        starts = accumulate((len(group.text) for group in groups), initial=0)
        return [
            (at + first, at + last)
            for at, group in zip(starts, groups, strict=False)
            for first, last in group.spans
        ]
    found = _alike(groups, are_unknown, text, is_whole)
    return [span for group, span in zip(groups, found, strict=True) for _ in group.spans]


def _alike(
    groups: Sequence[Group], are_unknown: Sequence[bool], text: str, is_whole: bool
) -> list[Span]:
    """One span for each group."""
    keys, places = _keys(text)
    starts = {n for n, at in enumerate(places) if at and text[at - 1].isspace()}
    found: list[Span | None] = []  # in `keys`; None for what is lost, (at, at) for white space
    at = lost = token = 0
    for group in groups:
        is_unknown = any(are_unknown[token : token + len(group.spans)])
        token += len(group.spans)
        key, _ = _keys(group.text)
        if not key and not is_unknown:
            found.append((at, at))
            continue
        far = len(key) + (_SEARCHED if lost else _NEAR * len(key))
        place = -1
        for least in () if is_unknown else (at + lost, at):  # what is lost has a key, or none
            if place < 0:
                place = keys.find(key, least, least + far)
        if place < 0:
            found.append(None)
            lost += 1
        else:
            found.append((place, place + len(key)))
            at, lost = place + len(key), 0
    ends = [*places, len(text)]
    length = len(keys) if is_whole else min(at + lost, len(keys))
    spans: list[Span] = []
    reached = 0
    for group, (first, last) in zip(groups, _shared_out(found, length, starts), strict=True):
        if first < last:
            span = places[first], places[last - 1] + 1
        else:
            span = _unkeyed(group.text, text, reached, ends[first])
        spans.append(span)
        reached = max(reached, span[1])
    return spans


def _unkeyed(made: str, text: str, start: int, end: int) -> Span:
    """Where the white space or the marks that a group made stand in `text`, between what was found
    before and after it; nothing, at the `end`, if they are not there."""
    left = text[start:end]
    at = left.find(made) if made else -1
    if at < 0 and made.isspace() and left.isspace():
        at = 0  # other white space, made of it
    return (start + at, min(start + at + len(made), end)) if at >= 0 else (end, end)


def _shared_out(found: list[Span | None], length: int, starts: set[int]) -> list[Span]:
    """The same with every None filled. `starts` are the keys that begin a word: of what is lost
    each gets a word, or a key where there are fewer words, and the last before white space, or
    before what is found, the rest."""
    out: list[Span] = []
    at = 0
    for i, span in enumerate(found):
        if span is not None and span[0] < span[1]:
            out.append(span)
            at = span[1]
            continue
        if span is not None:
            out.append((at, at))
            continue
        run = list(takewhile(lambda one: one is None or one[0] == one[1], found[i:]))
        after = next(iter(found[i + len(run) :]), None)
        end = after[0] if after else length
        n_lost = run.count(None)
        words = [n for n in range(at + 1, end) if n in starts]
        ends_word = len(run) > 1 and run[1] is not None  # white space follows
        if n_lost == 1:
            upto = end
        elif words and (ends_word or len(words) == n_lost - 1):
            upto = words[0]
        else:
            upto = min(at + 1, end)
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


def numbered(keys: Sequence[Hashable], are_spaces: Sequence[bool]) -> list[int | None]:
    """A number for each token, the same for neighbours with equal keys; None for those whose key
    is None. A space goes with the word after it."""
    numbers: list[int | None] = []
    number, last = -1, None
    for i, key in enumerate(keys):
        if are_spaces[i] and i + 1 < len(keys) and keys[i + 1] is not None:
            key = keys[i + 1]
        if key is not None and key != last:
            number += 1
        numbers.append(None if key is None else number)
        last = key
    return numbers
