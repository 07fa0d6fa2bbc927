"""The two translators, English → Chinese and back: tokens, size, schedule.

Knows the sentence pairs and one configuration; the loop is in `training.py`.
"""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models

from model_runtime.builtin import corpus, tokenization
from model_runtime.builtin.batching import Batch, batches
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.recipes.making import Making, make
from model_runtime.builtin.training import Schedule

LICENCE = "Apache-2.0; trained on Tatoeba sentences, CC BY 2.0 FR"
BATCH_TOKENS = 4096
# Words cut differently each time (BPE dropout, Provilkov et al. 2020) make a small corpus
# go further; it serves what is read only, not what is to be written.
BPE_DROPOUT = 0.1


def english_to_chinese(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """English subwords → Chinese characters, on sentence pairs from Tatoeba.

    `data` holds train.tsv and dev.tsv. Characters rather than Chinese subwords: a class
    can read every row.
    """
    pairs = corpus.read_pairs(data / "train.tsv", filtered=True)
    dev = corpus.read_pairs(data / "dev.tsv", filtered=False)
    source = tokenization.english_subwords((english for english, _ in pairs), vocab_size=6000)
    target = tokenization.characters(chinese for _, chinese in pairs)
    _translator("translator", pairs, dev, source, target, folder, device, epochs or 32)


def chinese_to_english(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """The same pairs the other way: Chinese characters → English pieces."""
    pairs = [(zh, en) for en, zh in corpus.read_pairs(data / "train.tsv", filtered=True)]
    dev = [(zh, en) for en, zh in corpus.read_pairs(data / "dev.tsv", filtered=False)]
    source = tokenization.characters((chinese for chinese, _ in pairs), starts=False)
    target = tokenization.english_pieces((english for _, english in pairs), vocab_size=6000)
    _translator("zh-en", pairs, dev, source, target, folder, device, epochs or 24)


def _translator(
    name: str,
    pairs: list[tuple[str, str]],
    dev: list[tuple[str, str]],
    source: Tokenizer,
    target: Tokenizer,
    folder: Path,
    device: torch.device,
    epochs: int,
) -> None:
    """Train on the pairs."""

    def epoch(rng: random.Random) -> list[Batch]:
        set_bpe_dropout(source, BPE_DROPOUT)
        together = corpus.joined(pairs, 0.1, rng)  # two sentences are known as well
        examples = corpus.encoded(together, source, target, unknown_share=0.005, rng=rng)
        set_bpe_dropout(source, None)
        return list(batches(examples, BATCH_TOKENS, rng))

    make(
        folder,
        Making(
            config=TransformerConfig(
                topology="encoder-decoder",
                source_vocab_size=source.get_vocab_size(),
                target_vocab_size=target.get_vocab_size(),
                context_length=128,
                d_model=192,
                n_heads=6,
                d_ff=768,
                n_layers=3,
                dropout=0.2,
            ),
            source=source,
            target=target,
            epoch=epoch,
            dev=list(batches(corpus.encoded(dev, source, target), BATCH_TOKENS, random.Random(0))),
            schedule=Schedule(epochs=epochs, learning_rate=1.5e-3, warmup_steps=600),
            facts=LINEUP[name] | {"licence": LICENCE, "training_pairs": len(pairs)},
        ),
        device,
    )


def set_bpe_dropout(tokenizer: Tokenizer, share: float | None) -> None:
    """Skip this share of merges from now on; a tokenizer of characters has none to skip."""
    if isinstance(tokenizer.model, models.BPE):
        tokenizer.model.dropout = share
