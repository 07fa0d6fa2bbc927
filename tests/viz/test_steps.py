"""One step as the browser reads it, and the payload that a walk begins with."""

import re

import numpy as np
import pytest

from model_runtime.steps import walk
from model_runtime.steps.parts import NOT_HERE, Axis, Matrix, Place, Step
from tests.model_runtime.reference import NASTY, made_trace, tokens
from tests.viz.reading import floats, read_frame
from viz import told
from viz.components import steps as component
from viz.steps import SECTIONS, Opening, Told, payload, step_frame

SINGLE = Axis("single", 1, (0,))
PLACE = Place("decoder", 2, 1, 0, 0)
MOST = 120 * 1024  # bytes of a payload for 64 tokens, its first step included


def dimensions(*kept, size=None):
    return Axis("dimension", size or len(kept), kept)


def matrix(symbol, values, rows=None, cols=None, source=""):
    values = np.array(values, dtype=np.float64)
    rows = rows or dimensions(*range(values.shape[0]))
    cols = cols or dimensions(*range(values.shape[1]))
    return Matrix(symbol, values, rows, cols, source)


def product(a, b, *, rest=None, **more):
    result = a.values @ b.values + (0 if rest is None else rest)
    made = Matrix("c", result, a.rows, b.cols)
    return Step("decoder", "dot", "matmul", {"A": a, "B": b}, made, (0, 0), rest=rest, **more)


def short_trace():
    return made_trace(tokens("The", "cat", "sleeps"), tokens("[BOS]", "猫", "睡", "觉"))


def made_opening(trace, step):
    place = walk.settled(trace, "decoder", 0, 0, 1, None)
    return Opening(place, step)


def packed(trace, first=b"first frame", opening=None, texts=None, say=str):
    outlines = {
        stack: walk.outline(trace, walk.settled(trace, stack, 0, 0, 0, None), None)
        for stack in trace.info.stacks
    }
    refs = [ref for refs in outlines.values() for ref in refs]
    return payload(
        trace,
        opening or made_opening(trace, "decoder.dot"),
        first,
        outlines,
        told.texts(refs, None, say) if texts is None else texts,
        api="api/steps/t",
        say=say,
    )


# ── One step ─────────────────────────────────────────────────────────────────────────


def test_two_times_three_is_six_after_the_journey():
    header, body = read_frame(step_frame(product(matrix("a", [[2]]), matrix("b", [[3]])), PLACE))
    assert (header["id"], header["rule"]) == ("decoder.dot", "matmul")
    assert header["place"] == {"stack": "decoder", "layer": 2, "head": 1, "query": 0, "key": 0}
    a, b, c = header["matrices"]["A"], header["matrices"]["B"], header["result"]
    assert [m["symbol"] for m in (a, b, c)] == ["a", "b", "c"]
    assert [floats(body, m["at"], 1).item() for m in (a, b, c)] == [2, 3, 6]
    assert header["rest_at"] is None


def test_each_matrix_is_read_back_row_by_row():
    rng = np.random.default_rng(0)
    a, b = matrix("a", rng.normal(size=(3, 5)), source="x.y"), matrix("b", rng.normal(size=(5, 4)))
    step = product(a, b)
    header, body = read_frame(step_frame(step, PLACE))
    for name, given in (*step.operands.items(), ("result", step.result)):
        sent = header["matrices"].get(name, header["result"])
        shape = len(sent["rows"]["kept"]), len(sent["cols"]["kept"])
        np.testing.assert_array_equal(floats(body, sent["at"], *shape), np.float32(given.values))
    assert header["matrices"]["A"]["source"] == "x.y"


def test_what_is_folded_away_is_told_by_true_indices_and_a_rest():
    terms = dimensions(0, 7, 99, size=100)
    a = matrix("a", [[1, 2, 3]], cols=terms)
    b = matrix("b", [[1], [1], [1]], rows=terms)
    header, body = read_frame(step_frame(product(a, b, rest=np.array([[0.5]])), PLACE))
    assert header["matrices"]["A"]["cols"] == {
        "kind": "dimension", "size": 100, "kept": [0, 7, 99], "labels": [],
    }  # fmt: skip
    assert floats(body, header["rest_at"], 1, 1).tolist() == [[0.5]]
    assert floats(body, header["result"]["at"], 1, 1).tolist() == [[6.5]]


def test_minus_infinity_travels_among_the_numbers_not_in_the_header():
    scores = matrix("s", [[0.5, -np.inf]])
    step = Step("decoder", "mask", "mask", {"A": matrix("s", [[0.5, 1.5]])}, scores)
    header, body = read_frame(step_frame(step, PLACE))  # which refuses Infinity in JSON
    assert floats(body, header["result"]["at"], 1, 2).tolist() == [[0.5, -np.inf]]


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError):
        step_frame(product(matrix("a", [[1]]), matrix("b", [[1]]), numbers={"x": np.inf}), PLACE)


@pytest.mark.parametrize("text", [*NASTY, "\ud800", "</script>"])
def test_any_token_comes_back_to_the_letter(text):
    axis = Axis("token", 1, (0,), (text,))
    given = Step(
        "encoder", "ids", "given", {}, matrix("id", [[7]], axis, SINGLE), tokens=tokens(text)
    )
    header, _ = read_frame(step_frame(given, PLACE))
    assert header["result"]["rows"]["labels"] == [text]
    assert header["tokens"][0]["text"] == text


