"""Baselines and the cells that a rule calls for, by hand; the five positions' theory."""

import random

import numpy as np
import pytest
import torch

from model_runtime.builtin import tasks, tokenization, weights
from model_runtime.builtin.batching import Batch
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.evaluation import induction, positions
from model_runtime.builtin.evaluation import tasks as scored
from model_runtime.builtin.recipes.tasks import task_config, task_tokenizers
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID
from model_runtime.builtin.transformer import Transformer


def test_a_reversed_letter_is_looked_for_at_its_mirror():
    assert scored.reversal_looks("cat", "tac") == [(0, [2]), (1, [1]), (2, [0])]


def test_a_digit_of_a_sum_is_looked_for_in_its_column():
    question, answer = "123+456", "9750"
    digits = [
        sorted(question[n] for n in cells) for _, cells in scored.addition_looks(question, answer)
    ]
    assert digits == [["3", "6"], ["2", "5"], ["1", "4"]]


@pytest.mark.parametrize("question", ["March 5, 2024", "2024年3月5日", "5.3.2024"])
def test_the_year_is_looked_for_where_it_stands(question):
    cells = scored.dates_looks(question, "2024-03-05")
    assert "".join(question[columns[0]] for _, columns in cells) == "2024"


def test_the_baselines_do_what_they_say():
    assert scored.without_carrying("123+456") == "9750"  # nothing to carry: right
    assert scored.without_carrying("275+318") == "3850"  # 593 is 3950
    assert scored.digits_in_order("2024/03/05") == "2024-03-05"
    assert scored.digits_in_order("5.3.2024") == "5320-24-"
    assert scored.copied("cat") == "cat"


def test_a_uniform_head_gives_a_column_its_part_of_the_row():
    source, target = task_tokenizers("addition")
    torch.manual_seed(0)
    model = Transformer(task_config(source, target)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("cross.w_q.weight"):
                parameter.zero_()
    asked = tasks.examples(tasks.addition, 3, random.Random(0), held_out=True)
    shares, largest = scored.looked_at(model, source, target, asked, scored.addition_looks)
    assert shares == pytest.approx(np.full((1, 4), 2 / 8), abs=1e-6)  # 7 characters and [EOS]
    assert ((0 <= largest) & (largest <= 1)).all()


def test_an_answer_without_an_end_is_marked_and_never_right():
    source, target = task_tokenizers("reversal")
    torch.manual_seed(0)
    model = Transformer(task_config(source, target)).eval()
    with torch.no_grad():
        model.unembedding.weight[EOS_ID] = 0  # tied: the embedding of [EOS] as well
    answers = scored.answers_to(model, source, target, [("cat", "tac")])
    assert answers[0].endswith("…") or len(answers[0]) < 64


def test_a_repeated_letter_calls_for_what_followed_it():
    a, b, c = 5, 6, 7
    assert induction.again([BOS_ID, a, b, c, a, b]) == [(4, 2), (5, 3)]
    assert induction.again([BOS_ID, a, b, a, c, a]) == [(3, 2)]  # the third a is told twice


def test_unseen_repeats_say_every_letter_twice_at_most():
    for seed in range(50):
        row = induction.twice(random.Random(seed))
        assert max(map(row.count, row)) == 2


def test_the_best_guess_of_a_set_by_hand():
    # [BOS] x y [EOS]: before x stand [BOS] or y, before y [BOS] or x, before [EOS] x or y.
    row = [BOS_ID, 5, 6, EOS_ID]
    assert positions.best_of_a_set([Batch([row], [row])]) == pytest.approx(1 / 2)
    # [BOS] x x [EOS]: before either x stand [BOS] or the other x, before [EOS] an x for sure.
    row = [BOS_ID, 5, 5, EOS_ID, PAD_ID]
    assert positions.best_of_a_set([Batch([row], [row])]) == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_an_encoder_without_positions_turns_its_rows_as_its_letters_are_turned():
    """The theory behind `positions@none`: a shuffled row gives the same rows, shuffled."""
    model = weights.load_model(weights.MODELS / "positions" / "none")
    ids = torch.tensor([[BOS_ID, 5, 9, 13, 20, EOS_ID]])
    order = [3, 0, 5, 1, 4, 2]
    with torch.no_grad():
        straight, shuffled = model.encode(ids)[0], model.encode(ids[:, order])[0]
    assert torch.allclose(straight[order], shuffled, atol=1e-5)


@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "rotary", "alibi"])
def test_an_encoder_with_positions_does_not(kind):
    model = weights.load_model(weights.MODELS / "positions" / kind)
    ids = torch.tensor([[BOS_ID, 5, 9, 13, 20, EOS_ID]])
    order = [3, 0, 5, 1, 4, 2]
    with torch.no_grad():
        straight, shuffled = model.encode(ids)[0], model.encode(ids[:, order])[0]
    assert not torch.allclose(straight[order], shuffled, atol=0.1)


def test_the_head_that_looks_back_is_found_in_a_batch_with_padding():
    tokenizer = tokenization.symbols("abc", starts=True, ends=True)
    torch.manual_seed(0)
    config = TransformerConfig(
        topology="encoder",
        source_vocab_size=tokenizer.get_vocab_size(),
        target_vocab_size=tokenizer.get_vocab_size(),
        context_length=8,
        d_model=8,
        n_heads=2,
        d_ff=8,
        n_layers=2,
    )
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("attn.w_q.weight"):
                parameter.zero_()
    rows = [[BOS_ID, 4, EOS_ID, PAD_ID], [BOS_ID, 4, 5, EOS_ID]]
    _, _, share = positions.most_before(model, [Batch(rows, rows)])
    # Rows 1, 2 of three keys, rows 1, 2, 3 of four.
    assert share == pytest.approx((2 / 3 + 3 / 4) / 5, abs=1e-6)
