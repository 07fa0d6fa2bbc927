"""Every view of every kind of model, whatever an address asks: it shows what the model has, or says
what it has not and where to see it."""

from dataclasses import replace
from typing import get_args
from urllib.parse import parse_qsl

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from model_runtime import catalog
from model_runtime.positions.encodings import Kind
from shell import address, cache, positions
from shell.positions import EXAMPLES, PARAMETERS, Asked
from tests.shell.tiny_checkpoints import BUILT_IN, FAMILIES, LONG_TEXT, root, traced
from tests.viz.positions.seen import decoded, panels, texts
from viz import charts, heatmap
from viz.positions import sections
from viz.positions import texts as page_texts
from viz.positions.found import VIEW_OF
from viz.positions.page import VIEWS

__all__ = ["root", "traced"]  # fixtures

HAS = {
    "learned": ("learned", "sinusoidal"),
    "rotary": ("rotary",),
    "relative": ("alibi", "buckets"),
}


def shown(name, trace, **asked):
    """The view; nothing that is asked here is complained of."""
    view = positions.view(name, Asked(trace, {k: str(v) for k, v in asked.items()}))
    assert list(view.problems) == []
    return view


def made(view):
    """As the helpers of the pictures take it."""
    return list(view.sections), list(view.problems)


def is_drawn(view):
    """Every section has a title and something to read or to see, and plotly takes each chart."""
    for ground in ("light", "dark"):
        header = decoded(sections.answer(view, ground, str))
        assert header["sections"]
        assert all(one["title"] and (one["text"] or one["panels"]) for one in header["sections"])
    for panel in panels(made(view)).values():
        if isinstance(panel, charts.Chart):
            go.Figure(data=charts.data(panel, "dark"), layout=charts.layout(panel, "dark"))
            assert len(charts.as_csv(panel)) > 10
        elif isinstance(panel, heatmap.HeatMap):
            assert heatmap.as_csv(panel).count("\n") == len(panel.values) + 1
    for said in texts(made(view)):
        assert "{" not in said and "}" not in said and "None" not in said


# ── Every model, every view ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [*BUILT_IN, *FAMILIES])
def test_every_view_of_every_model_opens_without_a_complaint(traced, name, view):
    is_drawn(shown(view, traced(name)))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["builtin:induction", "builtin:positions@alibi", *FAMILIES])
@pytest.mark.parametrize("text", ["a", LONG_TEXT], ids=["one token", "long"])
def test_every_view_of_a_very_short_and_of_a_long_text_opens(traced, name, view, text):
    one = shown(view, traced(name, text))
    decoded(sections.answer(one, "light", str))


@pytest.mark.parametrize("name", [*BUILT_IN, *FAMILIES])
def test_what_a_model_has_is_shown_and_for_what_it_has_not_there_is_an_example(traced, name):
    trace = traced(name)
    kinds = {one.kind for one in cache.encodings(trace.request.ref)}
    is_biased = any(record.bias is not None for record in trace.records)
    for view, its in HAS.items():
        first = shown(view, trace).sections[0]()
        if kinds & set(its) or (view == "relative" and is_biased):
            assert first.links == () and first.title != "Not of this model"
        else:
            (link,) = first.links
            assert link.parameters == {"model": EXAMPLES[view], "enc": view}
            assert link.said == f"open {EXAMPLES[view].removeprefix('builtin:')}"
            assert first.title == "Not of this model" and trace.info.name in first.text[0]
    can_be_shuffled = shown("order", trace).sections[0]().links == ()
    assert can_be_shuffled == name.startswith("builtin:")


@pytest.mark.parametrize("view", EXAMPLES)
def test_the_example_of_a_view_has_what_the_view_is_about(traced, view):
    ref = EXAMPLES[view]
    assert catalog.is_builtin(ref) and ref in BUILT_IN
    (encoding,) = cache.encodings(ref)
    assert VIEW_OF[encoding.kind] == view
    assert shown(view, traced(ref)).sections[0]().links == ()


def test_every_kind_of_encoding_is_among_these_models(traced):
    found = {
        one.kind
        for name in (*BUILT_IN, *FAMILIES)
        for one in cache.encodings(traced(name).request.ref)
    }
    assert found == set(get_args(Kind))


# ── What an address asks ─────────────────────────────────────────────────────────────


