"""A pass is answered before the next token of anybody's target, or with its own.

Here its loop runs step by step, over wires whose other ends are asked and read in between.
"""

import select
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from model_runtime.builtin import passes, weights
from model_runtime.builtin.answering import Answering
from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.writing import Writing

FOLDERS = {name: weights.folder_of(name) for name in ("reversal", "dates", "writer")}


class Room:
    """Four who may ask, and the loop that answers them."""

    def __init__(self) -> None:
        pairs = [socket.socketpair() for _ in range(4)]
        self.wires = [Wire(one) for one, _ in pairs]
        self.theirs = [Wire(other) for _, other in pairs]
        self.loop = Answering(self.theirs)
        self.answers: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}  # by wire

    def once(self) -> None:
        """One round of the loop; its answers are read meanwhile, or it could not go on: what a
        wire holds that nobody reads is less than a pass."""
        with ThreadPoolExecutor(1) as pool:
            round_ = pool.submit(self.loop.once)
            while not round_.done() or self._readable():
                for i in self._readable():
                    assert i not in self.answers
                    self.answers[i] = receive(self.wires[i])
            round_.result()

    def _readable(self) -> list[int]:
        readable, _, _ = select.select(self.wires, [], [], 0.001)
        return [self.wires.index(wire) for wire in readable]

    def all(self, n: int) -> list[dict[str, Any]]:
        """What is said on the first `n` wires, once all is there."""
        for _ in range(200):
            if len(self.answers) < n:
                self.once()
        return [self.answers[i][0] for i in range(n)]


@pytest.fixture
def room():
    """A room for one test."""
    found = Room()
    yield found
    for wire in (*found.wires, *found.theirs):
        wire.close()


def target_asked(wire, source, name="reversal"):
    send(wire, {"folder": str(FOLDERS[name]), "source": source})


def target_alone(source, name="reversal"):
    return passes.written(weights.load_model(FOLDERS[name]), [source])[0]


def assert_pass(arrays, name, source, target):
    """The arrays are those of a pass alone."""
    expected = passes.recorded(weights.load_model(FOLDERS[name]), source, target)
    assert list(arrays) == list(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(arrays[key], values, rtol=0, atol=1e-5, err_msg=key)


def test_a_target_takes_a_step_for_each_of_its_tokens_but_the_given_first(room):
    expected = target_alone([5, 6, 7, 3])
    target_asked(room.wires[0], [5, 6, 7, 3])
    for _ in expected[1:]:
        assert not room.answers
        room.once()
    said, arrays = room.answers[0]
    assert said == {"target": expected}
    assert_pass(arrays, "reversal", [5, 6, 7, 3], expected[:-1])


def test_a_pass_is_answered_between_two_tokens_of_a_target(room):
    target_asked(room.wires[0], [*range(4, 20), 3])
    room.once()
    asked = {"folder": str(FOLDERS["reversal"]), "source": [5, 3], "target": [2, 5]}
    send(room.wires[1], asked)
    room.once()
    assert list(room.answers) == [1]
    said, arrays = room.answers[1]
    assert said == {}
    assert_pass(arrays, "reversal", [5, 3], [2, 5])


def test_a_short_target_that_is_asked_for_later_is_there_before_a_long_one(room):
    long, short = [*range(4, 28), 3], [9, 3]
    target_asked(room.wires[0], long)
    room.once()
    target_asked(room.wires[1], short)
    while not room.answers:
        room.once()
    assert list(room.answers) == [1]
    found = [said["target"] for said in room.all(2)]
    assert found == [target_alone(long), target_alone(short)]


def test_targets_of_two_models_are_written_at_the_same_time(room):
    asked = [("reversal", [5, 6, 3]), ("dates", [8, 9, 10, 3]), ("reversal", [7, 3])]
    for wire, (name, source) in zip(room.wires, asked, strict=False):
        target_asked(wire, source, name)
    found = [said["target"] for said in room.all(3)]
    assert found == [target_alone(source, name) for name, source in asked]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"folder": "/nothing", "source": [3]}, "FileNotFoundError"),
        ({"folder": str(FOLDERS["reversal"]), "source": [10_000]}, "IndexError"),
        ({"folder": str(FOLDERS["reversal"]), "source": [4] * 10_000}, "RuntimeError"),
        ({"folder": str(FOLDERS["reversal"]), "source": []}, "AssertionError"),
        ({"folder": str(FOLDERS["writer"]), "source": [5, 3]}, "AssertionError"),
        ({"folder": str(FOLDERS["reversal"]), "source": [3], "target": [10_000]}, "IndexError"),
        ({}, "KeyError"),
    ],
)
def test_what_cannot_be_answered_is_said_to_be_so_and_disturbs_nobody(room, asked, error):
    target_asked(room.wires[0], [5, 6, 7, 3])
    send(room.wires[1], asked)
    written, failed = room.all(2)
    assert failed["failed"].startswith(error)
    assert written["target"] == target_alone([5, 6, 7, 3])


def test_where_a_step_fails_all_who_wait_for_it_hear_so_and_the_next_is_written(room, monkeypatch):
    def failing(self):
        raise MemoryError("full")

    with monkeypatch.context() as patch:
        patch.setattr(Writing, "step", failing)
        for wire in room.wires[:2]:
            target_asked(wire, [5, 6, 7, 3])
        assert room.all(2) == [{"failed": "MemoryError: full"}] * 2
    room.answers.clear()
    target_asked(room.wires[0], [5, 6, 7, 3])
    assert room.all(1)[0]["target"] == target_alone([5, 6, 7, 3])


def test_where_the_pass_of_a_target_fails_who_waits_hears_so_and_others_do_not(room, monkeypatch):
    source, other = [5, 6, 7, 3], [9, 3]
    predict = passes.Recording.predict

    def failing(self, target):
        if len(self.memory) == len(source):
            raise MemoryError("full")
        predict(self, target)

    monkeypatch.setattr(passes.Recording, "predict", failing)
    target_asked(room.wires[0], source)
    target_asked(room.wires[1], other)
    failed, written = room.all(2)
    assert failed == {"failed": "MemoryError: full"}
    assert written["target"] == target_alone(other)


@pytest.mark.parametrize("is_written", [True, False])
def test_it_ends_when_a_wire_is_closed_whether_or_not_somebody_waits(room, is_written):
    if is_written:
        target_asked(room.wires[0], [5, 6, 7, 3])
    room.wires[1].close()
    assert room.loop.until_the_end() is None


def test_it_ends_when_nobody_listens_any_more(room):
    target_asked(room.wires[0], [5, 6, 7, 3])
    room.once()
    room.wires[0].close()
    assert room.loop.until_the_end() is None
