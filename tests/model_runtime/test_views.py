"""What the switches do to a map, each on a small trace made by hand."""

import dataclasses

import numpy as np
import pytest

from model_runtime.errors import NoSuchHead
from model_runtime.views import HeadPlace, Look, View, shown_stacks
from tests.model_runtime.layered import TEXTS, N, layered_trace, window
from tests.model_runtime.reference import made_trace, tokens, traced

SOURCE = tokens("play", "ing", "cards", "[EOS]", words=(0, 0, 1, None))
TARGET = tokens("[BOS]", "打", "牌", "[EOS]")
TRACE = made_trace(SOURCE, TARGET)
STACKS = TRACE.info.stacks
FIRST = HeadPlace(0, 0)


def look(stack="encoder", trace=TRACE, **switches):
    return Look(trace, stack, View(**switches))


def texts(groups):
    return ["".join(token.text for token in group.tokens) for group in groups]


def with_patterns(pattern, stack="encoder"):
    """TRACE, with one pattern for all heads of a stack: its logarithm as the bias."""
    with np.errstate(divide="ignore"):
        bias = np.log(np.asarray(pattern, dtype=np.float32))[None]
    records = tuple(
        dataclasses.replace(r, q=r.q * 0, bias=np.maximum(bias, -1e4), mask=None)
        if r.stack == stack
        else r
        for r in TRACE.records
    )
    return dataclasses.replace(TRACE, records=records)


def test_the_plain_view_is_the_record_itself():
    for stack in STACKS:
        for layer, head in np.ndindex(2, 2):
            record, shown = TRACE.record(stack, layer), look(stack).map(HeadPlace(layer, head))
            np.testing.assert_array_equal(shown.pattern, record.pattern(head))
            np.testing.assert_array_equal(shown.scores, record.scores(head))
            np.testing.assert_array_equal(shown.dot, record.dot(head))


def test_rows_of_a_decoder_name_the_token_they_predict():
    for stack in ("decoder", "cross"):
        rows = look(stack).rows
        assert texts(rows) == ["[BOS]", "打", "牌"]
        assert [row.predicted[0].text for row in rows] == ["打", "牌", "[EOS]"]
    assert all(row.predicted == () for row in look("encoder").rows)


def test_columns_never_name_a_prediction():
    assert texts(look("cross").columns) == ["play", "ing", "cards", "[EOS]"]
    assert all(column.predicted == () for column in look("decoder").columns)


def test_hiding_specials_leaves_out_their_rows_and_columns_and_rescales_nothing():
    hidden = look(specials=False)
    assert texts(hidden.rows) == texts(hidden.columns) == ["play", "ing", "cards"]
    whole = TRACE.record("encoder", 0).pattern(0)
    np.testing.assert_array_equal(hidden.map(FIRST).pattern, whole[:3, :3])


def test_a_decoder_row_is_special_if_it_predicts_a_special_token():
    hidden = look("cross", specials=False)
    assert texts(hidden.rows) == ["[BOS]", "打"]  # which predict 打 and 牌
    assert texts(hidden.columns) == ["play", "ing", "cards"]
    record = TRACE.record("cross", 1)
    shown = hidden.map(HeadPlace(1, 1))
    np.testing.assert_array_equal(shown.scores, record.scores(1)[:2, :3])
    np.testing.assert_array_equal(shown.dot, record.dot(1)[:2, :3])


