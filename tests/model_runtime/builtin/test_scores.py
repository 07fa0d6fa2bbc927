"""The shipped models do what their facts say, measured again on samples of the repository.

The scores in the cards come from far more data, which the repository does not hold; the same
evaluation wrote down what it finds on these samples.
"""

import pytest

from model_runtime.builtin import weights
from model_runtime.builtin.evaluation.sample import sample_score


@pytest.mark.parametrize("name", weights.names())
def test_a_model_scores_on_its_sample_what_its_facts_say(name):
    found = weights.load(weights.folder_of(name))
    what, score = sample_score(name, found)
    told = found.facts["sample"]
    assert told["what"] == what
    # Other processors round otherwise, and a tie may turn: one answer in a hundred.
    assert score == pytest.approx(told["score"], rel=0.01, abs=0.01)


@pytest.mark.parametrize("name", ["dates", "reversal", "addition"])
def test_a_generated_task_is_solved_for_99_in_100_of_2000_unseen_inputs(name):
    scores = weights.read_facts(weights.folder_of(name))["scores"]
    assert scores["unseen"] == 2000
    assert scores["exact"] >= 0.99
    assert scores["baseline"]["exact"] < 0.2


def test_addition_is_learned_in_one_jump():
    snapshots = [
        weights.read_facts(weights.folder_of(name))
        for name in weights.names()
        if name.startswith("addition@")
    ]
    assert 8 <= len(snapshots) <= 12
    by_step = {facts["steps"]: facts["exact"] for facts in snapshots}
    assert by_step[0] == 0 and by_step[500] < 0.05
    assert by_step[1000] > 0.9


def test_only_a_model_without_positions_fails_where_order_is_asked_for():
    scores = weights.read_facts(weights.MODELS / "positions")["scores"]
    for kind in ("sinusoidal", "learned", "rotary", "alibi"):
        assert scores[kind]["trained"] > 0.99
    bound = scores["best without order"]["trained"]
    assert scores["none"]["trained"] == pytest.approx(bound, abs=0.01)


def test_the_induction_head_and_its_partner_are_crisp():
    scores = weights.read_facts(weights.MODELS / "induction")["scores"]
    found, partner = scores["induction"]["best_head"], scores["previous"]["best_head"]
    assert found["share"] >= 0.8 and found["layer"] == 1
    assert partner["share"] >= 0.8 and partner["layer"] == 0


def test_the_writer_beats_the_5_gram_clearly_and_has_a_previous_token_head():
    scores = weights.read_facts(weights.MODELS / "writer")["scores"]
    assert scores["perplexity"] < 0.85 * scores["ngrams"]["5"]
    assert scores["previous"]["best_head"]["share"] >= 0.5
    assert scores["unfit"] == 0


def test_blanks_beats_every_baseline_by_a_margin():
    scores = weights.read_facts(weights.MODELS / "blanks")["scores"]
    for baseline in ("unigram", "bigram", "both neighbours"):
        for k in ("top_1", "top_5"):
            assert scores["model"][k] > scores[baseline][k] + 0.05
