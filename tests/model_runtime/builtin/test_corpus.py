"""Texts on their way to a model: what is read, what is left out, what is kept for testing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.corpus import (
    LONGEST,
    encoded,
    is_held_out,
    joined,
    letters_of,
    read_english,
    read_pairs,
)
from model_runtime.builtin.tokenization import EOS_ID, UNK_ID, characters, english_subwords

PAIRS = [("The cat is here.", "猫在这里。"), ("I see a dog.", "我看见狗。"), ("No.", "不。")]


def written(folder, text):
    path = folder / "pairs.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_is_english_then_chinese_and_the_rest_is_not_read(tmp_path):
    path = written(tmp_path, "A cat.\t一只猫。\tCC-BY someone\nNo.\t不。\n")
    assert read_pairs(path, filtered=True) == [("A cat.", "一只猫。"), ("No.", "不。")]


def test_pairs_are_read_in_one_form_with_known_misprints_mended(tmp_path):
    path = written(tmp_path, "Ａ ﬁne １.\t他很着名，显着。\n")
    assert read_pairs(path, filtered=False) == [("A fine 1.", "他很著名,显著。")]


def test_what_a_class_should_not_read_is_left_out_only_where_asked(tmp_path):
    path = written(tmp_path, "He killed him.\t他打。\nHi.\t杀人。\nHi.\t好。\n")
    assert read_pairs(path, filtered=True) == [("Hi.", "好。")]
    assert len(read_pairs(path, filtered=False)) == 3


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pairs(tmp_path / "none.tsv", filtered=True)


def test_joined_pairs_are_two_sentences_on_both_sides():
    for pairs in (PAIRS, [(target, source) for source, target in PAIRS]):
        once = joined(pairs, 1.0, random.Random(0))
        for (source, target), (first, erst) in zip(once, pairs, strict=True):
            second = (source.removeprefix(first + " "), target.removeprefix(erst + " "))
            assert second in pairs
    assert joined(PAIRS, 0.0, random.Random(0)) == PAIRS
    share = len([p for p in joined(PAIRS * 500, 0.1, random.Random(0)) if p not in PAIRS]) / 1500
    assert 0.05 < share < 0.15


def test_a_joined_chinese_sentence_has_no_space_once_it_is_tokens():
    target = characters(chinese for _, chinese in PAIRS)
    ((_, chinese),) = joined(PAIRS[:1], 1.0, random.Random(0))
    assert target.encode(chinese).ids == target.encode(chinese.replace(" ", "")).ids


def test_encoded_pairs_end_and_unknowns_replace_no_special_token():
    source = english_subwords((english for english, _ in PAIRS), 40)
    target = characters(chinese for _, chinese in PAIRS)
    plain = encoded(PAIRS, source, target)
    assert plain == [(source.encode(e).ids, target.encode(c).ids) for e, c in PAIRS]
    unknown = encoded(PAIRS, source, target, unknown_share=1.0, rng=random.Random(0))
    for (ids, same), (before, target_ids) in zip(unknown, plain, strict=True):
        assert ids == [UNK_ID] * (len(before) - 1) + [EOS_ID]
        assert same == target_ids


# --- English sentences -----------------------------------------------------------------------


def english(folder, sentences="", stories=""):
    """All sentences of these two files, training and held out, in alphabetical order."""
    (folder / "sentences.txt").write_text(sentences, encoding="utf-8")
    (folder / "stories.txt").write_text(stories, encoding="utf-8")
    training, held_out = read_english(folder)
    return sorted(training + held_out)


def test_a_line_is_a_sentence_and_a_paragraph_of_a_story_is_cut_into_its_sentences(tmp_path):
    found = english(tmp_path, "A cat. A dog.\n\nNo.\n", "She ran. He sat!\nWhy? We know.\n")
    assert found == ["A cat. A dog.", "He sat!", "No.", "She ran.", "We know.", "Why?"]


@pytest.mark.parametrize(
    ("paragraph", "cut"),
    [
        ("Mr. Smith came. Mrs. Gray left.", ["Mr. Smith came.", "Mrs. Gray left."]),
        ('"Come in!" She sat down.', ['"Come in!"', "She sat down."]),
        ('She said, "No." "Why?" he asked.', ['She said, "No."', '"Why?" he asked.']),
        ("'Is it?' He knew.", ["'Is it?'", "He knew."]),
        ("It cost 3.5 pounds. It was good.", ["It cost 3.5 pounds.", "It was good."]),
        ("Wait... and see.", ["Wait... and see."]),  # no capital, no new sentence
        ('"Oh!" said she. "Go on."', ['"Oh!" said she.', '"Go on."']),
        ("One.   Two.", ["One.", "Two."]),
    ],
)
def test_a_story_is_cut_after_its_sentences_with_the_quotes_that_close_them(
    tmp_path, paragraph, cut
):
    assert english(tmp_path, stories=paragraph) == sorted(cut)


def test_two_spellings_of_a_sentence_are_one_and_the_first_is_kept(tmp_path):
    assert english(tmp_path, "The cat, sat.\nthe CAT sat\nThe cat sat!\n") == ["The cat, sat."]
    assert letters_of("The cat, sat — 2!") == "thecatsat2"


def test_a_sentence_of_a_file_is_not_told_again_by_a_story(tmp_path):
    assert english(tmp_path, "He ran.\n", "He ran! She ran.\n") == ["He ran.", "She ran."]


@pytest.mark.parametrize("open_quote", ['"Come here.', 'He said, "No', 'a " b " c "'])
def test_a_sentence_with_an_open_quote_is_left_out(tmp_path, open_quote):
    assert english(tmp_path, f"{open_quote}\nYes.\n") == ["Yes."]


def test_what_is_too_long_and_what_is_blank_is_left_out(tmp_path):
    just, beyond = "a" * LONGEST, "b" * (LONGEST + 1)
    assert english(tmp_path, f"{just}\n{beyond}\n   \n\n", "") == [just]


def test_what_a_class_should_not_read_is_left_out_of_both_files(tmp_path):
    found = english(tmp_path, "He killed it.\nHi.\n", "She ran. He was murdered. Sussex.")
    assert found == ["Hi.", "She ran.", "Sussex."]


def test_sentences_are_read_in_one_form(tmp_path):
    assert english(tmp_path, "  Ａ ﬁne １.  \n") == ["A fine 1."]


def test_one_in_fifty_is_held_out_whatever_the_spelling(tmp_path):
    sentences = [f"This is sentence number {n}." for n in range(3000)]
    for spelled in (sentences, [s.upper() + "!" for s in sentences], sentences[::-1]):
        (tmp_path / "sentences.txt").write_text("\n".join(spelled), encoding="utf-8")
        (tmp_path / "stories.txt").write_text("", encoding="utf-8")
        training, held_out = read_english(tmp_path)
        assert len(training) + len(held_out) == 3000
        assert 30 < len(held_out) < 90
        kept = {letters_of(s) for s in held_out}
        assert kept == {letters_of(s) for s in sentences if is_held_out(letters_of(s), 50)}
        assert not kept & {letters_of(s) for s in training}


@pytest.mark.parametrize("missing", ["sentences.txt", "stories.txt"])
def test_a_missing_file_of_english_is_said(tmp_path, missing):
    for name in {"sentences.txt", "stories.txt"} - {missing}:
        (tmp_path / name).write_text("A cat.\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=missing):
        read_english(tmp_path)


def test_what_is_held_out_is_the_same_in_every_run():
    # CRC-32 of "123456789" is 0xCBF43926, the check value of its definition.
    for one_in in (1, 2, 50, 0xCBF43926):
        assert is_held_out("123456789", one_in) == (0xCBF43926 % one_in == 0)


@settings(max_examples=100, deadline=None)
@given(key=st.text(max_size=20))
def test_every_key_is_held_out_of_one_and_of_what_is_held_out_of_ten_all_is_of_five(key):
    assert is_held_out(key, 1)
    assert not is_held_out(key, 10) or is_held_out(key, 5)
