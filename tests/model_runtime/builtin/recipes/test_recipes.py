"""Every recipe, made small: what it writes is a whole model, and it opens."""

import json

import pytest
import torch

from model_runtime import catalog
from model_runtime.builtin import weights
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.recipes import READS, RECIPES
from model_runtime.tracing import trace

CPU = torch.device("cpu")
TOPOLOGIES = {
    "translator": "encoder-decoder",
    "zh-en": "encoder-decoder",
    "writer": "decoder",
    "blanks": "encoder",
    "dates": "encoder-decoder",
    "reversal": "encoder-decoder",
    "addition": "encoder-decoder",
    "induction": "decoder",
}
SINGLE = tuple(TOPOLOGIES)  # `positions` is five


def test_each_model_of_the_line_up_has_a_recipe_and_a_place_in_the_order():
    assert set(RECIPES) == set(LINEUP) == set(catalog._ORDER)
    assert catalog.DEFAULT == f"builtin:{catalog._ORDER[0]}"


def test_recipes_say_which_files_they_read_and_generated_tasks_read_none():
    assert READS == {
        "translator": ("train.tsv", "dev.tsv"),
        "zh-en": ("train.tsv", "dev.tsv"),
        "writer": ("sentences.txt", "stories.txt"),
        "blanks": ("sentences.txt", "stories.txt"),
    }


@pytest.mark.parametrize("name", READS)
def test_a_recipe_reads_the_files_that_it_says(name, data, tmp_path, filler):
    for missing in READS[name]:
        content = (data / missing).read_bytes()
        (data / missing).unlink()
        with pytest.raises(FileNotFoundError, match=missing):
            RECIPES[name](data, tmp_path / "out", CPU, 1)
        (data / missing).write_bytes(content)


@pytest.mark.parametrize("name", SINGLE)
def test_a_recipe_makes_a_model_that_opens_and_checks_itself(name, data, tmp_path, filler):
    folder = tmp_path / name
    RECIPES[name](data if name in READS else tmp_path / "nowhere", folder, CPU, 1)
    files = {path.name for path in folder.iterdir() if path.is_file()}
    tokenizers = {"target_tokenizer.json"}
    if TOPOLOGIES[name] == "encoder-decoder":
        tokenizers.add("source_tokenizer.json")
    written = {"config.json", "model.safetensors", "facts.json", "checkpoint.safetensors"}
    assert files == written | tokenizers

    (folder / "card.md").write_text("# Card\n", encoding="utf-8")
    loaded = weights.load(folder)
    assert loaded.model.config.topology == TOPOLOGIES[name]
    assert loaded.facts["parameters"] == sum(p.numel() for p in loaded.model.parameters())
    assert loaded.facts["training"]["epochs"] == 1
    assert loaded.facts["training"]["steps"] >= 1
    assert "CPU threads" in loaded.facts["training"]["hardware"]
    assert set(loaded.facts["rounding"]) == {
        "tokens", "same_choice", "mean_share_moved", "most_share_moved",
    }  # fmt: skip
    assert loaded.facts["licence"].startswith("Apache-2.0")
    said = json.loads(json.dumps(LINEUP[name]))
    assert said == {key: loaded.facts[key] for key in said}

    model = BuiltinModel(f"builtin:{name}", loaded)
    for text in LINEUP[name]["examples"][:2]:
        assert trace(model, text).check <= 1e-5


def test_the_examples_of_a_generated_task_are_known_to_its_tokens(tmp_path, small_recipes):
    for name in ("dates", "reversal", "addition", "induction"):
        RECIPES[name](tmp_path, tmp_path / name, CPU, 1)
        loaded = weights.load(tmp_path / name)
        tokenizer = loaded.source_tokenizer or loaded.target_tokenizer
        for text in LINEUP[name]["examples"]:
            assert 1 not in tokenizer.encode(text).ids, text


@pytest.mark.parametrize("name", ["writer", "reversal"])
def test_a_recipe_run_again_goes_on_from_its_checkpoint(name, data, tmp_path, filler):
    once, twice = tmp_path / "once", tmp_path / "twice"
    RECIPES[name](data, once, CPU, 1)
    first = (once / "model.safetensors").read_bytes()
    RECIPES[name](data, once, CPU, 1)  # all done: nothing changes
    assert (once / "model.safetensors").read_bytes() == first
    RECIPES[name](data, twice, CPU, 1)
    assert (twice / "model.safetensors").read_bytes() == first
