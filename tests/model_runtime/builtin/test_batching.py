"""Ids on their way to a model: padded, of similar lengths, none lost."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.builtin.batching import Batch, Example, batches, padded


def test_padding_fills_up_to_the_longest():
    assert padded([[5, 6, 7], [8], []]) == [[5, 6, 7], [8, 0, 0], [0, 0, 0]]


def test_padding_changes_none_of_what_it_is_given():
    given = [[5], [6, 7]]
    assert padded(given) == [[5, 0], [6, 7]]
    assert given == [[5], [6, 7]]


def test_a_batch_asks_for_every_next_token_unless_it_says_otherwise():
    assert Batch([[4]], [[5]]).expected is None


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


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_a_decoder_alone_has_empty_sources_and_loses_no_example_either(sizes, seed):
    examples: list[Example] = [([], [4 + n] * size) for n, size in enumerate(sizes)]
    made = list(batches(examples, 32, random.Random(seed)))
    assert sorted(ids[0] - 4 for batch in made for ids in batch.target) == list(range(len(sizes)))
    for batch in made:
        assert batch.source == [[]] * len(batch.target)
        assert batch.expected is None
        assert sum(map(len, batch.target)) <= 32


def test_lengths_in_one_batch_are_alike():
    examples: list[Example] = [([], [4] * size) for size in (1, 9, 2, 8, 1, 9)]
    widths = [sorted(map(sum, batch.target)) for batch in batches(examples, 18, random.Random(0))]
    assert sorted(widths) == [[4, 4, 8], [32, 36], [36]]


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
