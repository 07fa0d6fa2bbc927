"""How well the models of generated tasks do on inputs they never met, and where they look.

Knows tasks, their answers and which cell of a map they call for; nothing of training.
"""

import logging
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model_runtime.builtin import tasks, weights
from model_runtime.builtin.decoding import greedy_batch
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

N_UNSEEN = 2000
N_LOOKED_AT = 200  # inputs over which the heads' shares are averaged

Looks = Callable[[str, str], list[tuple[int, list[int]]]]
"""looks(question, answer) → (row, columns): where the rule says that a row must look."""


def reversal_looks(question: str, answer: str) -> list[tuple[int, list[int]]]:
    """Each written letter at the one it mirrors: the anti-diagonal."""
    return [(row, [len(question) - 1 - row]) for row in range(len(answer))]


def addition_looks(question: str, answer: str) -> list[tuple[int, list[int]]]:
    """Each digit of the sum, ones first, at the two digits of its column."""
    return [(row, [2 - row, 6 - row]) for row in range(3)]


def dates_looks(question: str, answer: str) -> list[tuple[int, list[int]]]:
    """The four digits of the year at themselves."""
    start = question.rindex(answer[:4])
    return [(row, [start + row]) for row in range(4)]


def without_carrying(question: str) -> str:
    """The sum of each column alone: what one gets who forgets to carry."""
    a, b = question.split("+")
    return "".join(str((int(x) + int(y)) % 10) for x, y in zip(a, b, strict=True))[::-1] + "0"


def digits_in_order(question: str) -> str:
    """The digits of a date as they stand there, as 4-2-2."""
    digits = "".join(c for c in question if c.isdigit())
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def copied(question: str) -> str:
    """The question again."""
    return question


TASKS: dict[str, tuple[tasks.Task, Looks, str, Callable[[str], str]]] = {
    "reversal": (tasks.reversal, reversal_looks, "copy", copied),
    "addition": (tasks.addition, addition_looks, "columns without carrying", without_carrying),
    "dates": (tasks.dates, dates_looks, "digits copied in order", digits_in_order),
}


def evaluate(name: str, folder: Path, data: Path) -> None:
    """Measure the model of the generated task `name` in `folder`; `data` is not read.

    Writes to facts.json: the share of N_UNSEEN unseen questions that are answered to the
    letter, a baseline's share of the same, and each head's share where the rule looks.
    """
    task, looks, baseline, answer_of = TASKS[name]
    found = weights.load(folder)
    assert found.source_tokenizer
    asked = tasks.examples(task, N_UNSEEN, random.Random(7), held_out=True)
    answers = answers_to(found.model, found.source_tokenizer, found.target_tokenizer, asked)
    right = [a == expected for a, (_, expected) in zip(answers, asked, strict=True)]
    shares, largest = looked_at(
        found.model, found.source_tokenizer, found.target_tokenizer, asked[:N_LOOKED_AT], looks
    )
    layer, head = np.unravel_index(int(shares.argmax()), shares.shape)
    scores: dict[str, object] = {
        "unseen": len(asked),
        "exact": round(sum(right) / len(right), 4),
        "baseline": {
            "name": baseline,
            "exact": round(sum(answer_of(q) == a for q, a in asked) / len(asked), 4),
        },
        "looks": {
            "per_head": shares.round(3).tolist(),
            "best_head": {
                "layer": int(layer),
                "head": int(head),
                "share": round(float(shares.max()), 3),
                "largest": round(float(largest[layer, head]), 3),
            },
        },
        "wrong": [[*pair, a] for a, pair in zip(answers, asked, strict=True) if a != pair[1]][:5],
    }
    if name == "addition":
        scores["gathered"] = gathered(found.model, found.source_tokenizer, asked[:N_LOOKED_AT])
    weights.write_facts(folder, scores=scores)
    for kind, score in scores.items():
        log.info("%s: %s", kind, score)


def answers_to(
    model: Transformer, source: Tokenizer, target: Tokenizer, asked: list[tasks.Example]
) -> list[str]:
    """What the model answers, greedily; an answer without an end carries a "…"."""
    out = []
    for start in range(0, len(asked), 200):
        group = [e.ids for e in source.encode_batch([q for q, _ in asked[start : start + 200]])]
        for ids in greedy_batch(model, group, model.config.context_length, bos=BOS_ID, eos=EOS_ID):
            text = "".join(target.id_to_token(i) or "" for i in ids if i not in (BOS_ID, EOS_ID))
            out.append(text if ids[-1] == EOS_ID else text + "…")
    return out


@torch.no_grad()
def looked_at(
    model: Transformer,
    source: Tokenizer,
    target: Tokenizer,
    asked: list[tasks.Example],
    looks: Looks,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two [layer, head]: the mean share of cross-attention on the cells that `looks` names,
    and how often the largest share of a row is on one of them; with the right answer given."""
    config = model.config
    total = np.zeros((config.n_layers, config.n_heads))
    hits = np.zeros_like(total)
    count = 0
    for question, answer in asked:
        patterns: dict[str, torch.Tensor] = {}

        memory = model.encode(torch.tensor([source.encode(question).ids]))
        read = torch.tensor([target.encode(answer).ids[:-1]])
        model.decode(read, memory, record=patterns.__setitem__)
        for row, columns in looks(question, answer):
            count += 1
            for layer in range(config.n_layers):
                pattern = patterns[f"decoder.{layer}.cross.pattern"][0]
                total[layer] += pattern[:, row, columns].sum(dim=-1).numpy()
                hits[layer] += np.isin(pattern[:, row].argmax(dim=-1).numpy(), columns)
    return total / count, hits / count


@torch.no_grad()
def gathered(
    model: Transformer, source: Tokenizer, asked: list[tasks.Example]
) -> dict[str, list[dict[str, object]]]:
    """What the encoder brings together on "+" and on [EOS], which have no digit of their own:
    for each of its heads the digit with the largest mean share ("a10" is the tens digit of
    the first number), and that share. Lists go by head, in the first layer.
    """
    places = ["a100", "a10", "a1", "+", "b100", "b10", "b1", "[EOS]"]
    patterns: dict[str, torch.Tensor] = {}
    ids = [encoding.ids for encoding in source.encode_batch([question for question, _ in asked])]
    model.encode(torch.tensor(ids), record=patterns.__setitem__)
    mean = patterns["encoder.0.attn.pattern"].mean(dim=0)  # [head, query, key]
    return {
        places[row]: [
            {"digit": places[int(shares.argmax())], "share": round(float(shares.max()), 3)}
            for shares in mean[:, row]
        ]
        for row in (3, 7)
    }
