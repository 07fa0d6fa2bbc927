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
from model_runtime.tokens import SPACE, Span, is_shared, whole_spans
from model_runtime.types import Token


class Reader:
    """Reads for one checkpoint. `family` is "encoder", "decoder" or "encoder-decoder",
    `context_length` the most tokens of a sequence."""

    def __init__(self, tokenizer: Any, family: str, context_length: int) -> None:
        self._tokenizer = tokenizer
        self._family = family
        self._room = context_length
        self._pieces = Pieces(tokenizer)
        self._encoder = Encoder(tokenizer, self._pieces, family)
        # What is decoded before a text's continuation, so that the space between them shows.
        self._before = tokenizer("a", add_special_tokens=False)["input_ids"]

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
        return Token(position, id_, self._pieces.piece(id_), None, None, is_special=True)

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
        With `chat` the text is a user's message. Raises UnusableChatTemplate.
        """
        if chat:
            tokens, _ = self._in_chat(text, "")
            return (*self._fitting(tokens, ()),)
        encoded = self._encoder.encode(text, pair_text, as_target=as_target)
        tokens = self._shown(encoded, (text, pair_text or ""))
        if self._family == "decoder":
            tokens = _open(tokens)
        return self._fitting(tokens, encoded.segments[: len(tokens)])

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
            tokens, n_given = self._in_chat(text, target_text)
        else:
            whole = text + self._gap(text, target_text) + target_text
            tokens = _open(self._shown(self._encoder.encode(whole), (whole, "")))
            after = (t.position for t in tokens if t.span and t.span[1] > len(text))
            n_given = next(after, len(tokens))
        room = self._room + 1
        return tokens[:room], min(n_given, room), max(0, len(tokens) - room)

    def _gap(self, text: str, target_text: str) -> str:
        """The space between a text and what follows it, where its tokenizer knows words."""
        at_end, at_start = text[-1:], target_text[:1]
        if not self._pieces.are_spaced or at_end.isspace() or not at_start.isalnum():
            return ""
        return "" if IDEOGRAPH.match(at_end) or IDEOGRAPH.match(at_start) else " "

    def _in_chat(self, text: str, answer: str) -> tuple[tuple[Token, ...], int]:
        """(a message in its chat, and the beginning of an answer; how many before the answer)."""
        message = as_message(self._tokenizer, text)
        start = max(message.start, 0)
        mine = (start, start + message.length)
        ends = len(message.whole)
        whole = message.whole + answer
        encoded = self._encoder.encode(whole, typed=(mine, (ends, len(whole))))
        spans = self._whole(encoded, whole, range(len(encoded.ids)))
        tokens: list[Token] = []
        n_given = len(spans)
        for position, token in enumerate(self._named(encoded, spans, whole)):
            span = spans[position] or (0, 0)
            shift = None
            if span[0] < mine[1] and mine[0] < span[1]:
                span, shift = (max(span[0], mine[0]), min(span[1], mine[1])), mine[0]
                shift -= message.skipped
            elif span[1] > ends:
                n_given = min(n_given, position)
                span, shift = (max(span[0], ends), span[1]), ends - len(text)
            if shift is None:
                tokens.append(replace(token, span=None, word=None, is_special=True))
            else:
                tokens.append(replace(token, span=(span[0] - shift, span[1] - shift)))
        return tuple(tokens), n_given

    def _fitting(
        self, tokens: Sequence[Token], segments: Sequence[int]
    ) -> tuple[tuple[Token, ...], int, tuple[int, ...]]:
        """The tokens that the context has room for."""
        places = [[t.position for t in tokens if not t.is_special and t.part == p] for p in (0, 1)]
        over = len(tokens) - self._room
        left_out: set[int] = set()
        while over > len(left_out) and any(places):
            left_out.add(max(places, key=len).pop())
        kept = [i for i in range(len(tokens)) if i not in left_out][: self._room]
        return (
            tuple(replace(tokens[i], position=place) for place, i in enumerate(kept)),
            len(tokens) - len(kept),
            tuple(segments[i] for i in kept) if segments else (),
        )

    # --- what is shown of it ----------------------------------------------------------------

    def _shown(self, encoded: Encoded, texts: tuple[str, str]) -> tuple[Token, ...]:
        """The tokens of one or two texts, each with spans into its own."""
        spans: list[Span | None] = [None] * len(encoded.ids)
        for part, text in enumerate(texts):
            positions = [i for i, own in enumerate(encoded.parts) if own == part]
            for i, span in zip(positions, self._whole(encoded, text, positions), strict=True):
                spans[i] = span
        return tuple(self._named(encoded, spans, *texts))

    def _whole(self, encoded: Encoded, text: str, positions: Sequence[int]) -> list[Span | None]:
        return whole_spans(
            [encoded.offsets[i] for i in positions],
            [self._pieces.is_space(encoded.pieces[i]) for i in positions],
            text,
        )

    def _named(self, encoded: Encoded, spans: list[Span | None], *texts: str) -> list[Token]:
        """One Token for each id, as it is shown."""
        numbers = self._words(encoded, spans, *texts)
        out = []
        for i, (id_, piece, part) in enumerate(
            zip(encoded.ids, encoded.pieces, encoded.parts, strict=True)
        ):
            span = spans[i]
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
        return out

    def _words(
        self, encoded: Encoded, spans: Sequence[Span | None], *texts: str
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
        made: list[tuple[Span, bool] | None] = []  # (characters, whether it shares them)
        run: list[int] = []
        for id_ in (*ids, None):
            if id_ is not None and id_ not in self._pieces.special_ids:
                run.append(id_)
                continue
            before = self._before if text or at else ()
            for group in decoded(run, before, self._pieces, self._decode):
                new = group.text if text or at else group.text.lstrip(" ")
                start = len(text) + (len(new) - len(new.lstrip()) if new.strip() else 0)
                text += new
                made += [((start, len(text)), group.n_tokens > 1)] * group.n_tokens
            run = []
            if id_ is not None:
                made.append(None)
        pieces = [self._pieces.piece(id_) for id_ in ids]
        numbers = self._written_words(text, [place and place[0] for place in made], pieces)
        out = []
        for n, (id_, piece, place) in enumerate(zip(ids, pieces, made, strict=True)):
            if place is None:
                out.append(self.special(id_, position + n))
                continue
            (start, end), shared = place
            shown, is_byte_piece = self._name(text[start:end], piece, False, shared)
            number = numbers[n]
            out.append(
                Token(
                    position + n, id_, shown if piece else "", (at + start, at + end),
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
        return decode_plainly(self._tokenizer, ids)


def _open(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Without the special tokens at the end; at least one stays."""
    n = len(tokens)
    while n > 1 and tokens[n - 1].is_special:
        n -= 1
    return tokens[:n]
