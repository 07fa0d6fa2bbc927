"""Targets that begin and end each for itself are those that are written alone, token by token.

Compared with `greedy`, which `test_decoding.py` compares with a loop written out there.
"""

import random

import pytest
import torch

from model_runtime.builtin import passes, weights
from model_runtime.builtin.decoding import greedy
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, UNK_ID
from model_runtime.builtin.writing import Writing
from tests.model_runtime.builtin.test_decoding import SEEDS, TINY, sentence, tiny_model
from tests.model_runtime.builtin.tiny import POSITIONS

NEVER_WRITTEN = UNK_ID


def writing_of(model, limit=99, eos=EOS_ID):
    return Writing[int](model, limit, bos=BOS_ID, eos=eos)


def join(writing, source, whose):
    """What the encoder makes of a source joins."""
    with torch.inference_mode():
        (memory,) = writing._model.encode(torch.tensor([source]))
    writing.join(memory, whose)


def written_at_random(writing, sources, seed, share=0.4):
    """The target of each source, where a source joins before a step by this chance or none is
    there; and the most that were written at once."""
    rng, coming, found, most = random.Random(seed), list(enumerate(sources)), {}, 0
    while coming or writing:
        while coming and (not writing or rng.random() < share):
            whose, source = coming.pop(0)
            join(writing, source, whose)
        most = max(most, len(writing))
        for whose, target in writing.step():
            assert whose not in found
            found[whose] = target
    return [found[i] for i in range(len(sources))], most


def test_one_target_ends_at_the_step_that_writes_its_last_token():
    model, source = tiny_model(0), sentence(0)
    expected = greedy(model, source, 99, bos=BOS_ID, eos=EOS_ID)
    writing = writing_of(model)
    join(writing, source, 5)
    steps = [writing.step() for _ in expected[1:]]
    assert steps == [[]] * (len(steps) - 1) + [[(5, expected)]]
    assert not writing and writing.whose == []


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_targets_that_join_at_random_steps_are_those_written_alone(seed, positions):
    model = tiny_model(seed, positions=positions)
    sources = [sentence(100 * seed + i) for i in range(20)]
    found, most = written_at_random(writing_of(model), sources, seed)
    assert found == [greedy(model, source, 99, bos=BOS_ID, eos=EOS_ID) for source in sources]
    assert most > 2


def test_among_them_some_come_to_an_end_and_some_are_cut_off_at_the_context():
    # Otherwise the test above would show one of the two cases only.
    ends = set()
    for seed in SEEDS:
        found, _ = written_at_random(writing_of(tiny_model(seed)), [sentence(100 * seed)], 0)
        ends.add((found[0][-1] == EOS_ID, len(found[0]) == TINY.context_length))
    assert {(True, False), (False, True)} <= ends


@pytest.mark.parametrize(("limit", "length"), [(1, 1), (2, 2), (7, 7), (12, 12), (99, 12)])
def test_targets_that_never_end_are_cut_at_the_limit_or_the_context(limit, length):
    sources = [sentence(i) for i in range(6)]
    writing = writing_of(tiny_model(1), limit, NEVER_WRITTEN)
    found, _ = written_at_random(writing, sources, 2)
    assert [len(target) for target in found] == [length] * 6


def test_sources_of_one_token_and_of_the_whole_context_are_written_together():
    model, rng = tiny_model(2), random.Random(5)
    sources = [
        [rng.randrange(4, TINY.source_vocab_size) for _ in range(length)]
        for length in (1, TINY.context_length, 2, TINY.context_length, 1)
    ]
    found, most = written_at_random(writing_of(model), sources, 1, share=0.9)
    assert found == [greedy(model, source, 99, bos=BOS_ID, eos=EOS_ID) for source in sources]
    assert most > 2


def test_one_that_cannot_join_disturbs_nobody():
    model, source = tiny_model(0), sentence(0)
    writing = writing_of(model)
    join(writing, source, 1)
    with pytest.raises(RuntimeError):
        writing.join(torch.zeros(TINY.context_length + 1, TINY.d_model), 2)
    assert writing.whose == [1]
    found = []
    while writing:
        found += writing.step()
    assert found == [(1, greedy(model, source, 99, bos=BOS_ID, eos=EOS_ID))]


@pytest.mark.parametrize("name", ["translator", "reversal"])
def test_a_shipped_model_writes_what_it_writes_alone(name):
    model, rng = weights.load_model(weights.folder_of(name)), random.Random(3)
    context = model.config.context_length
    sources = [
        [*(rng.randrange(4, model.config.source_vocab_size) for _ in range(length)), EOS_ID]
        for length in (context - 1, *(rng.randrange(25) for _ in range(16)))
    ]
    found, most = written_at_random(passes.writing(model), sources, 4, share=0.7)
    assert found == [passes.written(model, [source])[0] for source in sources]
    assert most > 4


def test_with_every_token_another_target_ends_and_another_begins():
    model = tiny_model(3)
    sources = [sentence(i) for i in range(30)]
    writing, found = writing_of(model, 4, NEVER_WRITTEN), []
    for whose, source in enumerate(sources):
        join(writing, source, whose)
        found += writing.step()
    assert [whose for whose, _ in found] == list(range(28))
    for whose, target in found:
        expected = greedy(model, sources[whose], 4, bos=BOS_ID, eos=NEVER_WRITTEN)
        assert target == expected
