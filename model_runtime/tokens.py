"""Text ↔ the tokens that are shown: what each covers in the user's text.

Display text comes from character spans, never from a tokenizer's raw pieces. Knows the
`tokenizers` library; neither models nor the screen.
"""

from collections import Counter

from tokenizers import Encoding, Tokenizer

from model_runtime.types import Token


def tokens_of(encoding: Encoding, text: str, unknown_id: int | None) -> tuple[Token, ...]:
    """One Token for each id of an encoding of `text`, in order.

    Tokens that share one character (½ is read as 1, ⁄ and 2) name their part in
    brackets: ½⟨1⟩.
    """
    shared = Counter(
        span
        for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        if not special
    )
    out = []
    parts = zip(
        encoding.ids,
        encoding.tokens,
        encoding.offsets,
        encoding.word_ids,
        encoding.special_tokens_mask,
        strict=True,
    )
    for position, (id_, piece, span, word, special) in enumerate(parts):
        covered = text[span[0] : span[1]]
        if special:
            shown = piece
        elif shared[span] > 1 and id_ != unknown_id:
            shown = f"{covered}⟨{piece.removeprefix('##')}⟩"
        else:
            shown = covered
        out.append(
            Token(
                position=position,
                id=id_,
                text=shown,
                span=None if special else span,
                word=None if special else word,
                is_special=bool(special),
                is_unknown=id_ == unknown_id,
            )
        )
    return tuple(out)


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
