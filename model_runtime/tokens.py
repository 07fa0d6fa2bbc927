"""Text ↔ the tokens that are shown: what each covers in the user's text.

Display text comes from character spans, never from a tokenizer's raw pieces. Knows the
`tokenizers` library; neither models nor the screen.
"""

from tokenizers import Encoding, Tokenizer

from model_runtime.types import Token


def tokens_of(encoding: Encoding, text: str, unknown_id: int | None) -> tuple[Token, ...]:
    """One Token for each id of an encoding of `text`, in order.

    Every visible character of the text belongs to a token: an accent typed apart, which
    normalisation drops, goes with its letter. Tokens that share a character (½ is read as
    1, ⁄ and 2) name their part in brackets: ½⟨1⟩.
    """
    spans = _whole_spans(encoding, text)
    out = []
    for position, (id_, piece, word) in enumerate(
        zip(encoding.ids, encoding.tokens, encoding.word_ids, strict=True)
    ):
        span = spans[position]
        if span is None:
            out.append(Token(position, id_, piece, None, None, is_special=True))
            continue
        shown = text[span[0] : span[1]]
        neighbours = (spans[i] for i in (position - 1, position + 1) if 0 <= i < len(spans))
        if any(other and other[0] < span[1] and span[0] < other[1] for other in neighbours):
            shown += "⟨?⟩" if id_ == unknown_id else f"⟨{piece.removeprefix('##')}⟩"
        out.append(Token(position, id_, shown, span, word, is_unknown=id_ == unknown_id))
    return tuple(out)


def _whole_spans(encoding: Encoding, text: str) -> list[tuple[int, int] | None]:
    """The characters of each token, None for special ones; what stands between two tokens
    and is not white space goes to the one before it, or to the first."""
    spans: list[tuple[int, int] | None] = [
        None if special else span
        for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    ]
    real = [i for i, span in enumerate(spans) if span is not None]
    for i, following in zip(real, [*real[1:], None][: len(real)], strict=True):
        start, end = spans[i] or (0, 0)
        limit = len(text) if following is None else (spans[following] or (0, 0))[0]
        if i == real[0] and text[:start].strip():
            start = 0
        while end < limit and not text[end].isspace():
            end += 1
        spans[i] = (start, end)
    return spans


def written_tokens(
    ids: list[int], tokenizer: Tokenizer, special_ids: frozenset[int]
) -> tuple[Token, ...]:
    """One Token for each id that a model wrote, one character or special token each.

    Spans count into the written text; each character is a word of its own.
    """
    out = []
    at = 0
    for position, id_ in enumerate(ids):
        piece = tokenizer.id_to_token(id_) or ""
        special = id_ in special_ids
        span = None if special else (at, at + len(piece))
        out.append(
            Token(position, id_, piece, span, None if special else position, is_special=special)
        )
        at += 0 if special else len(piece)
    return tuple(out)
