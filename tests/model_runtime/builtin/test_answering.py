"""Who asks the second process for a pass has it before the next token of anybody's target.

Here its loop runs step by step, over wires whose other ends are asked and read in between.
"""

import select
import socket
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from model_runtime.builtin import passes, weights
from model_runtime.builtin.answering import Answering
from model_runtime.builtin.messages import Wire, receive, send
from model_runtime.builtin.writing import Writing

FOLDERS = {name: weights.folder_of(name) for name in ("reversal", "dates", "writer")}


@pytest.fixture
def room():
    """Four who may ask, and the loop that answers them."""
    pairs = [socket.socketpair() for _ in range(4)]
    ours = [Wire(one) for one, _ in pairs]
    theirs = [Wire(other) for _, other in pairs]
    yield SimpleNamespace(wires=ours, loop=Answering(theirs))
    for wire in (*ours, *theirs):
        wire.close()


def has_answer(wire):
    return bool(select.select([wire], [], [], 0)[0])


def target_asked(wire, source, name="reversal"):
    send(wire, {"folder": str(FOLDERS[name]), "source": source})


def target_alone(source, name="reversal"):
    return passes.written(weights.load_model(FOLDERS[name]), [source])[0]


def answers(room, n):
    """What is said on the first `n` wires, each once it is there."""
    found: dict[int, dict[str, Any]] = {}
    for _ in range(200):
        if len(found) == n:
            break
        room.loop.once()
        for i, wire in enumerate(room.wires):
            if has_answer(wire):
                assert i not in found
                found[i] = receive(wire)[0]
    return [found[i] for i in range(n)]


def test_a_target_takes_a_step_for_each_of_its_tokens_but_the_given_first(room):
    expected = target_alone([5, 6, 7, 3])
    target_asked(room.wires[0], [5, 6, 7, 3])
    for _ in expected[1:]:
        assert not has_answer(room.wires[0])
        room.loop.once()
    assert receive(room.wires[0]) == ({"target": expected}, {})


def test_a_pass_is_answered_between_two_tokens_of_a_target(room):
    target_asked(room.wires[0], [*range(4, 20), 3])
    room.loop.once()
    folder = FOLDERS["reversal"]
    send(room.wires[1], {"folder": str(folder), "source": [5, 3], "target": [2, 5]})
    room.loop.once()
    assert has_answer(room.wires[1]) and not has_answer(room.wires[0])
    _, arrays = receive(room.wires[1])
    expected = passes.recorded(weights.load_model(folder), [5, 3], [2, 5])
    assert list(arrays) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(arrays[name], values, rtol=0, atol=1e-5, err_msg=name)


def test_a_short_target_that_is_asked_for_later_is_there_before_a_long_one(room):
    long, short = [*range(4, 28), 3], [9, 3]
    target_asked(room.wires[0], long)
    room.loop.once()
    target_asked(room.wires[1], short)
    while not has_answer(room.wires[1]):
        assert not has_answer(room.wires[0])
        room.loop.once()
    assert receive(room.wires[1])[0]["target"] == target_alone(short)
    assert answers(room, 1)[0]["target"] == target_alone(long)


def test_targets_of_two_models_are_written_at_the_same_time(room):
    asked = [("reversal", [5, 6, 3]), ("dates", [8, 9, 10, 3]), ("reversal", [7, 3])]
    for wire, (name, source) in zip(room.wires, asked, strict=False):
        target_asked(wire, source, name)
    found = [said["target"] for said in answers(room, 3)]
    assert found == [target_alone(source, name) for name, source in asked]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"folder": "/nothing", "source": [3]}, "FileNotFoundError"),
        ({"folder": str(FOLDERS["reversal"]), "source": [10_000]}, "IndexError"),
        ({"folder": str(FOLDERS["writer"]), "source": [5, 3]}, "AssertionError"),
        ({"folder": str(FOLDERS["reversal"]), "source": [3], "target": [10_000]}, "IndexError"),
        ({}, "KeyError"),
    ],
)
def test_what_cannot_be_answered_is_said_to_be_so_and_disturbs_nobody(room, asked, error):
    target_asked(room.wires[0], [5, 6, 7, 3])
    send(room.wires[1], asked)
    written, failed = answers(room, 2)
    assert failed["failed"].startswith(error)
    assert written["target"] == target_alone([5, 6, 7, 3])


def test_where_a_step_fails_all_who_wait_for_it_hear_so_and_the_next_is_written(room, monkeypatch):
    def failing(self):
        raise MemoryError("full")

    with monkeypatch.context() as patch:
        patch.setattr(Writing, "step", failing)
        for wire in room.wires[:2]:
            target_asked(wire, [5, 6, 7, 3])
        assert answers(room, 2) == [{"failed": "MemoryError: full"}] * 2
    target_asked(room.wires[0], [5, 6, 7, 3])
    assert answers(room, 1)[0]["target"] == target_alone([5, 6, 7, 3])


@pytest.mark.parametrize("is_written", [True, False])
def test_it_ends_when_a_wire_is_closed_whether_or_not_somebody_waits(room, is_written):
    if is_written:
        target_asked(room.wires[0], [5, 6, 7, 3])
    room.wires[1].close()
    assert room.loop.until_the_end() is None


def test_it_ends_when_nobody_listens_any_more(room):
    target_asked(room.wires[0], [5, 6, 7, 3])
    room.loop.once()
    room.wires[0].close()
    assert room.loop.until_the_end() is None
