"""A mistake on the page: its numbers are the Broken's, its sentences filled, no token live."""

import re
import string
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.breaking import MISTAKES, broken
from model_runtime.builtin import transformer
from model_runtime.steps.parts import Place
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY
from tests.viz.test_labels import Read
from viz import broken as page
from viz import broken_matrices, broken_texts, numerals
from viz.labels import visible


@cache
def traced(name):
    model = catalog.open_model(f"builtin:{name}")
    return model, trace(model, model.info.examples[0])


@cache
def found(name, mistake, stack="decoder", query=3, key=2):
    model, seen = traced(name)
    return broken(model, seen, mistake, Place(stack, 0, 1, query, key))


def matrices(html):
    """[right, wrong]: [(row's name, its cells as shown)] of each table."""
    tables = re.findall(r'<div class="matrix"[^>]*>(.*?)</table>', html)
    return [
        [
            (Read(head).text, [Read(cell).text for cell in re.findall(r"<td.*?</td>", cells)])
            for head, cells in re.findall(r"<tr>(<th scope=\"row\".*?</th>)(.*?)</tr>", table)
        ]
        for table in tables
    ]


def test_a_pattern_is_shown_cell_by_cell_with_its_sums():
    result = found("translator", "wrong_axis")
    for rows, values in zip(
        matrices(page.html(result, str)),
        (result.damaged.right, result.damaged.wrong),
        strict=True,
    ):
        *rows, (last, sums) = rows
        tokens = result.trace.tokens("decoder")[0]
        assert [name for name, _ in rows] == [token.text for token in tokens]
        for i, (_, cells) in enumerate(rows):
            shown = [f"{v:.2f}" if j <= i else "masked" for j, v in enumerate(values[i])]
            assert cells == [*shown, f"{values[i].sum():.2f}"]
        assert last == "sum" and sums[:-1] == [f"{v:.2f}" for v in values.sum(axis=0)]


def test_a_row_that_should_sum_to_1_and_does_not_is_set_off():
    html = page.html(found("translator", "mask_after"), str)
    right, wrong = html.split('<div class="wrong">')[2], html.split('<div class="right">')[2]
    assert 'class="sum off"' in right
    assert 'class="sum off"' not in wrong.split('<div class="wrong">')[0]


def test_a_wide_matrix_is_folded_around_the_place_and_says_so():
    result = found("writer", "mask_after", query=12, key=5)
    html = page.html(result, str)
    n = len(result.trace.tokens("decoder")[0])
    assert n > 12
    for rows in matrices(html):
        assert len(rows) == 12 and all(len(cells) == 13 for _, cells in rows)
    said = Read(html).text
    assert broken_matrices.FOLDED.format(rows=12, all_rows=n, columns=12, all_columns=n) in said
    assert len(re.findall(r'<td class="[^"]* cell"', html)) == 2  # the place, on both sides


@pytest.mark.parametrize("size", [1, 5, 12, 13, 40])
def test_a_window_holds_the_place_and_no_more_than_twelve(size):
    for around in range(size):
        window = broken_matrices._window(around, size)
        assert around in window and len(window) == min(size, 12)
        assert 0 <= window[0] and window[-1] < size


def test_a_stream_has_one_scale_for_both_and_says_its_range():
    result = found("translator", "no_residual")
    html = page.html(result, str)
    shown = np.abs([result.damaged.right[:, :12], result.damaged.wrong[:, :12]]).max()
    said = Read(html).text
    assert f"from −{shown:.4f}"[:8] in said
    values = [float(v) for v in re.findall(r'<td class="c\d+" title="([^"]*)"', html)]
    colours = [int(c) for c in re.findall(r'<td class="c(\d+)"', html)]
    for value, colour in zip(values, colours, strict=True):
        assert abs(colour / 16 * 2 - 1 - value / shown) <= 1 / 16 + 1e-6
    assert "12 of 192 columns" in said


def test_the_numbers_that_give_it_away_stand_beside_each_other():
    result = found("translator", "no_root")
    said = Read(page.html(result, str)).text
    for told in result.telltales:
        right, wrong = (numerals.number(value) for value in (told.right, told.wrong))
        named = broken_texts.NUMBERS[told.name].format(head="L0 H1", key=2, query=3)
        assert f"{named}{right}{wrong}" in said


