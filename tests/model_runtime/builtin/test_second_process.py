"""A second process gives what the first would give, number by number, or nothing at all."""

import io
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from model_runtime import catalog
from model_runtime.builtin import answering, passes, weights
from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.second_process import PASSES, TARGETS, RankedLine, SecondProcess
from model_runtime.tracing import trace
from model_runtime.turns import TURNS

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


def test_who_waits_for_a_pass_comes_before_who_waits_for_a_target():
    line, order, begun = RankedLine(), [], []

    def ask(rank, name):
        with line.place(rank):
            order.append(name)

    with line.place(TARGETS):
        for name, rank in (("t1", TARGETS), ("p1", PASSES), ("t2", TARGETS), ("p2", PASSES)):
            thread = threading.Thread(target=ask, args=(rank, name))
            thread.start()
            begun.append(thread)
            while len(line._waiting) < len(begun):
                time.sleep(0.001)
    for thread in begun:
        thread.join(5)
    assert order == ["p1", "p2", "t1", "t2"]
    with line.place(TARGETS):
        assert not line._waiting


def test_what_comes_in_pieces_is_read_as_one():
    ours, theirs = socket.socketpair()
    stream = io.BytesIO()
    send(stream, {"a": 1}, {"b": np.arange(300_000)})
    whole = stream.getvalue()

    def speak():
        for at in range(0, len(whole), 99_991):
            theirs.sendall(whole[at : at + 99_991])
        theirs.close()

    threading.Thread(target=speak).start()
    wire = Wire(ours)
    said, arrays = receive(wire)
    assert said == {"a": 1}
    np.testing.assert_array_equal(arrays["b"], np.arange(300_000))
    with pytest.raises(EOFError):
        receive(wire)
    wire.close()


def in_one_piece(said, arrays=None):
    stream = io.BytesIO()
    send(stream, said, arrays)
    stream.seek(0)
    return receive(stream)


@pytest.mark.parametrize("said", [{}, {"sources": [[1, 2], []]}, {"failed": "猫\ud800"}])
def test_what_is_said_arrives(said):
    assert in_one_piece(said) == (said, {})


@pytest.mark.parametrize(
    "array",
    [
        np.float32(7),
        np.zeros((0, 3)),
        np.arange(6).reshape(2, 3),
        np.arange(24, dtype=np.float32).reshape(2, 3, 4).swapaxes(0, 2),
        np.eye(3, dtype=bool),
        np.array([[np.nan, np.inf, -0.0]]),
    ],
)
def test_arrays_arrive_as_they_were_and_read_only(array):
    _, found = in_one_piece({}, {"a": np.asarray(array), "b": np.ones(2)})
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == array.dtype
    assert not found["a"].flags.writeable
    np.testing.assert_array_equal(found["b"], np.ones(2))


@pytest.mark.parametrize("size", [0, 3, 20, -1])
def test_a_message_that_breaks_off_is_the_end(size):
    stream = io.BytesIO()
    send(stream, {"a": 1}, {"b": np.ones(9)})
    with pytest.raises(EOFError):
        receive(io.BytesIO(stream.getvalue()[:size]))


@pytest.mark.parametrize("name", FOLDERS)
def test_a_pass_of_the_second_process_is_that_of_the_first_to_the_last_digit(second, name):
    model = weights.load_model(FOLDERS[name])
    source = SOURCES[0] if model.encoder is not None else []
    target = SOURCES[1] if model.decoder is not None else []
    expected = passes.recorded(model, source, target)
    found = second.recorded(FOLDERS[name], source, target)
    assert list(found) == list(expected)
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)


def test_targets_are_those_that_the_first_process_writes(second):
    model = weights.load_model(FOLDERS["translator"])
    expected = passes.written(model, SOURCES)
    assert second.written(FOLDERS["translator"], SOURCES) == expected


