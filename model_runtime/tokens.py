"""Text ↔ the tokens that are shown: what each covers in the user's text.

Display text comes from character spans, never from a tokenizer's raw pieces. Knows the
`tokenizers` library; neither models nor the screen.
"""

from collections.abc import Sequence

from tokenizers import Encoding, Tokenizer

from model_runtime.types import SPACE, Token

Span = tuple[int, int]


def tokens_of(encoding: Encoding, text: str, unknown_id: int | None) -> tuple[Token, ...]:
    """One Token for each id of an encoding of `text`, in order.

    Every visible character of the text belongs to a token: an accent typed apart, which
    normalisation drops, goes with its letter. Tokens that share a character (½ is read as
    1, ⁄ and 2) name their part in brackets: ½⟨1⟩.
    """
    offsets = [
        None if special else span
        for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    ]
    pieces = encoding.tokens  # a new list each time it is asked for
    spans = whole_spans(offsets, [piece == "▁" for piece in pieces], text)
    out = []
    for position, (id_, piece, word) in enumerate(
        zip(encoding.ids, pieces, encoding.word_ids, strict=True)
    ):
        span = spans[position]
        if span is None:
            out.append(Token(position, id_, piece, None, None, is_special=True))
            continue
        shown = text[span[0] : span[1]]
        if not shown.strip():
            shown = SPACE
        if is_shared(spans, position):
            shown += "⟨?⟩" if id_ == unknown_id else f"⟨{shown_piece(piece).strip() or SPACE}⟩"
        out.append(Token(position, id_, shown, span, word, is_unknown=id_ == unknown_id))
    return tuple(out)


def whole_spans(
    offsets: Sequence[Span | None], are_spaces: Sequence[bool], text: str
) -> list[Span | None]:
    """The characters of each token, from a tokenizer's offsets; None stays None.

    What stands between two tokens and is not white space goes to the one before it, or to the
    first. `are_spaces` says which pieces are nothing but a space: the one that is thought
    before a text, though its offsets are those of the first character, covers nothing.
    """
    spans = list(offsets)
    real = [i for i, span in enumerate(spans) if span is not None]
    for i in real:
        start, end = spans[i] or (0, 0)
        if are_spaces[i] and text[start:end].strip():
            spans[i] = (start, start)
        elif text[start:end].strip():  # a space before a piece is no part of what is shown
            spans[i] = (start + len(text[start:end]) - len(text[start:end].lstrip()), end)
    for i, following in zip(real, [*real[1:], None][: len(real)], strict=True):
        start, end = spans[i] or (0, 0)
        limit = len(text) if following is None else (spans[following] or (0, 0))[0]
        if i == real[0] and text[:start].strip():
            start = len(text) - len(text.lstrip())
        spans[i] = (start, max(end, end + len(text[end:limit].rstrip())))
    return spans


def is_shared(spans: Sequence[Span | None], position: int) -> bool:
    """Whether a token covers a character that its neighbour covers too."""
    span = spans[position]
    neighbours = (spans[i] for i in (position - 1, position + 1) if 0 <= i < len(spans))
    return span is not None and any(
        other and other[0] < span[1] and span[0] < other[1] for other in neighbours
    )


def shown_piece(piece: str) -> str:
    """A vocabulary entry as text: ▁ is the space before a word, ## continues one."""
    return piece.removeprefix("##").replace("▁", " ")


def written_tokens(
    ids: list[int],
    tokenizer: Tokenizer,
    special_ids: frozenset[int],
    *,
    position: int = 0,
    at: int = 0,
    word: int = 0,
) -> tuple[Token, ...]:
    """One Token for each id that a model wrote, the first at `position`.

    Spans count into the written text, which begins at character `at`; a space before a
    piece belongs to none. Pieces share a word where the tokenizer would have cut it so, and
    words are counted from `word`.
    """
    spans: list[tuple[int, int] | None] = []
    text = ""
    for id_ in ids:
        if id_ in special_ids:
            spans.append(None)
            continue
        piece = shown_piece(tokenizer.id_to_token(id_) or "")
        if not text and at == 0:
            piece = piece.removeprefix(" ")
        start = len(text) + len(piece) - len(piece.lstrip(" "))
        text += piece
        spans.append((max(0, min(start, len(text) - 1)), len(text)))
    words = _words_at(tokenizer, text)
    out = []
    for n, (id_, span) in enumerate(zip(ids, spans, strict=True)):
        if span is None:
            name = tokenizer.id_to_token(id_) or ""
            out.append(Token(position + n, id_, name, None, None, is_special=True))
        else:
            start, end = span
            whole = (at + start, at + end)
            number = words.get(start)
            number = None if number is None else word + number
            out.append(Token(position + n, id_, text[start:end], whole, number))
    return tuple(out)


def _words_at(tokenizer: Tokenizer, text: str) -> dict[int, int | None]:
    """The number of the word that each character of a text belongs to."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    return {
        character: word
        for (start, end), word in zip(encoding.offsets, encoding.word_ids, strict=True)
        for character in range(start, end)
    }
