"""What the scores of a translator mean, on examples small enough to check by hand.

Knows a tiny random model; the shipped models' scores are in their cards.
"""

import json
import random

import numpy as np

from model_runtime.builtin import tokenization, weights
from model_runtime.builtin.evaluation import translation


def test_chinese_is_written_without_spaces_and_without_special_tokens(target):
    assert translation.written_text(target, target.encode("猫在这里。").ids) == "猫在这里。"


def test_the_same_text_scores_100_and_foreign_text_0(pairs):
    by = translation.metrics("zh")
    chinese = [chinese for _, chinese in pairs]
    assert translation.corpus_scores(by, chinese, chinese) == {"bleu": 100, "chrf": 100}
    assert translation.corpus_scores(by, ["天"] * 5, chinese) == {"bleu": 0, "chrf": 0}


def test_the_signature_names_the_chinese_tokenizer():
    by = translation.metrics("zh")
    translation.corpus_scores(by, ["猫"], ["猫"])
    assert "tok:zh" in str(by["bleu"].get_signature())


def test_retrieval_finds_the_training_pair_with_most_words_in_common(source, pairs):
    sentences = [
        "The dog is here.",  # all five words of the second pair
        "I see the cat.",  # 4 of 6 words with the third, 4 of 7 with the fourth, 3 of 7: the first
        "Nothing known",  # none with any: the first
    ]
    expected = [pairs[1][1], pairs[2][1], pairs[0][1]]
    assert translation.retrieved(source, pairs, sentences) == expected


def test_translations_come_in_the_order_of_the_sentences(folder, source, target, pairs):
    model = weights.load_model(folder)
    sentences = [english for english, _ in random.Random(0).sample(pairs, len(pairs))]
    together = translation.translations(model, source, target, sentences)
    assert together == [translation.translations(model, source, target, [s])[0] for s in sentences]


def test_an_evaluation_writes_every_score_and_keeps_the_other_facts(folder, tmp_path, pairs):
    for name in ("train", "dev", "test"):
        text = "".join(f"{english}\t{chinese}\tmade up\n" for english, chinese in pairs)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    weights.write_facts(folder, licence="CC0")
    translation.english_to_chinese(folder, tmp_path)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    scores = facts["scores"]
    assert facts["licence"] == "CC0"
    assert scores["test_pairs"] == 5
    assert scores["dev_perplexity"] == scores["test_perplexity"] > 1
    assert scores["nearest_training_pair"] == {"bleu": 100, "chrf": 100}
    assert scores["greedy"].keys() == scores["beam_4"].keys() == {"bleu", "chrf"}
    assert scores["alignment"]["pairs"] == 50
    assert np.shape(scores["alignment"]["per_head"]) == (2, 2)


def test_english_gets_its_spaces_back():
    target = tokenization.english_pieces(["The cat isn't here.", "I see a dog, too."], 60)
    for sentence in ("The cat isn't here.", "I see a dog, too."):
        assert translation.written_text(target, target.encode(sentence).ids) == sentence


def test_the_other_direction_reads_the_pairs_turned_round(folder, tmp_path, pairs):
    for name in ("train", "dev", "test"):
        text = "".join(f"{english}\t{chinese}\tmade up\n" for english, chinese in pairs)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    weights.save_model(tmp_path / "zh-en", weights.load_model(folder))
    # Tokenizers the other way round, both within the tiny model's vocabularies.
    tokenization.characters((zh for _, zh in pairs), starts=False).save(
        str(tmp_path / "zh-en" / "source_tokenizer.json")
    )
    tokenization.characters(en[:2] for en, _ in pairs).save(
        str(tmp_path / "zh-en" / "target_tokenizer.json")
    )
    translation.chinese_to_english(tmp_path / "zh-en", tmp_path)
    scores = json.loads((tmp_path / "zh-en" / "facts.json").read_text())["scores"]
    assert scores["nearest_training_pair"] == {"bleu": 100, "chrf": 100}
    assert "tok:13a" in scores["signatures"]["bleu"]
    assert "alignment" not in scores
