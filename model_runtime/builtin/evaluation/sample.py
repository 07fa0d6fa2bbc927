"""One number for each built-in model on a small sample that the tests can repeat.

Knows the samples, which are in the repository or made by rule; the scores that count are
measured on far more, in the modules beside this one.
"""

import random
from pathlib import Path

from model_runtime.builtin import tasks, weights
from model_runtime.builtin.batching import Example, batches
from model_runtime.builtin.evaluation import blanks, induction, positions, translation
from model_runtime.builtin.evaluation.alignment import ALIGNMENTS, read_alignments
from model_runtime.builtin.evaluation.tasks import TASKS, answers_to
from model_runtime.builtin.recipes.positions import shifted_batches
from model_runtime.builtin.training import perplexity

ENGLISH = Path(__file__).parents[3] / "tests" / "data" / "english_sample.txt"


def sample_score(name: str, found: weights.Weights) -> tuple[str, float]:
    """(what is measured, the score) of a model, by its name or its variant's.

    Raises KeyError for a model that no sample is known of.
    """
    kind = name.partition("@")[0]
    if kind in ("translator", "zh-en"):
        return "BLEU, greedy, on 50 test pairs", _bleu(kind, found)
    if kind in TASKS:
        task = TASKS[kind][0]
        assert found.source_tokenizer
        asked = tasks.examples(task, 200, random.Random(3), held_out=True)
        answers = answers_to(found.model, found.source_tokenizer, found.target_tokenizer, asked)
        right = sum(a == expected for a, (_, expected) in zip(answers, asked, strict=True))
        return "exact answers, of 200 unseen questions", right / len(asked)
    sentences = ENGLISH.read_text(encoding="utf-8").splitlines()
    if kind == "writer":
        ids: list[Example] = [([], e.ids) for e in found.target_tokenizer.encode_batch(sentences)]
        data = batches(ids, 4096, random.Random(0))
        return "perplexity on 40 sentences of our own", perplexity(found.model, data)
    if kind == "blanks":
        share = blanks.top_k(found.model, found.target_tokenizer, sentences, 5)
        return "blanks filled among the first five, in 40 sentences of our own", share
    if kind == "induction":
        return "right letters in 50 unseen repeats", induction.accuracy(found, 50)
    rows = shifted_batches(found.target_tokenizer, random.Random(3), n=2, held_out=True)
    return "right letters before, in 256 unseen rows", positions.accuracy(found.model, rows)


def write_sample(name: str, folder: Path) -> None:
    """Measure the sample for the model `name` in `folder` and its variants, and write it to their
    facts.json."""
    for path in sorted(folder.glob("**/model.safetensors")):
        place = path.parent
        what, score = sample_score(name, weights.load(place))
        weights.write_facts(place, sample={"what": what, "score": round(score, 4)})


def _bleu(name: str, found: weights.Weights) -> float:
    pairs = [(pair.english, pair.chinese) for pair in read_alignments(ALIGNMENTS)]
    if name == "zh-en":
        pairs = [(chinese, english) for english, chinese in pairs]
    assert found.source_tokenizer
    written = translation.translations(
        found.model, found.source_tokenizer, found.target_tokenizer, [a for a, _ in pairs]
    )
    by = translation.metrics("13a" if name == "zh-en" else "zh")
    return translation.corpus_scores(by, written, [b for _, b in pairs])["bleu"]