def test_tokens_have_their_ids_and_kinds_and_no_numbers():
    step = Step("encoder", "tokens", "tokens", {}, None, tokens=tokens("cat", "[EOS]"))
    header, body = read_frame(step_frame(step, PLACE))
    assert header["tokens"] == [
        {"text": "cat", "position": 0, "id": 100},
        {"text": "[EOS]", "position": 1, "id": 101, "kind": "special"},
    ]
    assert header["result"] is None and not body


def test_a_missing_step_says_why():
    step = Step("decoder", "softcap", "missing", {}, None, why=NOT_HERE)
    header, _ = read_frame(step_frame(step, PLACE))
    assert header["rule"] == "missing" and header["why"] == NOT_HERE


# ── What the page begins with ────────────────────────────────────────────────────────


def test_the_first_step_comes_along_byte_by_byte():
    first = step_frame(product(matrix("a", [[2]]), matrix("b", [[3]])), PLACE)
    header, body = read_frame(packed(short_trace(), first))
    at, size = header["first"]["at"], header["first"]["size"]
    assert body[at : at + size] == first


def test_it_opens_where_it_is_told_to():
    place = Place("cross", 0, 1, 2, 1)
    opening = Opening(place, "cross.softmax", names_key=True, pin=(2, 1), digits="4")
    header, _ = read_frame(packed(short_trace(), opening=opening))
    assert header["opens"] == {
        "stack": "cross", "layer": 0, "head": 1, "query": 2, "key": 1, "names_key": True,
        "step": "cross.softmax", "pin": [2, 1], "digits": "4",
    }  # fmt: skip


def test_every_stack_has_its_layers_heads_and_outline():
    trace = short_trace()
    header, _ = read_frame(packed(trace))
    assert [stack["name"] for stack in header["stacks"]] == list(trace.info.stacks)
    for sent in header["stacks"]:
        layers = trace.layers(sent["name"])
        assert sent["layers"] == list(layers)
        assert sent["heads"] == [trace.record(sent["name"], n).n_heads for n in layers]
        place = walk.settled(trace, sent["name"], layers[0], 0, 0, None)
        refs = walk.outline(trace, place, None)
        assert sent["outline"] == [[ref.section, ref.name, ref.missing] for ref in refs]


def test_a_text_that_two_stacks_read_is_sent_once():
    trace = short_trace()
    header, _ = read_frame(packed(trace))
    # The source, the target, and the target with what each token predicts.
    assert len(header["tokens"]) == 3
    for stack in header["stacks"]:
        queries, keys = trace.tokens(stack["name"])
        predicted = trace.predicted(stack["name"])
        texts = [token.text for token in queries]
        if predicted:
            texts = [f"{t}→{after.text}" for t, after in zip(texts, predicted, strict=True)]
        assert [t["text"] for t in header["tokens"][stack["queries"]]] == texts
        assert [t["text"] for t in header["tokens"][stack["keys"]]] == [t.text for t in keys]


def test_every_step_that_is_walked_through_has_words():
    header, _ = read_frame(packed(short_trace()))
    for stack in header["stacks"]:
        for section, name, _missing in stack["outline"]:
            words = header["texts"].get(f"{section}.{name}") or header["texts"][name]
            assert words["title"] and words["explain"]


def test_words_that_no_step_needs_are_not_sent():
    texts = {"dot": Told("q·k", "…"), "magic": Told("?", "?")}
    header, _ = read_frame(packed(short_trace(), texts=texts))
    assert set(header["texts"]) == {"dot"}


def test_all_that_is_said_is_translated():
    header, _ = read_frame(packed(short_trace(), say=lambda text: f"«{text}»"))
    said = [*header["strings"].values(), *header["sections"].values()]
    said += [stack["title"] for stack in header["stacks"]]
    said += [words["title"] for words in header["texts"].values()]
    assert said and all(text.startswith("«") and text.endswith("»") for text in said)
    assert set(header["sections"]) == set(SECTIONS)


def test_a_payload_for_64_tokens_with_a_large_first_step_is_small():
    length = tuple(f"token{n}" for n in range(64))
    trace = made_trace(tokens(*length), tokens("[BOS]", *length), n_layers=6)
    rng = np.random.default_rng(0)
    first = step_frame(
        product(matrix("x", rng.normal(size=(16, 192))), matrix("W_Q", rng.normal(size=(192, 48)))),
        PLACE,
    )
    assert len(packed(trace, first)) <= MOST


# ── The script ───────────────────────────────────────────────────────────────────────


def test_every_text_the_script_asks_for_is_there():
    asked = set(re.findall(r"""\bt\("([\w. ]+)"\)""", component.COMPONENT.script))
    asked |= set(re.findall(r"""\bkey: "([\w.]+)\"""", component.COMPONENT.script))
    assert asked and asked <= set(component.STRINGS)


def test_every_text_is_asked_for():
    script = component.COMPONENT.script
    prefixes = tuple(re.findall(r"t\(`([\w.]+\.)\$\{", script))
    unused = [
        key
        for key in component.STRINGS
        if f'"{key}"' not in script and not key.startswith(prefixes)
    ]
    assert not unused
