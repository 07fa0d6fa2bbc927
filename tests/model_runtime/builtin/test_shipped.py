"""Every model that ships, opened and looked at: sizes, facts, cards, and traces that check."""

from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.builtin import weights
from model_runtime.recording import LoadedModel
from model_runtime.tracing import trace

HOSTILE = "你好 🍎 [EOS] <b>"
MEGABYTE = 1_000_000
REFERENCES = catalog.references()


@cache
def opened(ref: str) -> LoadedModel:
    return catalog.open_model(ref)


def folder(ref: str):
    return weights.folder_of(ref.removeprefix(catalog.BUILTIN))


@pytest.fixture(params=REFERENCES)
def ref(request):
    return request.param


def test_the_whole_line_up_ships():
    names = {entry.name for entry in catalog.entries()}
    assert names == set(catalog._ORDER)


def test_all_models_together_are_small():
    files = [path for path in weights.MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 60 * MEGABYTE


def test_nothing_but_models_ships():
    known = {
        "config.json", "model.safetensors", "facts.json", "source_tokenizer.json",
        "target_tokenizer.json", "card.md", "card.zh.md", "first_pass.safetensors",
    }  # fmt: skip
    unknown = [p for p in weights.MODELS.rglob("*") if p.is_file() and p.name not in known]
    # A checkpoint is left by a training and never committed.
    assert [path for path in unknown if not path.name.startswith("checkpoint.")] == []


def test_it_opens_under_its_own_name(ref):
    info = opened(ref).info
    assert info.ref == ref
    entry = catalog.entry(ref)
    assert info.family == entry.family
    assert info.examples == entry.examples
    assert info.d_model == info.n_heads * info.d_head


def test_the_head_it_opens_at_is_there(ref):
    info = opened(ref).info
    assert info.opens_at.stack in info.stacks
    assert 0 <= info.opens_at.layer < info.n_layers
    assert 0 <= info.opens_at.head < info.n_heads


@pytest.mark.parametrize("number", range(3))
def test_an_example_is_traced_and_checks_itself(ref, number):
    examples = catalog.entry(ref).examples
    found = trace(opened(ref), examples[number % len(examples)])
    assert found.check <= 1e-5
    assert found.reading.left_out == 0
    assert not any(token.is_unknown for token in found.reading.source)
    given = found.reading.target[: found.reading.n_given]
    assert not any(token.is_unknown for token in given)
    assert np.isfinite(found.logits).all()


def test_a_hostile_text_is_traced_and_checks_itself(ref):
    found = trace(opened(ref), HOSTILE)
    assert found.check <= 1e-5
    assert np.isfinite(found.logits).all()
    assert len(found.records) == len(found.info.stacks) * found.info.n_layers
    tokens = found.reading.source or found.reading.target[: found.reading.n_given]
    covered = {at for token in tokens if token.span for at in range(*token.span)}
    assert {at for at, c in enumerate(HOSTILE) if not c.isspace()} <= covered


def test_there_is_a_logit_for_every_token_of_the_vocabulary(ref):
    model = opened(ref)
    found = trace(model, model.info.examples[0])
    assert found.logits.shape[1] == len(model.info.vocabulary)
    assert all(model.info.vocabulary)


def test_its_facts_are_counted_and_whole(ref):
    loaded = weights.load(folder(ref))
    facts = loaded.facts
    assert facts["parameters"] == sum(p.numel() for p in loaded.model.parameters())
    assert facts["parameters"] == opened(ref).info.n_parameters
    assert facts["licence"].startswith("Apache-2.0")
    assert facts["training"]["hardware"].strip()
    assert facts["training"]["steps"] > 0 and facts["training"]["seconds"] > 0
    assert facts["scores"]
    assert "temporary" not in facts
    if loaded.source_tokenizer is not None:
        assert loaded.model.config.source_vocab_size == loaded.source_tokenizer.get_vocab_size()
    assert loaded.model.config.target_vocab_size == loaded.target_tokenizer.get_vocab_size()
    assert (loaded.source_tokenizer is not None) == (
        loaded.model.config.topology == "encoder-decoder"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_has_a_card_in_each_language(ref, language):
    card = opened(ref).info.cards[language]
    assert len(card.strip()) > 200
    assert catalog.entry(ref).name in card


def test_its_weights_are_16_bits(ref):
    n_parameters = opened(ref).info.n_parameters
    size = (folder(ref) / "model.safetensors").stat().st_size
    assert 2 * n_parameters <= size < 2 * n_parameters + 30_000
