"""The payload of the Attention page holds the numbers of the trace, and says what they are."""

from dataclasses import replace

import numpy as np
import pytest

from model_runtime.measures import measures
from model_runtime.types import OpensAt, Token
from model_runtime.views import AxisGroup, HeadPlace, View
from tests.model_runtime.layered import layered_trace, window
from tests.model_runtime.reference import NASTY, made_trace, tokens, traced
from tests.viz.reading import floats, read_frame, spread
from tests.viz.test_component_payload import cells
from viz.attention_map import (
    LOOKS,
    ROWS_ARE,
    TITLES,
    axis_token,
    caption,
    head_frame,
    head_name,
    payload,
    row_frame,
)
from viz.components.attention import EXACT_LIMIT, Chosen
from viz.overview import MEASURED, overview

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
            expected = [getattr(found, name) for name in MEASURED]
            assert cell["measures"] == pytest.approx(expected, abs=1e-12)


def test_a_decoders_mask_is_told_and_no_other():
    header, body = told(traced(SENTENCE))
    encoder, decoder, cross = header["stacks"]
    assert encoder["masks"] == cross["masks"] == []
    assert {head["mask"] for head in (*encoder["heads"], *cross["heads"])} == {None}
    assert {head["mask"] for head in decoder["heads"]} == {0}
    n = len(decoder["rows"])
    (mask,) = decoder["masks"]
    np.testing.assert_array_equal(cells(body, mask, n, n), np.tri(n))


def test_a_long_text_sends_pictures_and_leaves_the_numbers_to_the_route():
    trace = traced("a " * 100, "猫" * 100)
    header, body = told(trace)
    assert [stack["exact"] for stack in header["stacks"]] == [None] * 3
    assert len(body) < EXACT_LIMIT
    encoder = header["stacks"][0]
    assert (encoder["overview"]["rows"], encoder["overview"]["cols"]) == (56, 56)
    assert len(encoder["rows"]) == 101


LAYERED = layered_trace()


def test_layers_that_differ_are_told_as_they_are():
    header, body = told(LAYERED)
    (stack,) = header["stacks"]
    assert (stack["n_layers"], stack["n_heads"]) == (3, 3)
    names = ["L1 H0", "L1 H1", "L3 H0", "L3 H1", "L3 H2", "L6 H0", "L6 H1"]
    assert [head["name"] for head in stack["heads"]] == names
    assert [head["at"] for head in stack["heads"]] == [0, 1, 3, 4, 5, 6, 7]
    assert [head["scale"] for head in stack["heads"]] == [0.5] * 2 + [1.0] * 3 + [0.25] * 2
    assert [head["softcap"] for head in stack["heads"]] == [None] * 2 + [1.5] * 3 + [None] * 2
    assert [head["sink"] for head in stack["heads"]] == [None] * 2 + [0.5, -1, 2] + [None] * 2
    assert [head["has_bias"] for head in stack["heads"]] == [False] * 5 + [True] * 2
    for head, size in zip(stack["heads"], (6, 6, 3, 3, 3, 2, 4), strict=True):
        mask = cells(body, stack["masks"][head["mask"]], 6, 6)
        np.testing.assert_array_equal(mask, window(6, size))


def test_a_mean_tells_of_a_sink_but_of_no_score():
    header, _ = told(LAYERED, View(mean="heads"))
    heads = header["stacks"][0]["heads"]
    assert [head["has_sink"] for head in heads] == [False, True, False]
    assert [head["sink"] for head in heads] == [None] * 3
    sink = MEASURED.index("sink")
    assert [head["measures"][sink] is not None for head in heads] == [False, True, False]


def test_a_sink_that_differs_by_query_has_no_score_of_its_own():
    by_query = replace(LAYERED.records[1], sinks=np.zeros((3, 6), np.float32))
    header, _ = told(replace(LAYERED, records=(by_query,)))
    for head in header["stacks"][0]["heads"]:
        assert (head["sink"], head["has_sink"]) == (None, True)


def test_a_stack_without_attention_is_left_out():
    trace = traced(SENTENCE)
    left = tuple(record for record in trace.records if record.stack != "encoder")
    header, _ = told(replace(trace, records=left))
    assert [stack["name"] for stack in header["stacks"]] == ["decoder", "cross"]


def test_a_model_opens_at_a_head_that_there_is():
    assert told(LAYERED)[0]["opens"] == {"stack": "decoder", "layer": 3, "head": 1}
    elsewhere = replace(LAYERED, info=replace(LAYERED.info, opens_at=OpensAt("decoder", 1, 2)))
    assert told(elsewhere)[0]["opens"] == {"stack": "decoder", "layer": 1, "head": 0}


def test_what_was_kept_makes_the_same_payload():
    for trace in (LAYERED, traced("a " * 100, "猫" * 100)):
        kept = overview(trace, View())
        first, second = (
            payload(trace, View(), Chosen("decoder"), api="", query="", say=str, drawn=drawn)
            for drawn in (kept, None)
        )
        assert first == second


def test_rows_that_predict_nothing_say_so():
    silent = replace(LAYERED, info=replace(LAYERED.info, predicts="nothing"))
    silent = replace(silent, reading=replace(silent.reading, target=silent.reading.target[:6]))
    assert told(silent)[0]["stacks"][0]["rows_are"] == LOOKS
    assert told(LAYERED)[0]["stacks"][0]["rows_are"] == ROWS_ARE["decoder"]
    assert [row["text"] for row in told(silent)[0]["stacks"][0]["rows"]][:2] == ["[BOS]", "b"]