def test_a_trace_with_its_help_is_the_trace_without(second, monkeypatch):
    monkeypatch.setattr("model_runtime.builtin.opened.SECOND", second)
    answered = []
    ask = second._ask

    def noted(asked, rank):
        answered.append(asked)
        return ask(asked, rank)

    monkeypatch.setattr(second, "_ask", noted)
    folder = FOLDERS["translator"]
    alone = BuiltinModel(catalog.DEFAULT, weights.load(folder))
    helped = BuiltinModel(catalog.DEFAULT, weights.load(folder), folder)
    text = "The cat sleeps on the warm roof."
    expected, found = trace(alone, text), trace(helped, text)
    assert [sorted(asked) for asked in answered] == [
        ["folder", "sources"],
        ["folder", "source", "target"],
    ]
    assert found.reading == expected.reading
    np.testing.assert_array_equal(found.logits, expected.logits)
    for one, other in zip(found.records, expected.records, strict=True):
        np.testing.assert_array_equal(one.q, other.q)
        np.testing.assert_array_equal(one.pattern(0), other.pattern(0))
    assert found.intermediates.keys() == expected.intermediates.keys()
    assert found.check == expected.check


def test_while_it_works_the_first_process_gives_up_its_turn(second, monkeypatch):
    had = []

    def received(stream):
        had.append(TURNS.is_mine)
        return receive(stream)

    monkeypatch.setattr("model_runtime.builtin.second_process.receive", received)
    with TURNS.taken():
        second.written(FOLDERS["translator"], SOURCES)
        assert TURNS.is_mine
    assert had == [False]


def test_what_it_cannot_answer_is_left_to_the_first_process(second, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert second.written(tmp_path / "nothing", SOURCES) is None
    assert "FileNotFoundError" in caplog.text
    assert second.written(FOLDERS["translator"], SOURCES) is not None


def test_when_it_is_gone_the_first_process_goes_on_alone(second, caplog):
    second._process.kill()
    second._process.wait()
    with caplog.at_level(logging.WARNING):
        assert second.recorded(FOLDERS["writer"], [], SOURCES[0]) is None
    assert "has ended" in caplog.text
    assert second.recorded(FOLDERS["writer"], [], SOURCES[0]) is None


def test_one_that_does_not_answer_keeps_nobody(second, monkeypatch, caplog):
    monkeypatch.setattr(f"{SecondProcess.__module__}.SECONDS", 0.05)
    second._process.send_signal(signal.SIGSTOP)
    with caplog.at_level(logging.WARNING):
        assert second.written(FOLDERS["translator"], SOURCES) is None
    assert "no answer" in caplog.text
    assert second._process is None


def test_it_is_begun_once_and_only_where_people_wait_and_a_processor_is_idle(monkeypatch):
    begun = []
    second = SecondProcess()
    monkeypatch.setattr(second, "_begin", lambda: begun.append(1))
    for waiting, processors, expected in ((0, 2, 0), (9, 1, 0), (2, 2, 1), (9, 8, 1)):
        monkeypatch.setattr(type(TURNS), "n_waiting", waiting)
        monkeypatch.setattr(
            "model_runtime.builtin.second_process.processors", lambda n=processors: n
        )
        assert second.written(FOLDERS["translator"], SOURCES) is None
        assert len(begun) == expected


@pytest.mark.parametrize("executable", [os.devnull, shutil.which("true")])
def test_a_process_that_cannot_be_begun_or_ends_at_once_is_none(monkeypatch, caplog, executable):
    monkeypatch.setattr(sys, "executable", executable)
    second = SecondProcess()
    with caplog.at_level(logging.WARNING):
        second._begin()
    assert "no second process" in caplog.text
    assert second.written(FOLDERS["translator"], SOURCES) is None


def test_the_process_ends_with_the_first_one():
    command = [sys.executable, "-m", answering.__name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        assert receive(process.stdout) == ({"ready": True}, {})
        process.stdin.close()
        assert process.wait(30) == 0