def test_both_answers_are_there_with_what_really_comes_next():
    result = found("translator", "no_residual")
    html = page.html(result, str)
    right, wrong = re.findall(r"<ol>(.*?)</ol>", html)
    for listed, answer in ((right, result.right), (wrong, result.wrong)):
        names = [Read(name).text for name in re.findall(r"<bdi>.*?</bdi>", listed)]
        ids = [guess.id for guess in answer.guesses]
        if answer.real.rank > 5:
            ids.append(answer.real.id)
            assert f"rank {answer.real.rank}" in listed
        assert names == [result.trace.info.vocabulary[i] for i in ids]
        assert listed.count("class=real") == 1
    moved = result.moved
    assert f"{moved.changed} of {moved.positions}" in Read(html).text


def test_a_model_that_survives_is_said_to():
    assert page.SURVIVES in Read(page.html(found("translator", "no_root"), str)).text
    assert page.SURVIVES not in Read(page.html(found("translator", "no_residual"), str)).text


def test_what_torch_says_is_shown_to_the_letter():
    result = found("blanks", "concatenated", "encoder")
    said = Read(page.html(result, str)).text
    assert result.error in said
    assert "[10 × 192] beside [10 × 192] is [10 × 384]" in said
    assert "the 8 of this stack it would be 49,152" in said


def test_what_is_not_applicable_is_one_sentence():
    html = page.html(found("blanks", "mask_after", "encoder"), str)
    assert Read(html).text == broken_texts.WHY_NOT["no mask"]


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize(
    "choices", [{"norm": "post"}, *({"positions": p} for p in tiny.POSITIONS)], ids=str
)
@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
def test_no_place_in_any_sentence_is_left_empty(topology, choices, mistake):
    model, _ = tiny.opened(topology, **choices)
    seen = trace(model, "The cat is playing.")
    for stack in seen.info.stacks:
        said = Read(page.html(broken(model, seen, mistake, Place(stack, 1, 1, 1, 1)), str)).text
        assert not re.search(r"\{|\}|nan|None", said)


@pytest.mark.parametrize("text", NASTY)
def test_no_token_is_live(text):
    result = found("translator", "mask_after")
    tokens = result.damaged.rows
    nasty = (replace(tokens[0], text=text), *tokens[1:])
    trace_ = replace(
        result.trace,
        info=replace(result.trace.info, vocabulary=(text,) * len(result.trace.info.vocabulary)),
        reading=replace(
            result.trace.reading, target=(*nasty[:3], *(replace(t, text=text) for t in nasty[3:]))
        ),
    )
    result = replace(
        result, trace=trace_, damaged=replace(result.damaged, rows=nasty, columns=nasty)
    )
    html = page.html(result, str)
    assert not re.search(r"<(script|img|b|a|svg)\b", html)
    assert visible(text) in Read(html).text
    plain = page.html(found("translator", "mask_after"), str)
    assert Read(html).tags == Read(plain).tags


def test_every_mistake_and_every_number_has_its_words():
    assert tuple(broken_texts.TITLES) == MISTAKES
    assert {key.split(".")[0] for key in broken_texts.WHAT} == set(MISTAKES)
    assert {key.split(".")[0] for key in broken_texts.CODE} == set(MISTAKES)


def test_sentences_ask_for_nothing_that_is_not_known():
    known = {"d_head", "d_model", "root", "n", "twice", "sublayers", "width"}
    for text in broken_texts.WHAT.values():
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= known


def test_every_right_line_is_a_line_of_the_model():
    with open(transformer.__file__, encoding="utf-8") as file:
        lines = {line.split("  #")[0].strip() for line in file}
    for right, wrong in broken_texts.CODE.values():
        assert right != wrong
        assert set(right.split("\n")) <= lines


def test_letters_on_a_colour_can_be_read():
    assert page._ink("#ffffff") == "#000000"
    assert page._ink("#1b1743") == "#ffffff"
