"""How good a built-in translator is: perplexity, BLEU, chrF, and what its attention aligns.

Knows the data, the model folder and the hand-made word links; nothing of training or screen.
"""

import logging
import random
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm

from model_runtime.builtin import corpus, weights
from model_runtime.builtin.decoding import beam_search, greedy_batch
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, SPECIALS
from model_runtime.builtin.training import perplexity
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

ALIGNMENTS = Path(__file__).parents[2] / "tests" / "data" / "alignments.tsv"
BEAMS = 4
Pairs = list[tuple[str, str]]


def evaluate(folder: Path, data: Path) -> None:
    """Measure the model in `folder` on `data` (train.tsv, dev.tsv and test.tsv).

    Logs every score and writes all of them to the folder's facts.json under "scores".
    Test pairs are used as they are: none is filtered out. Takes minutes on one core.
    """
    model = weights.load_model(folder)
    source = Tokenizer.from_file(str(folder / "source_tokenizer.json"))
    target = Tokenizer.from_file(str(folder / "target_tokenizer.json"))
    train = corpus.read_pairs(data / "train.tsv", filtered=True)
    dev = corpus.read_pairs(data / "dev.tsv", filtered=False)
    test = corpus.read_pairs(data / "test.tsv", filtered=False)
    english = [english for english, _ in test]
    chinese = [chinese for _, chinese in test]

    scores: dict[str, Any] = {"test_pairs": len(test)}
    for name, pairs in (("dev", dev), ("test", test)):
        examples = corpus.encoded(pairs, source, target)
        batches = corpus.batches(examples, 4096, random.Random(0))
        scores[f"{name}_perplexity"] = round(perplexity(model, batches), 3)
    by = metrics()
    written = translations(model, source, target, english)
    searched = translations(model, source, target, english, beams=BEAMS)
    scores["greedy"] = corpus_scores(by, written, chinese)
    scores[f"beam_{BEAMS}"] = corpus_scores(by, searched, chinese)
    scores["nearest_training_pair"] = corpus_scores(by, retrieved(source, train, english), chinese)
    scores["signatures"] = {name: str(metric.get_signature()) for name, metric in by.items()}
    scores["alignment"] = alignment_scores(model, source, target, read_alignments(ALIGNMENTS))
    weights.write_facts(folder, scores=scores)
    for name, score in scores.items():
        log.info("%s: %s", name, score)
    step = max(1, len(test) // 10)
    for i in range(0, len(test), step)[:10]:
        log.info("%s\n    model      %s\n    reference  %s", english[i], written[i], chinese[i])


# ── Translations and their scores ────────────────────────────────────────────────────


def translations(
    model: Transformer,
    source: Tokenizer,
    target: Tokenizer,
    sentences: Sequence[str],
    *,
    beams: int = 1,
) -> list[str]:
    """What the model writes for each of the sentences, in their order."""
    sources = [encoding.ids for encoding in source.encode_batch(list(sentences))]
    limit = model.config.context_length
    written: dict[int, list[int]] = {}
    if beams == 1:
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        for start in range(0, len(order), 64):
            group = order[start : start + 64]
            ids = greedy_batch(model, [sources[i] for i in group], limit, bos=BOS_ID, eos=EOS_ID)
            written.update(zip(group, ids, strict=True))
    else:
        for i, ids_of_source in enumerate(tqdm(sources, desc=f"beam {beams}", mininterval=5)):
            written[i] = beam_search(
                model, ids_of_source, limit, beams=beams, bos=BOS_ID, eos=EOS_ID
            )
    return [written_text(target, written[i]) for i in range(len(sources))]


def written_text(target: Tokenizer, ids: Iterable[int]) -> str:
    """The characters of a target side by side, special tokens left out, NFKC as the references."""
    text = "".join(target.id_to_token(i) or "" for i in ids if i >= len(SPECIALS))
    return unicodedata.normalize("NFKC", text)


def metrics() -> dict[str, Any]:
    """BLEU over Chinese characters (Papineni et al. 2002) and chrF (Popović 2015), each 0…100,
    by sacreBLEU, which also says in a signature which variant was measured (Post 2018)."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(tokenize="zh"), "chrf": CHRF()}


def corpus_scores(
    by: dict[str, Any], hypotheses: list[str], references: list[str]
) -> dict[str, float]:
    """The hypotheses' score by each of the metrics, with one reference a sentence.

    Both sides are NFKC: `read_pairs` and `written_text` see to it.
    """
    return {
        name: round(metric.corpus_score(hypotheses, [references]).score, 2)
        for name, metric in by.items()
    }


def retrieved(source: Tokenizer, train: Pairs, sentences: Iterable[str]) -> list[str]:
    """A floor to compare with: the Chinese side of the training pair that has the most words
    in common with the sentence, |both| / |either| (Jaccard); the first such pair on a tie."""

    def words_of(sentence: str) -> set[str]:
        split = source.pre_tokenizer.pre_tokenize_str(source.normalizer.normalize_str(sentence))
        return {word for word, _ in split}

    holding: dict[str, list[int]] = {}
    sizes = np.zeros(len(train))
    for i, (english, _) in enumerate(train):
        words = words_of(english)
        sizes[i] = len(words)
        for word in words:
            holding.setdefault(word, []).append(i)
    places = {word: np.array(rows) for word, rows in holding.items()}
    found = []
    for sentence in sentences:
        words = words_of(sentence)
        both = np.zeros(len(train))
        for word in words & places.keys():
            both[places[word]] += 1
        found.append(train[int((both / (sizes + len(words) - both)).argmax())][1])
    return found


# ── What cross-attention aligns ──────────────────────────────────────────────────────


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
