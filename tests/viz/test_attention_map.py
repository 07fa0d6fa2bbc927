"""The payload of the Attention page holds the numbers of the trace, and says what they are."""

from dataclasses import replace

import numpy as np
import pytest

from model_runtime.measures import measures
from model_runtime.types import Token
from model_runtime.views import AxisGroup, HeadPlace, View
from tests.model_runtime.reference import NASTY, made_trace, tokens, traced
from tests.viz.reading import floats, octets, read_frame
from viz.attention_map import (
    MEASURED,
    TITLES,
    axis_token,
    caption,
    head_frame,
    head_name,
    payload,
)
from viz.components.attention import EXACT_LIMIT, Chosen

SENTENCE = "The cat is sleeping on the bed."


def told(trace, view=None, *, say=str):
    made = payload(trace, view or View(), Chosen("cross"), api="api/x", query="", say=say)
    return read_frame(made)


def test_it_holds_exactly_the_numbers_of_every_head_of_every_stack():
    trace = traced(SENTENCE)
    header, body = told(trace)
    assert [stack["name"] for stack in header["stacks"]] == list(trace.info.stacks)
    for stack in header["stacks"]:
        shape = (len(stack["heads"]), len(stack["rows"]), len(stack["cols"]))
        exact = {n: floats(body, stack["exact"][n], *shape) for n in ("pattern", "scores", "dot")}
        for number, cell in enumerate(stack["heads"]):
            record = trace.record(stack["name"], cell["layer"])
            for name, values in exact.items():
                expected = getattr(record, name)(cell["head"]).astype(np.float32)
                np.testing.assert_array_equal(values[number], expected)


def test_heads_go_layer_by_layer_with_their_names_and_measures():
    trace = traced(SENTENCE)
    header, _ = told(trace)
    assert header["measured"] == list(MEASURED)
    for stack in header["stacks"]:
        assert (stack["n_layers"], stack["n_heads"]) == (trace.info.n_layers, trace.info.n_heads)
        for number, cell in enumerate(stack["heads"]):
            layer, head = divmod(number, trace.info.n_heads)
            assert (cell["layer"], cell["head"], cell["name"]) == (layer, head, f"L{layer} H{head}")
            record = trace.record(stack["name"], layer)
            found = measures(
                record.pattern(head), record.visible(head), same_sequence=stack["name"] != "cross"
            )
            assert cell["measures"] == [getattr(found, name) for name in MEASURED]


def test_a_decoders_mask_is_told_and_no_other():
    header, body = told(traced(SENTENCE))
    masks = {stack["name"]: stack["mask"] for stack in header["stacks"]}
    assert masks["encoder"] is None and masks["cross"] is None
    n = len(header["stacks"][1]["rows"])
    np.testing.assert_array_equal(octets(body, masks["decoder"]["at"], n, n), np.tri(n))


def test_a_long_text_sends_pictures_and_leaves_the_numbers_to_the_route():
    trace = traced("a " * 100, "猫" * 100)
    header, body = told(trace)
    assert [stack["exact"] for stack in header["stacks"]] == [None] * 3
    assert len(body) < EXACT_LIMIT
    encoder = header["stacks"][0]
    assert (encoder["overview"]["rows"], encoder["overview"]["cols"]) == (56, 56)
    assert len(encoder["rows"]) == 101


@pytest.mark.parametrize(
    "view",
    [
        View(specials=False),
        View(first=False),
        View(words=True),
        View(mean="heads"),
        View(mean="layers"),
        View(False, False, True, "both"),
    ],
)
def test_every_view_sends_what_the_head_route_would_answer(view):
    trace = traced("Unbelievably, the electrician misunderstood.")
    header, body = told(trace, view)
    for stack in header["stacks"]:
        shape = (len(stack["heads"]), len(stack["rows"]), len(stack["cols"]))
        patterns = floats(body, stack["exact"]["pattern"], *shape)
        for number, cell in enumerate(stack["heads"]):
            place = HeadPlace(cell["layer"], cell["head"])
            one, numbers = read_frame(head_frame(trace, stack["name"], place, view))
            assert (one["rows"], one["cols"]) == shape[1:]
            expected = floats(numbers, one["pattern"], *shape[1:])
            np.testing.assert_array_equal(patterns[number], expected)
            assert (one["scores"] is None) == (stack["exact"]["scores"] is None)


