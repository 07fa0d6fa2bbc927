"""The training loop of the built-in models: seeded, resumable, plain.

Knows batches of token ids, a model and a schedule. What text they come from is said in
`recipes/`; nothing here knows the screen.
"""

import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from model_runtime.builtin.batching import Batch
from model_runtime.builtin.tokenization import PAD_ID
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

AfterEpoch = Callable[[Transformer, int], None]
"""Called with the model and the number of steps that it has learned so far."""


def nothing_more(model: Transformer, steps: int) -> None:
    """Do nothing after an epoch."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int
    learning_rate: float  # the peak, reached after warm-up, then a cosine down to zero
    warmup_steps: int
    label_smoothing: float = 0.1  # the paper, §5.4
    weight_decay: float = 0.01
    clip: float = 1.0  # the longest gradient that is followed
    seed: int = 1


def asked(model: Transformer, batch: Batch) -> tuple[Tensor, Tensor]:
    """(final residual stream [N, D], expected token ids [N]) at all N places that are asked.

    Decoders are asked for every next token of the target, or for those that
    `batch.expected` names, place by place. An encoder alone is asked for
    the tokens that `batch.target` names, place by place; [PAD] there asks nothing.
    """
    device = model.unembedding.weight.device
    target = torch.tensor(batch.target, device=device)
    if model.config.topology == "decoder":
        x, expected = model.decode(target[:, :-1]), target[:, 1:]
        if batch.expected is not None:
            expected = torch.tensor(batch.expected, device=device)
    else:
        source = torch.tensor(batch.source, device=device)
        real = source != PAD_ID
        memory = model.encode(source, real)
        if model.config.topology == "encoder":
            x, expected = memory, target
        else:
            x, expected = model.decode(target[:, :-1], memory, real), target[:, 1:]
    kept = expected != PAD_ID
    return x[kept], expected[kept]


def loss_of(model: Transformer, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy, in nats, of the tokens that are asked for."""
    x, expected = asked(model, batch)  # only these reach the vocabulary: less work
    logits = model.logits(x).float()
    return F.cross_entropy(logits, expected, label_smoothing=label_smoothing)


def perplexity(model: Transformer, data: Iterable[Batch]) -> float:
    """exp of the mean loss per token that is asked for, over all batches."""
    total = count = 0.0
    model.eval()
    with torch.no_grad():
        for batch in data:
            x, expected = asked(model, batch)
            total += F.cross_entropy(model.logits(x), expected, reduction="sum").item()
            count += len(expected)
    return math.exp(total / count)


def rate_at(step: int, n_steps: int, schedule: Schedule) -> float:
    """The learning rate of one step: a straight line up, then a cosine down."""
    if step < schedule.warmup_steps:
        return schedule.learning_rate * (step + 1) / schedule.warmup_steps
    done = (step - schedule.warmup_steps) / max(1, n_steps - schedule.warmup_steps)
    return schedule.learning_rate * (1 + math.cos(math.pi * min(1.0, done))) / 2


def train(
    model: Transformer,
    epoch_batches: Callable[[random.Random], list[Batch]],
    dev: list[Batch],
    schedule: Schedule,
    *,
    checkpoint: Path,
    after_epoch: AfterEpoch = nothing_more,
) -> dict[str, object]:
    """Train `model` in place and return what is worth telling: seconds, steps, perplexities.

    An epoch's batches depend on (seed, epoch) alone. After each epoch a checkpoint is
    written; a later call with the same arguments goes on from there.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), weight_decay=schedule.weight_decay
    )
    torch.manual_seed(schedule.seed)
    done = resume(checkpoint, model, optimizer) if checkpoint.exists() else Progress()
    for epoch in range(done.epochs, schedule.epochs):
        started = time.monotonic()
        model.train()
        data = epoch_batches(random.Random(schedule.seed * 1000 + epoch))
        n_steps = len(data) * schedule.epochs
        mean = 0.0
        bar = tqdm(data, desc=f"epoch {epoch + 1}/{schedule.epochs}", mininterval=5)
        for number, batch in enumerate(bar):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(epoch * len(data) + number, n_steps, schedule)
            # Products in 16 bits: half the memory traffic, and the same result within noise.
            with torch.autocast(device.type, torch.bfloat16):
                loss = loss_of(model, batch, schedule.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
            optimizer.step()
            mean += (loss.item() - mean) / (number + 1)
            bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
        done.epochs = epoch + 1
        done.steps += len(data)
        done.seconds += time.monotonic() - started
        done.dev_perplexity.append(round(perplexity(model, dev), 3))
        log.info("epoch %d: loss %.3f, dev %.3f", done.epochs, mean, done.dev_perplexity[-1])
        after_epoch(model, done.steps)
        save(checkpoint, model, optimizer, done)
    return {
        "epochs": done.epochs,
        "steps": done.steps,
        "seconds": round(done.seconds),
        "dev_perplexity": done.dev_perplexity,
    }


class Progress:
    """What is done so far; written beside the weights of a checkpoint."""

    def __init__(self) -> None:
        self.epochs = 0
        self.steps = 0
        self.seconds = 0.0
        self.dev_perplexity: list[float] = []


def save(
    checkpoint: Path, model: Transformer, optimizer: torch.optim.Optimizer, done: Progress
) -> None:
    """Weights, the optimizer's moments and the random state, as one safetensors file."""
    tensors = {f"model.{name}": p.detach().clone() for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        for key, value in optimizer.state[p].items():
            tensors[f"optimizer.{key}.{name}"] = value.detach().clone()
    tensors["random"] = torch.get_rng_state()
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    half_written = checkpoint.with_suffix(".part")
    save_file(tensors, half_written, metadata={"progress": json.dumps(vars(done))})
    half_written.replace(checkpoint)


def resume(checkpoint: Path, model: Transformer, optimizer: torch.optim.Optimizer) -> Progress:
    """Take up what `save` wrote. Raises KeyError if it belongs to another model."""
    tensors = load_file(checkpoint, device=str(next(model.parameters()).device))
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[f"model.{name}"])
            optimizer.state[p] = {
                key: tensors[f"optimizer.{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")
            }
    torch.set_rng_state(tensors["random"].cpu())
    done = Progress()
    with safe_open(checkpoint, framework="pt") as file:
        vars(done).update(json.loads(file.metadata()["progress"]))
    log.info("going on after epoch %d", done.epochs)
    return done
