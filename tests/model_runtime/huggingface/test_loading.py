"""A checkpoint opens with every weight that it was saved with, whatever its family."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file

from model_runtime.huggingface.memory import weights_bytes
from model_runtime.recording import Progress
from model_runtime.settings import settings
from tests.model_runtime.huggingface.checkpoints import CONTEXT, FAMILIES, make
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
