"""Steps as files: scripts are run and print what was shown, tables are read back."""

import csv
import io
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.steps import walk
from model_runtime.steps.parts import Axis, Matrix, Step
from model_runtime.steps.snippets import as_csv, as_numpy
from model_runtime.tracing import trace
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY, tokens
from tests.model_runtime.steps.checking import all_steps, assert_close, by_rule

LONG = "The cat is sleeping on the bed and the dog is sleeping on the floor. " * 6
NUMBER = re.compile(r"-?inf|-?\d+\.?\d*(?:e[+-]\d+)?")


@cache
def steps_of(kind):
    """Every step of a model, folded or whole."""
    if kind == "translator":
        model = catalog.open_model("builtin:translator")
        traced, whole = trace(model, LONG), False
    else:
        model, _ = tiny.opened("decoder", positions=kind, activation="gelu", norm="post")
        traced, whole = trace(model, "The cat is playing."), True
    at = traced.info.opens_at
    place = walk.settled(traced, at.stack, at.layer, at.head, 1, None)
    return all_steps(traced, model.insides, place, whole=whole)


def matrix(symbol, values, rows=None):
    values = np.array(values, dtype=np.float64)
    n, m = values.shape
    rows = rows or Axis("dimension", n, tuple(range(n)))
    return Matrix(symbol, values, rows, Axis("dimension", m, tuple(range(m))))


def tiny_product(labels=("the", "cat")):
    rows = Axis("token", 2, (0, 1), labels)
    return Step(
        "decoder",
        "dot",
        "matmul",
        {"A": matrix("q", [[1, 2], [3, 4]], rows), "B": matrix("kᵀ", [[5, 6], [7, 8]])},
        matrix("q·kᵀ", [[19, 22], [43, 50]], rows),
    )


def printed(text):
    """The numbers of the result as they were printed, without the line behind it."""
    return np.array([float(n) for n in NUMBER.findall(text.rpartition("]]")[0])])


def run(script, folder, capsys):
    """(what a script printed, its names)"""
    path = folder / "step.py"
    path.write_text(script, "utf-8")
    with np.printoptions():  # which the script sets for itself
        names = runpy.run_path(str(path))
    return capsys.readouterr().out, names


def test_a_product_by_hand():
    script = as_numpy(tiny_product())
    assert "C = A @ B\n" in script and "whole: nothing is left out" in script
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert printed(done.stdout.decode()).tolist() == [19, 22, 43, 50]
    assert b"differs from what was shown by 0.0" in done.stdout


@pytest.mark.parametrize("kind", ["translator", *tiny.POSITIONS])
def test_every_script_prints_the_result_that_was_shown(kind, tmp_path, capsys):
    for step in steps_of(kind):
        out, names = run(as_numpy(step), tmp_path, capsys)
        if step.result is None:
            assert step.why in out
            continue
        np.testing.assert_array_equal(names["shown"], step.result.values)
        found = printed(out).reshape(step.result.values.shape)
        assert_close(found, step.result.values)
        np.testing.assert_array_equal(names["C"], found)
        assert_close(names["C"], by_rule(step))


@pytest.mark.parametrize("name", ["norm", "dot", "mask", "softmax", "ffn_out", "activation"])
def test_scripts_run_in_a_python_of_their_own(name):
    step = next(s for s in steps_of("translator") if s.name == name and s.section == "decoder")
    command = [sys.executable, "-I", "-c", as_numpy(step)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert not done.stderr
    assert_close(printed(done.stdout.decode()).reshape(step.result.values.shape),
                 step.result.values)  # fmt: skip


def test_a_folded_script_says_so_and_adds_the_rest():
    step = next(s for s in steps_of("translator") if s.name == "ffn_out")
    script = as_numpy(step)
    assert step.rest is not None and "C = A @ B + b + rest\n" in script
    assert "# folded: " in script and "64 of 768" in script
    assert "whole: " not in script


def test_an_unfolded_script_says_that_nothing_is_left_out():
    for step in steps_of("rotary"):
        assert "# whole: nothing is left out" in as_numpy(step)


@pytest.mark.parametrize("hostile", NASTY)
def test_hostile_tokens_do_nothing_in_a_script(hostile, tmp_path, capsys):
    step = tiny_product((hostile, f'"""\n{hostile}\nraise SystemExit'))
    out, _ = run(as_numpy(step), tmp_path, capsys)
    assert printed(out).tolist() == [19, 22, 43, 50]
    shown = tokens(hostile, "\ud800\n'''")
    texts = Step("decoder", "tokens", "tokens", {}, None, tokens=shown)
    _, names = run(as_numpy(texts), tmp_path, capsys)
    assert [text for _, _, text in names["tokens"]] == [token.text for token in shown]


# ── Tables ───────────────────────────────────────────────────────────────────────────


def read(data):
    """(facts of a table, its matrices by letter: rows, columns, values)"""
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    blocks: list[list[list[str]]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    matrices = {}
    for block in blocks[1:]:
        if block[0][0] == "position":
            continue
        columns = [int(n) for n in block[1][2:]]
        rows = [line for line in block[2:] if line[0]]
        values = [[float(n) for n in line[2:]] for line in rows]
        matrices[block[0][0]] = ([int(line[0]) for line in rows], columns, np.array(values))
    return blocks[0], matrices


@pytest.mark.parametrize("kind", ["translator", *tiny.POSITIONS])
def test_every_table_reads_back_to_the_last_digit(kind):
    for step in steps_of(kind):
        facts, found = read(as_csv(step))
        assert facts[0] == ["step", f"{step.section}.{step.name}"]
        expected = {**step.operands, **({"C": step.result} if step.result else {})}
        if step.rest is not None:
            expected["rest"] = replace(step.result, values=step.rest)
        assert found.keys() == expected.keys()
        for letter, (rows, columns, values) in found.items():
            assert tuple(rows) == expected[letter].rows.kept
            assert tuple(columns) == expected[letter].cols.kept
            np.testing.assert_array_equal(values, expected[letter].values)
        numbers = {line[1]: float(line[2]) for line in facts if line[0] == "number"}
        assert numbers == dict(step.numbers)


def test_a_table_of_tokens_holds_them():
    step = Step("decoder", "tokens", "tokens", {}, None, tokens=tokens("a", "猫"))
    lines = list(csv.reader(io.StringIO(as_csv(step).decode("utf-8-sig"))))
    assert lines[-2:] == [["0", "100", "a"], ["1", "101", "猫"]]


@pytest.mark.parametrize("hostile", [*NASTY, "=1+1", "@x", "-2", "\ud800"])
def test_no_label_is_a_formula_in_a_spreadsheet(hostile):
    data = as_csv(tiny_product((hostile, "b")))
    labels = [
        row[1] for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) if row[:1] == ["0"]
    ]
    assert len(labels) == 3  # of A and of C; B has none
    assert not any(label.startswith(("=", "+", "-", "@", "\t", "\r")) for label in labels)
