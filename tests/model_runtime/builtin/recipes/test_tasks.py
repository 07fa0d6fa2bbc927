"""How generated tasks become lessons, and how snapshots are kept on the way."""

import json
import random
from datetime import timedelta

import pytest
import torch

from model_runtime.builtin import tasks as generated
from model_runtime.builtin import weights
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.decoding import greedy
from model_runtime.builtin.recipes import tasks
from model_runtime.builtin.recipes.tasks import (
    ALPHABETS,
    exact_share,
    task_batches,
    task_config,
    task_tokenizers,
)
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from tests.model_runtime.builtin import tiny

CPU = torch.device("cpu")
TASKS = {
    "reversal": generated.reversal,
    "addition": generated.addition,
    "dates": generated.dates,
}


@pytest.fixture(params=TASKS)
def name(request):
    return request.param


def text_of(tokenizer, ids):
    return "".join(tokenizer.id_to_token(i) for i in ids if i > EOS_ID)


def test_a_question_ends_and_an_answer_begins_and_ends():
    source, target = task_tokenizers("reversal")
    assert source.encode("cat").tokens == ["c", "a", "t", "[EOS]"]
    assert target.encode("tac").tokens == ["[BOS]", "t", "a", "c", "[EOS]"]


def test_nothing_that_a_task_writes_is_unknown(name):
    source, target = task_tokenizers(name)
    for seed in range(300):
        question, answer = TASKS[name](random.Random(seed))
        assert UNK_ID not in source.encode(question).ids
        assert UNK_ID not in target.encode(answer).ids


def test_the_characters_of_dates_are_those_of_all_days_in_all_ways():
    needed = {
        character
        for n in range(0, generated.N_DAYS, 13)
        for way in generated.ways_to_write(generated.FIRST_DAY + timedelta(days=n))
        for character in way
    }
    read, _ = ALPHABETS["dates"]
    assert needed == set(read)
    assert len(read) == len(set(read))


def test_batches_hold_questions_and_their_answers(name):
    source, target = task_tokenizers(name)
    for batch in task_batches(TASKS[name], source, target, random.Random(0), n=2):
        assert len(batch.source) == len(batch.target) == tasks.BATCH
        assert len({len(row) for row in batch.source}) == 1
        for question, answer in zip(batch.source, batch.target, strict=True):
            ids = [i for i in question if i != PAD_ID]
            assert ids[-1] == EOS_ID and answer[0] == BOS_ID
            if name == "reversal":
                assert text_of(source, question)[::-1] == text_of(target, answer)
            elif name == "addition":
                a, b = text_of(source, question).split("+")
                assert int(a) + int(b) == int(text_of(target, answer)[::-1])


def test_batches_for_training_hold_no_held_out_question_and_the_others_only_such(name):
    source, target = task_tokenizers(name)
    for held_out in (False, True):
        rng = random.Random(3)
        made = task_batches(TASKS[name], source, target, rng, n=2, held_out=held_out)
        questions = [text_of(source, row) for batch in made for row in batch.source]
        # All tokens are characters, so the question is read back as it was.
        assert {is_held_out(question, generated.ONE_IN) for question in questions} == {held_out}


def test_fresh_batches_follow_from_their_random_numbers(name):
    source, target = task_tokenizers(name)

    def made(seed):
        return task_batches(TASKS[name], source, target, random.Random(seed), n=1)

    assert made(1) == made(1) != made(2)


def test_the_model_of_a_task_has_about_a_hundred_thousand_parameters(name):
    source, target = task_tokenizers(name)
    config = task_config(source, target)
    model = tiny.random_model(config)
    assert (config.n_layers, config.n_heads) == (1, 4)
    assert 90_000 < sum(p.numel() for p in model.parameters()) < 130_000


def test_the_exact_share_counts_whole_answers():
    source, target = task_tokenizers("reversal")
    sizes = (source.get_vocab_size(), target.get_vocab_size())
    model = tiny.random_model(tiny.config_of("encoder-decoder", *sizes))
    words = ["cat", "dog", "house", "abc"]
    written = [greedy(model, source.encode(word).ids, 24, bos=BOS_ID, eos=EOS_ID) for word in words]
    # The model's own answers, where it ends them, count as right; a letter off does not.
    own = [(word, text_of(target, ids)) for word, ids in zip(words, written, strict=True)]
    ended = sum(ids[-1] == EOS_ID for ids in written)
    assert exact_share(model, source, target, own) == ended / 4
    off = [(word, answer + "z") for word, answer in own]
    assert exact_share(model, source, target, off) == 0.0


def test_the_exact_share_of_a_model_that_learned_the_answers_is_one(monkeypatch):
    source, target = task_tokenizers("addition")
    asked = generated.examples(generated.addition, 20, random.Random(0), held_out=False)
    answers = [target.encode(answer).ids for _, answer in asked]
    monkeypatch.setattr(tasks, "greedy_batch", lambda *_, **__: answers)
    model = tiny.random_model(task_config(source, target)).train()
    assert exact_share(model, source, target, asked) == 1.0
    wrong = [(question, "0000") for question, _ in asked]
    assert exact_share(model, source, target, wrong) == 0.0
    assert not model.training


@pytest.mark.usefixtures("small_recipes")
def test_addition_is_kept_at_several_points_of_one_training(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "SNAPSHOTS", (0, 4, 6))
    folder = tmp_path / "addition"
    tasks.addition(tmp_path, folder, CPU, 3)  # three epochs of two steps
    variants = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert variants == ["0000", "0004", "0006"]
    for variant in variants:
        own = json.loads((folder / variant / "facts.json").read_text("utf-8"))
        assert own["steps"] == int(variant)
        assert 0 <= own["exact"] <= 1
        assert set(own["summary"]) == {"en", "zh"}
        assert str(int(variant)) in own["summary"]["en"]
        assert weights.load(folder / variant).facts["reads"] == "sums"
    last = (folder / "0006" / "model.safetensors").read_bytes()
    assert last == (folder / "model.safetensors").read_bytes()
    assert last != (folder / "0004" / "model.safetensors").read_bytes()


def test_snapshots_fall_on_ends_of_epochs():
    assert all(steps % tasks.STEPS == 0 for steps in tasks.SNAPSHOTS)
    assert len({f"{steps:04}" for steps in tasks.SNAPSHOTS}) == len(tasks.SNAPSHOTS)
