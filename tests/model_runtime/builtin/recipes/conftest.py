"""Recipes with everything that costs time made small: the steps stay the same."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from model_runtime.builtin import weights
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.recipes import english, induction, positions, tasks, translators

CPU = torch.device("cpu")
SENTENCES = [
    f"The {animal} is {doing} in the {place}."
    for animal in ("cat", "dog", "boy", "girl", "old man")
    for doing in ("sleeping", "playing", "waiting", "singing")
    for place in ("garden", "house", "park", "car", "kitchen")
]
PAIRS = [("The cat is here.", "猫在这里。"), ("The dog is here.", "狗在这里。"), ("No.", "不。")]


def small(**choices: Any) -> TransformerConfig:
    """The configuration that a recipe asks for, 8 wide."""
    config = TransformerConfig(**choices)
    return dataclasses.replace(config, d_model=8, n_heads=2, d_ff=8, n_layers=1)


@pytest.fixture
def small_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recipe builds a model 8 wide and generates two batches of four an epoch."""
    for module in (english, induction, positions, tasks, translators):
        monkeypatch.setattr(module, "TransformerConfig", small)
    for module in (induction, positions, tasks):
        monkeypatch.setattr(module, "BATCH", 4)
        monkeypatch.setattr(module, "STEPS", 2)
    monkeypatch.setattr(english, "VOCABULARY", 90)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a few sentences and pairs under the names that the recipes read."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "sentences.txt").write_text("\n".join(SENTENCES[::2]), encoding="utf-8")
    (folder / "stories.txt").write_text(" ".join(SENTENCES[1::2]), encoding="utf-8")
    lines = "".join(f"{english}\t{chinese}\n" for english, chinese in PAIRS)
    (folder / "train.tsv").write_text(lines, encoding="utf-8")
    (folder / "dev.tsv").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture
def filler(
    data: Path, tmp_path: Path, small_recipes: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder of models with small `blanks` in it, which the writer begins with."""
    models = tmp_path / "models"
    monkeypatch.setattr(weights, "MODELS", models)
    english.blanks(data, models / "blanks", CPU, 1)
    return models
