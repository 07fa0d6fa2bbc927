"""A model folder: what is written is what is read, to 16 bits."""

import itertools
import json
import random
from typing import Any

import numpy as np
import pytest
import torch

from model_runtime import tracing
from model_runtime.builtin import weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.tokenization import characters, english_subwords
from model_runtime.builtin.transformer import Transformer

SOURCE = english_subwords(["the cat sat on the mat"] * 3, 40)
TARGET = characters(["猫坐在垫子上。"])
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi", "none")


def tiny(**changes):
    torch.manual_seed(random.Random(str(changes)).randrange(1000))
    choices: dict[str, Any] = {
        "topology": "encoder-decoder",
        "source_vocab_size": SOURCE.get_vocab_size(),
        "target_vocab_size": TARGET.get_vocab_size(),
        "context_length": 12,
        "d_model": 8,
        "n_heads": 2,
        "d_ff": 8,
        "n_layers": 2,
    }
    return Transformer(TransformerConfig(**(choices | changes))).eval()


def write(folder, model):
    weights.save_model(folder, model)
    SOURCE.save(str(folder / "source_tokenizer.json"))
    TARGET.save(str(folder / "target_tokenizer.json"))
    opens_at = {"stack": "cross", "layer": 1, "head": 0}
    weights.write_facts(
        folder, parameters=1, licence="none", examples=["the cat"], opens_at=opens_at
    )
    (folder / "card.md").write_text("# Tiny 小\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("topology", ["encoder-decoder", "encoder", "decoder"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_weights_come_back_rounded_to_16_bits(tmp_path, topology, positions, tied):
    changes = {"source_vocab_size": TARGET.get_vocab_size()} if topology == "encoder" else {}
    model = tiny(topology=topology, positions=positions, tie_unembedding=tied, **changes)
    weights.save_model(tmp_path, model)
    back = weights.load_model(tmp_path)
    assert back.config == model.config
    assert not back.training
    names = [name for name, _ in model.named_parameters()]
    assert names == [name for name, _ in back.named_parameters()]
    for (_, was), (_, now) in zip(model.named_parameters(), back.named_parameters(), strict=True):
        assert now.dtype == torch.float32
        assert torch.equal(now, was.half().float())
    last = back.decoder or back.encoder
    assert last is not None
    assert (back.unembedding.weight is last.embedding.weight) == tied


def test_saving_again_what_was_read_changes_no_byte(tmp_path):
    weights.save_model(tmp_path / "one", tiny())
    weights.save_model(tmp_path / "two", weights.load_model(tmp_path / "one"))
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_tensors_that_do_not_fit_are_named(tmp_path):
    weights.save_model(tmp_path, tiny())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"d_ff": 9}))
    with pytest.raises(RuntimeError, match=r"ffn\.w_in"):
        weights.load_model(tmp_path)


@pytest.mark.parametrize(
    "part",
    ["config.json", "model.safetensors", "target_tokenizer.json", "facts.json", "card.md"],
)
def test_a_missing_part_is_said(tmp_path, part):
    (write(tmp_path, tiny()) / part).unlink()
    # The tokenizers library raises a plain Exception of its own for its part.
    with pytest.raises(Exception, match=r"(?i)no such file"):
        weights.load(tmp_path)


def test_facts_are_added_and_replaced(tmp_path):
    weights.write_facts(tmp_path, bleu=1.0, text="小")
    weights.write_facts(tmp_path, bleu=2.0, more=[1])
    facts = json.loads((tmp_path / "facts.json").read_text("utf-8"))
    assert facts == {"bleu": 2.0, "text": "小", "more": [1]}


def test_every_model_that_ships_can_be_loaded():
    assert "translator" in weights.names()
    for name in weights.names():
        loaded = weights.load(weights.MODELS / name)
        assert loaded.model.config.target_vocab_size == loaded.target_tokenizer.get_vocab_size()
        assert loaded.facts["parameters"] == sum(p.numel() for p in loaded.model.parameters())


@pytest.mark.parametrize(
    ("positions", "norm", "n_heads"), [*itertools.product(POSITIONS, ("pre", "post"), (1, 2))]
)
def test_a_trace_of_every_kind_of_model_checks_itself(tmp_path, positions, norm, n_heads):
    model = tiny(positions=positions, norm=norm, n_heads=n_heads)
    opened = BuiltinModel("builtin:tiny", weights.load(write(tmp_path, model)))
    found = tracing.trace(opened, "the cat sat", "猫坐。")
    assert found.check <= 1e-5
    for record in found.records:
        shape = (n_heads, record.q.shape[1], record.k.shape[1])
        assert np.stack([record.pattern(head) for head in range(n_heads)]).shape == shape
        assert (record.bias is None) == (positions != "alibi" or record.stack == "cross")
    for name, array in found.intermediates.items():
        assert array.ndim == 3 if "unrotated" in name else array.ndim == 2, name
