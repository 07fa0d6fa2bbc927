"""From texts to the ids that a checkpoint gets, and what each of them is made of.

Special tokens that a user types stay text. Knows transformers' tokenizers, fast and slow;
neither what is shown of a token nor how long a sequence may be.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from model_runtime.errors import N_, HeadlightError
from model_runtime.huggingface.alignment import aligned, decoded
from model_runtime.huggingface.pieces import Pieces
from model_runtime.tokens import Span

_SENTINEL = re.compile(r"<extra_id_\d+>")  # the blanks that T5 fills
_MOST_CUTS = 8  # rounds
_LONGEST_REASON = 200  # characters


class TokenizerFailed(HeadlightError):
    """A checkpoint's tokenizer has no way to read a text, or is damaged."""

    message = N_(
        "The tokenizer of this model cannot read the text: {why}. Try another text; if none can "
        "be read, copy or download the checkpoint again."
    )


@dataclass(frozen=True)
class Encoded:
    """The tokens of one sequence, by position."""

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    offsets: tuple[Span | None, ...]  # into the text; None for what the tokenizer put in itself
    words: tuple[int | None, ...]  # as the tokenizer parted the text, if it says so
    parts: tuple[int, ...]  # 1 in the second text
    segments: tuple[int, ...]  # token type ids; empty if the tokenizer has none

    def only(self, positions: Sequence[int]) -> "Encoded":
        """Some of the tokens."""
        columns = (getattr(self, field.name) for field in fields(self))
        return Encoded(*(tuple(one[i] for i in positions) if one else () for one in columns))


