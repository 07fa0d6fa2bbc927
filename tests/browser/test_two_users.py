"""Two people at once: each sees their own text, and nobody else's."""

from tests.browser.driving import OpenPage
from tests.browser.test_attention_driver import (
    Reader,
    assert_same_map,
    first_text,
    true_map,
)

ONE, OTHER = "She reads a good book.", "We live in a small house."


def test_two_users_at_once_see_their_own_texts(page: OpenPage) -> None:
    one, other = Reader(page("/?layer=1&head=1")), Reader(page("/?layer=2&head=2"))
    for _ in range(2):
        before = one.source(), other.source()
        one.box("text").fill(ONE)
        other.box("text").fill(OTHER)
        one.box("text").press("Enter")
        other.box("text").press("Enter")
        one.changed(before[0])
        other.changed(before[1])
        assert_same_map(one.twin(), true_map(ONE, "cross", 1, 1))
        assert_same_map(other.twin(), true_map(OTHER, "cross", 2, 2))
        assert one.box("text").input_value() == ONE
        assert other.box("text").input_value() == OTHER
        one.enter(first_text())
        other.enter(first_text())


def test_the_same_words_of_two_users_have_different_addresses(page: OpenPage) -> None:
    one, other = Reader(page()), Reader(page())
    assert one.trace_id() == other.trace_id()  # an example, which nobody typed
    for reader in (one, other):
        reader.enter(ONE)
    assert one.trace_id() != other.trace_id()
    assert one.url()["text"] == other.url()["text"] == ONE


def test_what_one_user_switches_does_not_switch_for_another(page: OpenPage) -> None:
    one, other = Reader(page()), Reader(page())
    one.switch("specials")
    other.enter(ONE)
    assert "[EOS]" not in one.tokens("key")
    assert "[EOS]" in other.tokens("key")
    assert "specials" not in other.url()
