"""A checkpoint that is damaged or dangerous says what is wrong, and nothing of it stays.

What is wrong with a path is in test_finding, with a header in test_memory.
"""

import gc
import json
import sys
from functools import cache
from shutil import copytree, rmtree

import pytest
import torch
from transformers import PreTrainedModel

from model_runtime.errors import (
    Corrupt,
    CustomCode,
    HeadlightError,
    NoSafetensors,
    NoTokenizer,
    Quantised,
    TooLarge,
    WrongWeights,
)
from model_runtime.huggingface.memory import weights_bytes
from model_runtime.settings import settings
from tests.model_runtime.huggingface.checkpoints import make
from tests.model_runtime.huggingface.damage import WEIGHTS, change, opened, reweigh


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each family's checkpoint, made once; not to be changed."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda family: make(family, root / family))


@pytest.fixture
def copied(made, tmp_path):
    """The same, to be damaged."""
    return lambda family: copytree(made(family), tmp_path / "mine")


def test_a_weight_that_is_missing_is_named(copied):
    folder = copied("gpt2")
    gone = "transformer.h.1.attn.c_attn.weight"
    reweigh(folder, lambda t: {name: tensor for name, tensor in t.items() if name != gone})
    with pytest.raises(WrongWeights, match=f"{gone} is missing"):
        opened(folder)


def test_a_weight_of_another_shape_is_named_with_both(copied):
    folder = copied("gpt2")
    name = "transformer.h.0.mlp.c_fc.weight"
    reweigh(folder, lambda t: t | {name: torch.zeros(3, 5)})
    with pytest.raises(WrongWeights, match=f"{name} is 3 × 5, not 32 × 128"):
        opened(folder)


def test_of_many_only_some_are_named(copied):
    folder = copied("bert")
    change(folder, hidden_size=64)
    with pytest.raises(WrongWeights, match=r", … \(\d+\)"):
        opened(folder)


def test_the_weights_of_another_model(made, copied):
    folder = copied("gpt2")
    (folder / WEIGHTS).write_bytes((made("bert") / WEIGHTS).read_bytes())
    with pytest.raises(WrongWeights):
        opened(folder)


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_weights_that_were_cut_off(copied, kept):
    folder = copied("gpt2")
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:kept])
    with pytest.raises(Corrupt, match=WEIGHTS):
        opened(folder)


