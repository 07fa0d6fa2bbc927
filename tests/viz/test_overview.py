"""What is drawn at once: the masks that differ, pictures of every head, and what it weighs."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from model_runtime.measures import measures
from model_runtime.views import Look, View
from tests.model_runtime.layered import layered_trace, window
from tests.model_runtime.reference import traced
from viz.components.attention import visible_runs
from viz.overview import overview

LAYERED = layered_trace()
MANY = layered_trace(200)


def drawn(trace, view=None):
    (found,) = overview(trace, view or View()).stacks
    return found


def test_different_masks_are_there_once_and_every_head_names_its_own():
    found = drawn(LAYERED)
    assert found.mask_of == (0, 0, 1, 1, 1, 2, 3)
    for runs, size in zip(found.masks, (6, 3, 2, 4), strict=True):
        assert runs.tolist() == visible_runs(window(6, size)).tolist()


def test_masks_that_are_equal_but_not_the_same_in_memory_are_there_once():
    copies = tuple(
        replace(record, layer=i, mask=np.tri(6, dtype=bool)[None].copy())
        for i, record in enumerate(LAYERED.records)
    )
    found = drawn(replace(LAYERED, records=copies))
    assert len(found.masks) == 1 and set(found.mask_of) == {0}


def test_masks_that_differ_only_where_nothing_is_shown_are_there_once():
    other = np.tri(6, dtype=bool)[None].copy()
    other[0, :, 0] = False  # the key of a special token, which is hidden
    other[0, 0, 0] = True
    first = LAYERED.records[0]
    records = (first, replace(first, layer=2, mask=other))
    trace = replace(LAYERED, records=records)
    assert drawn(trace).mask_of == (0, 0, 1, 1)
    assert drawn(trace, View(specials=False)).mask_of == (0, 0, 0, 0)


def test_a_mask_that_masks_nothing_is_none():
    records = tuple(replace(r, mask=np.ones((1, 6, 6), bool)) for r in LAYERED.records)
    found = drawn(replace(LAYERED, records=records))
    assert (found.masks, set(found.mask_of)) == ((), {None})


def test_a_means_mask_is_what_all_its_heads_hide():
    assert drawn(LAYERED, View(mean="heads")).mask_of == (0, 1, 2)
    (last,) = drawn(LAYERED, View(mean="both")).masks
    assert last.tolist() == visible_runs(window(6, 6)).tolist()


def test_measures_go_by_the_mask_of_their_own_head():
    look = Look(LAYERED, "decoder", View())
    for place, found in zip(look.places, drawn(LAYERED).measures, strict=True):
        ((record, head),) = look.sources(place)
        expected = measures(
            record.pattern(head),
            record.visible(head),
            same_sequence=True,
            has_sink=record.sinks is not None,
        )
        assert found == astuple(expected)


@pytest.mark.parametrize("view", [View(), View(first=False), View(mean="heads")])
def test_of_many_cells_the_pictures_alone_are_there(view):
    found = drawn(MANY, view)
    assert found.exact is None
    n = len(Look(MANY, "decoder", view).places)
    assert found.pictures.shape == (n, 56, 56) and found.pictures.dtype == np.uint8
    assert len(found.measures) == len(found.mask_of) == n


def test_pictures_of_few_and_of_many_cells_are_made_alike(monkeypatch):
    exactly = drawn(LAYERED)
    monkeypatch.setattr("viz.components.attention.payload.EXACT_LIMIT", 0)
    from_afar = drawn(LAYERED)
    assert exactly.exact is not None and from_afar.exact is None
    assert np.abs(exactly.pictures.astype(int) - from_afar.pictures).max() <= 1


def test_it_knows_what_it_weighs():
    found = overview(MANY, View())
    (stack,) = found.stacks
    assert found.nbytes == stack.pictures.nbytes + sum(runs.nbytes for runs in stack.masks)
    assert found.nbytes < 2**20
    few = overview(LAYERED, View())
    assert few.nbytes == 7 * 6 * 6 * (1 + 3 * 4) + sum(runs.nbytes for runs in few.stacks[0].masks)


def test_every_stack_with_attention_is_there():
    assert len(overview(traced("The cat sleeps."), View()).stacks) == 3
    assert overview(replace(LAYERED, records=()), View()).stacks == ()
