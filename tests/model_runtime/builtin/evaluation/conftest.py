"""A tiny random translator and the pairs that its tokenizers were trained on."""

import pytest
import torch
from tokenizers import Tokenizer

from model_runtime.builtin import tokenization, weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.transformer import Transformer

PAIRS = [
    ("The cat is here.", "猫在这里。"),
    ("The dog is here.", "狗在这里。"),
    ("I see a cat.", "我看见一只猫。"),
    ("I don't see the dog.", "我没看见狗。"),
    ("Where is the cat?", "猫在哪里?"),
]


@pytest.fixture(scope="session")
def pairs():
    return PAIRS


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A model folder with a tiny random translator, its tokenizers trained on PAIRS."""
    folder = tmp_path_factory.mktemp("model")
    source = tokenization.english_subwords((english for english, _ in PAIRS), vocab_size=40)
    target = tokenization.characters(chinese for _, chinese in PAIRS)
    source.save(str(folder / "source_tokenizer.json"))
    target.save(str(folder / "target_tokenizer.json"))
    torch.manual_seed(0)
    config = TransformerConfig(
        topology="encoder-decoder",
        source_vocab_size=source.get_vocab_size(),
        target_vocab_size=target.get_vocab_size(),
        context_length=60,
        d_model=16,
        n_heads=2,
        d_ff=16,
        n_layers=2,
    )
    weights.save_model(folder, Transformer(config))
    return folder


@pytest.fixture(scope="session")
def source(folder):
    return Tokenizer.from_file(str(folder / "source_tokenizer.json"))


@pytest.fixture(scope="session")
def target(folder):
    return Tokenizer.from_file(str(folder / "target_tokenizer.json"))
