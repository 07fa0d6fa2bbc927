"""How well the writer foretells English, beside n-grams, and which heads look one back.

Knows the sentences, the model folder and the baselines; nothing of training or the screen.
"""

import logging
import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from model_runtime.builtin import corpus, weights
from model_runtime.builtin.batching import Batch, batches
from model_runtime.builtin.classroom import fit_for_class
from model_runtime.builtin.decoding import sampled
from model_runtime.builtin.evaluation.heads import named, neighbour_shares
from model_runtime.builtin.evaluation.ngrams import NGrams
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.training import asked, perplexity
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

ORDERS = (1, 2, 5)
N_SAMPLES = 1000
TEMPERATURE = 0.7
LONGEST_SAMPLE = 60  # tokens


def evaluate(folder: Path, data: Path) -> None:
    """Measure the writer in `folder` on the held-out sentences of `data`.

    Perplexity per token ([EOS] counts, [BOS] is given) beside n-grams over the very same
    tokens, the likeliest token's accuracy, previous-token heads, and samples: how many are
    unfit for a class, and how many copy a training sentence. Writes them to facts.json, and
    opens the model at its clearest head.
    """
    model = weights.load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    training, held_out = (
        [encoding.ids for encoding in tokenizer.encode_batch(sentences)]
        for sentences in corpus.read_english(data)
    )
    together = list(batches([([], ids) for ids in held_out], 4096, random.Random(0)))
    size = tokenizer.get_vocab_size()
    # [EOS] is only ever predicted, so no query stands there.
    previous = named(neighbour_shares(model, (ids[:-1] for ids in held_out), -1))
    samples = sample_sentences(model, tokenizer, N_SAMPLES)
    scores: dict[str, Any] = {
        "sentences": len(held_out),
        "tokens": sum(len(ids) - 1 for ids in held_out),
        "perplexity": round(perplexity(model, together), 2),
        "ngrams": {
            str(order): round(NGrams(training, order, size).perplexity(held_out), 2)
            for order in ORDERS
        },
        "accuracy": round(accuracy(model, together), 4),
        "previous": previous,
        "samples": samples[:12],
        "sampled": N_SAMPLES,
        "copied": round(copied(samples, corpus.read_english(data)[0]), 4),
        "unfit": sum(not fit_for_class(sample) for sample in samples),
    }
    best = previous["best_head"]
    opens_at = {"stack": "decoder", "layer": best["layer"], "head": best["head"]}
    weights.write_facts(folder, scores=scores, opens_at=opens_at)
    for name, score in scores.items():
        log.info("%s: %s", name, score)


def copied(samples: list[str], training: list[str]) -> float:
    """The share of samples that are training sentences, letter by letter, 0…1."""
    known = set(map(corpus.letters_of, training))
    return sum(corpus.letters_of(sample) in known for sample in samples) / len(samples)


@torch.no_grad()
def accuracy(model: Transformer, data: list[Batch]) -> float:
    """How often the likeliest token is the one that comes, 0…1."""
    right = count = 0
    for batch in data:
        x, expected = asked(model, batch)
        right += int((model.logits(x).argmax(dim=-1) == expected).sum())
        count += len(expected)
    return right / count


def sample_sentences(model: Transformer, tokenizer: Tokenizer, n: int) -> list[str]:
    """n sentences that the model writes from nothing, by chance, always the same ones."""
    generator = torch.Generator().manual_seed(1)
    return [
        tokenizer.decode(
            sampled(
                model,
                [BOS_ID],
                LONGEST_SAMPLE,
                bos=BOS_ID,
                eos=EOS_ID,
                temperature=TEMPERATURE,
                generator=generator,
            )
        )
        for _ in range(n)
    ]
