"""Five encoders with one task: which letter stood before?"""

import json
import random

import pytest
import torch

from model_runtime.builtin import tasks, tokenization, weights
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.recipes import positions
from model_runtime.builtin.recipes.positions import KINDS, shifted_batches
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID
from tests.model_runtime.builtin import tiny

TOKENIZER = tokenization.symbols(tasks.LETTERS, starts=True, ends=True)


def test_all_kinds_of_positions_are_made():
    assert set(KINDS) == set(tiny.POSITIONS)
    assert len(KINDS) == 5


def test_each_token_is_asked_for_the_one_before_it_and_the_first_for_none():
    for batch in shifted_batches(TOKENIZER, random.Random(0), n=2):
        for row, labels in zip(batch.source, batch.target, strict=True):
            ids = [i for i in row if i != PAD_ID]
            assert (ids[0], ids[-1]) == (BOS_ID, EOS_ID)
            assert labels[: len(ids)] == [PAD_ID, *ids[:-1]]
            assert set(labels[len(ids) :]) <= {PAD_ID}
            assert len(labels) == len(row)


def rows_of(batches):
    return [
        "".join(TOKENIZER.id_to_token(i) or "" for i in row if i > EOS_ID)
        for batch in batches
        for row in batch.source
    ]


def test_rows_are_as_long_as_asked():
    made = shifted_batches(TOKENIZER, random.Random(0), n=2, least=30, most=31)
    assert {len(row) for row in rows_of(made)} == {30, 31}
    assert {len(row) for row in rows_of(shifted_batches(TOKENIZER, random.Random(0), n=4))} == set(
        range(4, 21)
    )


def test_held_out_rows_are_in_no_training_batch():
    training = rows_of(shifted_batches(TOKENIZER, random.Random(0), n=4))
    testing = rows_of(shifted_batches(TOKENIZER, random.Random(0), n=1, held_out=True))
    assert not any(is_held_out(row, tasks.ONE_IN) for row in training)
    assert all(is_held_out(row, tasks.ONE_IN) for row in testing)


@pytest.mark.usefixtures("small_recipes")
def test_five_variants_share_tokens_and_what_is_said_of_them(tmp_path, monkeypatch):
    folder = tmp_path / "positions"
    positions.positions(tmp_path, folder, torch.device("cpu"), 1)
    (folder / "card.md").write_text("# Five\n", encoding="utf-8")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(KINDS)
    assert not (folder / "model.safetensors").exists()
    assert not list(folder.glob("*/*tokenizer.json"))
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    assert weights.names() == sorted(f"positions@{kind}" for kind in KINDS)
    for kind in KINDS:
        loaded = weights.load(weights.folder_of(f"positions@{kind}"))
        assert loaded.model.config.positions == kind
        assert loaded.model.config.topology == "encoder"
        assert loaded.target_tokenizer.get_vocab_size() == 30
        own = json.loads((folder / kind / "facts.json").read_text("utf-8"))
        assert set(own) == {"parameters", "training", "rounding"}
        assert loaded.facts["reads"] == "letters"
