"""How well the encoder fills blanks, beside unigrams and bigrams, and where it looks.

Knows the sentences, the model folder and the baselines; nothing of training or the screen.
"""

import logging
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model_runtime.builtin import corpus, weights
from model_runtime.builtin.evaluation.heads import named, neighbour_shares
from model_runtime.builtin.evaluation.ngrams import NGrams
from model_runtime.builtin.tokenization import SPECIALS
from model_runtime.builtin.transformer import Transformer
from model_runtime.types import MASK

log = logging.getLogger(__name__)

ONE_IN = 5  # tokens of a held-out sentence that are masked
Masked = tuple[list[int], dict[int, int]]
"""(ids with masks in them, the token that each masked position hides)"""


def evaluate(folder: Path, data: Path) -> None:
    """Measure the model in `folder` on the held-out sentences of `data`, one token in five
    masked.

    How often the hidden token is the likeliest or among the five likeliest, for the model
    and three baselines, and which heads look at the neighbours. Writes them to facts.json.
    """
    model = weights.load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    training, held_out = (
        [encoding.ids for encoding in tokenizer.encode_batch(sentences)]
        for sentences in corpus.read_english(data)
    )
    questions = masked(held_out, mask_id(tokenizer), random.Random(7))
    previous = named(neighbour_shares(model, held_out, -1))
    scores: dict[str, Any] = {
        "sentences": len(held_out),
        "asked": sum(len(hidden) for _, hidden in questions),
        "model": ranked([rank for question in questions for rank in model_ranks(model, *question)]),
        **baselines(training, questions, tokenizer),
        "previous": previous,
        "next": named(neighbour_shares(model, held_out, 1)),
    }
    best = previous["best_head"]
    opens_at = {"stack": "encoder", "layer": best["layer"], "head": best["head"]}
    weights.write_facts(folder, scores=scores, opens_at=opens_at)
    for name, score in scores.items():
        log.info("%s: %s", name, score)


def mask_id(tokenizer: Tokenizer) -> int:
    """The token that stands for a blank. Raises ValueError if the tokenizer has none."""
    found = tokenizer.token_to_id(MASK)
    if found is None:
        raise ValueError(f"the tokenizer knows no {MASK}")
    return found


def masked(sequences: list[list[int]], mask: int, rng: random.Random) -> list[Masked]:
    """Each sequence with one in ONE_IN of its tokens masked, one at least; special ones never."""
    out = []
    for ids in sequences:
        real = [n for n, i in enumerate(ids) if i >= len(SPECIALS)]
        chosen = rng.sample(real, max(1, round(len(real) / ONE_IN)))
        hidden = {n: ids[n] for n in sorted(chosen)}
        out.append(([mask if n in hidden else i for n, i in enumerate(ids)], hidden))
    return out


@torch.no_grad()
def model_ranks(model: Transformer, ids: list[int], hidden: dict[int, int]) -> list[int]:
    """For each hidden token, how many tokens the model holds likelier: 0 is right."""
    logits = model.logits(model.encode(torch.tensor([ids])))[0]
    return [int((logits[n] > logits[n, token]).sum()) for n, token in hidden.items()]


def ranked(ranks: Sequence[int]) -> dict[str, float]:
    """The share of ranks that are 0 (top_1) and below 5 (top_5)."""
    return {f"top_{k}": round(sum(rank < k for rank in ranks) / len(ranks), 4) for k in (1, 5)}


def top_k(model: Transformer, tokenizer: Tokenizer, sentences: list[str], k: int) -> float:
    """The share of tokens, masked as in `masked`, that are among the k likeliest, 0…1."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch(sentences)]
    questions = masked(ids, mask_id(tokenizer), random.Random(7))
    ranks = [rank for question in questions for rank in model_ranks(model, *question)]
    return sum(rank < k for rank in ranks) / len(ranks)


def baselines(
    training: list[list[int]], questions: list[Masked], tokenizer: Tokenizer
) -> dict[str, dict[str, float]]:
    """The same scores of guessers that count tokens: the commonest ones, those that follow
    the token before, and those between both neighbours, P(x | before) · P(x | after) / P(x).

    A neighbour that is masked itself says nothing.
    """
    size = tokenizer.get_vocab_size()
    mask = mask_id(tokenizer)
    counts = Counter(token for ids in training for token in ids)
    unigram = np.array([counts[i] if i >= len(SPECIALS) else 0 for i in range(size)], dtype=float)
    unigram /= unigram.sum()
    after = _Followers(NGrams(training, 2, size), size)
    before = _Followers(NGrams([ids[::-1] for ids in training], 2, size), size)
    ranks: dict[str, list[int]] = {"unigram": [], "bigram": [], "both neighbours": []}
    for ids, hidden in questions:
        for n, token in hidden.items():
            left = unigram if ids[n - 1] == mask else after.of(ids[n - 1])
            right = unigram if ids[n + 1] == mask else before.of(ids[n + 1])
            guesses = {
                "unigram": unigram,
                "bigram": left,
                "both neighbours": left * right / np.maximum(unigram, 1e-12),
            }
            for name, guess in guesses.items():
                allowed = np.where(unigram > 0, guess, 0.0)
                ranks[name].append(int((allowed > allowed[token]).sum()))
    return {name: ranked(found) for name, found in ranks.items()}


class _Followers:
    """P(token | one neighbour) for all tokens at once, kept for neighbours asked before."""

    def __init__(self, ngrams: NGrams, size: int) -> None:
        self._ngrams, self._size = ngrams, size
        self._known: dict[int, NDArray[np.float64]] = {}

    def of(self, neighbour: int) -> NDArray[np.float64]:
        """[V], each 0…1."""
        if neighbour not in self._known:
            self._known[neighbour] = np.array(
                [self._ngrams.probability([neighbour], token) for token in range(self._size)]
            )
        return self._known[neighbour]
