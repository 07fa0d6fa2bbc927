"""What a class may read: stems are caught, longer words with the same letters are not."""

import pytest

from model_runtime.builtin.classroom import fit_for_class


@pytest.mark.parametrize(
    "sentence",
    [
        "He killed time.",
        "KILL",
        "The killer ran.",
        "We make love.",
        "They are naked.",
        "She was raped.",
        "This is a rape.",
        "He hanged himself.",
        "He stabbed her.",
        "Go to hell!",
        "He was shot dead.",
        "You idiot!",
        "damn it",
        "他自杀了。",
        "他杀死了那只狗。",
        "你这个混蛋！",
        "那是谋杀。",
    ],
)
def test_sex_violence_drugs_and_swearing_are_left_out(sentence):
    assert not fit_for_class(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "A skill of Sussex.",
        "She has many skills.",
        "The sextant",
        "I like grapes.",
        "Draped in drapes",
        "It was scraped.",
        "The classes passed a class.",
        "He hung his coat on the wall.",
        "Hello!",
        "The shell of the seashore",
        "The peel of a peer",
        "Take a shot.",
        "She is a Muslim lesbian from China.",
        "他杀鸡。",
        "猫在床上睡觉。",
        "他很着急。",
        "",
    ],
)
def test_other_words_with_the_same_letters_and_who_people_are_stay_in(sentence):
    assert fit_for_class(sentence)


def test_one_unfit_sentence_of_a_pair_is_enough():
    assert fit_for_class("A cat.", "一只猫。")
    assert not fit_for_class("A cat.", "杀人。")
    assert not fit_for_class("He killed it.", "一只猫。")


def test_nothing_at_all_is_fit():
    assert fit_for_class()
