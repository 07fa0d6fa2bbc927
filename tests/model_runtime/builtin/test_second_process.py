"""A second process gives what the first would give, number by number, or nothing at all."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from model_runtime import catalog
from model_runtime.builtin import answering, passes, weights
from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.second_process import WIRES, SecondProcess
from model_runtime.tracing import trace
from model_runtime.turns import TURNS
from model_runtime.types import Reading, Request

FOLDERS = {name: weights.folder_of(name) for name in ("translator", "writer", "blanks")}
SOURCES = [[5, 6, 7, 3], [9, 4, 8, 30, 12, 3]]


@pytest.fixture(autouse=True)
def one_thread():
    """As both processes of the app have it: more would add up in another order."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


@pytest.fixture
def second():
    """One whose process runs; the process is gone afterwards."""
    found = SecondProcess()
    found._begin()
    assert found._is_ready and found._process is not None
    yield found
    found.end()


def assert_same_pass(found, expected):
    """Every array to the last digit, in the same order."""
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_pass_of_the_second_process_is_that_of_the_first_to_the_last_digit(second, name):
    model = weights.load_model(FOLDERS[name])
    source = SOURCES[0] if model.encoder is not None else []
    target = SOURCES[1] if model.decoder is not None else []
    found = second.recorded(FOLDERS[name], source, target)
    assert_same_pass(found, passes.recorded(model, source, target))


def test_a_target_is_the_one_that_the_first_process_writes_and_comes_with_its_pass(second):
    model = weights.load_model(FOLDERS["translator"])
    (expected,) = passes.written(model, [SOURCES[0]])
    target, arrays = second.written(FOLDERS["translator"], SOURCES[0])
    assert target == expected
    assert_same_pass(arrays, passes.recorded(model, SOURCES[0], expected[:-1]))


def test_many_who_ask_at_once_each_get_their_own_targets_and_passes(second):
    folder = weights.folder_of("reversal")
    model = weights.load_model(folder)
    sources = [[*range(4, 4 + i % 20), 3] for i in range(WIRES + 20)]
    alone = passes.written(model, sources)

    def ask(i):
        given = second.recorded(folder, sources[i], alone[-1 - i][:-1])
        return second.written(folder, sources[i]), given

    with ThreadPoolExecutor(len(sources)) as pool:
        found = list(pool.map(ask, range(len(sources))))
    assert [target for (target, _), _ in found] == alone
    for i, ((target, arrays), given) in enumerate(found):
        assert_same_pass(arrays, passes.recorded(model, sources[i], target[:-1]))
        assert_same_pass(given, passes.recorded(model, sources[i], alone[-1 - i][:-1]))


@pytest.mark.parametrize(("typed", "once_more"), [(None, []), ("猫在睡觉。", ["target"])])
def test_a_trace_with_its_help_is_the_trace_without_and_asks_once(
    second, monkeypatch, typed, once_more
):
    monkeypatch.setattr("model_runtime.builtin.opened.SECOND", second)
    answered = []
    ask = second._ask

    def noted(asked):
        answered.append(asked)
        return ask(asked)

    monkeypatch.setattr(second, "_ask", noted)
    folder = FOLDERS["translator"]
    alone = BuiltinModel(catalog.DEFAULT, weights.load(folder))
    helped = BuiltinModel(catalog.DEFAULT, weights.load(folder), folder)
    text = "The cat sleeps on the warm roof."
    expected, found = trace(alone, text, typed), trace(helped, text, typed)
    assert [sorted(asked) for asked in answered] == [["folder", "source", *once_more]]
    assert not helped._came_with
    assert type(found.reading) is Reading
    assert found.reading == expected.reading
    np.testing.assert_array_equal(found.logits, expected.logits)
    for one, other in zip(found.records, expected.records, strict=True):
        np.testing.assert_array_equal(one.q, other.q)
        np.testing.assert_array_equal(one.pattern(0), other.pattern(0))
    assert found.intermediates.keys() == expected.intermediates.keys()
    assert found.check == expected.check