def test_ignoring_the_first_token_shares_out_the_rest():
    trace = with_patterns(
        [[0.5, 0.25, 0.25, 0.0], [0.2, 0.8, 0, 0], [0, 0, 0, 1], [0.9, 0, 0.1, 0]]
    )
    shown = look(trace=trace, first=False).map(FIRST).pattern
    expected = np.array([[0.5, 0.5, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(shown, expected, atol=1e-6)


@pytest.mark.parametrize("stack", STACKS)
def test_without_the_first_token_rows_still_sum_to_one(stack):
    shown = look(stack, first=False).map(FIRST).pattern
    sums = shown.sum(axis=1)
    np.testing.assert_allclose(sums[np.isfinite(sums)], 1, atol=1e-12)
    assert np.isfinite(sums).sum() >= len(sums) - 1


def test_hidden_specials_keep_their_part_of_what_is_shared_out():
    seen = look(first=False).map(FIRST).pattern
    hidden = look(first=False, specials=False).map(FIRST).pattern
    np.testing.assert_array_equal(hidden, seen[:3, :2])  # "play" and [EOS] are gone
    assert (hidden.sum(axis=1) < 1).all()


def test_a_row_that_saw_the_first_token_alone_has_nothing_left():
    shown = look("decoder", first=False).map(FIRST).pattern
    assert np.isnan(shown[0]).all()
    assert np.isfinite(shown[1:]).all()


def test_without_the_first_token_the_shares_follow_from_the_scores_that_are_left():
    shown = look(first=False).map(FIRST)
    assert shown.scores is not None
    exp = np.exp(shown.scores)
    np.testing.assert_allclose(shown.pattern, exp / exp.sum(axis=1, keepdims=True), atol=1e-12)


def test_merging_sums_the_keys_and_averages_the_queries():
    trace = with_patterns(
        [[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.4, 0.0], [0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]]
    )
    merged = look(trace=trace, words=True)
    assert texts(merged.rows) == texts(merged.columns) == ["playing", "cards", "[EOS]"]
    shown = merged.map(FIRST)
    # playing → playing: the mean of .1 + .2 and .5 + .1
    expected = [[0.45, 0.35, 0.2], [0.5, 0.25, 0.25], [0.8, 0.1, 0.1]]
    np.testing.assert_allclose(shown.pattern, expected, atol=1e-6)
    assert (shown.scores, shown.dot) == (None, None)


@pytest.mark.parametrize("stack", STACKS)
def test_merged_rows_sum_to_one(stack):
    shown = look(stack, words=True).map(FIRST).pattern
    np.testing.assert_allclose(shown.sum(axis=1), 1, atol=1e-12)


def test_merging_nothing_changes_nothing_and_keeps_the_scores():
    merged = look("decoder", words=True)
    assert not merged.is_merged
    np.testing.assert_array_equal(merged.map(FIRST).scores, TRACE.record("decoder", 0).scores(0))


def test_the_same_word_twice_stays_two():
    twice = tokens("no", "no", "[EOS]", words=(0, 1, None))
    assert texts(look(trace=made_trace(twice, TARGET), words=True).rows) == ["no", "no", "[EOS]"]


def test_a_merged_cell_is_masked_only_if_all_of_it_is():
    one_word = tokens("[BOS]", "a", "b", "c", "[EOS]", words=(None, 0, 0, 1, None))
    decoder = look("decoder", made_trace(SOURCE, one_word), words=True)
    # Rows predict ab, c, [EOS]; keys are [BOS], ab, c.
    assert texts(decoder.columns) == ["[BOS]", "ab", "c"]
    assert decoder.mask(FIRST).tolist() == [
        [True, True, False],
        [True, True, False],
        [True, True, True],
    ]
    assert look("encoder", words=True).mask(FIRST).all()


@pytest.mark.parametrize("switches", [{"specials": False}, {"specials": False, "words": True}])
def test_a_switch_that_would_leave_no_row_is_not_followed(switches):
    trace = made_trace(SOURCE, tokens("[BOS]", "[EOS]"))
    relaxed = look("cross", trace, **switches)
    assert relaxed.is_relaxed
    assert relaxed.view.specials
    assert [group.predicted[0].text for group in relaxed.rows] == ["[EOS]"]
    assert relaxed.map(FIRST).pattern.shape == (1, len(relaxed.columns))
    assert relaxed.mask(FIRST).shape == (1, len(relaxed.columns))


def test_a_switch_that_would_leave_no_column_is_not_followed():
    relaxed = look("encoder", made_trace(tokens("[EOS]"), TARGET), specials=False, first=False)
    assert relaxed.is_relaxed
    assert relaxed.map(FIRST).pattern.tolist() == [[1.0]]


def test_a_look_that_shows_what_was_asked_is_not_relaxed():
    assert not look(specials=False, words=True).is_relaxed


@pytest.mark.parametrize("stack", STACKS)
def test_means_are_the_means_of_the_patterns(stack):
    all_of_them = np.array(
        [[TRACE.record(stack, layer).pattern(head) for head in range(2)] for layer in range(2)]
    )
    for mean, axis, places in (
        ("heads", 1, [HeadPlace(0, None), HeadPlace(1, None)]),
        ("layers", 0, [HeadPlace(None, 0), HeadPlace(None, 1)]),
    ):
        averaged = look(stack, mean=mean)
        assert averaged.places == places
        for place, expected in zip(places, all_of_them.mean(axis=axis), strict=True):
            shown = averaged.map(place)
            np.testing.assert_allclose(shown.pattern, expected, atol=1e-12)
            assert (shown.scores, shown.dot) == (None, None)
    both = look(stack, mean="both")
    assert both.places == [HeadPlace(None, None)]
    expected = all_of_them.mean(axis=(0, 1))
    np.testing.assert_allclose(both.map(HeadPlace(None, None)).pattern, expected, atol=1e-12)


def test_without_a_mean_the_places_go_layer_by_layer():
    assert look().places == [HeadPlace(*place) for place in [(0, 0), (0, 1), (1, 0), (1, 1)]]


@pytest.mark.parametrize("layer", [-1, 0, 2, None])
@pytest.mark.parametrize("head", [-1, 0, 2, 10**9, None])
def test_a_place_that_is_not_there_is_said(layer, head):
    there = layer in (0, None) and head in (0, None)
    if there:
        assert look().map(HeadPlace(layer, head)).pattern.shape == (4, 4)
    else:
        with pytest.raises(NoSuchHead):
            look().map(HeadPlace(layer, head))


LAYERED = layered_trace()


def layered(trace=LAYERED, **switches):
    return Look(trace, "decoder", View(**switches))


def test_only_layers_with_attention_and_only_heads_that_there_are_have_places():
    places = [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2), (6, 0), (6, 1)]
    assert layered().places == [HeadPlace(*place) for place in places]
    assert [place.layer for place in layered(mean="heads").places] == [1, 3, 6]
    assert [place.head for place in layered(mean="layers").places] == [0, 1, 2]


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (2, None), (None, 3), (7, 0)])
def test_a_layer_without_attention_and_a_head_too_many_are_not_there(place):
    with pytest.raises(NoSuchHead):
        layered().map(HeadPlace(*place))


