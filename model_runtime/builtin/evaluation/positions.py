"""What each of the five ways to know a position is good for, on one task that needs order.

Knows the task, its theory without positions, and the five variants; nothing of training.
"""

import logging
import random
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import weights
from model_runtime.builtin.batching import Batch
from model_runtime.builtin.recipes.positions import KINDS, shifted_batches
from model_runtime.builtin.recipes.tasks import BATCH
from model_runtime.builtin.tokenization import PAD_ID
from model_runtime.builtin.training import asked
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

LENGTHS = {"trained": (4, 20), "longer": (30, 40)}  # letters in a row
N_BATCHES = 16  # 2,048 rows of each length
NAMES = {
    "sinusoidal": ("sinusoidal positions", "正弦位置编码"),
    "learned": ("learned positions", "可学习的位置向量"),
    "rotary": ("rotary positions", "旋转位置编码"),
    "alibi": ("ALiBi", "ALiBi 距离偏置"),
    "none": ("no positions at all", "完全没有位置编码"),
}


def evaluate(folder: Path, data: Path) -> None:
    """Measure all variants in `folder` on unseen rows; `data` is not read.

    For rows as long as in training and for longer ones: the share of tokens whose
    predecessor is named, and beside it the most that can be expected of a model that sees
    a row as a set. Written to facts.json, and a line on each variant to its own.
    """
    tokenizer = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    scores: dict[str, dict[str, float]] = {"rows": {"each": N_BATCHES * BATCH}}
    unseen = {
        name: shifted_batches(
            tokenizer, random.Random(7), n=N_BATCHES, held_out=True, least=least, most=most
        )
        for name, (least, most) in LENGTHS.items()
    }
    for name, rows in unseen.items():
        for kind in KINDS:
            right = accuracy(weights.load_model(folder / kind), rows)
            scores.setdefault(kind, {})[name] = round(right, 4)
        scores.setdefault("best without order", {})[name] = round(best_of_a_set(rows), 4)
    for kind in KINDS:
        right = scores[kind]["trained"]
        layer, head, share = most_before(weights.load_model(folder / kind), unseen["trained"])
        scores[kind]["share_before"] = round(share, 3)
        weights.write_facts(
            folder / kind,
            opens_at={"stack": "encoder", "layer": layer, "head": head},
            summary={
                "en": f"{NAMES[kind][0]}: {right:.0%} of the letters before are named",
                "zh": f"{NAMES[kind][1]}：答对 {right:.0%} 的前一个字母",
            },
        )
    weights.write_facts(folder, scores=scores)
    for name, score in scores.items():
        log.info("%s: %s", name, score)


@torch.no_grad()
def accuracy(model: Transformer, batches: list[Batch]) -> float:
    """The share of tokens for which the likeliest is the one asked for, 0…1."""
    right = count = 0
    for batch in batches:
        x, expected = asked(model, batch)
        right += int((model.logits(x).argmax(dim=-1) == expected).sum())
        count += len(expected)
    return right / count


@torch.no_grad()
def most_before(model: Transformer, batches: list[Batch]) -> tuple[int, int, float]:
    """(layer, head, share) of the head with the largest mean share on the token before, over
    the first batch."""
    source = torch.tensor(batches[0].source)
    patterns: dict[str, torch.Tensor] = {}
    model.encode(source, source != PAD_ID, record=patterns.__setitem__)
    asks = (source != PAD_ID)[:, 1:].unsqueeze(1)  # [B, 1, Q]: all real queries but [BOS]
    shares = [
        (pattern.diagonal(offset=-1, dim1=-2, dim2=-1) * asks).sum(dim=(0, 2)) / asks.sum()
        for name, pattern in patterns.items()
        if name.endswith("pattern")
    ]
    flat = torch.stack(shares)  # [layer, head]
    layer, head = divmod(int(flat.argmax()), flat.shape[1])
    return layer, head, float(flat.max())


def best_of_a_set(batches: list[Batch]) -> float:
    """The accuracy that can be expected of the best guesser who knows which tokens there
    are and not in what order.

    Before a letter stands any of the other tokens but [EOS], each as likely as the next, so
    the best guess is the commonest of them. (Before [EOS] stands any letter.)
    """
    expected = count = 0.0
    for batch in batches:
        for row in batch.source:
            first, *letters, last = (i for i in row if i != PAD_ID)
            for token in (*letters, last):
                others = Counter([first, *letters] if token != last else letters)
                if token != last:
                    others[token] -= 1
                expected += max(others.values()) / sum(others.values())
                count += 1
    return expected / count
