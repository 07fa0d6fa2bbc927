"""From a recipe to a model folder: what is written, and what 16 bits change."""

import dataclasses
import json

import pytest
import torch

from model_runtime.builtin import weights
from model_runtime.builtin.batching import Batch
from model_runtime.builtin.recipes.making import CHECKPOINT, Making, hardware, make, rounding
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.training import Schedule, asked, perplexity
from tests.model_runtime.builtin import tiny

CPU = torch.device("cpu")
TARGET = tiny.letters()
CONFIG = tiny.config_of("decoder", 0, TARGET.get_vocab_size(), d_model=8, n_layers=1)
ROWS = [[BOS_ID, 4, 5, 6, EOS_ID], [BOS_ID, 6, 5, 4, EOS_ID]]
DEV = [Batch([], ROWS), Batch([], [[BOS_ID, 7, 7, 7, EOS_ID]])]


def making(**changes):
    plain = Making(
        config=CONFIG,
        source=None,
        target=TARGET,
        epoch=lambda rng: [Batch([], [rng.sample(ROWS, 1)[0]]) for _ in range(3)],
        dev=DEV,
        schedule=Schedule(epochs=2, learning_rate=0.01, warmup_steps=1, label_smoothing=0.0),
        facts={"licence": "none", "reads": "letters"},
    )
    return dataclasses.replace(plain, **changes)


def facts_in(folder):
    return json.loads((folder / "facts.json").read_text("utf-8"))


def test_everything_but_the_card_and_the_scores_is_written(tmp_path):
    model = make(tmp_path / "deep" / "one", making(source=tiny.subwords()), CPU)
    folder = tmp_path / "deep" / "one"
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json",
        "facts.json", CHECKPOINT,
    }  # fmt: skip
    facts = facts_in(folder)
    assert (facts["licence"], facts["reads"]) == ("none", "letters")
    assert facts["parameters"] == sum(p.numel() for p in model.parameters())
    training = facts["training"]
    assert (training["epochs"], training["steps"]) == (2, 6)
    assert training["dev_perplexity"][-1] == round(perplexity(model, DEV), 3)
    assert training["hardware"] == hardware(CPU)
    loaded = weights.load_model(folder)
    for ours, theirs in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(ours.detach().half().float(), theirs)


def test_a_variant_has_no_tokenizer_of_its_own(tmp_path):
    make(tmp_path, making(target=None), CPU)
    assert not list(tmp_path.glob("*tokenizer.json"))


def test_scores_that_were_measured_before_stay_in_the_facts(tmp_path):
    weights.write_facts(tmp_path, scores={"exact": 1.0}, licence="old")
    make(tmp_path, making(), CPU)
    assert facts_in(tmp_path)["scores"] == {"exact": 1.0}
    assert facts_in(tmp_path)["licence"] == "none"


def test_the_untrained_model_is_told_once_and_then_each_epoch(tmp_path):
    told = []
    watched = making(after_epoch=lambda model, steps: told.append(steps))
    make(tmp_path, watched, CPU)
    assert told == [0, 3, 6]
    make(tmp_path, watched, CPU)  # there is a checkpoint: nothing is told again
    assert told == [0, 3, 6]


def test_training_begins_with_the_weights_that_it_is_given(tmp_path):
    given = tiny.random_model(CONFIG, seed=7)

    def begin(model):
        model.load_state_dict(given.state_dict())

    met = []

    def after(model, steps):
        met.append([p.detach().clone() for p in model.parameters()])

    make(tmp_path, making(begin=begin, after_epoch=after), CPU)
    assert all(map(torch.equal, met[0], given.parameters()))
    assert not all(map(torch.equal, met[1], given.parameters()))
    learned = (tmp_path / "model.safetensors").read_bytes()
    make(tmp_path, making(begin=begin), CPU)  # a checkpoint is worth more than a beginning
    assert (tmp_path / "model.safetensors").read_bytes() == learned


def test_the_same_recipe_makes_the_same_model(tmp_path):
    make(tmp_path / "one", making(), CPU)
    torch.manual_seed(99)
    make(tmp_path / "same", making(), CPU)
    other = dataclasses.replace(making().schedule, seed=2)
    make(tmp_path / "other", making(schedule=other), CPU)
    one, same, different = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "same", "other")
    )
    assert one == same != different


def test_rounding_of_a_model_beside_itself_changes_nothing():
    model = tiny.random_model(CONFIG)
    assert rounding(model, model, DEV) == {
        "tokens": 12, "same_choice": 1.0, "mean_share_moved": 0.0, "most_share_moved": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_rounding_equals_its_definition_token_by_token(seed):
    model, stored = (tiny.random_model(CONFIG, seed=s) for s in (seed, seed + 10))
    same, moved, largest = [], [], []
    with torch.no_grad():
        for batch in DEV:
            for row in batch.target:
                ids = torch.tensor([row[:-1]])
                ours = model.logits(model.decode(ids))[0].softmax(-1)
                theirs = stored.logits(stored.decode(ids))[0].softmax(-1)
                for a, b in zip(ours, theirs, strict=True):
                    best = int(a.argmax())
                    same.append(best == int(b.argmax()))
                    moved.append(abs(float(a[best]) - float(b[best])))
                    largest.append(float((a - b).abs().max()))
    found = rounding(model, stored, DEV)
    assert found["tokens"] == len(same) == 12
    assert found["same_choice"] == pytest.approx(sum(same) / 12, abs=1e-5)
    assert found["mean_share_moved"] == pytest.approx(sum(moved) / 12, abs=1e-6)
    assert found["most_share_moved"] == pytest.approx(max(largest), abs=1e-5)


def test_rounding_looks_only_where_something_is_asked():
    model, stored = (tiny.random_model(CONFIG, seed=s) for s in (1, 2))
    one = [Batch([], [ROWS[0]], expected=[[0, 5, 0, 0]])]
    assert rounding(model, stored, one)["tokens"] == len(asked(model, one[0])[1]) == 1


def test_rounding_to_16_bits_is_what_is_written_of_a_model(tmp_path):
    model = make(tmp_path, making(), CPU)
    assert facts_in(tmp_path)["rounding"] == rounding(model, weights.load_model(tmp_path), DEV)


def test_the_processor_is_named():
    assert "CPU threads" in hardware(CPU)
    assert str(torch.get_num_threads()) in hardware(CPU)
