"""What is left out of an axis, by hand: first short ones, then long ones."""

import numpy as np
import pytest

from model_runtime.steps.folding import (
    all_of,
    column_axis,
    left_out,
    runs,
    term_axis,
    token_axis,
    vocabulary_axis,
)
from tests.model_runtime.reference import NASTY, tokens

SIXTEEN = tokens(*(f"t{i}" for i in range(16)))
LONG = tokens(*(f"t{i}" for i in range(64)))


def test_of_sixteen_tokens_none_is_left_out():
    axis = token_axis(SIXTEEN, (3,))
    assert axis.kept == tuple(range(16)) and axis.size == 16 and axis.kind == "token"
    assert axis.labels[3] == "t3"


def test_of_more_the_ends_and_what_is_looked_at_stay():
    axis = token_axis(LONG, (20, 40))
    assert axis.kept == (0, 1, 18, 19, 20, 21, 22, 38, 39, 40, 41, 42, 62, 63)
    assert axis.labels == tuple(f"t{i}" for i in axis.kept)
    assert axis.size == 64


@pytest.mark.parametrize(("at", "kept"), [(0, (0, 1, 2, 62, 63)), (63, (0, 1, 61, 62, 63))])
def test_nothing_is_looked_for_beyond_the_ends(at, kept):
    assert token_axis(LONG, (at,)).kept == kept


def test_the_keys_with_the_six_largest_shares_stay():
    shares = np.zeros(64)
    shares[[10, 20, 30, 40, 50, 55]] = [0.3, 0.2, 0.1, 0.05, 0.04, 0.03]
    shares[33] = 0.01
    assert token_axis(LONG, (0,), shares=shares).kept == (0, 1, 2, 10, 20, 30, 40, 50, 55, 62, 63)


def test_a_column_that_is_asked_for_stays_with_eight_on_each_side():
    assert token_axis(LONG, (0,), around=30).kept == (0, 1, 2, *range(22, 39), 62, 63)
    assert column_axis(100, np.zeros(100), around=99).kept == (*range(8), *range(91, 100))


def test_unfolded_everything_stays():
    assert token_axis(LONG, (0,), whole=True).kept == tuple(range(64))
    assert column_axis(768, whole=True) == all_of(768)
    assert term_axis(np.ones(5000), 100, whole=True) == all_of(5000)


def test_of_48_columns_none_is_left_out():
    assert column_axis(48, np.zeros(48)).kept == tuple(range(48))


def test_of_more_columns_both_ends_and_the_eight_largest_stay():
    row = np.zeros(192)
    row[[50, 60, 70, 80, 90, 100, 110, 120]] = [1, -9, 2, -3, 4, 5, 6, 7]
    row[130] = 0.5
    axis = column_axis(192, row)
    assert axis.kept == (0, 1, 2, 50, 60, 70, 80, 90, 100, 110, 120, 189, 190, 191)
    assert axis.kind == "dimension" and axis.labels == ()


def test_where_heads_matter_the_columns_of_the_head_stay():
    head = range(64, 96)
    assert column_axis(192, head=head, ends=False).kept == tuple(head)
    assert column_axis(192, head=head).kept == (0, 1, 2, *head, 189, 190, 191)


def test_a_sum_is_folded_when_it_is_long_or_its_factors_are_large():
    assert term_axis(np.ones(1024), 4) == all_of(1024)
    assert len(term_axis(np.ones(1025), 4).kept) == 64
    assert len(term_axis(np.ones(768), 28).kept) == 64
    assert term_axis(np.ones(192), 60) == all_of(192)
    products = np.arange(2000) - 1000.0  # −1000 is as large as any
    assert set(range(32)) <= set(term_axis(products, 1).kept)


def test_of_a_vocabulary_the_likeliest_and_what_is_asked_for_stay():
    names = tuple(f"n{i}" for i in range(100))
    axis = vocabulary_axis(names, np.arange(110.0), [3, 500])
    assert axis.kept == (3, *range(90, 110))
    assert axis.labels[:2] == ("n3", "n90") and axis.labels[-1] == "#109"
    assert vocabulary_axis(names, np.arange(40.0)).kept == tuple(range(40))


def test_left_out_and_kept_are_everything():
    axis = token_axis(LONG, (20,))
    assert sorted([*left_out(axis).tolist(), *axis.kept]) == list(range(64))


def test_stretches_without_a_gap():
    assert runs((0, 1, 2, 5, 7, 8)) == [slice(0, 3), slice(5, 6), slice(7, 9)]
    assert runs(()) == []


def test_labels_are_the_text_of_tokens_whatever_it_is():
    assert token_axis(tokens(*NASTY[:16]), ()).labels == NASTY[:16]
