"""What the models' cards say is what was measured, in every language."""

from typing import Any

import pytest

from model_runtime.builtin import weights

LANGUAGES = ("en", "zh")
NAMES = weights.names()
TASKS = ("dates", "reversal", "addition")
SNAPSHOTS = [name for name in NAMES if name.startswith("addition@")]
TRANSLATORS = ("translator", "zh-en")


def loaded(name: str) -> weights.Weights:
    return weights.load(weights.folder_of(name))


def facts_and_card(name: str, language: str) -> tuple[dict[str, Any], str]:
    """(facts, card) of a model."""
    folder = weights.folder_of(name)
    card = folder / ("card.md" if language == "en" else f"card.{language}.md")
    return weights.read_facts(folder), card.read_text("utf-8")


def said(share: float) -> tuple[str, str]:
    """How a card may write a share, with one decimal or with two."""
    return f"{share:.1%}".replace("%", " %"), f"{share:.2%}".replace("%", " %")


def says(card: str, share: float) -> bool:
    return any(form in card for form in said(share))


def names_head(card: str, head: dict[str, Any]) -> bool:
    return f"L{head['layer']} H{head['head']}" in card and says(card, head["share"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_translators_card_quotes_the_measured_scores(name: str, language: str) -> None:
    facts, card = facts_and_card(name, language)
    scores = facts["scores"]
    for way in ("greedy", "beam_4", "nearest_training_pair"):
        assert f"| {scores[way]['bleu']:.2f} | {scores[way]['chrf']:.2f} |" in card
    if name == "translator":  # the links are of its words
        aligned = scores["alignment"]
        assert names_head(card, aligned["best_head"])
        assert says(card, aligned["best_layer"]["share"])
    assert f"{scores['test_pairs']:,}" in card
    assert f"{facts['training_pairs']:,}" in card
    assert f"{loaded(name).target_tokenizer.get_vocab_size():,}" in card


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_card_states_the_size_and_the_training(name: str, language: str) -> None:
    found = loaded(name)
    card, training = found.cards[language], found.facts["training"]
    counted = sum(p.numel() for p in found.model.parameters())
    assert counted == found.facts["parameters"]
    for number in (counted, training["steps"]):
        assert f"{number:,}" in card
    assert f"{training['seconds'] / 60:.0f}" in card


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TASKS)
def test_a_tasks_card_quotes_exact_answers_beside_the_baseline(name: str, language: str) -> None:
    facts, card = facts_and_card(name, language)
    scores = facts["scores"]
    assert f"{scores['unseen']:,}" in card
    assert says(card, scores["exact"])
    assert says(card, scores["baseline"]["exact"])
    assert says(card, scores["looks"]["best_head"]["share"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_card_of_addition_quotes_every_snapshot(name: str, language: str) -> None:
    found = loaded(name)
    assert found.facts["steps"] == int(name.split("@")[1])
    assert f"| {found.facts['steps']:,} |" in found.cards[language]
    assert f"| {found.facts['exact']:.1%} |".replace("%", " %") in found.cards[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_of_induction_quotes_its_two_heads(language: str) -> None:
    facts, card = facts_and_card("induction", language)
    scores = facts["scores"]
    assert f"{scores['asked']:,}" in card
    assert says(card, scores["accuracy"]) and says(card, scores["baseline"]["accuracy"])
    assert names_head(card, scores["induction"]["best_head"])
    assert names_head(card, scores["previous"]["best_head"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_of_positions_quotes_all_five_and_what_order_is_worth(language: str) -> None:
    facts, card = facts_and_card("positions", language)
    rows = {name: score for name, score in facts["scores"].items() if "trained" in score}
    assert len(rows) == 6  # five kinds, and the best that one can do without order
    for score in rows.values():
        assert all(says(card, share) for share in score.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_of_the_writer_quotes_its_perplexity_beside_n_grams(language: str) -> None:
    facts, card = facts_and_card("writer", language)
    scores = facts["scores"]
    for perplexity in (scores["perplexity"], *scores["ngrams"].values()):
        assert f"{perplexity:.1f}" in card or f"{perplexity:.2f}" in card
    assert says(card, scores["accuracy"])
    assert names_head(card, scores["previous"]["best_head"])
    assert f"{facts['training_sentences']:,}" in card
    assert scores["unfit"] == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_of_the_blanks_quotes_its_hits_beside_the_baselines(language: str) -> None:
    facts, card = facts_and_card("blanks", language)
    scores = facts["scores"]
    for guesser in ("model", "unigram", "bigram", "both neighbours"):
        assert says(card, scores[guesser]["top_1"]) and says(card, scores[guesser]["top_5"])
    assert names_head(card, scores["previous"]["best_head"])
    assert f"{facts['training_sentences']:,}" in card


def test_the_translator_reaches_what_was_asked_of_it() -> None:
    scores = weights.load(weights.MODELS / "translator").facts["scores"]
    assert scores["greedy"]["bleu"] >= 34
    assert scores["alignment"]["best_layer"]["share"] >= 0.60
