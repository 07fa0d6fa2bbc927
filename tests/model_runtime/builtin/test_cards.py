"""What the models' cards say is what was measured, in every language."""

import pytest

from model_runtime.builtin import weights

LANGUAGES = ("en", "zh")


@pytest.fixture(params=weights.names())
def loaded(request: pytest.FixtureRequest) -> weights.Weights:
    return weights.load(weights.MODELS / request.param)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_quotes_the_measured_scores(loaded: weights.Weights, language: str) -> None:
    scores, card = loaded.facts["scores"], loaded.cards[language]
    for way in ("greedy", "beam_4", "nearest_training_pair"):
        assert f"| {scores[way]['bleu']:.2f} | {scores[way]['chrf']:.2f} |" in card
    aligned = scores["alignment"]
    for share in (aligned["best_layer"], aligned["best_head"]):
        assert f"{share['share']:.1%}".replace("%", " %") in card
    assert f"L{aligned['best_head']['layer']} H{aligned['best_head']['head']}" in card
    assert f"{scores['test_pairs']:,}" in card


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_states_the_size_and_the_training(loaded: weights.Weights, language: str) -> None:
    card, training = loaded.cards[language], loaded.facts["training"]
    counted = sum(p.numel() for p in loaded.model.parameters())
    assert counted == loaded.facts["parameters"]
    for number in (counted, loaded.facts["training_pairs"], training["steps"]):
        assert f"{number:,}" in card
    assert f"{training['seconds'] / 60:.0f}" in card
    assert f"{loaded.target_tokenizer.get_vocab_size():,}" in card


def test_the_translator_reaches_what_was_asked_of_it() -> None:
    scores = weights.load(weights.MODELS / "translator").facts["scores"]
    assert scores["greedy"]["bleu"] >= 34
    assert scores["alignment"]["best_layer"]["share"] >= 0.60
