"""A decoder of two layers that learns to copy what followed before: an induction head.

Knows the generated rows and one configuration; the loop is in `training.py`.
"""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import tasks, tokenization
from model_runtime.builtin.batching import Batch, padded
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.recipes.making import Making, make
from model_runtime.builtin.recipes.tasks import LICENCE, STEPS
from model_runtime.builtin.tokenization import PAD_ID
from model_runtime.builtin.training import Schedule

BATCH = 64


def induction(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """Next-letter prediction on rows in which stretches come again. Needs no data.

    It is asked only where the row has told the answer before. Asked everywhere, its heads
    grow diffuse again once the copying is learned: `docs/decisions/0009`.
    """
    tokenizer = tokenization.symbols(tasks.LETTERS, starts=True, ends=False)
    size = tokenizer.get_vocab_size()
    make(
        folder,
        Making(
            config=TransformerConfig(
                topology="decoder",
                source_vocab_size=0,
                target_vocab_size=size,
                context_length=128,
                d_model=64,
                n_heads=2,
                d_ff=256,
                n_layers=2,
                positions="rotary",
                tie_unembedding=False,
                dropout=0.0,
            ),
            source=None,
            target=tokenizer,
            epoch=lambda rng: repeat_batches(tokenizer, rng, n=STEPS),
            dev=repeat_batches(tokenizer, random.Random(0), n=4, held_out=True),
            schedule=Schedule(
                epochs=epochs or 24,
                learning_rate=2e-3,
                warmup_steps=200,
                label_smoothing=0.0,
                weight_decay=0.1,
            ),
            facts=LINEUP["induction"] | {"licence": LICENCE, "writes_up_to": 1},
        ),
        device,
    )


def repeat_batches(
    tokenizer: Tokenizer, rng: random.Random, *, n: int, held_out: bool = False
) -> list[Batch]:
    """n batches of rows with repeats."""
    found = []
    for _ in range(n):
        rows: list[str] = []
        while len(rows) < BATCH:
            row = tasks.repeats(rng)
            if is_held_out(row, tasks.ONE_IN) == held_out:
                rows.append(row)
        ids = [encoding.ids for encoding in tokenizer.encode_batch(rows)]
        expected = [
            [after if told(row[: n + 1], after) else PAD_ID for n, after in enumerate(row[1:])]
            for row in ids
        ]
        found.append(Batch([], padded(ids), padded(expected)))
    return found


def told(so_far: list[int], after: int) -> bool:
    """Whether the last token has stood there before, and was always followed by `after`."""
    *earlier, last = so_far
    followed = {so_far[n + 1] for n, token in enumerate(earlier) if token == last}
    return followed == {after}