def test_the_parts_of_a_pair_are_told():
    trace = made_trace(tokens("a", "b"), tokens("[BOS]", "c"))
    source = (trace.reading.source[0], replace(trace.reading.source[1], part=1))
    request = replace(trace.request, pair_text="b")
    pair = replace(trace, request=request, reading=replace(trace.reading, source=source))
    header, _ = told(pair)
    for axis in ("rows", "cols"):
        assert [t.get("part", 0) for t in header["stacks"][0][axis]] == [0, 1]
    assert header["asked"] != told(trace)[0]["asked"]
    assert caption(pair) == "made: text ‖ b → c"


def test_of_a_large_map_scores_are_asked_for_row_by_row(monkeypatch):
    place, view = HeadPlace(3, 1), View(specials=False, first=False)
    small, numbers = read_frame(head_frame(LAYERED, "decoder", place, view))
    shape = small["rows"], small["cols"]
    whole = {name: floats(numbers, small[name], *shape) for name in ("pattern", "scores", "dot")}
    monkeypatch.setattr("viz.attention_map.MOST_WITH_SCORES", 8)
    monkeypatch.setattr("model_runtime.views.BLOCK", 12)
    large, body = read_frame(head_frame(LAYERED, "decoder", place, view))
    assert (large["scores"], large["dot"], large["by_row"]) == (None, None, True)
    np.testing.assert_allclose(floats(body, large["pattern"], *shape), whole["pattern"], atol=1e-7)
    for row in range(shape[0]):
        one, body = read_frame(row_frame(LAYERED, "decoder", place, row, view))
        assert (one["rows"], one["cols"], one["by_row"]) == (1, shape[1], False)
        for name, values in whole.items():
            found = floats(body, one[name], 1, shape[1])
            np.testing.assert_allclose(found[0], values[row], rtol=1e-6)
    for row in (-1, shape[0]):
        with pytest.raises(IndexError):
            row_frame(LAYERED, "decoder", place, row, view)
    merged, _ = read_frame(head_frame(LAYERED, "decoder", HeadPlace(3, None), view))
    assert merged["by_row"] is False


@pytest.mark.parametrize(
    "view", [View(), View(specials=False), View(words=True), View(mean="heads"), View(mean="both")]
)
def test_of_a_large_masked_map_the_visible_cells_come_and_the_others_are_0(monkeypatch, view):
    header, body = told(LAYERED, view)
    monkeypatch.setattr("viz.attention_map.MOST_WITH_SCORES", 0)
    masked = 0
    for stack in header["stacks"]:
        shape = (len(stack["heads"]), len(stack["rows"]), len(stack["cols"]))
        whole = floats(body, stack["exact"]["pattern"], *shape)
        for cell, expected in zip(stack["heads"], whole, strict=True):
            place = HeadPlace(cell["layer"], cell["head"])
            one, numbers = read_frame(head_frame(LAYERED, stack["name"], place, view))
            found = floats(numbers, one["pattern"], one["cells"])
            assert (one["rows"], one["cols"]) == shape[1:]
            assert len(numbers) == 4 * one["cells"]
            if cell["mask"] is not None:
                masked += 1
                mask = stack["masks"][cell["mask"]]
                runs = np.frombuffer(body, "<u4", mask["edges"], mask["at"])
                found = spread(found, runs, *shape[1:])
            np.testing.assert_array_equal(found.reshape(shape[1:]), expected)
    assert masked > 0


def test_a_row_with_nothing_left_is_so_in_its_masked_cells_too(monkeypatch):
    monkeypatch.setattr("viz.attention_map.MOST_WITH_SCORES", 0)
    view = View(first=False)
    one, numbers = read_frame(head_frame(traced(SENTENCE), "decoder", HeadPlace(0, 0), view))
    pattern = floats(numbers, one["pattern"], one["rows"], one["cols"])
    assert np.isnan(pattern[0]).all()


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


def test_the_bytes_of_a_character_say_so_and_come_together_as_a_word():
    first, second = (token(f"🍎⟨{code}⟩", is_byte_piece=True) for code in ("F0", "9F"))
    alone = axis_token(AxisGroup((first,)), "encoder", str)
    assert (alone.text, alone.kind) == ("🍎⟨F0⟩", "bytes")
    both = axis_token(AxisGroup((first, second, token("s"))), "encoder", str)
    assert (both.text, both.kind) == ("🍎s", "")
    other = replace(second, text="🍐⟨9F⟩")
    assert axis_token(AxisGroup((first, other)), "encoder", str).text == "🍎🍐"


def test_special_and_unknown_tokens_say_so():
    special, unknown = token("[EOS]", is_special=True), token("猫", is_unknown=True)
    assert axis_token(AxisGroup((special,)), "cross", str).kind == "special"
    assert axis_token(AxisGroup((unknown,)), "cross", str).kind == "unknown"
    assert axis_token(AxisGroup((token("a"), unknown)), "cross", str).kind == "unknown"
    assert axis_token(AxisGroup((special,), (token("a"),)), "cross", str).kind == ""
