"""A checkpoint opens with every weight it was saved with, or says what is wrong and is gone."""

import gc
import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from shutil import copytree, rmtree

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from model_runtime.errors import (
    Corrupt,
    CustomCode,
    HeadlightError,
    NoSafetensors,
    NoTokenizer,
    TooLarge,
    WrongWeights,
)
from model_runtime.huggingface.finding import Found
from model_runtime.huggingface.loading import load
from model_runtime.huggingface.memory import weights_bytes
from model_runtime.recording import Progress
from model_runtime.settings import settings
from tests.model_runtime.huggingface.checkpoints import CONTEXT, FAMILIES, make

WEIGHTS = "model.safetensors"


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


def opened(folder, report=lambda _: None):
    return load(Found(folder, "./mine", "mine", "", ""), report)


def change(folder, **values):
    """Change entries of config.json; None takes one out."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def reweigh(folder, changed):
    """Write the weights that `changed` makes of those that are there."""
    tensors = changed(load_file(folder / WEIGHTS))
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


# --- what opens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_opens_with_the_weights_of_its_file(made, family):
    loaded = opened(made(family))
    stored = load_file(made(family) / WEIGHTS)
    assert type(loaded.model).__name__ == FAMILIES[family].model
    assert loaded.remarks == ()
    parameters = dict(loaded.model.named_parameters())
    shared = parameters.keys() & stored.keys()
    assert len(shared) > len(stored) / 2  # the rest was renamed on its way
    assert all(torch.equal(parameters[name], stored[name]) for name in shared)
    assert loaded.model.num_parameters() * 4 <= weights_bytes(made(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_ready_to_be_run_and_not_to_be_trained(made, family):
    loaded = opened(made(family))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert loaded.config._attn_implementation == "eager"
    assert loaded.context_length == CONTEXT
    assert len(loaded.tokenizer("The cat")["input_ids"]) > 1


@pytest.mark.parametrize(
    ("family", "kind", "predicts"),
    [
        ("bert", "encoder", "tokens"),
        ("gpt2", "decoder", "tokens"),
        ("t5", "encoder-decoder", "tokens"),
        ("bert-alone", "encoder", "nothing"),
        ("bert-labelling", "encoder", "token labels"),
        ("electra-classifying", "encoder", "text labels"),
        ("bert-answering", "encoder", "answer span"),
        ("bert-generation", "decoder", "tokens"),
    ],
)
def test_it_knows_what_it_opened(made, family, kind, predicts):
    loaded = opened(made(family))
    assert (loaded.family, loaded.predicts) == (kind, predicts)


def test_half_precision_is_computed_in_32_bits(copied):
    folder = copied("gpt2")
    reweigh(folder, lambda t: {name: tensor.bfloat16() for name, tensor in t.items()})
    change(folder, dtype="bfloat16")
    model = opened(folder).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_many_files_open_like_one(made, copied):
    folder = copied("llama")
    model = opened(made("llama")).model
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="40KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    again = opened(folder).model.state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5", "bart", "llama"])
def test_a_config_that_names_no_class_opens_as_what_predicts_tokens(copied, family):
    folder = copied(family)
    change(folder, architectures=None)
    assert type(opened(folder).model).__name__ == FAMILIES[family].model


def test_a_head_that_was_never_saved_is_not_made_up(copied):
    folder = copied("bert")
    change(folder, tie_word_embeddings=False)
    reweigh(folder, lambda t: {name: w for name, w in t.items() if not name.startswith("cls.")})
    loaded = opened(folder)
    assert (type(loaded.model).__name__, loaded.predicts) == ("BertModel", "nothing")
    (remark,) = loaded.remarks
    assert "BertForMaskedLM" in remark.message.format(**remark.values)


def test_the_context_is_as_long_as_the_settings_allow(made, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MAX_TOKENS", "100")
    settings.cache_clear()
    try:
        assert opened(made("gpt2")).context_length == 100
    finally:
        settings.cache_clear()


def test_positions_that_begin_behind_the_padding_are_not_counted(copied):
    folder = copied("roberta")
    tokenizer = folder / "tokenizer_config.json"
    known = json.loads(tokenizer.read_text())
    tokenizer.write_text(json.dumps(known | {"model_max_length": 10**30}))
    assert opened(folder).config.max_position_embeddings == CONTEXT + 2
    assert opened(folder).context_length == CONTEXT


def test_loading_is_told_in_bytes(made, monkeypatch):
    monkeypatch.setattr("model_runtime.huggingface.loading._TICK", 1)
    heard: list[Progress] = []
    opened(made("gpt2"), heard.append)
    total = weights_bytes(made("gpt2"))
    assert {p.stage for p in heard} == {"loading"}
    assert [p.done for p in heard] == sorted(p.done for p in heard)
    assert (heard[-1].done, heard[-1].total) == (total, total)


def test_two_models_open_side_by_side(made):
    families = ["gpt2", "bert", "t5", "llama"]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda family: opened(made(family)), families))
    assert [type(f.model).__name__ for f in found] == [FAMILIES[f].model for f in families]


def test_nothing_is_printed_logged_or_asked_of_the_network(made, capfd, caplog, monkeypatch):
    def refused(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    for family in FAMILIES:
        opened(made(family))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


# --- what does not -------------------------------------------------------------------------------


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


def test_what_other_threads_build_meanwhile_is_not_counted(made, monkeypatch):
    monkeypatch.setattr("model_runtime.huggingface.loading._TICK", 1)
    built = []

    def build():
        built.append(torch.nn.Linear(2**15, 2**15, device="meta"))

    def elsewhere(_):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()

    assert type(opened(made("gpt2"), elsewhere).model).__name__ == "GPT2LMHeadModel"
    assert built