def test_every_control_is_a_parameter_that_no_one_else_has(traced):
    found = set()
    for name in ("builtin:translator", "builtin:positions@rotary", "t5", "bert", "bart"):
        for view in VIEWS:
            for more in ("", "how=hand", "how=shuffled", "bias=t5", "bias=alibi"):
                one = positions.view(view, Asked(traced(name), dict(parse_qsl(more))))
                found |= {control.name for control in one.controls}
    assert found == set(PARAMETERS) and len(PARAMETERS) == len(found)
    taken = {*address.OWNED, *address.STEPPED, *address.EXAMPLE, "row", "scale", "view", "enc"}
    assert not found & (taken | {"lang", "ground", "only"})


def test_a_head_between_two_stacks_is_not_taken_for_one_within(traced):
    trace = traced("builtin:translator")
    elsewhere = {"stack": "cross", "layer": "99", "head": "99"}
    for view in VIEWS:
        one = shown(view, trace, **elsewhere)
        assert one.values.plain() == shown(view, trace).values.plain()


def names(view):
    return {control.name for control in view.controls}


def test_a_layer_and_a_head_can_be_set_where_vectors_were_recorded(traced):
    trace = traced("builtin:induction")
    assert {"layer", "head"} <= names(shown("rotary", trace))
    for other in (shown("rotary", trace, how="hand"), shown("rotary", traced("llama"))):
        assert not {"layer", "head"} & names(other)
    values = shown("rotary", trace, layer=1, head=1).values
    assert (values.whole("layer"), values.whole("head")) == (1, 1)
    (problem,) = positions.view("rotary", Asked(trace, {"layer": "99"})).problems
    assert "99" in problem
    said = texts(made(shown("rotary", traced("llama"))))
    assert said[0] == page_texts.ONES_OF_CHECKPOINT


def test_the_pairs_are_those_of_the_rotation_that_is_asked_for(traced, monkeypatch):
    trace = traced("llama")
    (narrow,) = cache.encodings(trace.request.ref)
    assert narrow.rotation is not None
    pairs = len(narrow.rotation.frequencies)
    twice = np.tile(narrow.rotation.frequencies, 2)
    wide = replace(narrow, rotation=replace(narrow.rotation, frequencies=twice))
    monkeypatch.setattr(cache, "encodings", lambda _ref: [narrow, wide])
    for how, reach in (("0", pairs), ("1", 2 * pairs)):
        one = shown("rotary", trace, how=how, i=reach - 1)
        (control,) = (control for control in one.controls if control.name == "i")
        assert control.high == reach - 1


@pytest.mark.parametrize("how", ["hand", " hand "])
def test_a_rotation_by_hand_is_one_however_it_is_asked_for(traced, how):
    assert "base" in names(shown("rotary", traced("llama"), how=how))


def test_the_shuffle_of_positions_is_set_only_where_positions_are_shuffled(traced):
    trace = traced("builtin:blanks")
    assert "seed" not in names(shown("sentence", trace))
    assert "seed" not in names(shown("sentence", trace, how="removed"))
    before, after = (
        panels(made(shown("sentence", trace, how="shuffled", seed=seed)))["without-after"].values
        for seed in (1, 2)
    )
    assert (before != after).any()


def test_the_curves_of_sines_that_are_not_asked_for_fit_the_width_that_is(traced):
    trace = traced("builtin:translator")
    assert shown("sinusoidal", trace, d=16).values.numbers("dims") == (0, 1, 2, 4, 8)
    assert shown("sinusoidal", trace, d=2).values.numbers("dims") == (0, 1)


def test_a_view_that_there_is_not_is_a_key_error(traced):
    with pytest.raises(KeyError):
        positions.view("nothing", Asked(traced("builtin:induction"), {}))


VALUES = st.sampled_from(["0", "1", "2", "5", "8", "64", "512", "-1", "hand", "t5", "alibi"])
ODD = st.text(max_size=8) | st.sampled_from(["e5", "1e999", "nan", "{0}", "9" * 5000, "0,1,9,x"])


@pytest.mark.parametrize("name", ["builtin:induction", "builtin:positions@alibi", "t5", "mamba"])
@tries(max_examples=60, deadline=None)
@given(
    view=st.sampled_from([*VIEWS]),
    asked=st.dictionaries(st.sampled_from(PARAMETERS), VALUES | ODD, max_size=6),
    only=st.none() | st.sets(st.integers(0, 3), max_size=2),
)
def test_no_address_is_an_error(traced, name, view, asked, only):
    one = positions.view(view, Asked(traced(name), asked))
    header = decoded(sections.answer(one, "light", str, only))
    json_values = {control["name"] for control in header["controls"]}
    assert set(header["values"]) == json_values
