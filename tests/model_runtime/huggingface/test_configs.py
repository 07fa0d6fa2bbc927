"""A config is read with suspicion, and finds the class of transformers that fits it."""

import json

import pytest
import transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto as auto

from model_runtime.errors import (
    Corrupt,
    CustomCode,
    NotACheckpoint,
    NotATextModel,
    Quantised,
    UnknownArchitecture,
)
from model_runtime.huggingface.configs import base, choose, read_config


def written(folder, config):
    text = config if isinstance(config, str) else json.dumps(config)
    (folder / "config.json").write_text(text)
    return folder


def chosen(kind, *architectures, **values):
    """The class, the family and what is predicted, for a config of this kind."""
    config = CONFIG_MAPPING[kind](**values)
    config.architectures = list(architectures) or None
    found = choose(config, "x")
    return found.model_class.__name__, found.family, found.predicts


# --- reading -------------------------------------------------------------------------------------


def test_a_config_is_read_as_its_own_class(tmp_path):
    config = read_config(written(tmp_path, {"model_type": "gpt2", "n_layer": 3}), "x")
    assert (type(config).__name__, config.num_hidden_layers) == ("GPT2Config", 3)


def test_a_folder_without_one(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(NotACheckpoint, match=r"notes\.txt"):
        read_config(tmp_path, "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spam",
        "[]",
        "3",
        '{"model_type": "gpt2"',
        "[" * 100_000,
        '{"model_type": "gpt2", "n_layer": "three"}',
        '{"model_type": "gpt2", "n_layer": 1000000000}',
        '{"model_type": "gpt_neo", "attention_types": [[["global"], 1000000000]]}',
        '{"model_type": "bert", "num_labels": 1000000000}',
        '{"model_type": "bert", "hidden_size": 1e30}',
        '{"model_type": "gemma3", "text_config": {"num_hidden_layers": 1000000000}}',
    ],
)
def test_a_config_that_is_damaged_or_absurd(tmp_path, text):
    with pytest.raises(Corrupt, match=r"config\.json"):
        read_config(written(tmp_path, text), "x")


def test_a_config_that_is_endless(tmp_path):
    with pytest.raises(Corrupt, match="too long"):
        read_config(written(tmp_path, '{"a": "' + "a" * 2**23 + '"}'), "x")


@pytest.mark.parametrize("kind", [None, "", "quantum", 3, ["gpt2"], "<b>"])
def test_a_kind_that_transformers_does_not_have(tmp_path, kind):
    with pytest.raises(UnknownArchitecture, match=transformers.__version__):
        read_config(written(tmp_path, {"model_type": kind}), "x")


def test_one_that_brings_its_own_code(tmp_path):
    config = {"model_type": "quantum", "auto_map": {"AutoConfig": "mine.Config"}}
    with pytest.raises(CustomCode, match="quantum"):
        read_config(written(tmp_path, config), "x")


@pytest.mark.parametrize(
    "config",
    [
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        {"text_config": {"quantization_config": {"quant_method": "gptq"}}},
    ],
)
def test_quantised_weights_are_no_weights(tmp_path, config):
    with pytest.raises(Quantised, match="gptq"):
        read_config(written(tmp_path, {"model_type": "llama"} | config), "x")


# --- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "architectures", "found"),
    [
        ("bert", ["BertForMaskedLM"], ("BertForMaskedLM", "encoder", "tokens")),
        ("bert", ["BertLMHeadModel"], ("BertLMHeadModel", "decoder", "tokens")),
        ("bert", ["BertForPreTraining"], ("BertForMaskedLM", "encoder", "tokens")),
        ("bert", ["BertModel"], ("BertModel", "encoder", "nothing")),
        ("bert", ["BertForMultipleChoice"], ("BertModel", "encoder", "nothing")),
        ("bert", ["MyOwnBert"], ("BertModel", "encoder", "nothing")),
        ("bert", [], ("BertForMaskedLM", "encoder", "tokens")),
        ("gpt2", [], ("GPT2LMHeadModel", "decoder", "tokens")),
        ("gpt2", ["GPT2DoubleHeadsModel"], ("GPT2LMHeadModel", "decoder", "tokens")),
        ("gpt2", ["GPT2Model"], ("GPT2Model", "decoder", "nothing")),
        (
            "gpt2",
            ["GPT2ForSequenceClassification"],
            ("GPT2ForSequenceClassification", "decoder", "text labels"),
        ),
        (
            "llama",
            ["LlamaForTokenClassification"],
            ("LlamaForTokenClassification", "decoder", "token labels"),
        ),
        ("xlm", ["XLMWithLMHeadModel"], ("XLMWithLMHeadModel", "encoder", "tokens")),
        ("t5", [], ("T5ForConditionalGeneration", "encoder-decoder", "tokens")),
        ("t5", ["T5EncoderModel"], ("T5EncoderModel", "encoder", "nothing")),
        ("t5", ["T5Model"], ("T5Model", "encoder-decoder", "nothing")),
        (
            "bart",
            ["BartForConditionalGeneration"],
            ("BartForConditionalGeneration", "encoder-decoder", "tokens"),
        ),
        ("bart", ["BartForCausalLM"], ("BartForCausalLM", "decoder", "tokens")),
        (
            "bart",
            ["BartForSequenceClassification"],
            ("BartForSequenceClassification", "encoder-decoder", "text labels"),
        ),
        (
            "gemma3",
            ["Gemma3ForConditionalGeneration"],
            ("Gemma3ForConditionalGeneration", "decoder", "tokens"),
        ),
    ],
)
def test_the_class_that_the_checkpoint_names(kind, architectures, found):
    assert chosen(kind, *architectures) == found


def test_a_bert_that_was_told_to_write():
    assert chosen("bert", is_decoder=True) == ("BertLMHeadModel", "decoder", "tokens")
    assert chosen("bert", "BertModel", is_decoder=True) == ("BertModel", "decoder", "nothing")


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        ("vit", "ViTForImageClassification"),
        ("vit", ""),
        ("whisper", "WhisperForConditionalGeneration"),
        ("clip", "CLIPModel"),
        ("wav2vec2", "Wav2Vec2ForCTC"),
        ("layoutlmv3", "LayoutLMv3ForTokenClassification"),
    ],
)
def test_what_reads_more_than_text_is_refused(kind, architecture):
    with pytest.raises(NotATextModel, match=kind):
        chosen(kind, *[architecture] * bool(architecture))


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, "decoder"),
        (auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, "encoder"),
    ],
)
def test_every_class_of_a_mapping_is_chosen_when_it_is_named(names, family):
    odd = set()
    for kind in set(names) & {"bert", "roberta", "xlnet", "deberta-v2", "opt", "bloom", "mamba"}:
        name, chosen_family, _ = chosen(kind, names[kind])
        if (name, chosen_family) != (names[kind], family):
            odd.add(kind)
    assert odd == set()


def test_the_base_model_has_no_head():
    found = base(CONFIG_MAPPING["bert"](), "x")
    assert (found.model_class.__name__, found.predicts) == ("BertModel", "nothing")
