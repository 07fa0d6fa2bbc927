"""Texts that break things elsewhere, and why each is here: the project's own hostile strings.

Knows no test. A text that a browser would run sets `window.__pwned`, so that one flag tells.
"""

import json
import os
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

FLAG = "__pwned"  # of the window: what any script among the texts would set


class Hostile(NamedTuple):
    """A text, and what it is meant to break."""

    text: str
    why: str


_ZALGO = "".join(letter + "\u0337\u0321\u0489\u035c\u0341\u0300\u0316" for letter in "Zalgo")

HOSTILE = MappingProxyType(
    {
        "sentence": Hostile("The cat is sleeping on the bed.", "nothing is wrong with it"),
        "two scripts": Hostile(
            "<script>window.__pwned=1</script><img src=x onerror=window.__pwned=1>",
            "runs one way or the other",
        ),
        "Markdown": Hostile(
            "**bold** _it_ `code` $x^2$ [a](http://b.c) :material/info: -> >=",
            "Markdown of all kinds in one text",
        ),
        "sum": Hostile("=1+1", "a formula to a spreadsheet"),
        # --- markup and scripts ----------------------------------------------------------------
        "script": Hostile(
            "<script>window.__pwned=1</script>", "runs where text is written into a page as HTML"
        ),
        "image": Hostile(
            "<img src=x onerror=window.__pwned=1>", "runs through innerHTML, which skips scripts"
        ),
        "closing script": Hostile(
            "</script><script>window.__pwned=1</script>", "leaves JSON that stands in a script"
        ),
        "attribute": Hostile(
            "\" autofocus onfocus=window.__pwned=1 x='", "leaves an attribute in quotes"
        ),
        "textarea": Hostile(
            "</textarea></title></style><svg/onload=window.__pwned=1>",
            "leaves elements whose content is no markup",
        ),
        "svg": Hostile(
            "<svg><script>window.__pwned=1</script></svg> ]]>", "runs in an exported picture"
        ),
        "javascript link": Hostile(
            "<a href=javascript:window.__pwned=1>a</a> [b](javascript:window.__pwned=1)",
            "runs where a link is made of text",
        ),
        "frame": Hostile("<iframe src=//naughty.example></iframe>", "asks another host"),
        "style": Hostile(
            "<style>*{display:none}</style> } * { display: none", "hides the page through CSS"
        ),
        "comment": Hostile("<!-- <p> <![CDATA[", "swallows what follows"),
        "entities": Hostile(
            "&amp; &lt;b&gt; &#x3c;b> &nbsp; &notanentity", "shows if escaped twice or not at all"
        ),
        "mutation": Hostile(
            '<noscript><p title="</noscript><img src=x onerror=window.__pwned=1>">',
            "passes a sanitizer and is another tree in the browser",
        ),
        # --- Streamlit's Markdown --------------------------------------------------------------
        "emphasis": Hostile("**bold** _it_ ~~gone~~ `code` # head", "Markdown of any kind"),
        "formula": Hostile(r"$x^2$ $$\frac{1}{0}$$ \$5 to $10", "KaTeX, and prices that become it"),
        "remote image": Hostile(
            "![f](https://naughty.example/p.png) [a](http://naughty.example)",
            "asks another host, and tells it who reads",
        ),
        "autolink": Hostile("https://naughty.example www.naughty.example a@b.c", "becomes a link"),
        "colour": Hostile(
            ":red[a] :blue-background[b] :rainbow[c] :small[d] :red-badge[e]", "Streamlit's colours"
        ),
        "icon": Hostile(":material/info: :smile: :streamlit: :material/x:", "Streamlit's icons"),
        "arrow": Hostile("a -> b <- c -- d >= e", "Streamlit writes → for ->"),
        "list": Hostile("1. a - b * c > d | e | f", "blocks, where a line begins so"),
        "backslashes": Hostile(
            "\\ \\\\ \\n \\u0041 /etc/passwd ../../x C:\\x", "escapes and paths"
        ),
        "notices": Hostile(
            "**b** $x$ :smile: [a](http://x) `c` ~~d~~ <b>e</b> ![f](http://y/z.png) -> ☃",
            "Markdown beside a character that no model knows, which a notice names",
        ),
        # --- plotly, templates, formats --------------------------------------------------------
        "plotly": Hostile(
            '<b>x</b><br><sup>2</sup> %{x} %{customdata[0]} <a href="javascript:0">y</a>',
            "plotly's own tags and places",
        ),
        "format": Hostile(
            "{0} {name} {__class__.__mro__} {} {{x}} %s %(n)d %n %%", "str.format, %"
        ),
        "template": Hostile("{{7*7}} ${7*7} <%= 7*7 %> #{7*7} {{constructor}}", "template engines"),
        "template and script": Hostile(
            "{{constructor}} ${x} {name} %s &amp; &lt;b&gt; "
            "</script><script>window.__pwned=1</script>",
            "what fills a place may be markup",
        ),
        "catalog": Hostile(
            "Text %(count)d Model", "words that are keys of a catalog, and a plural"
        ),
        "empty entry": Hostile("msgid", "gettext gives the header of a catalog for no text at all"),
        "formula in a table": Hostile("=1+1 @SUM(A1) -2 +3", "a spreadsheet computes it"),
        "command in a table": Hostile("=cmd|' /C calc'!A0", "a spreadsheet runs it"),
        "quotes": Hostile('\'; DROP TABLE users; -- """ \'\'\' ` "a,b"\t;', "SQL, CSV, Python"),
        "code": Hostile(
            "for i in range(10):\n\tprint(f'{i!r}')  # {0} {name} %s %(n)d",
            "is code, and stays text",
        ),
        "prototype": Hostile("__proto__ constructor toString hasOwnProperty", "keys of an object"),
        "numbers": Hostile("NaN Infinity -0 1e999 0x1F undefined null None true", "are words here"),
        "address": Hostile("?text=a&model=b#c;d=%00%zz+%2B", "is text of an address, not one"),
        "specials": Hostile(
            "[EOS] [PAD] [UNK] [BOS] [MASK] <s></s> <|endoftext|> <unk> <extra_id_0>",
            "special tokens that somebody typed",
        ),
        "our own marks": Hostile(
            "␣ ⟨F0⟩ ½⟨?⟩ ⏎ ␀ ⟨U+200B⟩ ▁the ##ing Ġa", "what we write ourselves"
        ),
        # --- writing -----------------------------------------------------------------------------
        "right to left": Hostile(
            "مرحبا بالعالم שלום abc 123", "order on screen is not order in text"
        ),
        "overrides": Hostile(
            "a\u202eb\u202c \u202dc\u2066d\u2069 \u200fe\u061c \u202a\u202b", "turns what follows"
        ),
        "unclosed override": Hostile("user\u202e\u2067exe.txt", "turns the rest of the page"),
        "long ligature": Hostile("﷽ ﷽ ﷺ 𒐫", "one character as wide as a word"),
        "zalgo": Hostile(_ZALGO, "marks that stack beyond their line"),
        "300 marks": Hostile("e" + "\u0301" * 300, "one letter, a tower on it"),
        "marks in a row": Hostile(
            "ด" + "\u0e49\u0e47" * 60, "cannot be broken, and is wide without its font"
        ),
        "mark alone": Hostile("\u0301", "a mark with nothing to sit on"),
        "marks first": Hostile("\u0308a \u20dd b\u0323\u0302", "a mark where a token begins"),
        "emoji": Hostile("👨\u200d👩\u200d👧 🏳️\u200d🌈 🇨🇳 👍🏿 1️⃣", "many code points, one picture"),
        "emoji in a sentence": Hostile(
            "I like 🍎 and 👩\u200d👩\u200d👧\u200d👦 and 🇨🇳.", "no model knows these characters"
        ),
        "halves of emoji": Hostile(
            "🇨 \u200d👧 🏿 \ufe0f 🏴\U000e0067\U000e007f", "parts of pictures"
        ),
        "full width": Hostile(
            "ｆｕｌｌ　ｗｉｄｔｈ ＜ｓｃｒｉｐｔ＞", "becomes markup when normalised"
        ),
        "compatibility": Hostile("½ ﬁ ㎏ Ⅷ ² ㏒ ⑳ ℃ ĳ", "one character, many when normalised"),
        "case": Hostile("İ ı ß ẞ ς Σ ǅ K Å", "longer or other when its case changes"),
        "accents": Hostile("é e\u0301 ñ n\u0303 Å", "two ways to write one letter"),
        "Chinese": Hostile("猫在床上睡觉。「引」——…", "no spaces between words"),
        "extension B": Hostile("𠀀𠮷野家 𪚥 𫠠", "Chinese beyond 16 bits"),
        "Korean": Hostile("각 각 ᄒ\u1161\u11ab \u115f\u1160", "letters that join, and fillers"),
        "Indic": Hostile("क्षि தமிழ் ไทย ភាសាខ្មែរ ཧཱུྃ", "marks around letters"),
        "astral": Hostile("𝓐𝔹𝖈 𐍈 𝟘 \U0001f9ff \U0010fffd", "two code units each"),
        "look-alikes": Hostile("раураl Αlpha ０l1I|", "letters that look like others"),
        "apostrophes": Hostile("don’t DON'T dON't", "parts a word in two"),
        # --- characters that are no letters ------------------------------------------------------
        "zero width": Hostile("a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg", "is not seen"),
        "only zero width": Hostile("\u200b\u200d\ufeff", "looks like nothing, and is a text"),
        "control": Hostile("a\x01b\x07c\x08d\x1b[31me\x7ff\x85g", "terminals obey; files break"),
        "nul": Hostile("a\0b", "ends a string in C"),
        "lines": Hostile("a\nb\r\nc\rd\u2028e\u2029f\x0bg\x0ch", "ends a line somewhere"),
        "spaces": Hostile(
            "a\u00a0b\u3000c\u2003d\u2009e\u202ff\u1680g  h\ti", "white space that is not split at"
        ),
        "ends of spaces": Hostile("  a  b  ", "white space that is trimmed"),
        "lone surrogates": Hostile("a\ud800b\udc00c\udfff", "no Unicode text; no UTF-8"),
        "private": Hostile("\ue000 \U000f0000 \uffff \ufdd0 \ufffd \ufffc", "no characters at all"),
        "tags": Hostile("a\U000e0061\U000e0062b\U000e0001", "hides words that a model would read"),
        "variation": Hostile(
            "a\ufe0f\u180b b\U000e0100 \u034f", "chooses a shape that is not there"
        ),
        # --- length ----------------------------------------------------------------------------
        "one character": Hostile("a", "the shortest text"),
        "long word": Hostile("x" * 10_000, "cannot be broken into lines"),
        "long Chinese": Hostile("猫" * 3_000, "a token each"),
        "long unknown": Hostile("Ω" * 40, "an unknown token each"),
        "many words": Hostile("the cat " * 1_000, "beyond every context"),
        "spaces alone": Hostile("     ", "nothing to trace"),
        "other spaces alone": Hostile("\u00a0\u3000\u2003", "nothing to trace"),
        "empty": Hostile("", "nothing at all"),
        "paste": Hostile("The cat sat on the mat. " * 218_500, "5 MB by mistake"),
        "digits": Hostile("12345678901234567890" * 2, "no number holds it"),
    }
)


# A few of every kind, for tests that take one at a time; each holds something to trace.
NASTY = tuple(
    HOSTILE[name].text
    for name in (
        "one character", "sentence", "two scripts", "Markdown", "code", "emoji", "Chinese",
        "overrides", "control", "compatibility", "specials", "sum", "mark alone", "long unknown",
        "apostrophes", "quotes", "backslashes",
    )
)  # fmt: skip


def naughty_strings() -> tuple[str, ...]:
    """All that are short, whole characters and hold something to trace; and those of the Big
    List of Naughty Strings, where this machine has it."""
    default = Path(__file__).parents[1] / "../shared/data/naughty-strings.json"
    path = Path(os.environ.get("NAUGHTY_STRINGS", default))
    more = json.loads(path.read_text("utf-8")) if path.is_file() else []
    short = (one.text for one in HOSTILE.values() if len(one.text) < 1_000)
    whole = (text for text in short if not any("\ud800" <= c <= "\udfff" for c in text))
    return tuple(text for text in (*whole, *more) if text.strip())