@pytest.mark.parametrize("text", NASTY)
def test_any_text_makes_a_payload(text):
    header, _ = told(traced(text))
    source = [t.text for t in traced(text).reading.source]
    assert [token["text"] for token in header["stacks"][0]["rows"]] == source


@pytest.mark.parametrize("words", [True, False])
def test_special_tokens_that_are_all_there_is_are_shown_though_they_are_hidden(words):
    source = tokens("play", "ing", "[EOS]", words=(0, 0, None))
    trace = made_trace(source, tokens("[BOS]", "[EOS]"))
    header, _ = told(trace, View(specials=False, words=words))
    assert [token["text"] for token in header["stacks"][2]["rows"]] == ["[EOS]"]


def test_what_was_read_and_written_stand_around_an_arrow():
    trace = traced(SENTENCE, "猫。")
    assert caption(trace) == f"{trace.info.name}: {SENTENCE} → 猫。"


def test_there_is_no_arrow_where_nothing_was_written():
    trace = made_trace(tokens("a", "[EOS]"), tokens("[BOS]", "[EOS]"))
    assert caption(trace) == "made: text"


@pytest.mark.parametrize(
    ("name", "model"), [("addition@0600", "addition"), ("translator", "translator")]
)
def test_variants_of_a_model_on_one_text_are_known_by_that(name, model):
    made = made_trace(tokens("a", "[EOS]"), tokens("[BOS]", "b", "[EOS]"))
    header, _ = told(replace(made, info=replace(made.info, name=name)))
    assert header["model"] == model
    assert header["asked"] == "text\0"
    assert header["opens"] == {"stack": "cross", "layer": 0, "head": 0}


def test_every_sentence_goes_through_the_language():
    header, _ = told(traced(SENTENCE), say=lambda text: f"«{text}»")
    for stack in header["stacks"]:
        assert stack["title"] == f"«{TITLES[stack['name']]}»"
        assert stack["rows_are"].startswith("«") and stack["cols_are"].startswith("«")
    assert all(text.startswith("«") for text in header["strings"].values())


@pytest.mark.parametrize(
    ("layer", "head", "name"),
    [(2, 0, "L2 H0"), (2, None, "L2 mean"), (None, 0, "mean H0"), (None, None, "mean")],
)
def test_a_map_is_named_by_where_it_comes_from(layer, head, name):
    assert head_name(HeadPlace(layer, head), str) == name


def token(text, **more):
    return Token(3, 9, text, (0, 1), 0, **more)


def test_a_row_goes_by_the_token_it_predicts_and_notes_what_it_reads():
    named = axis_token(AxisGroup((token("猫"),), (token("在"),)), "cross", str)
    assert (named.text, named.note, named.index) == ("在", "reads 猫, predicts 在", 3)
    assert axis_token(AxisGroup((token("a"), token("b"))), "cross", str).text == "ab"
    assert axis_token(AxisGroup((token("a"),)), "cross", str).note == ""


def test_braces_in_a_token_stay_braces():
    named = axis_token(AxisGroup((token("{read}"),), (token("{0}"),)), "cross", str)
    assert named.note == "reads {read}, predicts {0}"


def test_special_and_unknown_tokens_say_so():
    special, unknown = token("[EOS]", is_special=True), token("猫", is_unknown=True)
    assert axis_token(AxisGroup((special,)), "cross", str).kind == "special"
    assert axis_token(AxisGroup((unknown,)), "cross", str).kind == "unknown"
    assert axis_token(AxisGroup((token("a"), unknown)), "cross", str).kind == "unknown"
    assert axis_token(AxisGroup((special,), (token("a"),)), "cross", str).kind == ""
