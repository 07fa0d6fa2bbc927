"""How each built-in model is made from its data: tokens, size, schedule. One entry a model.

Knows which recipe makes which model; the loop is in `training.py`, the scores in
`evaluation/`.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from model_runtime.builtin.recipes import (
    english,
    induction,
    positions,
    tasks,
    translators,
)

Recipe = Callable[[Path, Path, torch.device, int | None], None]
"""recipe(data, folder, device, epochs): train on the files in `data` (a generated task reads
none) and write the model to `folder`; `epochs` None is as many as the shipped model had."""

RECIPES: dict[str, Recipe] = {
    "translator": translators.english_to_chinese,
    "zh-en": translators.chinese_to_english,
    "writer": english.writer,
    "blanks": english.blanks,
    "dates": tasks.dates,
    "reversal": tasks.reversal,
    "addition": tasks.addition,
    "induction": induction.induction,
    "positions": positions.positions,
}

READS: dict[str, tuple[str, ...]] = {
    "translator": ("train.tsv", "dev.tsv"),
    "zh-en": ("train.tsv", "dev.tsv"),
    "writer": ("sentences.txt", "stories.txt"),
    "blanks": ("sentences.txt", "stories.txt"),
}
"""The files that a recipe needs in its folder of data; the others make up their own."""
