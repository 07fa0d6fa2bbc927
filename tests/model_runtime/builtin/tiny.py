"""Tiny random models of every topology, opened as the shipped ones are, without any file."""

import zlib
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer

from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.tokenization import (
    characters,
    english_pieces,
    english_subwords,
    symbols,
)
from model_runtime.builtin.transformer import Transformer
from model_runtime.builtin.weights import Weights
from model_runtime.types import MASK

TOPOLOGIES = ("encoder-decoder", "encoder", "decoder")
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi", "none")
ENGLISH = (
    "The cat is sleeping on the bed.",
    'She said, "I don\'t know."',
    "What time does the train leave?",
    "There are 23 dogs in the garden!",
    "He was playing cards with the cat.",
)
CHINESE = ("猫在床上睡觉。", "火车几点开？", "我看见2只狗！")
STACKS = {"encoder-decoder": "cross", "encoder": "encoder", "decoder": "decoder"}


def subwords() -> Tokenizer:
    """Lower-case English, [EOS] at the end."""
    return english_subwords(ENGLISH * 3, 120)


def pieces(vocab_size: int = 120) -> Tokenizer:
    """Cased English between [BOS] and [EOS], as the writer reads it."""
    return english_pieces(ENGLISH * 3, vocab_size)


def pieces_with_mask() -> Tokenizer:
    """The same, and [MASK] as the last token, as the model that fills blanks has it."""
    tokenizer = pieces()
    tokenizer.add_tokens([AddedToken(MASK, lstrip=True, normalized=False)])
    return tokenizer


def chinese() -> Tokenizer:
    """Characters between [BOS] and [EOS]."""
    return characters(CHINESE)


def letters() -> Tokenizer:
    """Small letters after [BOS], without an end, as the induction model reads them."""
    return symbols("abcdefghijklmnopqrstuvwxyz", starts=True, ends=False)


def random_model(config: TransformerConfig, seed: int = 0) -> Transformer:
    """A model with random weights in which no bias is zero and no norm is the identity."""
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def config_of(topology: str, source: int, target: int, **choices: Any) -> TransformerConfig:
    """Two layers of two heads, 16 wide, 24 tokens of context."""
    sizes = {"encoder-decoder": source, "encoder": target, "decoder": 0}
    plain: dict[str, Any] = {
        "topology": topology,
        "source_vocab_size": sizes[topology],
        "target_vocab_size": target,
        "context_length": 24,
        "d_model": 16,
        "n_heads": 2,
        "d_ff": 16,
        "n_layers": 2,
        "dropout": 0.0,
    }
    return TransformerConfig(**(plain | choices))


def tokenizers_of(topology: str) -> tuple[Tokenizer | None, Tokenizer]:
    """(source, target) tokenizers that a model of this topology ships with."""
    if topology == "encoder-decoder":
        return subwords(), chinese()
    return None, pieces_with_mask() if topology == "encoder" else pieces()


def opened(
    topology: str,
    *,
    target: Tokenizer | None = None,
    writes_up_to: int = 6,
    seed: int | None = None,
    **choices: Any,
) -> tuple[BuiltinModel, Transformer]:
    """(a tiny model as the app opens it, the Transformer inside), random but always the same."""
    source, usual = tokenizers_of(topology)
    target = target or usual
    config = config_of(
        topology, source.get_vocab_size() if source else 0, target.get_vocab_size(), **choices
    )
    known = zlib.crc32(repr((topology, choices)).encode()) if seed is None else seed
    model = random_model(config, known)
    facts = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "licence": "none",
        "examples": ["The cat"],
        "opens_at": {"stack": STACKS[topology], "layer": 1, "head": 0},
        "writes_up_to": writes_up_to,
    }
    weights = Weights(model, source, target, facts, {"en": "# Tiny", "zh": "# 小"})
    return BuiltinModel("builtin:tiny", weights), model
