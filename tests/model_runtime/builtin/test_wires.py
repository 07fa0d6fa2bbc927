"""Each wire is one asker's at a time; who finds none waits, first come, first served."""

import socket
import threading
import time

import pytest

from model_runtime.builtin.messages import Wire
from model_runtime.builtin.wires import Wires

LONG = 30.0  # seconds, after which a test that hangs fails


@pytest.fixture
def ends():
    """Wires whose other ends stay open."""
    others: list[socket.socket] = []

    def made(n):
        pairs = [socket.socketpair() for _ in range(n)]
        others.extend(other for _, other in pairs)
        return [Wire(one) for one, _ in pairs]

    yield made
    for other in others:
        other.close()


def waiting_for(wires, n, have):
    """Threads that wait for a wire, one after the other, and then call `have(i, wire)`."""

    def wait(i):
        with wires.one() as wire:
            have(i, wire)

    threads = []
    for i in range(n):
        threads.append(threading.Thread(target=wait, args=(i,)))
        threads[-1].start()
        while len(wires._waiting) < len(threads):
            time.sleep(0.001)
    return threads


def test_without_wires_there_is_none():
    with Wires(()).one() as wire:
        assert wire is None


def test_two_at_once_have_two_and_one_that_comes_back_is_there_again(ends):
    both = ends(2)
    wires = Wires(both)
    for _ in range(2):
        with wires.one() as one, wires.one() as other:
            assert {one, other} == set(both)
    wires.close()


def test_who_finds_none_waits_and_is_served_in_the_order_of_coming(ends):
    (only,) = ends(1)
    wires, served = Wires([only]), []
    with wires.one():
        threads = waiting_for(wires, 4, lambda i, wire: served.append((i, wire)))
        assert served == []
    for thread in threads:
        thread.join(LONG)
    assert served == [(i, only) for i in range(4)]
    wires.close()


def test_after_a_question_that_was_broken_off_nobody_hears_its_answer(ends):
    both = ends(2)
    wires = Wires(both)
    with pytest.raises(KeyError), wires.one():
        raise KeyError
    assert [wire.fileno() for wire in both] == [-1, -1]
    with wires.one() as wire:
        assert wire is None


def test_once_closed_those_that_are_free_are_closed_and_there_is_none(ends):
    both = ends(2)
    wires = Wires(both)
    wires.close()
    assert [wire.fileno() for wire in both] == [-1, -1]
    with wires.one() as wire:
        assert wire is None


def test_once_closed_nobody_waits_and_those_in_use_are_closed_when_they_come_back(ends):
    (only,) = ends(1)
    wires, served = Wires([only]), []
    with wires.one():
        threads = waiting_for(wires, 3, lambda i, wire: served.append(wire))
        wires.close()
        for thread in threads:
            thread.join(LONG)
        assert served == [None] * 3
        assert only.fileno() >= 0
    assert only.fileno() == -1