def test_a_mean_over_layers_is_over_those_that_have_the_head():
    alone = layered(mean="layers").map(HeadPlace(None, 2)).pattern
    np.testing.assert_array_equal(alone, LAYERED.record("decoder", 3).pattern(2))
    both = layered(mean="layers").map(HeadPlace(None, 1)).pattern
    expected = np.mean([LAYERED.record("decoder", i).pattern(1) for i in (1, 3, 6)], axis=0)
    np.testing.assert_allclose(both, expected, atol=1e-12)


def test_every_head_has_a_mask_of_its_own():
    for place, size in (((1, 0), N), ((3, 2), 3), ((6, 0), 2), ((6, 1), 4)):
        np.testing.assert_array_equal(layered().mask(HeadPlace(*place)), window(N, size))


def test_a_cell_of_a_mean_is_masked_only_if_it_is_in_all_heads():
    for place, size in (((6, None), 4), ((3, None), 3), ((None, 2), 3), ((None, 0), N)):
        np.testing.assert_array_equal(layered().mask(HeadPlace(*place)), window(N, size))
    records = tuple(dataclasses.replace(r, mask=None) for r in LAYERED.records[:1])
    open_one = dataclasses.replace(LAYERED, records=(*records, *LAYERED.records[1:]))
    assert layered(open_one).mask(HeadPlace(None, 1)).all()
    assert layered(open_one).full_mask(HeadPlace(None, 1)) is None


