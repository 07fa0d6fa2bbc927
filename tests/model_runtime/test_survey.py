"""Pictures and measures from afar are those of the exact patterns, in 32 bits."""

from dataclasses import replace

import numpy as np
import pytest

from model_runtime.measures import measures
from model_runtime.shares import bundles
from model_runtime.survey import _largest, survey
from model_runtime.views import HeadPlace, Look, View
from tests.model_runtime.layered import layered_trace
from tests.model_runtime.reference import made_trace, tokens, traced

CLOSE = 2e-5
LONG = layered_trace(150)
VIEWS = [
    View(),
    View(specials=False),
    View(first=False),
    View(mean="heads"),
    View(mean="layers"),
    View(mean="both", first=False, specials=False),
]


def measured(look, place):
    """The measures of one map by the exact path."""
    pattern, seen = look.full_pattern(place), look.full_mask(place)
    visible = np.ones(pattern.shape, bool) if seen is None else seen
    sinks = any(record.sinks is not None for record, _ in look.sources(place))
    return measures(pattern, visible, same_sequence=look.stack != "cross", has_sink=sinks)


def assert_same(found, expected):
    for name, value in vars(expected).items():
        one = getattr(found, name)
        assert (one is None) == (value is None), name
        assert value is None or one == pytest.approx(value, rel=1e-4, abs=CLOSE), name


