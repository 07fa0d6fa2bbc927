"""What a link locks and hides."""

import pytest

from shell.classroom import HIDDEN, LOCKED, Rules, rules


def test_an_address_without_rules_locks_and_hides_nothing() -> None:
    assert rules({"text": "a"}) == (Rules(), [])
    assert rules({"lock": "", "hide": ","}) == (Rules(), [])


def test_words_are_taken_together_in_any_order() -> None:
    found, problems = rules({"lock": "text,model", "hide": "pages"})
    assert found == Rules(frozenset(LOCKED), frozenset({"pages"}))
    assert problems == []


@pytest.mark.parametrize("word", ["everything", "<b>", "model ", "模型"])
def test_a_word_that_is_none_is_named_and_the_others_count(word: str) -> None:
    found, (problem,) = rules({"lock": f"model,{word}"})
    assert found.locked == {"model"}
    assert all(known in problem for known in LOCKED)
    assert "<b>" not in problem
    _found, (problem,) = rules({"hide": word})
    assert all(known in problem for known in HIDDEN)
