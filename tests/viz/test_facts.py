"""Facts and tokens as HTML: every piece is there, and none of it is markup."""

import re

import pytest

from model_runtime.types import Token
from tests.model_runtime.reference import NASTY
from viz import facts
from viz.labels import in_html


def test_a_fact_is_a_row():
    shown = facts.table([("layers", "12")])
    assert re.sub("<[^>]*>", " ", shown).split() == ["layers", "12"]
    assert shown.count("<tr>") == 1


def test_a_token_is_shown_with_its_position_and_special_ones_are_marked():
    shown = facts.token_list(
        [Token(0, 7, "[CLS]", None, None, True), Token(1, 8, "cat", (0, 3), 0)], "tokens"
    )
    assert re.sub("<[^>]*>", " ", shown).split() == ["0", "[CLS]", "1", "cat"]
    assert shown.count("class=special") == 1


@pytest.mark.parametrize("text", NASTY)
def test_a_strangers_text_is_shown_to_the_letter(text):
    table = facts.table([(text, text)])
    listed = facts.token_list([Token(0, 0, text, None, None)], text)
    assert in_html(text) in table and in_html(text) in listed
    tags = set(re.findall(r"</?(\w+)", table + listed))
    assert tags == {"table", "tbody", "tr", "th", "td", "bdi", "ol", "li", "span"}
