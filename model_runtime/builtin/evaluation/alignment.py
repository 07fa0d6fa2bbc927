"""What a translator's cross-attention aligns, against word links made by hand.

Knows the links and the model; nothing of training or the screen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from model_runtime.builtin.transformer import Transformer

ALIGNMENTS = Path(__file__).parents[3] / "tests" / "data" / "alignments.tsv"


@dataclass(frozen=True)
class Link:
    """A Chinese word, characters start…end-1 of its sentence, and the English words it
    translates, counted from 0."""

    start: int
    end: int
    words: frozenset[int]


@dataclass(frozen=True)
class LinkedPair:
    """A sentence pair and the links between its words."""

    english: str
    chinese: str
    links: tuple[Link, ...]


def read_alignments(path: Path) -> list[LinkedPair]:
    """The pairs of a file in the format of `ALIGNMENTS`, which says how to read it."""
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        english, chinese, links = line.split("\t")[:3]
        pairs.append(LinkedPair(english, chinese, tuple(map(read_link, links.split(";")))))
    return pairs


def read_link(text: str) -> Link:
    """A link written as START-END:WORD,WORD."""
    span, words = text.split(":")
    start, end = map(int, span.split("-"))
    return Link(start, end, frozenset(map(int, words.split(","))))


def alignment_hits(
    pattern: NDArray[Any],
    owner_of_key: Sequence[int],
    rows_and_words: Iterable[tuple[Sequence[int], frozenset[int]]],
) -> NDArray[np.bool_]:
    """For each linked word and each head: does the most attention go to a word it is linked to?

    `pattern` [..., query, key], rows that sum to 1; `owner_of_key` names the English word that
    each key is a piece of, with numbers below 0 for special tokens, which compete as words of
    their own; `rows_and_words` gives the rows of a Chinese word and the words it is linked to.
    The pieces of an English word are summed, the rows of a Chinese word averaged.

    Returns [link, ...]. After Ghader & Monz 2017, "What does Attention in NMT pay attention to?".
    """
    owners = sorted(set(owner_of_key))
    is_piece = np.array([[key == owner for owner in owners] for key in owner_of_key])
    shares = pattern @ is_piece.astype(pattern.dtype)  # [..., query, owner]
    most = [shares[..., list(rows), :].mean(axis=-2).argmax(axis=-1) for rows, _ in rows_and_words]
    right = [[owner in words for owner in owners] for _, words in rows_and_words]
    return np.stack([np.array(r)[m] for r, m in zip(right, most, strict=True)])


def alignment_scores(
    model: Transformer, source: Tokenizer, target: Tokenizer, pairs: list[LinkedPair]
) -> dict[str, Any]:
    """The share of linked Chinese words whose attention peaks at their English counterpart.

    The model is shown the human translation, and the row that counts for a character is the
    one that predicts it. Per head, and per layer from the mean pattern of its heads. Two floors:
    "chance" picks any English word or special token, "diagonal" looks at the same place in
    the sentence. The best head is the best of these very words: a little flattered.
    """
    per_head, per_layer, diagonal, chance = [], [], [], []
    for pair in pairs:
        pattern, owners, links = read_attention(model, source, target, pair)
        per_head.append(alignment_hits(pattern, owners, links))
        per_layer.append(alignment_hits(pattern.mean(axis=1), owners, links))
        n_queries, n_keys = pattern.shape[-2:]
        straight = np.eye(n_keys)[np.linspace(0, n_keys - 1, n_queries).round().astype(int)]
        diagonal.append(alignment_hits(straight, owners, links))
        chance += [len(words) / len(set(owners)) for _, words in links]
    heads = np.concatenate(per_head).mean(axis=0)  # [layer, head]
    layers = np.concatenate(per_layer).mean(axis=0)  # [layer]
    layer, head = np.unravel_index(heads.argmax(), heads.shape)
    return {
        "pairs": len(pairs),
        "words": len(chance),
        "per_layer": layers.round(3).tolist(),
        "per_head": heads.round(3).tolist(),
        "best_layer": {"layer": int(layers.argmax()), "share": round(float(layers.max()), 3)},
        "best_head": {
            "layer": int(layer),
            "head": int(head),
            "share": round(float(heads.max()), 3),
        },
        "diagonal": round(float(np.concatenate(diagonal).mean()), 3),
        "chance": round(float(np.mean(chance)), 3),
    }


def read_attention(
    model: Transformer, source: Tokenizer, target: Tokenizer, pair: LinkedPair
) -> tuple[NDArray[np.float32], list[int], list[tuple[list[int], frozenset[int]]]]:
    """What `alignment_hits` needs for one pair: cross-attention [layer, head, query, key], the
    English word of each key, and the rows of each linked Chinese word with its words."""
    patterns: list[NDArray[np.float32]] = []

    def record(name: str, value: Tensor) -> None:
        if name.endswith("cross.pattern"):
            patterns.append(value[0].numpy())

    keys, queries = source.encode(pair.english), target.encode(pair.chinese)
    with torch.no_grad():
        memory = model.encode(torch.tensor([keys.ids]))
        model.decode(torch.tensor([queries.ids[:-1]]), memory, record=record)
    owners = [-1 - i if word is None else word for i, word in enumerate(keys.word_ids)]
    links = []
    for link in pair.links:
        tokens = map(queries.char_to_token, range(link.start, link.end))
        links.append(([token - 1 for token in tokens if token is not None], link.words))
    return np.stack(patterns), owners, links
