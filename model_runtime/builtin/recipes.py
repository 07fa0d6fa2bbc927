"""How each built-in model is made from its data: tokens, size, schedule. One entry a model.

Knows corpora and configurations; the loop is in `training.py`, the scores in
`evaluation.py`.
"""

import platform
import random
from collections.abc import Callable
from pathlib import Path

import torch

from model_runtime.builtin import corpus, tokenization, weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.training import Schedule, train
from model_runtime.builtin.transformer import Transformer

TRANSLATOR_EXAMPLES = (
    "The cat is sleeping on the bed.",
    "I met him at the station yesterday.",
    "The book that I bought yesterday is very interesting.",
    "What time does the train leave?",
    "There are two dogs in the garden.",
    "I have never been to Japan.",
    "The boy ate the apple because he was hungry.",
    "If it rains tomorrow, I will stay at home.",
    "The letter was written in English.",
    "The children are playing in the park.",
)


def translator(data: Path, folder: Path, device: torch.device, *, epochs: int = 30) -> None:
    """English subwords → Chinese characters, on sentence pairs from Tatoeba.

    `data` holds train.tsv and dev.tsv; the model and its tokenizers are written to
    `folder`. Characters rather than Chinese subwords: a class can read every row.
    """
    pairs = corpus.read_pairs(data / "train.tsv", filtered=True)
    dev_pairs = corpus.read_pairs(data / "dev.tsv", filtered=False)
    source = tokenization.english_subwords((english for english, _ in pairs), vocab_size=6000)
    target = tokenization.characters(chinese for _, chinese in pairs)
    folder.mkdir(parents=True, exist_ok=True)
    source.save(str(folder / "source_tokenizer.json"))
    target.save(str(folder / "target_tokenizer.json"))

    schedule = Schedule(epochs=epochs, learning_rate=1.5e-3, warmup_steps=600)
    torch.manual_seed(schedule.seed)
    model = Transformer(
        TransformerConfig(
            topology="encoder-decoder",
            source_vocab_size=source.get_vocab_size(),
            target_vocab_size=target.get_vocab_size(),
            context_length=128,
            d_model=192,
            n_heads=6,
            d_ff=768,
            n_layers=3,
            dropout=0.2,
        )
    ).to(device)

    def epoch_batches(rng: random.Random) -> list[corpus.Batch]:
        # Words cut differently each time (BPE dropout, Provilkov et al. 2020) make a
        # small corpus go further; one pair in ten is two sentences long.
        source.model.dropout = 0.1
        examples = corpus.encoded(
            corpus.joined(pairs, 0.1, rng), source, target, unknown_share=0.005, rng=rng
        )
        source.model.dropout = None
        return list(corpus.batches(examples, 4096, rng))

    dev = list(corpus.batches(corpus.encoded(dev_pairs, source, target), 4096, random.Random(0)))
    facts = train(model, epoch_batches, dev, schedule, checkpoint=folder / "checkpoint.safetensors")
    weights.save_model(folder, model)
    weights.write_facts(
        folder,
        licence="Apache-2.0; trained on Tatoeba sentences, CC BY 2.0 FR",
        examples=TRANSLATOR_EXAMPLES,
        opens_at={"stack": "cross", "layer": 2, "head": 0},  # aligns best, says `evaluate`
        parameters=sum(p.numel() for p in model.parameters()),
        training_pairs=len(pairs),
        training=facts | {"hardware": hardware(device)},
    )


def hardware(device: torch.device) -> str:
    """The processor that a model is trained on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU threads, {platform.machine()}"


RECIPES: dict[str, Callable[[Path, Path, torch.device], None]] = {"translator": translator}
