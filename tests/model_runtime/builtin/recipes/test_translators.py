"""How sentence pairs become lessons, in both directions."""

import random

import pytest
import torch

from model_runtime.builtin.recipes import translators
from model_runtime.builtin.recipes.making import Making
from model_runtime.builtin.recipes.translators import set_bpe_dropout
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID
from tests.model_runtime.builtin import tiny

CPU = torch.device("cpu")
RECIPES = {
    "translator": translators.english_to_chinese,
    "zh-en": translators.chinese_to_english,
}


@pytest.fixture(params=RECIPES)
def making(request, monkeypatch, data, small_recipes):
    """What the recipe would train with."""
    found = []
    monkeypatch.setattr(translators, "make", lambda folder, making, device: found.append(making))
    RECIPES[request.param](data, data / "out", CPU, None)
    return found.pop()


def test_words_are_cut_in_other_ways_while_dropout_is_on():
    tokenizer = tiny.subwords()
    whole = tokenizer.encode("sleeping").tokens
    set_bpe_dropout(tokenizer, 0.9)
    cut = {tuple(tokenizer.encode("sleeping").tokens) for _ in range(20)}
    assert len(cut) > 1
    assert max(map(len, cut)) > len(whole)
    set_bpe_dropout(tokenizer, None)
    assert {tuple(tokenizer.encode("sleeping").tokens) for _ in range(20)} == {tuple(whole)}


def test_a_tokenizer_of_characters_has_no_merges_to_skip():
    tokenizer = tiny.chinese()
    before = tokenizer.to_str()
    set_bpe_dropout(tokenizer, 0.9)
    assert tokenizer.to_str() == before


def test_after_an_epoch_words_are_cut_whole_again(making):
    making.epoch(random.Random(0))
    assert '"dropout":null' in making.source.to_str() or "BPE" not in making.source.to_str()


def test_a_source_only_ends_and_a_target_begins_and_ends(making):
    for batch in [*making.epoch(random.Random(0)), *making.dev]:
        for source, target in zip(batch.source, batch.target, strict=True):
            assert BOS_ID not in source
            assert [i for i in source if i != PAD_ID][-1] == EOS_ID
            assert target[0] == BOS_ID
            assert [i for i in target if i != PAD_ID][-1] == EOS_ID


def test_the_dev_pairs_are_the_ones_of_the_file_each_once(making):
    assert sum(len(batch.target) for batch in making.dev) == 3
    assert sum(len(batch.target) for batch in making.epoch(random.Random(0))) == 3


def test_the_directions_are_each_others_mirror(monkeypatch, data, small_recipes):
    found: dict[str, Making] = {}

    def keep(name):
        return lambda folder, making, device: found.__setitem__(name, making)

    for name, recipe in RECIPES.items():
        monkeypatch.setattr(translators, "make", keep(name))
        recipe(data, data / "out", CPU, None)
    one, other = found["translator"], found["zh-en"]
    assert one.source and one.target and other.source and other.target
    assert one.source.encode("The cat").tokens[-1] == "[EOS]"
    assert other.source.encode("猫在").tokens == ["猫", "在", "[EOS]"]
    assert one.target.encode("猫在").tokens == ["[BOS]", "猫", "在", "[EOS]"]
    assert other.target.encode("The cat").tokens[0] == "[BOS]"
    assert other.target.decode(other.target.encode("The cat is here.").ids) == "The cat is here."
    assert one.facts["training_pairs"] == other.facts["training_pairs"] == 3
