"""From a recipe to a model folder: seed, train, save weights, tokenizers and facts.

Knows the order of these steps; what is learned comes with the `Making`.
"""

import platform
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import weights
from model_runtime.builtin.batching import Batch
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.training import AfterEpoch, Schedule, asked, nothing_more, train
from model_runtime.builtin.transformer import Transformer

CHECKPOINT = "checkpoint.safetensors"


def from_scratch(model: Transformer) -> None:
    """Leave the weights as chance made them."""


@dataclass(frozen=True)
class Making:
    """All that decides what a model becomes."""

    config: TransformerConfig
    source: Tokenizer | None  # the encoder's, of an encoder–decoder
    target: Tokenizer | None  # the tokens that logits are given for; None: a variant's parent's
    epoch: Callable[[random.Random], list[Batch]]  # the batches of one epoch
    dev: list[Batch]
    schedule: Schedule
    facts: Mapping[str, Any] = field(default_factory=dict)  # said in facts.json as they are
    begin: Callable[[Transformer], None] = from_scratch  # sets the first weights
    after_epoch: AfterEpoch = nothing_more


def make(folder: Path, making: Making, device: torch.device) -> Transformer:
    """Train what `making` says, going on from a checkpoint if `folder` has one, and write
    everything but the card and the scores into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if making.source:
        making.source.save(str(folder / "source_tokenizer.json"))
    if making.target:
        making.target.save(str(folder / "target_tokenizer.json"))
    torch.manual_seed(making.schedule.seed)
    model = Transformer(making.config)
    making.begin(model)
    model.to(device)
    if not (folder / CHECKPOINT).exists():
        making.after_epoch(model, 0)
    told = train(
        model,
        making.epoch,
        making.dev,
        making.schedule,
        checkpoint=folder / CHECKPOINT,
        after_epoch=making.after_epoch,
    )
    weights.save_model(folder, model)
    weights.write_facts(
        folder,
        **making.facts,
        parameters=sum(p.numel() for p in model.parameters()),
        training=told | {"hardware": hardware(device)},
        rounding=rounding(model, weights.load_model(folder).to(device), making.dev),
    )
    return model


@torch.no_grad()
def rounding(model: Transformer, stored: Transformer, dev: list[Batch]) -> dict[str, float]:
    """What 16-bit storage changes: how often the likeliest token stays the same, and by how
    much a token's share (0…1) moves at most and on average, over the dev set."""
    model.eval()
    count = same = 0
    moved, largest = 0.0, 0.0
    for batch in dev:
        x, _ = asked(model, batch)
        y, _ = asked(stored, batch)
        ours, theirs = model.logits(x).softmax(dim=-1), stored.logits(y).softmax(dim=-1)
        likeliest = ours.argmax(dim=-1, keepdim=True)
        by = (ours - theirs).abs()
        same += int((likeliest[:, 0] == theirs.argmax(dim=-1)).sum())
        moved += float(by.gather(1, likeliest).sum())
        largest = max(largest, float(by.max()))
        count += len(x)
    return {
        "tokens": count,
        "same_choice": round(same / count, 5),
        "mean_share_moved": round(moved / count, 6),
        "most_share_moved": round(largest, 5),
    }


def hardware(device: torch.device) -> str:
    """The processor that a model is trained on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU threads, {platform.machine()}"
