"""A checkpoint of GPT-2's size with random weights, and works that are timed in turns.

Knows no benchmark: several measure with it.
"""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.serving import median

LETTERS = "abcdefghijklmnopqrstuvwxyz "


def made(folder: Path, **changes: Any) -> Path:
    """GPT-2 small, but for `changes`, with random weights; a tokenizer that reads letter by
    letter."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(**changes)).save_pretrained(folder)
    vocabulary = {letter: id_ for id_, letter in enumerate(LETTERS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=" ").save_pretrained(folder)
    return folder


def in_turns(
    works: dict[str, Callable[[], object]],
    times: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The median milliseconds of each, taken in turns so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            gc.collect()
            start = clock()
            work()
            found[name].append((clock() - start) * 1000)
    return {name: median(taken) for name, taken in found.items()}
