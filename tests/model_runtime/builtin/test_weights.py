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
    ["config.json", "model.safetensors", "target_tokenizer.json", "facts.json"],
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


def test_a_model_is_measured_before_anybody_wrote_its_card(tmp_path):
    (write(tmp_path, tiny()) / "card.md").unlink()
    assert weights.load(tmp_path).cards == {}


def test_cards_are_kept_by_language(tmp_path):
    (write(tmp_path, tiny()) / "card.zh.md").write_text("# 小\n", encoding="utf-8")
    assert weights.load(tmp_path).cards == {"en": "# Tiny 小\n", "zh": "# 小\n"}


def test_without_an_encoders_tokenizer_there_is_none(tmp_path):
    model = tiny(topology="decoder", source_vocab_size=0)
    (write(tmp_path, model) / "source_tokenizer.json").unlink()
    assert weights.load(tmp_path).source_tokenizer is None


# --- variants --------------------------------------------------------------------------------


@pytest.fixture
def family(tmp_path, monkeypatch):
    """Two models in a folder of models: one with two variants, one of variants only."""
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    folder = tmp_path / "sums"
    folder.mkdir()
    write(folder, tiny())
    weights.save_variant(folder, "0100", tiny(d_ff=16), steps=100, licence="other")
    weights.save_variant(folder, "0000", tiny(positions="none"), steps=0)
    several = tmp_path / "kinds"
    several.mkdir()
    TARGET.save(str(several / "target_tokenizer.json"))
    (several / "card.md").write_text("# Kinds\n", encoding="utf-8")
    weights.write_facts(several, licence="none", reads="letters")
    for kind in ("alibi", "rotary"):
        model = tiny(topology="decoder", source_vocab_size=0, positions=kind)
        weights.save_variant(several, kind, model, parameters=7)
    return tmp_path


def test_a_variant_is_named_after_its_model(family):
    assert weights.names() == ["kinds@alibi", "kinds@rotary", "sums", "sums@0000", "sums@0100"]
    assert weights.folder_of("sums") == family / "sums"
    assert weights.folder_of("sums@0100") == family / "sums" / "0100"
    assert all((weights.folder_of(name) / "config.json").exists() for name in weights.names())


def test_a_variants_facts_come_after_its_models_and_replace_them(family):
    parent = weights.read_facts(weights.folder_of("sums"))
    assert "steps" not in parent and parent["licence"] == "none"
    facts = weights.read_facts(weights.folder_of("sums@0100"))
    assert (facts["steps"], facts["licence"]) == (100, "other")
    assert facts | {"licence": "none"} == parent | {"steps": 100}
    own = json.loads((family / "sums" / "0100" / "facts.json").read_text("utf-8"))
    assert own == {"steps": 100, "licence": "other"}


def test_a_variant_has_weights_of_its_own_and_its_models_tokens_and_cards(family):
    parent, variant = (weights.load(weights.folder_of(name)) for name in ("sums", "sums@0100"))
    assert (parent.model.config.d_ff, variant.model.config.d_ff) == (8, 16)
    for one, other in (
        (parent.source_tokenizer, variant.source_tokenizer),
        (parent.target_tokenizer, variant.target_tokenizer),
    ):
        assert one is not None and other is not None
        assert one.to_str() == other.to_str()
    assert parent.cards == variant.cards == {"en": "# Tiny 小\n"}
    assert not variant.model.training


def test_a_model_of_variants_only_lends_them_tokens_cards_and_facts(family):
    assert "kinds" not in weights.names()
    found = weights.load(weights.folder_of("kinds@rotary"))
    assert found.model.config.positions == "rotary"
    assert found.source_tokenizer is None
    assert found.target_tokenizer.to_str() == TARGET.to_str()
    assert found.facts == {"licence": "none", "reads": "letters", "parameters": 7}
    assert found.cards == {"en": "# Kinds\n"}


def test_saving_a_variant_again_replaces_its_weights_and_adds_to_its_facts(family):
    folder = weights.folder_of("sums")
    weights.save_variant(folder, "0100", tiny(d_ff=24), exact=0.5)
    found = weights.load(folder / "0100")
    assert found.model.config.d_ff == 24
    assert (found.facts["steps"], found.facts["exact"]) == (100, 0.5)


def test_a_variant_opens_and_checks_itself(family):
    for name in ("sums@0000", "sums@0100"):
        opened = BuiltinModel(f"builtin:{name}", weights.load(weights.folder_of(name)))
        assert opened.info.name == name
        assert tracing.trace(opened, "the cat sat", "猫坐。").check <= 1e-5


def test_a_config_is_read_without_the_weights(family):
    (family / "sums" / "model.safetensors").unlink()
    assert weights.read_config(family / "sums") == tiny().config


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
