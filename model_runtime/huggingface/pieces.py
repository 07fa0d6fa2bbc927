"""The entries of a checkpoint's vocabulary, as bytes and as they are shown.

Knows how tokenizers spell spaces and bytes in their pieces. Knows neither texts nor models.
"""

import re
from functools import cache, cached_property
from typing import Any

from model_runtime.tokens import shown_piece
from model_runtime.types import SPACE

# How SentencePiece spells a byte of a character that it has no piece for.
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
# Chinese characters and kana, which no spaces part: each is a word of its own.
IDEOGRAPH = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Pieces:
    """The vocabulary of one tokenizer of transformers."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        backend = tokenizer.backend_tokenizer if tokenizer.is_fast else None
        parts = repr((backend.decoder, backend.pre_tokenizer)) if backend else ""
        self._is_byte_level = "ByteLevel" in parts
        # ByT5 and its like have one token a byte, spelled chr(byte).
        self._is_bytes = not backend and getattr(tokenizer, "_utf_vocab_size", 0) == 256
        added = tokenizer.added_tokens_decoder
        self._added = {token.content for token in added.values()}
        self.special_ids = frozenset(tokenizer.all_special_ids) | frozenset(
            id_ for id_, token in added.items() if token.special
        )

    def piece(self, id_: int) -> str:
        """The piece of an id, as the tokenizer spells it; "" if it has none."""
        if not 0 <= id_ < len(self._all):
            return ""
        return self._all[id_] or ""

    def special_name(self, id_: int) -> str:
        """How a special token is shown: as it is, if it shows."""
        piece = self.piece(id_)
        return piece if piece.isprintable() else f"⟨{_hex(piece.encode())}⟩"

    @cached_property
    def _all(self) -> list[str | None]:
        """By id; None for ids that no token has."""
        if self._tokenizer.is_fast:
            last = max((*self._tokenizer.added_tokens_decoder, len(self._tokenizer) - 1))
            found: list[str | None] = self._tokenizer.convert_ids_to_tokens(list(range(last + 1)))
            return found
        # Others raise errors for ids without a token, and may know fewer than they say.
        vocabulary = self._tokenizer.get_vocab()
        found = [None] * (max(vocabulary.values(), default=-1) + 1)
        for piece, id_ in vocabulary.items():
            found[id_] = piece
        return found

    @cached_property
    def _continue(self) -> bool:
        """Whether pieces that continue a word are marked, by ##."""
        return any(piece and piece.startswith("##") and len(piece) > 2 for piece in self._all)

    @cached_property
    def _begin(self) -> bool:
        """Whether pieces that begin a word are marked, by the space before it."""
        return not self._continue and any(
            piece and piece[0] in "▁Ġ" and piece[1:].isalpha() for piece in self._all
        )

    @property
    def are_spaced(self) -> bool:
        """Whether pieces that begin a word are told from those that continue one."""
        return self._continue or self._begin

    def is_space(self, piece: str) -> bool:
        """Whether a piece is nothing but the space before a word."""
        return piece in ("▁", " ") or (self._is_byte_level and piece == "Ġ")

    def bytes_of(self, piece: str) -> bytes | None:
        """The UTF-8 bytes that a piece stands for; None where pieces are characters."""
        if piece in self._added:
            return None
        if self._is_byte_level:
            try:
                return piece.translate(_from_byte_level()).encode("latin-1")
            except UnicodeEncodeError:  # no piece of bytes: something that was added
                return None
        if self._is_bytes:
            return piece.encode("latin-1") if len(piece) == 1 and ord(piece) < 256 else None
        found = _BYTE.fullmatch(piece)
        return bytes.fromhex(found[1]) if found else None

    def named(self, piece: str) -> tuple[str, bool]:
        """(a piece as the part of a character that it is, whether it holds only some bytes of
        one): ("F0 9F", True), ("1", False)."""
        held = self.bytes_of(piece)
        if held is None:
            return shown_piece(piece).strip() or SPACE, False
        text = _text(held)
        return (_hex(held.lstrip(b" ")), True) if text is None else (text.strip() or SPACE, False)

    def names(self, n_ids: int) -> tuple[str, ...]:
        """What each of the ids below `n_ids` is called where nothing but its id is known.

        Where pieces that begin a word are told from others, those that continue one begin with
        ##. White space is ␣, alone with its bytes where it is more than one space; bytes that
        are no character, or none that shows, are ⟨F0 9F⟩; an id that no token has is ⟨its number⟩.
        """
        known = self._all[:n_ids]
        named = [
            f"⟨{id_}⟩" if piece is None else self._name(piece) for id_, piece in enumerate(known)
        ]
        for id_ in self.special_ids:
            if id_ < len(named):
                named[id_] = self.special_name(id_)
        return (*named, *(f"⟨{id_}⟩" for id_ in range(len(known), n_ids)))

    def _name(self, piece: str) -> str:
        held = self.bytes_of(piece)
        text = piece.replace("▁", " ") if held is None else _text(held)
        if text is None:
            return f"⟨{_hex(held or b'')}⟩"
        if not text.strip():
            return SPACE if text in ("", " ") else f"{SPACE}⟨{_hex(text.encode())}⟩"
        if _BYTE.fullmatch(piece) or not any(character.isprintable() for character in text):
            return f"⟨{_hex(text.encode())}⟩"
        continues = self._begin and text[0].isalpha() and not IDEOGRAPH.match(text)
        text = "".join(SPACE if c != " " and c.isspace() else c for c in text.strip(" "))
        return f"##{text}" if continues else text


@cache
def _from_byte_level() -> dict[int, int]:
    """GPT-2's spelling of bytes as visible characters, backwards: printable Latin-1 stands for
    itself, and what is left for the characters from Ā on, in order."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {0x100 + place: byte for place, byte in enumerate(hidden)}


def _text(held: bytes) -> str | None:
    """Bytes as text; None if they begin or end amid a character."""
    text = held.decode(errors="replace")  # an error each would take seconds for a vocabulary
    return None if "\ufffd" in text and text.encode() != held else text


def _hex(held: bytes) -> str:
    return held.hex(" ").upper()
