"""One tiny encoder, made five times: each learns another way where a token stands.

Knows the one task they share, "which letter stood before me?"; the loop is in `training.py`.
"""

import random
from pathlib import Path
from typing import get_args

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import tasks, tokenization, weights
from model_runtime.builtin.batching import Batch, padded
from model_runtime.builtin.config import Positions, TransformerConfig
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.recipes.making import Making, make
from model_runtime.builtin.recipes.tasks import BATCH, LICENCE, STEPS
from model_runtime.builtin.tokenization import PAD_ID
from model_runtime.builtin.training import Schedule

KINDS: tuple[Positions, ...] = get_args(Positions)


def positions(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """All five, as variants of one model that has no weights of its own. Needs no data.

    Each position of a row of letters is asked for the letter before it. Where it stands is
    all that tells: a model without positions sees a bag of letters, and must guess.
    """
    tokenizer = tokenization.symbols(tasks.LETTERS, starts=True, ends=True)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "target_tokenizer.json"))
    weights.write_facts(folder, **LINEUP["positions"], licence=LICENCE)
    for kind in KINDS:
        make(
            folder / kind,
            Making(
                config=TransformerConfig(
                    topology="encoder",
                    source_vocab_size=tokenizer.get_vocab_size(),
                    target_vocab_size=tokenizer.get_vocab_size(),
                    context_length=64,
                    d_model=64,
                    n_heads=4,
                    d_ff=256,
                    n_layers=2,
                    positions=kind,
                    dropout=0.0,
                ),
                source=None,
                target=None,
                epoch=lambda rng: shifted_batches(tokenizer, rng, n=STEPS),
                dev=shifted_batches(tokenizer, random.Random(0), n=4, held_out=True),
                schedule=Schedule(
                    epochs=epochs or 30, learning_rate=2e-3, warmup_steps=200, label_smoothing=0.0
                ),
            ),
            device,
        )


def shifted_batches(
    tokenizer: Tokenizer,
    rng: random.Random,
    *,
    n: int,
    held_out: bool = False,
    least: int = 4,
    most: int = 20,
) -> list[Batch]:
    """n batches: rows of `least` to `most` letters, and for each token the one before it."""
    found = []
    for _ in range(n):
        rows: list[str] = []
        while len(rows) < BATCH:
            row = tasks.letters(rng, least, most)
            if is_held_out(row, tasks.ONE_IN) == held_out:
                rows.append(row)
        ids = [encoding.ids for encoding in tokenizer.encode_batch(rows)]
        found.append(Batch(padded(ids), padded([[PAD_ID, *row[:-1]] for row in ids])))
    return found
