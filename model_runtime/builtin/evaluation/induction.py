"""Whether the model `induction` copies what followed before, and which heads do it.

Knows the generated rows and the two kinds of heads; nothing of training.
"""

import logging
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model_runtime.builtin import tasks, weights
from model_runtime.builtin.corpus import is_held_out
from model_runtime.builtin.evaluation.heads import named, self_patterns

log = logging.getLogger(__name__)

N_ROWS = 500


@dataclass
class Counted:
    """What was counted over some rows."""

    following: NDArray[np.float64]  # [layer, head]: mean share on the letter that followed
    before: NDArray[np.float64]  # [layer, head]: mean share on the letter before
    asked: int = 0  # letters that the row had told
    right: int = 0  # of these, how many the model names
    guessed: int = 0  # and how many a letter drawn from the row so far names


def evaluate(folder: Path, data: Path) -> None:
    """Measure the model in `folder` on rows it never met; `data` is not read.

    Accuracy of the next letter where the row has told it before, beside a guess, and each
    head's mean share on the letter that followed (induction; Olsson et al. 2022) and on the
    letter before (previous token). Writes them to facts.json.
    """
    counted = count(weights.load(folder), N_ROWS)
    scores = {
        "rows": N_ROWS,
        "asked": counted.asked,
        "accuracy": round(counted.right / counted.asked, 4),
        "baseline": {
            "name": "any letter of the row so far",
            "accuracy": round(counted.guessed / counted.asked, 4),
        },
        "induction": named(counted.following),
        "previous": named(counted.before),
    }
    weights.write_facts(folder, scores=scores)
    for name, score in scores.items():
        log.info("%s: %s", name, score)


def accuracy(found: weights.Weights, n_rows: int) -> float:
    """The share of letters named right where an unseen row has told them, 0…1."""
    counted = count(found, n_rows)
    return counted.right / counted.asked


def count(found: weights.Weights, n_rows: int) -> Counted:
    """Run the model on `n_rows` unseen rows, always the same ones."""
    rng = random.Random(7)
    config = found.model.config
    counted = Counted(*np.zeros((2, config.n_layers, config.n_heads)))
    n_cells = n_places = n_done = 0
    while n_done < n_rows:
        row = twice(rng)
        if not is_held_out(row, tasks.ONE_IN):
            continue
        n_done += 1
        ids = found.target_tokenizer.encode(row).ids
        patterns = self_patterns(found.model, ids)
        with torch.no_grad():
            logits = found.model.logits(found.model.decode(torch.tensor([ids])))
        predicted = logits[0].argmax(dim=-1).tolist()
        cells = again(ids)
        queries, keys = [query for query, _ in cells], [key for _, key in cells]
        counted.following += patterns[:, :, queries, keys].sum(axis=-1)
        n_cells += len(cells)
        rest = np.arange(1, len(ids))
        counted.before += patterns[:, :, rest, rest - 1].sum(axis=-1)
        n_places += len(rest)
        for query, key in cells:
            if query + 1 < len(ids) and ids[query + 1] == ids[key]:
                counted.asked += 1
                counted.right += predicted[query] == ids[key]
                counted.guessed += rng.choice(ids[1 : query + 1]) == ids[key]
    counted.following /= n_cells
    counted.before /= n_places
    return counted


def twice(rng: random.Random) -> str:
    """5 to 24 different letters, and the same again after 0 to 2 others: an unseen repeat."""
    n = rng.randint(5, 24)
    letters = rng.sample(tasks.LETTERS, 26)
    between = letters[n : n + rng.randint(0, 2)]
    return "".join(letters[:n] + between + letters[:n])


def again(ids: list[int]) -> list[tuple[int, int]]:
    """(query, key) for each token that stood there once before: the key is what followed."""
    cells = []
    for query, token in enumerate(ids):
        earlier = [key for key in range(1, query) if ids[key] == token]
        if len(earlier) == 1:
            cells.append((query, earlier[0] + 1))
    return cells
