"""User text on its way to the page: made visible, and made harmless where something is live.

Browser components use `textContent` and need `visible` only. Knows nothing of what the
text means.
"""

import html
import re
import unicodedata

WORD_JOINER = "\u2060"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def visible(text: str) -> str:
    """The text with every character that has no shape of its own given one.

    Control characters become their pictures (U+2400 …), other invisible ones their code
    in brackets: ⟨U+200B⟩.
    """
    return "".join(map(_shape, text))


def in_markdown(text: str) -> str:
    """The text for a place where Streamlit's Markdown is live, shown to the letter.

    Every ASCII punctuation mark is escaped and followed by a word joiner, which also breaks
    what Streamlit adds to Markdown: :material/icons:, arrows, $formulas$, autolinks.
    """
    return _PUNCTUATION.sub(rf"\\\1{WORD_JOINER}", visible(text))


def in_html(text: str) -> str:
    """The text for HTML that we write ourselves, between tags or within quotes."""
    return html.escape(visible(text), quote=True)


def in_plotly(text: str) -> str:
    """The text for plotly's titles, ticks, names and hovers, where a few tags are live."""
    return html.escape(visible(text), quote=False)


def in_csv(text: str) -> str:
    """The text for a cell of a table file: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _shape(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"⟨U+{code:04X}⟩"
    return character
