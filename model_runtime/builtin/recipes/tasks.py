"""The small models of generated tasks: reversal, addition with its snapshots, dates.

Knows tasks and sizes; the loop is in `training.py`, the rules in `builtin/tasks.py`.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import tasks, tokenization, weights
from model_runtime.builtin.batching import Batch, padded
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.decoding import greedy_batch
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.recipes.making import Making, make
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.training import AfterEpoch, Schedule, nothing_more
from model_runtime.builtin.transformer import Transformer

LICENCE = "Apache-2.0; trained on generated text"
BATCH = 128  # examples a step
# Steps at which `addition` is kept: it learns in one jump, between 600 and 900.
SNAPSHOTS = (0, 200, 400, 500, 600, 700, 750, 800, 1000, 1500, 2500)
STEPS = 50  # steps an "epoch": generated text has no end, so an epoch is what we say
# What a date is written with: every character of a year of dates in every way.
DATE_CHARACTERS = sorted(
    {
        character
        for n in range(366)
        for way in tasks.ways_to_write(tasks.FIRST_DAY + timedelta(days=n))
        for character in way
    }
    | set("0123456789")
)
ALPHABETS = {
    "reversal": (tasks.LETTERS, tasks.LETTERS),
    "addition": ("0123456789+", "0123456789"),
    "dates": ("".join(DATE_CHARACTERS), "0123456789-"),
}


def task_tokenizers(name: str) -> tuple[Tokenizer, Tokenizer]:
    """(source, target) tokenizer of a task: one token a character, [EOS] at the end."""
    read, written = ALPHABETS[name]
    return (
        tokenization.symbols(read, starts=False, ends=True),
        tokenization.symbols(written, starts=True, ends=True),
    )


def task_batches(
    task: tasks.Task,
    source: Tokenizer,
    target: Tokenizer,
    rng: random.Random,
    *,
    n: int,
    held_out: bool = False,
) -> list[Batch]:
    """n batches of fresh examples."""
    found = []
    for _ in range(n):
        pairs = tasks.examples(task, BATCH, rng, held_out=held_out)
        sources = [e.ids for e in source.encode_batch([question for question, _ in pairs])]
        targets = [e.ids for e in target.encode_batch([answer for _, answer in pairs])]
        found.append(Batch(padded(sources), padded(targets)))
    return found


def task_config(source: Tokenizer, target: Tokenizer) -> TransformerConfig:
    """One layer each side, four heads, about 100 thousand parameters."""
    return TransformerConfig(
        topology="encoder-decoder",
        source_vocab_size=source.get_vocab_size(),
        target_vocab_size=target.get_vocab_size(),
        context_length=64,
        d_model=64,
        n_heads=4,
        d_ff=256,
        n_layers=1,
        dropout=0.0,
    )


def _make(
    name: str,
    task: tasks.Task,
    folder: Path,
    device: torch.device,
    epochs: int,
    after_epoch: Callable[[Tokenizer, Tokenizer], AfterEpoch] | None = None,
) -> None:
    source, target = task_tokenizers(name)
    make(
        folder,
        Making(
            config=task_config(source, target),
            source=source,
            target=target,
            epoch=lambda rng: task_batches(task, source, target, rng, n=STEPS),
            dev=task_batches(task, source, target, random.Random(0), n=4, held_out=True),
            schedule=Schedule(
                epochs=epochs, learning_rate=3e-3, warmup_steps=200, label_smoothing=0.0
            ),
            facts=LINEUP[name] | {"licence": LICENCE},
            after_epoch=after_epoch(source, target) if after_epoch else nothing_more,
        ),
        device,
    )


def reversal(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """3 to 12 letters → the same backwards. Needs no data."""
    _make("reversal", tasks.reversal, folder, device, epochs or 40)


def dates(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """Eleven ways to write a date → ISO 8601. Needs no data."""
    _make("dates", tasks.dates, folder, device, epochs or 40)


def addition(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """Three-digit sums, ones first; kept as variants at several points of its training."""

    def keep(source: Tokenizer, target: Tokenizer) -> AfterEpoch:
        asked = tasks.examples(tasks.addition, 500, random.Random(0), held_out=True)

        def after(model: Transformer, steps: int) -> None:
            if steps in SNAPSHOTS:
                right = exact_share(model, source, target, asked)
                summary = {
                    "en": f"after {steps:,} steps of training: {right:.0%} of sums right",
                    "zh": f"训练 {steps} 步之后：{right:.0%} 的加法算对",
                }
                weights.save_variant(
                    folder, f"{steps:04}", model, steps=steps, exact=right, summary=summary
                )

        return after

    _make("addition", tasks.addition, folder, device, epochs or 70, keep)


def exact_share(
    model: Transformer, source: Tokenizer, target: Tokenizer, asked: list[tasks.Example]
) -> float:
    """The share of questions whose whole answer is written to the letter, greedily, 0…1."""
    model.eval()
    written = greedy_batch(
        model,
        [e.ids for e in source.encode_batch([question for question, _ in asked])],
        model.config.context_length,
        bos=BOS_ID,
        eos=EOS_ID,
    )
    expected = [e.ids for e in target.encode_batch([answer for _, answer in asked])]
    return sum(a == b for a, b in zip(written, expected, strict=True)) / len(asked)