class Encoder:
    """Reads texts with one tokenizer, in one thread at a time: it keeps its settings inside."""

    def __init__(self, tokenizer: Any, pieces: Pieces, family: str) -> None:
        self._tokenizer = tokenizer
        self._pieces = pieces
        self._lock = threading.Lock()
        # A blank may be typed, for filling it is what such models are asked for.
        blanks: set[int] = set()
        if family != "decoder":
            blanks = {i for i in pieces.special_ids if _SENTINEL.fullmatch(pieces.piece(i))}
            if tokenizer.mask_token_id is not None:
                blanks.add(tokenizer.mask_token_id)
        self._guarded = pieces.special_ids - blanks
        self._unknown = {tokenizer.unk_token_id}

    def encode(
        self,
        text: str,
        pair_text: str | None = None,
        *,
        as_target: bool = False,
        typed: Sequence[Span] | None = None,
        most: int | None = None,
    ) -> Encoded:
        """Read one text, or two as one sequence; `as_target` as what a decoder is to write.

        What is typed may be hostile: special tokens in it are read as characters. In a chat,
        which has its own special tokens, that are only the `typed` parts. No more than `most`
        tokens of each text need offsets that are right. Raises TokenizerFailed.
        """
        try:
            with self._lock:
                if self._tokenizer.is_fast:
                    return self._fast(text, pair_text, as_target, typed)
                return self._slow(text, pair_text, as_target, typed, most)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # what goes wrong in Rust is no Exception
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise TokenizerFailed(why=why[:_LONGEST_REASON]) from error

    # --- with offsets -----------------------------------------------------------------------

    def _fast(
        self, text: str, pair_text: str | None, as_target: bool, typed: Sequence[Span] | None
    ) -> Encoded:
        texts = (text, pair_text or "")
        encoded = self._read(text, pair_text, as_target, typed, split=False)
        forged = self._forged(encoded, texts, typed)
        if not forged:
            return encoded
        # Reading all special tokens as characters would lose a chat's own, and blanks.
        if typed is None and not any(self._blanks_in(one) for one in texts):
            encoded = self._read(text, pair_text, as_target, typed, split=True)
            forged = self._forged(encoded, texts, typed)
        # Some have their special tokens among the pieces of text: parted, they are none.
        cuts: set[tuple[int, int]] = set()
        for _ in range(_MOST_CUTS):
            if forged <= cuts:
                break
            cuts |= forged
            encoded = self._parted(text, pair_text, typed, cuts)
            forged = self._forged(encoded, texts, typed)
        return encoded

    def _read(
        self,
        text: str,
        pair_text: str | None,
        as_target: bool,
        typed: Sequence[Span] | None,
        split: bool,
    ) -> Encoded:
        given = {"text_target": text} if as_target else {"text": text, "text_pair": pair_text}
        batch = self._tokenizer(
            **given, add_special_tokens=typed is None, split_special_tokens=split, verbose=False
        )
        found = batch.encodings[0]
        own = found.special_tokens_mask
        return Encoded(
            ids=tuple(found.ids),
            pieces=tuple(found.tokens),
            offsets=tuple(None if own[i] else span for i, span in enumerate(found.offsets)),
            words=tuple(found.word_ids),
            parts=tuple(part or 0 for part in found.sequence_ids),
            segments=tuple(batch.get("token_type_ids", ())),
        )

    def _parted(
        self,
        text: str,
        pair_text: str | None,
        typed: Sequence[Span] | None,
        cuts: set[tuple[int, int]],
    ) -> Encoded:
        """The same, the texts parted at the cuts and each part read by itself."""
        backend = self._tokenizer.backend_tokenizer
        backend.encode_special_tokens = False
        texts = [text] if pair_text is None else [text, pair_text]
        starts = [sorted({0, *(at for own, at in cuts if own == n)}) for n in range(len(texts))]
        parts = [
            [one[a:b] for a, b in zip(at, [*at[1:], len(one)], strict=True)]
            for one, at in zip(texts, starts, strict=True)
        ]
        found = backend.encode(*parts, is_pretokenized=True, add_special_tokens=typed is None)
        offsets: list[Span | None] = []
        for span, chunk, part in zip(
            found.offsets, found.word_ids, found.sequence_ids, strict=True
        ):
            start = None if chunk is None else starts[part or 0][chunk]
            offsets.append(None if start is None else (start + span[0], start + span[1]))
        has_types = "token_type_ids" in self._tokenizer.model_input_names
        return Encoded(
            ids=tuple(found.ids),
            pieces=tuple(found.tokens),
            offsets=tuple(offsets),
            words=(None,) * len(found.ids),
            parts=tuple(part or 0 for part in found.sequence_ids),
            segments=tuple(found.type_ids) if has_types else (),
        )

    def _forged(
        self, encoded: Encoded, texts: tuple[str, str], typed: Sequence[Span] | None
    ) -> set[tuple[int, int]]:
        """(part, place in it where a cut makes it text) of special tokens that were typed."""
        found = set()
        for id_, span, part in zip(encoded.ids, encoded.offsets, encoded.parts, strict=True):
            if id_ not in self._guarded or span is None:
                continue
            covered = texts[part][slice(*span)]
            if id_ in self._unknown and covered.strip() != self._tokenizer.unk_token:
                continue  # nobody typed it: it is what an unknown character became
            if typed is None or any(span[0] < end and start < span[1] for start, end in typed):
                found.add((part, span[0] + len(covered) - len(covered.lstrip()) + 1))
        return found

    def _blanks_in(self, text: str) -> bool:
        blanks = self._pieces.special_ids - self._guarded
        return any(self._pieces.piece(id_) in text for id_ in blanks)

    # --- without ----------------------------------------------------------------------------

    def _slow(
        self,
        text: str,
        pair_text: str | None,
        as_target: bool,
        typed: Sequence[Span] | None,
        most: int | None,
    ) -> Encoded:
        if typed is not None:
            return self._slow_chat(text, typed)
        texts = [text] if pair_text is None else [text, pair_text]
        kind = "text_target" if as_target else "text"
        bodies = [self._ids(**{kind: one}) for one in texts]
        split = any(self._guarded & {*body} - self._unknown for body in bodies)
        if split:
            bodies = [self._ids(**{kind: one}, split_special_tokens=True) for one in texts]
        pair = {} if pair_text is None else {"text_pair": pair_text}
        whole = self._tokenizer(**{kind: text}, **pair, split_special_tokens=split, verbose=False)
        ids: list[int] = whole["input_ids"]
        offsets: list[Span | None] = [None] * len(ids)
        parts = [0] * len(ids)
        at = 0
        for part, (body, one) in enumerate(zip(bodies, texts, strict=True)):
            n = len(body)
            at = next(i for i in range(at, len(ids) - n + 1) if ids[i : i + n] == body)
            offsets[at : at + n] = self._spans(body, one, most)
            parts[at : at + n] = [part] * n
            at += n
        return self._without_words(ids, offsets, parts, whole.get("token_type_ids", ()))

    def _slow_chat(self, text: str, typed: Sequence[Span]) -> Encoded:
        """A chat, its typed parts read by themselves if there are special tokens in them."""
        ids = self._ids(text=text)
        names = [self._pieces.piece(id_) for id_ in self._guarded]
        if any(name in text[slice(*span)] for name in names for span in typed):
            bounds = [0, *(place for span in typed for place in span), len(text)]
            ids = []
            for n, (start, end) in enumerate(pairwise(bounds)):
                ids += self._ids(text=text[start:end], split_special_tokens=n % 2 == 1)
        return self._without_words(ids, list(self._spans(ids, text, None)), [0] * len(ids), ())

    def _without_words(
        self,
        ids: Sequence[int],
        offsets: Sequence[Span | None],
        parts: Sequence[int],
        segments: Sequence[int],
    ) -> Encoded:
        pieces = tuple(map(self._pieces.piece, ids))
        words = (None,) * len(ids)
        return Encoded(tuple(ids), pieces, tuple(offsets), words, tuple(parts), tuple(segments))

    def _ids(self, **given: Any) -> list[int]:
        """The ids of a text alone."""
        return list(self._tokenizer(**given, add_special_tokens=False, verbose=False)["input_ids"])

    def _spans(self, ids: list[int], text: str, most: int | None) -> list[Span]:
        def decode(some: list[int]) -> str:
            return decode_plainly(self._tokenizer, some)

        wanted = ids[:most]
        unknown = [id_ in self._unknown for id_ in wanted]
        groups = decoded(wanted, (), self._pieces, decode)
        rest = [(len(text), len(text))] * (len(ids) - len(wanted))
        return aligned(groups, unknown, text, is_whole=not rest) + rest


def decode_plainly(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of some ids, with no spaces put right."""
    text: str = tokenizer.decode(
        list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
    )
    # Some slow ones mark so what goes on; the last piece would keep the mark.
    return text if tokenizer.is_fast else text.removesuffix("@@")