def pooled(pattern, height, width):
    """The largest share of each block, one at a time."""
    rows, cols = pattern.shape
    height, width = min(height, rows), min(width, cols)
    blocks = np.zeros((height, width))
    for i, j in np.ndindex(height, width):
        part = pattern[
            i * rows // height : (i + 1) * rows // height,
            j * cols // width : (j + 1) * cols // width,
        ]
        blocks[i, j] = np.nan_to_num(part).max()
    return blocks


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Twenty rows of LONG a block, so that it takes several."""
    monkeypatch.setattr("model_runtime.survey._BLOCK", 20 * 150)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("trace", [layered_trace(), LONG], ids=["short", "long"])
def test_pictures_and_measures_are_those_of_the_patterns(trace, view):
    look = Look(trace, "decoder", view)
    found = survey(look, 20, 30)
    assert found.n_queries == len(trace.tokens("decoder")[0])
    assert len(found.pictures) == len(found.measures) == len(look.places)
    for place, picture, each in zip(look.places, found.pictures, found.measures, strict=True):
        expected = pooled(look.map(place).pattern, 20, 30)
        np.testing.assert_allclose(picture, expected, atol=CLOSE)
        assert_same(each, measured(look, place))


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("view", [View(), View(words=True), View(words=True, specials=False)])
def test_the_same_of_a_real_model(stack, view):
    look = Look(traced("Unbelievably, the electrician misunderstood."), stack, view)
    found = survey(look, 8, 8)
    for place, picture, each in zip(look.places, found.pictures, found.measures, strict=True):
        expected = pooled(look.map(place).pattern, 8, 8)
        np.testing.assert_allclose(picture, expected, atol=CLOSE)
        assert_same(each, measured(look, place))


def test_a_word_that_two_blocks_would_share_stays_in_one(monkeypatch):
    words = (0, 0, 0, 1, 1, 1, 2, 2, 2)
    trace = made_trace(tokens(*"abcdefghi", words=words), tokens("[BOS]", "b"))
    look = Look(trace, "encoder", View(words=True))
    monkeypatch.setattr("model_runtime.survey._BLOCK", 2 * 9)
    found = survey(look, 8, 8)
    for place, picture in zip(look.places, found.pictures, strict=True):
        np.testing.assert_allclose(picture, look.map(place).pattern, atol=CLOSE)


def test_a_word_that_is_longer_than_a_block_stays_one_row():
    n = 700
    word = tokens(*"ab" * (n // 2), words=(0,) * n)
    look = Look(made_trace(word, tokens("[BOS]", "b")), "encoder", View(words=True))
    found = survey(look, 8, 8)
    assert found.pictures.shape == (4, 1, 1)
    np.testing.assert_allclose(found.pictures, 1, atol=CLOSE)


def test_a_row_that_sees_no_key_has_no_share():
    trace = layered_trace()
    mask = np.zeros((1, 6, 6), bool)
    mask[0, 3:] = True
    records = (replace(trace.records[0], mask=mask),)
    look = Look(replace(trace, records=records), "decoder", View())
    found = survey(look, 6, 6)
    assert (found.pictures[:, :3] == 0).all() and np.isfinite(found.pictures).all()
    np.testing.assert_allclose(found.pictures[:, 3:].sum(axis=-1), 1, atol=CLOSE)


def test_a_sink_may_differ_by_query():
    sinks = np.random.default_rng(1).normal(size=(3, 150)).astype(np.float32)
    record = replace(LONG.records[1], sinks=sinks)
    look = Look(replace(LONG, records=(record,)), "decoder", View())
    found = survey(look, 150, 150)
    for head, place in enumerate(look.places):
        np.testing.assert_allclose(found.pictures[head], record.pattern(head), atol=CLOSE)
        assert_same(found.measures[head], measured(look, place))


def test_of_too_many_cells_some_rows_are_computed_and_that_is_told():
    look = Look(LONG, "decoder", View())
    cells = 7 * 150 * 150
    found = survey(look, 8, 8, most_cells=cells // 4)
    assert found.n_queries == 37
    assert survey(look, 8, 8, most_cells=cells // 4).measures == found.measures
    assert (found.pictures <= survey(look, 8, 8).pictures + CLOSE).all()
    for place, each in zip(look.places, found.measures, strict=True):
        assert each.entropy == pytest.approx(measured(look, place).entropy, rel=0.2)


def test_every_pixel_has_some_rows_however_many_cells_there_are():
    found = survey(Look(LONG, "decoder", View()), 25, 25, most_cells=1)
    assert found.n_queries == 50
    np.testing.assert_array_less(0, found.pictures.max(axis=-1))


def test_heads_that_see_the_same_keys_are_computed_together_as_many_as_fit():
    look = Look(LONG, "decoder", View())
    for most in (1, 2, 100):
        found = list(bundles(look, most))
        assert [at for some in found for at in range(some.start, some.stop)] == [
            *range(len(look.places))
        ]
        assert max(some.stop - some.start for some in found) == min(most, 3)
        for some in found:
            kin = {(place.layer, look.mask_name(place)) for place in look.places[some]}
            assert len(kin) == 1


def test_heads_with_masks_of_their_own_are_computed_one_by_one_as_are_means():
    record = LONG.records[1]
    masks = np.tril(np.ones((record.n_heads, 150, 150), bool), 3)
    masks[1, :, :20] = False
    masks[1, :20, :20] = np.eye(20, dtype=bool)
    trace = replace(LONG, records=(replace(record, mask=masks),))
    for view in (View(), View(mean="layers")):
        look = Look(trace, "decoder", view)
        assert list(bundles(look, 9)) == [slice(i, i + 1) for i in range(record.n_heads)]
        found = survey(look, 150, 150)
        for head in range(record.n_heads):
            expected = trace.records[0].pattern(head)
            np.testing.assert_allclose(found.pictures[head], expected, atol=CLOSE)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("n_blocks", [1, 2, 9, 30, 59, 60])
def test_the_largest_of_blocks_are_those_of_reduceat(axis, n_blocks):
    rng = np.random.default_rng(n_blocks)
    cells = rng.random((3, 60, 60), dtype=np.float32)
    starts = np.sort(np.append(rng.choice(np.arange(1, 60), n_blocks - 1, replace=False), 0))
    expected = np.maximum.reduceat(cells, starts, axis=axis)
    np.testing.assert_array_equal(_largest(cells, starts, axis), expected)


def test_a_mean_is_over_what_there_is():
    look = Look(LONG, "decoder", View(mean="layers"))
    found = survey(look, 150, 150)
    record = LONG.record("decoder", 3)  # the only layer with a third head
    np.testing.assert_allclose(found.pictures[2], record.pattern(2), atol=CLOSE)
    assert look.places[2] == HeadPlace(None, 2)