def test_masks_of_one_name_are_one_mask():
    names = [layered().mask_name(place) for place in layered().places]
    assert [len(set(names)), len(set(names[:2])), len(set(names[2:5]))] == [4, 1, 1]
    open_one = dataclasses.replace(
        LAYERED, records=(dataclasses.replace(LAYERED.records[0], mask=None),)
    )
    assert layered(open_one).mask_name(HeadPlace(1, 0)) is None


@pytest.mark.parametrize("switches", [{}, {"specials": False}, {"first": False}, {"words": True}])
@pytest.mark.parametrize("place", [(3, 1), (6, None)])
def test_a_map_comes_the_same_in_blocks_of_rows(monkeypatch, switches, place):
    place = HeadPlace(*place)
    whole = layered(**switches).map(place)
    monkeypatch.setattr("model_runtime.views.BLOCK", 2 * N)
    assert len(list(layered(**switches).row_blocks())) > 1
    parts = layered(**switches).map(place)
    np.testing.assert_allclose(parts.pattern, whole.pattern, atol=1e-12)
    assert (parts.scores is None) == (whole.scores is None)
    if whole.scores is not None and parts.scores is not None:
        np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-12)
    one = layered(**switches).rows_of_map(place, slice(2, 3))
    np.testing.assert_allclose(one.pattern, whole.pattern[2:3], atol=1e-12)


def test_what_a_sink_takes_is_in_no_cell():
    pattern = layered().map(HeadPlace(3, 2)).pattern
    assert (pattern.sum(axis=1) < 0.95).all()
    np.testing.assert_array_equal(pattern, LAYERED.record("decoder", 3).pattern(2))


def test_a_stack_without_records_has_tokens_and_no_places():
    empty = dataclasses.replace(LAYERED, records=())
    assert shown_stacks(empty) == ()
    assert layered(empty).places == layered(empty, mean="both").places == []
    assert len(layered(empty).rows) == N
    some = dataclasses.replace(
        TRACE, records=tuple(r for r in TRACE.records if r.stack != "decoder")
    )
    assert shown_stacks(some) == ("encoder", "cross")


def test_where_nothing_is_predicted_rows_go_by_their_own_token():
    silent = dataclasses.replace(
        LAYERED, info=dataclasses.replace(LAYERED.info, predicts="nothing")
    )
    assert texts(layered(silent).rows) == list(TEXTS)
    assert all(row.predicted == () for row in layered(silent).rows)


def test_words_of_the_two_texts_of_a_pair_stay_apart():
    first, second = tokens("a", words=(0,)), tokens("b", words=(0,))
    second = (dataclasses.replace(second[0], position=1, part=1),)
    trace = made_trace((*first, *second), TARGET)
    assert texts(look(trace=trace, words=True).rows) == ["a", "b"]


def test_a_look_knows_whether_a_key_is_hidden():
    assert look().is_whole and look(words=True).is_whole
    assert not look(specials=False).is_whole
    assert not look(first=False).is_whole


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("specials", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_every_view_of_a_real_trace_has_one_cell_for_each_row_and_column(words, specials, first):
    trace = traced("Unbelievably, the electrician misunderstood.")
    for stack in STACKS:
        shown = look(stack, trace, words=words, specials=specials, first=first)
        assert shown.map(FIRST).pattern.shape == (len(shown.rows), len(shown.columns))
        assert shown.mask(FIRST).shape == (len(shown.rows), len(shown.columns))
        positions = [token.position for group in shown.columns for token in group.tokens]
        assert positions == sorted(set(positions))
        assert (0 in positions) == (first and (specials or stack != "decoder"))
