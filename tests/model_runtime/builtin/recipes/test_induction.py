"""What the induction model is asked: the next letter, where the row has told it before."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.recipes import induction
from model_runtime.builtin.recipes.induction import repeat_batches, told
from model_runtime.builtin.tasks import ONE_IN
from model_runtime.builtin.tokenization import BOS_ID, PAD_ID
from tests.model_runtime.builtin import tiny

TOKENIZER = tiny.letters()


@pytest.mark.parametrize(
    ("so_far", "after", "is_told"),
    [
        ([4], 5, False),  # nothing stood there before
        ([4, 5], 4, False),
        ([4, 5, 4], 5, True),  # 4 was followed by 5, and is again
        ([4, 5, 4], 6, False),
        ([4, 5, 4, 6, 4], 5, False),  # 4 was followed by 5 and by 6
        ([4, 5, 4, 6, 4], 6, False),
        ([4, 5, 4, 5, 4], 5, True),
        ([4, 4], 4, True),  # followed by itself
        ([BOS_ID, 4, 5, 4], 5, True),
        ([BOS_ID, 4], 5, False),
    ],
)
def test_a_row_has_told_what_always_followed(so_far, after, is_told):
    assert told(so_far, after) == is_told


def in_loops(so_far, after):
    """The same in words: every earlier place of the last token, looked at one by one."""
    seen = 0
    for n in range(len(so_far) - 1):
        if so_far[n] == so_far[-1]:
            if so_far[n + 1] != after:
                return False
            seen += 1
    return seen > 0


@settings(max_examples=300, deadline=None)
@given(row=st.lists(st.integers(4, 8), min_size=2, max_size=12))
def test_told_equals_a_search_place_by_place(row):
    assert told(row[:-1], row[-1]) == in_loops(row[:-1], row[-1])


def test_a_batch_asks_exactly_where_it_was_told():
    for batch in repeat_batches(TOKENIZER, random.Random(0), n=2):
        assert batch.source == []
        assert batch.expected is not None
        for row, expected in zip(batch.target, batch.expected, strict=True):
            letters = [i for i in row if i != PAD_ID]
            assert letters[0] == BOS_ID
            assert len(expected) == len(row) - 1
            for n, label in enumerate(expected):
                is_told = n + 1 < len(letters) and in_loops(letters[: n + 1], letters[n + 1])
                assert label == (letters[n + 1] if is_told else PAD_ID)


def test_every_row_asks_for_something():
    for batch in repeat_batches(TOKENIZER, random.Random(1), n=3):
        assert all(any(row) for row in batch.expected or ())


def rows_of(batches):
    return {
        "".join(TOKENIZER.id_to_token(i) or "" for i in row if i > BOS_ID)
        for batch in batches
        for row in batch.target
    }


def test_held_out_rows_are_in_no_training_batch():
    training = rows_of(repeat_batches(TOKENIZER, random.Random(0), n=4))
    testing = rows_of(repeat_batches(TOKENIZER, random.Random(0), n=2, held_out=True))
    assert not any(is_held_out(row, ONE_IN) for row in training)
    assert all(is_held_out(row, ONE_IN) for row in testing)


def test_batches_are_as_many_as_asked_and_of_one_size():
    made = repeat_batches(TOKENIZER, random.Random(0), n=3)
    assert [len(batch.target) for batch in made] == [induction.BATCH] * 3
