"""The tiny checkpoints are what they pretend to be: files that transformers itself can open."""

from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
import torch
import transformers

from tests.model_runtime.huggingface.checkpoints import CONTEXT, FAMILIES, make

AUTO = (
    transformers.AutoModelForCausalLM,
    transformers.AutoModelForMaskedLM,
    transformers.AutoModelForSeq2SeqLM,
    transformers.AutoModelForSequenceClassification,
    transformers.AutoModelForTokenClassification,
    transformers.AutoModelForQuestionAnswering,
    transformers.AutoModel,
)
LARGEST = 350 * 1024  # bytes; of a sentencepiece model 240 KiB are its table of characters
TEXT = "The cat sat on the mat, 猫."


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda family: make(family, root / family))


def reloaded(folder: Path):
    """The model as AutoConfig and one of the Auto classes open it, and what loading noticed."""
    config = transformers.AutoConfig.from_pretrained(folder)
    (architecture,) = config.architectures
    for auto in AUTO:
        chosen = auto._model_mapping.get(type(config), None)
        if architecture == getattr(chosen, "__name__", ""):
            return auto.from_pretrained(
                folder, output_loading_info=True, attn_implementation="eager"
            )
    raise AssertionError(f"no Auto class opens {architecture}")


@pytest.mark.parametrize("family", FAMILIES)
def test_it_reloads_through_the_auto_classes_with_every_weight(family, folder_of):
    model, noticed = reloaded(folder_of(family))
    assert type(model).__name__ == FAMILIES[family].model
    assert not any(noticed.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_its_tokenizer_reloads_and_reads_the_same(family, folder_of):
    folder = folder_of(family)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    made = FAMILIES[family].tokenizer
    again = made(folder) if family == "bert-generation" else made()
    assert tokenizer(TEXT)["input_ids"] == again(TEXT)["input_ids"]
    assert tokenizer.model_max_length == CONTEXT
    config = transformers.AutoConfig.from_pretrained(folder)
    assert max(tokenizer(TEXT)["input_ids"]) < len(tokenizer) <= config.vocab_size


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_small_and_made_of_safetensors_alone(family, folder_of):
    files = list(folder_of(family).iterdir())
    assert sum(file.stat().st_size for file in files) <= LARGEST
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".model", ".jinja"}


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_the_same_each_time(family, folder_of, tmp_path):
    first, second = folder_of(family), make(family, tmp_path / family)
    names = sorted(file.name for file in first.iterdir())
    assert names == sorted(file.name for file in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "mamba"])
def test_its_heads_differ_and_look_somewhere(family, folder_of):
    folder = folder_of(family)
    model, _ = reloaded(folder)
    ids = transformers.AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")["input_ids"]
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        out = model(input_ids=ids, output_attentions=True, **more)
    names = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
    patterns = [p[0] for name in names for p in (out.get(name) or ()) if p is not None]
    assert patterns
    for pattern in patterns:
        assert torch.isfinite(pattern).all()
        assert pattern.amax(-1)[:, 2:].mean() > 2 / ids.shape[1]  # not spread evenly
        for one, other in combinations(pattern, 2):
            assert (one - other).abs().max() > 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_its_logits_are_finite_and_depend_on_the_text(family, folder_of):
    folder = folder_of(family)
    model, _ = reloaded(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    seen = []
    for text in (TEXT, "A dog."):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        more = {"decoder_input_ids": ids[:, :1]} if model.config.is_encoder_decoder else {}
        with torch.no_grad():
            first = model(input_ids=ids, **more)[0]
        assert torch.isfinite(first).all()
        seen.append(first[0, -1])
    assert (seen[0] - seen[1]).abs().max() > 1e-3
