"""Sentence pairs on their way to a model: what is read, what is left out, how it is batched."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.corpus import (
    Batch,
    batches,
    encoded,
    fit_for_class,
    joined,
    padded,
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


@pytest.mark.parametrize(
    ("english", "fit"),
    [
        ("He killed time.", False),
        ("KILL", False),
        ("A skill of Sussex.", True),
        ("The sextant", True),
        ("grape", True),
        ("We make love.", False),
        ("She is a Muslim lesbian from China.", True),
    ],
)
def test_the_filter_knows_stems_and_spares_other_words(english, fit):
    assert fit_for_class(english, "好。") == fit


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pairs(tmp_path / "none.tsv", filtered=True)


def test_joined_pairs_are_two_sentences_on_both_sides():
    once = joined(PAIRS, 1.0, random.Random(0))
    for (english, chinese), (first, erst) in zip(once, PAIRS, strict=True):
        second = english.removeprefix(first + " ")
        assert (second, chinese.removeprefix(erst)) in PAIRS
    assert joined(PAIRS, 0.0, random.Random(0)) == PAIRS
    share = len([p for p in joined(PAIRS * 500, 0.1, random.Random(0)) if p not in PAIRS]) / 1500
    assert 0.05 < share < 0.15


def test_encoded_pairs_end_and_unknowns_replace_no_special_token():
    source = english_subwords((english for english, _ in PAIRS), 40)
    target = characters(chinese for _, chinese in PAIRS)
    plain = encoded(PAIRS, source, target)
    assert plain == [(source.encode(e).ids, target.encode(c).ids) for e, c in PAIRS]
    unknown = encoded(PAIRS, source, target, unknown_share=1.0, rng=random.Random(0))
    for (ids, same), (before, target_ids) in zip(unknown, plain, strict=True):
        assert ids == [UNK_ID] * (len(before) - 1) + [EOS_ID]
        assert same == target_ids


def test_padding_fills_up_to_the_longest():
    assert padded([[5, 6, 7], [8], []]) == [[5, 6, 7], [8, 0, 0], [0, 0, 0]]


lengths = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=40)


def examples_of(sizes):
    """Pairs of these lengths; the first id of each side tells them apart."""
    return [([4 + n] * a, [4 + n] * b) for n, (a, b) in enumerate(sizes)]


@settings(max_examples=60, deadline=None)
@given(sizes=lengths, seed=st.integers(0, 99))
def test_every_example_is_in_one_batch_and_no_batch_is_too_large(sizes, seed):
    made = list(batches(examples_of(sizes), 24, random.Random(seed)))
    found = sorted(ids[0] - 4 for batch in made for ids in batch.source)
    assert found == list(range(len(sizes)))
    for batch in made:
        assert [ids[0] for ids in batch.source] == [ids[0] for ids in batch.target]
        for side in (batch.source, batch.target):
            assert len({len(ids) for ids in side}) == 1
            assert sum(map(len, side)) <= 24


def test_the_same_seed_makes_the_same_batches():
    examples = examples_of([(n % 7 + 1, n % 5 + 1) for n in range(30)])
    one, same, other = (list(batches(examples, 24, random.Random(s))) for s in (1, 1, 2))
    assert one == same != other


def test_an_example_beyond_the_limit_is_a_batch_of_its_own():
    short, long = ([4], [4]), ([5] * 9, [5])
    assert sorted(batches([short, long], 4, random.Random(0)), key=str) == [
        Batch([[4]], [[4]]),
        Batch([[5] * 9], [[5]]),
    ]


def test_an_example_beyond_the_limit_can_come_first():
    assert list(batches([([5] * 9, [5])], 4, random.Random(0))) == [Batch([[5] * 9], [[5]])]


def test_no_examples_are_no_batches():
    assert list(batches([], 24, random.Random(0))) == []
