"""Texts as a checkpoint reads them, and what it wrote, as the tokens that are shown.

Knows one tokenizer, its context and its chat template; no model and no screen.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from model_runtime.huggingface.alignment import decoded, numbered, words_in
from model_runtime.huggingface.chat import as_message, template_of
from model_runtime.huggingface.encoding import Encoded, Encoder, decode_plainly
from model_runtime.huggingface.pieces import IDEOGRAPH, Pieces
from model_runtime.tokens import Span, is_shared, whole_spans
from model_runtime.types import SPACE, Token


class Reader:
    """Reads for one checkpoint. `family` is "encoder", "decoder" or "encoder-decoder",
    `context_length` the most tokens of a sequence."""

    def __init__(
        self, tokenizer: Any, family: str, context_length: int, *, writes: bool = True
    ) -> None:
        self._tokenizer = tokenizer
        self._family = family
        self._goes_on = family == "decoder" and writes
        self._room = context_length
        self._pieces = Pieces(tokenizer)
        self._encoder = Encoder(tokenizer, self._pieces, family)
        # What is decoded before a text's continuation, so that the space between them shows.
        self._before = self._encoder.encode("a", typed=()).ids

    @property
    def has_chat(self) -> bool:
        """Whether the tokenizer brings a chat template."""
        return template_of(self._tokenizer) is not None

    @property
    def takes_pair(self) -> bool:
        """Whether the tokenizer puts something between two texts."""
        alone, pair = map(self._tokenizer.num_special_tokens_to_add, (False, True))
        return int(pair) > int(alone)

    @property
    def end_ids(self) -> frozenset[int]:
        """What a text that a model writes may end with."""
        ends = (self._tokenizer.eos_token_id, self._tokenizer.sep_token_id)
        return frozenset(id_ for id_ in ends if id_ is not None)

    def vocabulary(self, n_ids: int = 0) -> tuple[str, ...]:
        """What each id is called; `n_ids` where the model has more than the tokenizer."""
        return self._pieces.names(max(n_ids, len(self._tokenizer)))

    def special(self, id_: int, position: int = 0) -> Token:
        """A token that stands for no text."""
        name = self._pieces.special_name(id_)
        return Token(position, id_, name, None, None, is_special=True)

    # --- what a model reads -----------------------------------------------------------------

    def tokens(
        self,
        text: str,
        pair_text: str | None = None,
        *,
        chat: bool = False,
        as_target: bool = False,
    ) -> tuple[tuple[Token, ...], int, tuple[int, ...]]:
        """(every token that the model gets, how many of the text were left out, token type ids).

        A sequence that is too long loses the end of its text, of two that of the longer, never
        a special token. A decoder goes on from the text, so what would close it is not there.
        With `chat` the text is a user's message. Raises UnusableChatTemplate, TokenizerFailed.
        """
        if chat:
            tokens, left_out, _ = self._in_chat(text, "")
            return tokens, left_out, ()
        encoded = self._read(text, pair_text, as_target=as_target)
        kept = self._kept([span is not None for span in encoded.offsets], encoded.parts)
        segments = tuple(encoded.segments[i] for i in kept) if encoded.segments else ()
        tokens = self._shown(encoded, kept, (text, pair_text or ""))
        return tokens, len(encoded.ids) - len(kept), segments

    def continued(
        self, text: str, target_text: str, *, chat: bool = False
    ) -> tuple[tuple[Token, ...], int, int]:
        """(the tokens of a text and of what follows it, how many are the text's, how many were
        left out of both). Room is for one token more than the context: the last is only ever
        predicted. Spans count on from the text, after a space where words have one between."""
        given, left_out, _ = self.tokens(text, chat=chat)
        if left_out:
            own = self._encoder.encode(target_text).ids
            return given, len(given), left_out + len(own)
        if chat:
            tokens, left_out, n_given = self._in_chat(text, target_text)
            return tokens, min(n_given, len(tokens)), left_out
        whole = text + self._gap(text, target_text) + target_text
        encoded = self._read(whole)
        tokens = self._shown(encoded, range(len(encoded.ids))[: self._room + 1], (whole, ""))
        after = (token.position for token in tokens if token.span and token.span[1] > len(text))
        return tokens, next(after, len(tokens)), len(encoded.ids) - len(tokens)

    def _read(self, text: str, pair_text: str | None = None, *, as_target: bool = False) -> Encoded:
        """What a decoder that writes reads has no end: it goes on from the text. One that sums
        a text up reads the end, too, and often from there."""
        encoded = self._encoder.encode(text, pair_text, as_target=as_target, most=self._room + 1)
        n = len(encoded.ids)
        while self._goes_on and n > 1 and encoded.offsets[n - 1] is None:
            n -= 1
        return encoded.only(range(n))

    def _gap(self, text: str, target_text: str) -> str:
        """The space between a text and what follows it, where its tokenizer knows words."""
        at_end, at_start = text[-1:], target_text[:1]
        if not self._pieces.are_spaced or at_end.isspace() or not at_start.isalnum():
            return ""
        return "" if IDEOGRAPH.match(at_end) or IDEOGRAPH.match(at_start) else " "

    def _in_chat(self, text: str, answer: str) -> tuple[tuple[Token, ...], int, int]:
        """(a message in its chat and the beginning of an answer, how many tokens were left out,
        how many come before the answer)."""
        message = as_message(self._tokenizer, text)
        start, ends = max(message.start, 0), len(message.whole)
        mine = (start, start + message.length)
        whole = message.whole + answer
        encoded = self._encoder.encode(whole, typed=(mine, (ends, len(whole))))
        if answer:
            kept: Sequence[int] = range(len(encoded.ids))[: self._room + 1]
        else:
            kept = self._kept([_overlap(span, mine) for span in encoded.offsets], encoded.parts)
        tokens = []
        n_given = len(kept)
        for token in self._shown(encoded, kept, (whole, "")):
            own = mine if _overlap(token.span, mine) else (ends, len(whole))
            if token.span is None or not _overlap(token.span, own):
                tokens.append(replace(token, span=None, word=None, is_special=True))
                continue
            if own != mine:
                n_given = min(n_given, token.position)
            first, last = max(token.span[0], own[0]), min(token.span[1], own[1])
            shift = message.skipped - mine[0] if own == mine else len(text) - ends
            tokens.append(replace(token, span=(first + shift, last + shift)))
        return tuple(tokens), len(encoded.ids) - len(kept), n_given

    def _kept(self, are_text: Sequence[bool], parts: Sequence[int]) -> list[int]:
        """The positions that the context has room for."""
        over = len(parts) - self._room
        places = [
            [i for i, own in enumerate(parts) if own == part and are_text[i]] for part in (0, 1)
        ]
        left_out: set[int] = set()
        while over > len(left_out) and any(places):
            left_out.add(max(places, key=len).pop())
        return [i for i in range(len(parts)) if i not in left_out][: self._room]

    # --- what is shown of it ----------------------------------------------------------------

    def _shown(
        self, encoded: Encoded, kept: Sequence[int], texts: tuple[str, str]
    ) -> tuple[Token, ...]:
        """The tokens at some positions, counted anew, each with its span in its own text."""
        whole = [self._whole(encoded, kept, part, text) for part, text in enumerate(texts)]
        spans = [whole[encoded.parts[i]].get(i) for i in kept]
        encoded = encoded.only(kept)
        numbers = self._words(encoded, spans, texts)
        out = []
        for i, (id_, piece, part, span) in enumerate(
            zip(encoded.ids, encoded.pieces, encoded.parts, spans, strict=True)
        ):
            if span is None:
                out.append(replace(self.special(id_, i), part=part))
                continue
            is_unknown = id_ == self._tokenizer.unk_token_id
            shared = is_shared(spans, i)
            shown, is_byte_piece = self._name(texts[part][slice(*span)], piece, is_unknown, shared)
            out.append(
                Token(
                    i, id_, shown, span, numbers[i],
                    is_unknown=is_unknown, is_byte_piece=is_byte_piece, part=part,
                )
            )  # fmt: skip
        return tuple(out)

    def _whole(
        self, encoded: Encoded, kept: Sequence[int], part: int, text: str
    ) -> dict[int, Span | None]:
        """The characters of each kept token of one text, by position."""
        positions = [i for i in kept if encoded.parts[i] == part]
        left_out = set(range(len(encoded.ids))) - set(kept)
        # What the first one left out covers is not for the one before it to take.
        bound = min((i for i in left_out if encoded.parts[i] == part), default=None)
        positions = sorted(positions if bound is None else [*positions, bound])
        spans = whole_spans(
            [encoded.offsets[i] for i in positions],
            [self._pieces.is_space(encoded.pieces[i]) for i in positions],
            text,
        )
        return dict(zip(positions, spans, strict=True))

    def _words(
        self, encoded: Encoded, spans: Sequence[Span | None], texts: Sequence[str]
    ) -> list[int | None]:
        """The number of each token's word: as the tokenizer parts a text, and as people do, for
        some tokenizers take a text for one word."""
        words = [words_in(text) for text in texts]
        keys: list[Hashable] = []
        for i, (span, part) in enumerate(zip(spans, encoded.parts, strict=True)):
            before = spans[i - 1] if i else None
            if span is None:
                keys.append(None)
            elif before and part == encoded.parts[i - 1] and span[0] < before[1]:
                keys.append(keys[-1])  # bytes of one character
            elif span[0] < span[1] and (own := words[part][span[0]]) is not None:
                keys.append((part, encoded.words[i], own))
            else:
                keys.append(("white space", i))
        return numbered(keys, [self._pieces.is_space(piece) for piece in encoded.pieces])

    def _name(
        self, covered: str, piece: str, is_unknown: bool, is_shared: bool
    ) -> tuple[str, bool]:
        """(how a token is shown that covers some characters, whether it is some bytes of one)."""
        shown = covered if covered.strip() else SPACE
        if is_unknown:
            return (f"{shown}⟨?⟩" if is_shared else shown), False
        name, is_byte_piece = self._pieces.named(piece)
        return (f"{shown}⟨{name}⟩" if is_shared or is_byte_piece else shown), is_byte_piece

    # --- what a model writes ----------------------------------------------------------------

    def written(
        self, ids: Sequence[int], *, position: int = 0, at: int = 0, word: int = 0
    ) -> tuple[Token, ...]:
        """One Token for each id that the model wrote, the first at `position`.

        Spans count into the written text, which begins at character `at` of all; a space before
        a piece belongs to none. Words are counted from `word`.
        """
        text = ""
        made: list[Span | None] = []
        run: list[int] = []
        for id_ in (*ids, None):
            if id_ is not None and id_ not in self._pieces.special_ids:
                run.append(id_)
                continue
            before = self._before if text or at else ()
            for group in decoded(run, before, self._pieces, self._decode):
                new = group.text if text or at else group.text.lstrip(" ")
                moved = len(text) - (len(group.text) - len(new))
                for first, last in group.spans:
                    own = group.text[first:last]
                    first += len(own) - len(own.lstrip()) if own.strip() else 0
                    made.append((max(first + moved, len(text)), max(last + moved, len(text))))
                text += new
            run = []
            if id_ is not None:
                made.append(None)
        pieces = [self._pieces.piece(id_) for id_ in ids]
        numbers = self._written_words(text, made, pieces)
        out = []
        for n, (id_, piece, span) in enumerate(zip(ids, pieces, made, strict=True)):
            if span is None:
                out.append(self.special(id_, position + n))
                continue
            shared = is_shared(made, n)
            shown, is_byte_piece = self._name(text[slice(*span)], piece, False, shared)
            number = numbers[n]
            out.append(
                Token(
                    position + n, id_, shown if piece else "", (at + span[0], at + span[1]),
                    None if number is None else word + number, is_byte_piece=is_byte_piece,
                )
            )  # fmt: skip
        return tuple(out)

    def _written_words(
        self, text: str, spans: Sequence[Span | None], pieces: Sequence[str]
    ) -> list[int | None]:
        words = words_in(text)
        keys: list[Hashable] = [
            None if span is None else words[span[0]] if span[0] < span[1] else ("nothing", i)
            for i, span in enumerate(spans)
        ]
        return numbered(keys, [self._pieces.is_space(piece) for piece in pieces])

    def _decode(self, ids: Sequence[int]) -> str:
        # Some fail at ids that no token has.
        return decode_plainly(self._tokenizer, [id_ for id_ in ids if self._pieces.piece(id_)])


def _overlap(span: Span | None, other: Span) -> bool:
    return span is not None and span[0] < other[1] and other[0] < span[1]
