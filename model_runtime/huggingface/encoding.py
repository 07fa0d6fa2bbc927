"""From texts to the ids that a checkpoint gets, and what each of them is made of.

Special tokens that a user types stay text. Knows transformers' tokenizers, fast and slow;
neither what is shown of a token nor how long a sequence may be.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_runtime.huggingface.alignment import aligned, decoded
from model_runtime.huggingface.pieces import Pieces
from model_runtime.tokens import Span

_SENTINEL = re.compile(r"<extra_id_\d+>")  # the blanks that T5 fills
_MOST_CUTS = 8  # rounds


@dataclass(frozen=True)
class Encoded:
    """The tokens of one sequence, by position."""

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    offsets: tuple[Span | None, ...]  # into the text; None for what the tokenizer put in itself
    words: tuple[int | None, ...]  # as the tokenizer parted the text, if it says so
    parts: tuple[int, ...]  # 1 in the second text
    segments: tuple[int, ...]  # token type ids; empty if the tokenizer has none


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

    def encode(
        self,
        text: str,
        pair_text: str | None = None,
        *,
        as_target: bool = False,
        typed: Span | None = None,
    ) -> Encoded:
        """Read one text, or two as one sequence; `as_target` as what a decoder is to write.

        `typed` is the part of the text that a user typed, in a chat, which has its special
        tokens already. All else may be hostile: special tokens in it are read as characters.
        """
        with self._lock:
            if self._tokenizer.is_fast:
                return self._fast(text, pair_text, as_target, typed)
            return self._slow(text, pair_text, as_target, typed)

    # --- with offsets -----------------------------------------------------------------------

    def _fast(
        self, text: str, pair_text: str | None, as_target: bool, typed: Span | None
    ) -> Encoded:
        whole = typed or (0, len(text))
        for split in (False, True) if typed is None else (False,):
            encoded = self._read(text, pair_text, as_target, typed, split)
            # Reading all special tokens as characters would lose the blanks.
            if not self._forged(encoded, whole) and not (split and self._blanks_in(text)):
                return encoded
        # Some have their special tokens among the pieces of text: parted, they are none.
        cuts: list[set[int]] = [set(), set()]
        encoded = self._read(text, pair_text, as_target, typed, split=False)
        for _ in range(_MOST_CUTS):
            more = [(part, at) for part, at in self._forged(encoded, whole)]
            if not any(at not in cuts[part] for part, at in more):
                break
            for part, at in more:
                cuts[part].add(at)
            encoded = self._parted(text, pair_text, typed, cuts)
        return encoded

    def _read(
        self, text: str, pair_text: str | None, as_target: bool, typed: Span | None, split: bool
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
        self, text: str, pair_text: str | None, typed: Span | None, cuts: Sequence[set[int]]
    ) -> Encoded:
        """The same, the texts parted at the cuts and each part read by itself."""
        backend = self._tokenizer.backend_tokenizer
        backend.encode_special_tokens = False
        texts = [text] if pair_text is None else [text, pair_text]
        starts = [sorted({0, *cut}) for cut in cuts[: len(texts)]]
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

    def _forged(self, encoded: Encoded, typed: Span) -> list[tuple[int, int]]:
        """(part, place in it where a cut makes it text) of special tokens that were typed."""
        found = []
        for id_, span, part, piece in zip(
            encoded.ids, encoded.offsets, encoded.parts, encoded.pieces, strict=True
        ):
            if id_ not in self._guarded or span is None:
                continue
            if id_ == self._tokenizer.unk_token_id and piece != self._tokenizer.unk_token:
                continue  # nobody typed it: it is what an unknown character became
            start, end = (0, span[1]) if part else typed
            if span[0] < end and start < span[1]:
                found.append((part, span[1] - 1))
        return found

    def _blanks_in(self, text: str) -> bool:
        blanks = self._pieces.special_ids - self._guarded
        return any(self._pieces.piece(id_) in text for id_ in blanks)

    # --- without ----------------------------------------------------------------------------

    def _slow(
        self, text: str, pair_text: str | None, as_target: bool, typed: Span | None
    ) -> Encoded:
        bodies = [self._body(text, as_target, typed)]
        if pair_text is not None:
            bodies.append(self._body(pair_text, as_target, None))
        ids, segments = bodies[0], []
        if typed is None:
            whole = self._tokenizer.prepare_for_model(*bodies, verbose=False)
            ids, segments = list(whole["input_ids"]), whole.get("token_type_ids", [])
        offsets: list[Span | None] = [None] * len(ids)
        parts = [0] * len(ids)
        at = 0
        for part, (body, one) in enumerate(zip(bodies, (text, pair_text or ""), strict=False)):
            at = next(i for i in range(at, len(ids) + 1) if ids[i : i + len(body)] == body)
            offsets[at : at + len(body)] = self._spans(body, one)
            parts[at : at + len(body)] = [part] * len(body)
            at += len(body)
        return Encoded(
            ids=tuple(ids),
            pieces=tuple(map(self._pieces.piece, ids)),
            offsets=tuple(offsets),
            words=(None,) * len(ids),
            parts=tuple(parts),
            segments=tuple(segments),
        )

    def _body(self, text: str, as_target: bool, typed: Span | None) -> list[int]:
        """The ids of a text alone."""
        start, end = typed or (0, len(text))
        if typed is not None and any(
            self._pieces.piece(id_) in text[start:end] for id_ in self._guarded
        ):
            parts = ((text[:start], False), (text[start:end], True), (text[end:], False))
            return [id_ for one, split in parts if one for id_ in self._ids(one, split, False)]
        ids = self._ids(text, False, as_target)
        unknown = {self._tokenizer.unk_token_id}
        if typed is None and (self._guarded - unknown) & set(ids):
            return self._ids(text, True, as_target)
        return ids

    def _ids(self, text: str, split: bool, as_target: bool) -> list[int]:
        given = {"text_target" if as_target else "text": text}
        found = self._tokenizer(
            **given, add_special_tokens=False, split_special_tokens=split, verbose=False
        )
        return list(found["input_ids"])

    def _spans(self, ids: list[int], text: str) -> list[Span]:
        def decode(some: list[int]) -> str:
            return decode_plainly(self._tokenizer, some)

        unknown = [id_ == self._tokenizer.unk_token_id for id_ in ids]
        return aligned(decoded(ids, (), self._pieces, decode), unknown, text)


def decode_plainly(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of some ids, with no spaces put right."""
    return str(
        tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    )
