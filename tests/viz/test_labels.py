"""User text in a place where something is live: shown to the letter, and visible."""

import html
import re
import string
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model_runtime.reference import naughty_strings
from viz.labels import WORD_JOINER, in_csv, in_html, in_markdown, in_plotly, visible


def test_plain_words_stay_as_they_are():
    assert visible("The cat, 猫!") == "The cat, 猫!"
    assert in_markdown("The cat 猫 é") == "The cat 猫 é"


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\0", "␀"),
        ("\n", "␊"),
        ("\t", "␉"),
        ("\x1b", "␛"),
        ("\x7f", "␡"),
        ("\x85", "⟨U+0085⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\u202e", "⟨U+202E⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\ue000", "⟨U+E000⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_what_has_no_shape_gets_one(hidden, shown):
    assert visible(hidden) == shown
    assert visible(f"a{hidden}b") == f"a{shown}b"


@pytest.mark.parametrize("mark", string.punctuation)
def test_every_ascii_mark_is_escaped_and_joined(mark):
    assert in_markdown(mark) == f"\\{mark}{WORD_JOINER}"


@pytest.mark.parametrize(
    ("live", "broken"),
    [
        (":material/info:", ":material"),
        ("->", "->"),
        (">=", ">="),
        ("$x$", "$x"),
        (":red[x]", ":red["),
        ("<b>", "<b"),
        ("http://a.b", "http:"),
        ("www.a.b", "www."),
        ("![x](y)", "!["),
        ("a@b.c", "a@b"),
    ],
)
def test_nothing_live_survives(live, broken):
    assert broken not in in_markdown(live)


def readable(escaped):
    """What a Markdown renderer shows: each escaped mark as itself."""
    return re.sub(rf"\\(.){WORD_JOINER}", r"\1", escaped)


def is_shown_to_the_letter(text):
    escaped = in_markdown(text)
    assert readable(escaped) == visible(text)
    bare = re.sub(rf"\\[!-/:-@\[-`{{-~]{WORD_JOINER}", "", escaped)
    assert not set(bare) & set(string.punctuation)
    assert not any(ord(character) < 0x20 for character in escaped)
    assert escaped.encode("utf-8").decode() == escaped  # no half surrogate pair is left
    assert visible(visible(text)) == visible(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_is_shown_to_the_letter(text):
    is_shown_to_the_letter(text)


@pytest.mark.parametrize("text", naughty_strings(), ids=lambda text: ascii(text[:20]))
def test_known_nasty_text_is_shown_to_the_letter(text):
    is_shown_to_the_letter(text)


class Read(HTMLParser):
    """What a browser makes of a piece of HTML: its tags, their attributes and its text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


def is_text_in_html(text):
    read = Read(f'<p title="{in_html(text)}">{in_html(text)}</p>')
    assert read.tags == ["p"]
    assert read.attributes == {"title": visible(text)}
    assert read.text == html.unescape(in_html(text)) == visible(text)
    assert not set(in_html(text)) & set("<>\"'")


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_stays_text_in_html(text):
    is_text_in_html(text)


@pytest.mark.parametrize("text", naughty_strings(), ids=lambda text: ascii(text[:20]))
def test_known_nasty_text_stays_text_in_html(text):
    is_text_in_html(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<b>x</b><br>", "&lt;b&gt;x&lt;/b&gt;&lt;br&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ('it\'s "x"', 'it\'s "x"'),
        ("a\nb\0", "a␊b␀"),
        ("$x$ %{y}", "$x$ %{y}"),
    ],
)
def test_no_tag_of_plotly_survives(text, said):
    assert in_plotly(text) == said


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_stays_text_in_plotly(text):
    said = in_plotly(text)
    assert not set(said) & set("<>")
    assert html.unescape(said) == visible(text)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_a_formula_is_text_in_a_table_file(text):
    assert in_csv(text) == f"'{text}"
    assert in_csv(f"a{text}") == f"a{text}"