def test_a_pass_that_came_with_a_target_and_that_nobody_runs_is_let_go(second, monkeypatch):
    monkeypatch.setattr("model_runtime.builtin.opened.SECOND", second)
    folder = FOLDERS["translator"]
    model = BuiltinModel(catalog.DEFAULT, weights.load(folder), folder)
    reading = model.read(Request(catalog.DEFAULT, "The cat sleeps."))
    assert list(model._came_with) == [reading]
    del reading
    assert not model._came_with


def test_while_it_works_the_first_process_gives_up_its_turn(second, monkeypatch):
    had = []

    def received(stream):
        had.append(TURNS.is_mine)
        return receive(stream)

    monkeypatch.setattr("model_runtime.builtin.second_process.receive", received)
    with TURNS.taken():
        second.written(FOLDERS["translator"], SOURCES[0])
        assert TURNS.is_mine
    assert had == [False]


def test_what_it_cannot_answer_is_left_to_the_first_process(second, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert second.written(tmp_path / "nothing", SOURCES[0]) is None
    assert "FileNotFoundError" in caplog.text
    assert second.written(FOLDERS["translator"], SOURCES[0]) is not None


def test_when_it_is_gone_the_first_process_goes_on_alone(second, caplog):
    second._process.kill()
    second._process.wait()
    with caplog.at_level(logging.WARNING):
        assert second.recorded(FOLDERS["writer"], [], SOURCES[0]) is None
    assert "has ended" in caplog.text
    assert second.recorded(FOLDERS["writer"], [], SOURCES[0]) is None


@pytest.mark.parametrize("n", [1, WIRES + 5])
def test_one_that_does_not_answer_keeps_nobody(second, monkeypatch, caplog, n):
    monkeypatch.setattr(f"{SecondProcess.__module__}.SECONDS", 0.3)
    second._process.send_signal(signal.SIGSTOP)
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(n) as pool:
        asked = [pool.submit(second.written, FOLDERS["translator"], SOURCES[0]) for _ in range(n)]
        assert [one.result(30) for one in asked] == [None] * n
    assert "no answer" in caplog.text
    assert second._process is None


def test_when_it_is_ended_its_wires_are_closed(second):
    first = second._wires._free[0]
    assert first.fileno() >= 0
    second.end()
    assert first.fileno() == -1
    assert second.written(FOLDERS["translator"], SOURCES[0]) is None
    second.end()


def test_it_is_begun_once_and_only_where_people_wait_and_a_processor_is_idle(monkeypatch):
    begun = []
    second = SecondProcess()
    monkeypatch.setattr(second, "_begin", lambda: begun.append(1))
    for waiting, processors, expected in ((0, 2, 0), (9, 1, 0), (2, 2, 1), (9, 8, 1)):
        monkeypatch.setattr(type(TURNS), "n_waiting", waiting)
        monkeypatch.setattr(
            "model_runtime.builtin.second_process.processors", lambda n=processors: n
        )
        assert second.written(FOLDERS["translator"], SOURCES[0]) is None
        assert len(begun) == expected


@pytest.mark.parametrize("executable", [os.devnull, shutil.which("true")])
def test_a_process_that_cannot_be_begun_or_ends_at_once_is_none(monkeypatch, caplog, executable):
    monkeypatch.setattr(sys, "executable", executable)
    second = SecondProcess()
    with caplog.at_level(logging.WARNING):
        second._begin()
    assert "no second process" in caplog.text
    assert second.written(FOLDERS["translator"], SOURCES[0]) is None


def test_the_process_ends_with_the_first_one_quietly():
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", answering.__name__, str(theirs.fileno())]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[theirs.fileno()]
    ) as process:
        theirs.close()
        wire = Wire(ours)
        assert receive(wire) == ({"ready": True}, {})
        process.send_signal(signal.SIGINT)  # Ctrl-C is for the first one
        send(wire, {"folder": str(FOLDERS["translator"]), "source": SOURCES[0]})
        assert receive(wire)[0].keys() == {"target"}
        wire.close()
        assert process.communicate(timeout=30)[0] == b""
        assert process.returncode == 0