def test_pickles_alone(copied):
    folder = copied("gpt2")
    torch.save({}, folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    with pytest.raises(NoSafetensors, match=r"pytorch_model\.bin"):
        opened(folder)


@pytest.mark.parametrize(
    ("family", "values", "error"),
    [
        ("gpt2", {"vocab_size": 2**40}, WrongWeights),
        ("gpt2", {"n_embd": 4 * 10**9, "n_head": 4}, WrongWeights),
        ("gpt2", {"n_inner": 10**10}, WrongWeights),
        ("gpt2", {"n_layer": 10**9}, Corrupt),
        ("gpt2", {"n_layer": 9000}, WrongWeights),
        ("bert", {"num_labels": 10**9}, Corrupt),
        ("llama", {"num_attention_heads": 10**9, "num_key_value_heads": 10**9}, Corrupt),
        ("llama", {"head_dim": 10**9}, WrongWeights),
        ("bloom", {"hidden_size": 10**18}, Corrupt),
    ],
)
def test_a_config_of_absurd_size_is_refused_before_it_is_built(copied, family, values, error):
    folder = copied(family)
    change(folder, **values)
    peak = rss()
    with pytest.raises(error):
        opened(folder)
    assert rss() - peak < 2**28


def rss():
    """The most memory that this process ever took, in bytes."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_what_a_model_needs_beside_its_weights_counts_too(copied, monkeypatch):
    folder = copied("gpt2")
    monkeypatch.setenv("HEADLIGHT_MEMORY", str(weights_bytes(folder) + 100))
    settings.cache_clear()
    try:
        with pytest.raises(TooLarge):
            opened(folder)
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5", "llama", "roberta", "deberta-v2"])
def test_a_tokenizer_that_is_missing(copied, family):
    folder = copied(family)
    for path in folder.iterdir():
        if path.name not in (WEIGHTS, "config.json"):
            path.unlink()
    with pytest.raises(NoTokenizer, match=r"\./mine"):
        opened(folder)


@pytest.mark.parametrize("text", ["spam", "{}", "[]", '{"model": {"type": "Quantum"}}', "\0"])
def test_a_tokenizer_that_is_damaged(copied, text):
    folder = copied("gpt2")
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(NoTokenizer):
        opened(folder)


def test_the_tokenizer_of_a_larger_model(copied):
    folder = copied("gpt2")
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {f"more{i}": len(vocabulary) + i for i in range(10)}
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(NoTokenizer, match=r"tokens, the model \d+"):
        opened(folder)


@pytest.mark.parametrize("name", ["../tokenizer.1.0.json", "/tokenizer.1.0.json", "a/../b", 7])
def test_a_tokenizer_whose_settings_lead_elsewhere(copied, name):
    folder = copied("llama")
    path = folder / "tokenizer_config.json"
    (folder.parent / "tokenizer.1.0.json").write_bytes((folder / "tokenizer.json").read_bytes())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fast_tokenizer_files": [name]}))
    with pytest.raises(NoTokenizer, match="tokenizer_config"):
        opened(folder)


def test_a_config_that_names_another_one_is_refused_for_nobody_checked_that(copied):
    folder = copied("llama")
    (folder / "config.4.0.0.json").write_bytes((folder / "config.json").read_bytes())
    change(folder, configuration_files=["config.4.0.0.json"])
    with pytest.raises(Corrupt, match="another file"):
        opened(folder)


def test_a_number_too_large_for_a_float_is_refused_like_any_other(copied):
    folder = copied("gpt2")
    change(folder, n_positions=10**400)
    with pytest.raises(Corrupt, match="n_positions is over"):
        opened(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.float8_e4m3fn])
def test_weights_that_stand_for_others_are_refused_by_what_they_are_stored_in(copied, kind):
    folder = copied("llama")
    name = "model.layers.0.mlp.up_proj.weight"
    reweigh(folder, lambda t: t | {name: t[name].to(kind)})
    with pytest.raises(Quantised):
        find_and_open(folder)


def find_and_open(folder):
    """What finding does before a checkpoint is loaded."""
    weights_bytes(folder, "./mine")
    return opened(folder)


def test_code_of_a_checkpoint_is_never_run(copied, tmp_path):
    folder = copied("gpt2")
    ran = tmp_path / "ran"
    for module in ("modeling_mine", "configuration_mine", "tokenization_mine"):
        (folder / f"{module}.py").write_text(f"open({str(ran)!r}, 'w')\n")
    classes = {"AutoConfig": "configuration_mine.C", "AutoModelForCausalLM": "modeling_mine.M"}
    change(folder, auto_map=classes)
    assert type(opened(folder).model).__name__ == "GPT2LMHeadModel"  # transformers has its own
    change(folder, auto_map=classes, model_type="mine")
    with pytest.raises(CustomCode, match="mine"):
        opened(folder)
    assert not ran.exists()


def test_a_config_cannot_lead_to_other_weights(made, copied, tmp_path):
    folder = copied("gpt2")
    other = copytree(made("gpt2"), tmp_path / "other") / WEIGHTS
    other.write_bytes(b"spam")
    change(folder, transformers_weights="../other/model.safetensors")
    assert opened(folder).remarks == ()


def test_after_a_failure_nothing_of_the_model_is_left(copied, made):
    gc.collect()
    before = living()
    folder = copied("bert")
    reweigh(folder, lambda t: t | {"bert.embeddings.word_embeddings.weight": torch.zeros(3, 5)})
    problem = failure(folder)
    assert isinstance(problem, WrongWeights)
    assert living() == before  # though the error itself is still here
    rmtree(folder)
    folder = copied("gpt2")
    change(folder, vocab_size=2**40)
    problem = failure(folder)
    assert living() == before
    assert problem.__context__ is None and problem.__cause__ is None


def failure(folder):
    try:
        opened(folder)
    except HeadlightError as problem:
        return problem
    raise AssertionError("it opened")


def living():
    """How many models there are, without waiting for the collector."""
    return sum(issubclass(type(thing), PreTrainedModel) for thing in gc.get_objects())
