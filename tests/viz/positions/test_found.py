"""What a model tells positions by, in sentences that anyone can read, whatever it is called."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from model_runtime.positions.encodings import Encoding, Kind, RotarySettings, Rotation
from tests.model_runtime.reference import NASTY
from tests.viz.reading import read_frame
from viz.positions import page
from viz.positions.found import VIEW_OF, of_kind, sentences

TABLE = Encoding("learned", ("encoder",), "bert.embeddings", "BertEmbeddings")
NONE = Encoding("none", ("decoder",), "", "")


def turning(layers=""):
    rotation = Rotation(RotarySettings(4), np.ones(2, np.float32), "halves", layers=layers)
    return Encoding("rotary", ("decoder",), "model.rotary_emb", "Rotary", rotation=rotation)


def payload(encodings, model="m", say=str):
    frame = page.payload(
        model, encodings, api="a", library="l", language="en", controls={"n", "d"}, say=say
    )
    return read_frame(frame)[0]


def test_it_is_said_what_it_is_and_where_it_was_found():
    assert sentences("m", [TABLE], str) == [
        "m: a learned table, added to the embeddings. Found at bert.embeddings, in BertEmbeddings."
    ]
    assert sentences("m", [NONE], str)[0].startswith("m: none was found;")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_has_a_view_and_words(kind):
    assert VIEW_OF[kind] in page.VIEWS
    (said,) = sentences("m", [replace(TABLE, kind=kind)], str)
    assert "{" not in said and said.startswith("m: ")


def test_of_two_stacks_each_is_named():
    both = [TABLE, replace(TABLE, stacks=("decoder",), where="dec")]
    said = sentences("m", both, str)
    assert [one.split(":")[0] for one in said] == ["m, encoder", "m, decoder"]
    shared = sentences("m", [replace(TABLE, stacks=("encoder", "decoder"))], str)
    assert shared[0].startswith("m, encoder and decoder: ")


def test_of_layers_that_turn_otherwise_it_is_said_which():
    assert (
        ", in layers of sliding attention."
        in sentences("m", [turning("sliding attention")], str)[0]
    )
    assert "layers" not in sentences("m", [turning()], str)[0]


@pytest.mark.parametrize("text", [*NASTY, "{0}", "{model}", "{", "%s"])
def test_a_name_is_never_a_format(text):
    one = replace(TABLE, where=text, made_by=text)
    (said,) = sentences(text, [one], str)
    assert said == f"{text}: a learned table, added to the embeddings. Found at {text}, in {text}."
    payload([one, turning(text), replace(one, stacks=("decoder",))], model=text)


def test_those_of_a_kind_keep_their_order():
    found = [NONE, TABLE, turning(), replace(TABLE, kind="sinusoidal")]
    assert of_kind(found, "sinusoidal", "learned") == [found[1], found[3]]
    assert of_kind(found, "alibi") == []


@pytest.mark.parametrize(
    ("kinds", "opens", "own"),
    [
        ((), "sinusoidal", set()),
        (("none",), "order", {"order"}),
        (("rotary", "learned"), "rotary", {"rotary", "learned"}),
        (("buckets", "buckets"), "relative", {"relative"}),
    ],
)
def test_the_page_opens_where_the_model_is_told_of(kinds, opens, own):
    header = payload([replace(TABLE, kind=kind) for kind in kinds])
    assert header["opens"] == opens
    assert {view["name"] for view in header["views"] if view["is_own"]} == own
    assert [view["name"] for view in header["views"]] == list(page.VIEWS)
    assert len(header["found"]) == len(kinds)


def test_every_word_that_the_browser_shows_goes_through_the_language():
    header = payload([TABLE], say=lambda text: f"«{text}»")
    shown = [view["label"] for view in header["views"]]
    shown += [header["own"], *header["found"], *header["strings"].values()]
    assert all(said[0] == "«" and said[-1] in "»." for said in shown)
    assert header["controls"] == ["d", "n"]
