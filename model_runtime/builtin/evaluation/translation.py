"""How good a built-in translator is: perplexity, BLEU, chrF, and a floor beside them.

Knows the sentence pairs and the model folder; nothing of training or the screen.
"""

import logging
import random
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders
from tqdm import tqdm

from model_runtime.builtin import corpus, weights
from model_runtime.builtin.batching import batches
from model_runtime.builtin.decoding import beam_search, greedy_batch
from model_runtime.builtin.evaluation.alignment import (
    ALIGNMENTS,
    alignment_scores,
    read_alignments,
)
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, SPECIALS
from model_runtime.builtin.training import perplexity
from model_runtime.builtin.transformer import Transformer

log = logging.getLogger(__name__)

BEAMS = 4
Pairs = list[tuple[str, str]]


def english_to_chinese(folder: Path, data: Path) -> None:
    """Measure the translator in `folder`; its alignment as well. See `evaluate`."""
    evaluate(folder, data, "zh", reverse=False)


def chinese_to_english(folder: Path, data: Path) -> None:
    """Measure the translator from Chinese in `folder`. See `evaluate`."""
    evaluate(folder, data, "13a", reverse=True)


def evaluate(folder: Path, data: Path, tokenize: str, *, reverse: bool) -> None:
    """Measure the model in `folder` on `data` (train.tsv, dev.tsv and test.tsv).

    `tokenize` is how BLEU cuts the target language, `reverse` turns the pairs round. Logs
    every score and writes all of them to the folder's facts.json under "scores". Test
    pairs are used as they are: none is filtered out. Takes minutes on one core.
    """
    model = weights.load_model(folder)
    source = Tokenizer.from_file(str(folder / "source_tokenizer.json"))
    target = Tokenizer.from_file(str(folder / "target_tokenizer.json"))

    def read(name: str, *, filtered: bool) -> Pairs:
        pairs = corpus.read_pairs(data / f"{name}.tsv", filtered=filtered)
        return [(b, a) for a, b in pairs] if reverse else pairs

    train, dev, test = (
        read("train", filtered=True),
        read("dev", filtered=False),
        read("test", filtered=False),
    )
    asked, expected = [a for a, _ in test], [b for _, b in test]
    scores: dict[str, Any] = {"test_pairs": len(test)}
    for name, pairs in (("dev", dev), ("test", test)):
        examples = corpus.encoded(pairs, source, target)
        scores[f"{name}_perplexity"] = round(
            perplexity(model, batches(examples, 4096, random.Random(0))), 3
        )
    by = metrics(tokenize)
    written = translations(model, source, target, asked)
    searched = translations(model, source, target, asked, beams=BEAMS)
    scores["greedy"] = corpus_scores(by, written, expected)
    scores[f"beam_{BEAMS}"] = corpus_scores(by, searched, expected)
    scores["nearest_training_pair"] = corpus_scores(by, retrieved(source, train, asked), expected)
    scores["signatures"] = {name: str(metric.get_signature()) for name, metric in by.items()}
    if not reverse:  # the links are of English words
        scores["alignment"] = alignment_scores(model, source, target, read_alignments(ALIGNMENTS))
    weights.write_facts(folder, scores=scores)
    for name, score in scores.items():
        log.info("%s: %s", name, score)
    step = max(1, len(test) // 10)
    for i in range(0, len(test), step)[:10]:
        log.info("%s\n    model      %s\n    reference  %s", asked[i], written[i], expected[i])


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
    """The text of a target, special tokens left out, NFKC as the references. Characters stand
    side by side; a tokenizer that knows its spaces puts them back."""
    known = [i for i in ids if i >= len(SPECIALS)]
    if isinstance(target.decoder, decoders.Metaspace):
        text = target.decode(known)
    else:
        text = "".join(target.id_to_token(i) or "" for i in known)
    return unicodedata.normalize("NFKC", text)


def metrics(tokenize: str) -> dict[str, Any]:
    """BLEU (Papineni et al. 2002) over the target language's units, which for "zh" are
    characters, and chrF (Popović 2015), each 0…100, by sacreBLEU, which also says in a
    signature which variant was measured (Post 2018)."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(tokenize=tokenize), "chrf": CHRF()}


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
    """A floor to compare with: the target of the training pair whose source has the most words
    (of Chinese: characters) in common with the sentence, |both| / |either| (Jaccard); the
    first such pair on a tie."""

    def words_of(sentence: str) -> set[str]:
        split = source.pre_tokenizer.pre_tokenize_str(source.normalizer.normalize_str(sentence))
        return {word for word, _ in split}

    holding: dict[str, list[int]] = {}
    sizes = np.zeros(len(train))
    for i, (asked, _) in enumerate(train):
        words = words_of(asked)
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
