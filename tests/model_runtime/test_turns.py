"""Threads take turns in the order they came, and nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_runtime.turns import Turns

LONG = 30.0  # seconds, after which a test that hangs fails


class Line:
    """Threads that come one after another, and what they did, in order."""

    def __init__(self, patience=LONG):
        self.turns = Turns(patience)
        self.done = []
        self._pool = ThreadPoolExecutor(8)

    def comes(self, work):
        """A thread takes its turn and works; returns when it has its turn or waits for it."""
        n_before = len(self.turns._queue)
        started = threading.Event()

        def run():
            with self.turns.taken():
                started.set()
                work()

        going = self._pool.submit(run)
        while not started.is_set() and len(self.turns._queue) == n_before:
            started.wait(0.001)
        return going


def test_one_alone_has_its_turn_at_once_and_gives_it_back():
    turns = Turns(LONG)
    for _ in range(2):
        had = []
        with turns.taken():
            had.append(turns.is_mine)
        assert (*had, turns.is_mine) == (True, False)


def test_who_came_first_goes_first_and_one_at_a_time():
    line, may_end = Line(), threading.Event()
    working: list[str] = []

    def work(name):
        assert working == []
        working.append(name)
        assert may_end.wait(LONG)
        line.done.append(working.pop())

    going = [line.comes(lambda name=name: work(name)) for name in "abcd"]
    assert working == ["a"]
    may_end.set()
    for one in going:
        one.result(LONG)
    assert line.done == ["a", "b", "c", "d"]


def test_who_waited_for_something_else_goes_on_before_those_who_came_later():
    line, others_wait, may_go_on, b_works = Line(), *(threading.Event() for _ in range(3))

    def first():
        assert others_wait.wait(LONG)
        with line.turns.given_up():
            assert b_works.wait(LONG)
        line.done.append("a goes on")

    def second():
        b_works.set()
        assert may_go_on.wait(LONG)
        line.done.append("b")

    going = [line.comes(first), line.comes(second), line.comes(lambda: line.done.append("c"))]
    others_wait.set()
    while [ticket.number for ticket in line.turns._queue] != [0, 2]:
        may_go_on.wait(0.001)
    may_go_on.set()
    for one in going:
        one.result(LONG)
    assert line.done == ["b", "a goes on", "c"]


def test_who_waits_for_something_else_keeps_nobody():
    line, other_has_been = Line(), threading.Event()

    def waits():
        with line.turns.given_up():
            assert not line.turns.is_mine
            assert other_has_been.wait(LONG)
        assert line.turns.is_mine

    going = [line.comes(waits), line.comes(other_has_been.set)]
    for one in going:
        one.result(LONG)


def test_whoever_needs_too_long_keeps_the_others_no_longer():
    line, others_are_done = Line(patience=0.01), threading.Event()
    slow = line.comes(lambda: others_are_done.wait(LONG))
    for name in "bc":
        line.comes(lambda name=name: line.done.append(name)).result(LONG)
    others_are_done.set()
    assert slow.result(LONG) is None
    assert line.done == ["b", "c"]
    with line.turns.taken():  # and the slow one took nobody's turn away when it came back
        assert line.turns._holder is not None


def test_who_fails_gives_its_turn_back():
    turns = Turns(LONG)
    with pytest.raises(ValueError, match="13"), turns.taken():
        int("13?")
    assert not turns.is_mine
    assert turns._holder is None


def test_without_a_turn_there_is_nothing_to_give_up():
    turns = Turns(LONG)
    with turns.given_up():
        pass
    assert not turns.is_mine
