"""Opened models share one budget: the least recently used goes, never one that is in use."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from model_runtime.errors import ModelsBusy
from shell.models import ModelStore


@dataclass
class Weights:
    """As much of a model as the store looks at."""

    ref: str
    nbytes: int


class Shelf:
    """Opens models of a size that their name gives, and remembers which."""

    def __init__(self):
        self.opened = []

    def open(self, ref, report, room_for):
        size = int(ref.split("-")[1])
        room_for(size)
        self.opened.append(ref)
        return Weights(ref, size)


def use(store, ref):
    with store.using(ref) as model:
        return model


def test_a_model_is_opened_once():
    shelf = Shelf()
    store = ModelStore(shelf.open, 10)
    assert use(store, "a-1") is use(store, "a-1")
    assert shelf.opened == ["a-1"]
    assert store.is_open("a-1") and not store.is_open("b-1")


def test_the_least_recently_used_goes_when_there_is_no_room():
    store = ModelStore(Shelf().open, 10)
    for ref in ("a-4", "b-4", "a-4", "c-4"):
        use(store, ref)
    assert [store.is_open(ref) for ref in ("a-4", "b-4", "c-4")] == [True, False, True]
    assert store.nbytes == 8


def test_room_is_made_before_it_is_taken():
    held = []
    shelf = Shelf()

    def open_model(*asked):
        model = shelf.open(*asked)
        held.append(store.nbytes)
        return model

    store = ModelStore(open_model, 10)
    use(store, "a-8")
    use(store, "b-8")
    assert held == [0, 0]


def test_what_is_in_use_stays_and_who_finds_no_room_is_told():
    store = ModelStore(Shelf().open, 10)
    with store.using("a-8"):
        with pytest.raises(ModelsBusy):
            use(store, "b-8")
        assert store.is_open("a-8")
        use(store, "c-2")
    use(store, "b-8")
    assert not store.is_open("a-8")


def test_a_model_that_alone_is_larger_than_the_budget_is_not_the_stores_to_refuse():
    store = ModelStore(Shelf().open, 10)
    assert use(store, "a-12").nbytes == 12


def test_a_model_that_could_not_be_opened_leaves_nothing_and_may_be_asked_for_again():
    shelf = Shelf()
    answers = [OSError("half a file"), None]

    def open_model(ref, report, room_for):
        room_for(8)
        if problem := answers.pop(0):
            raise problem
        return shelf.open(ref, report, lambda size: None)

    store = ModelStore(open_model, 10)
    with pytest.raises(OSError, match="half"):
        use(store, "a-8")
    assert store.nbytes == 0 and not store.is_open("a-8")
    assert use(store, "a-8").ref == "a-8"


def test_two_who_ask_at_once_wait_for_one_opening():
    shelf = Shelf()
    begun, go_on = threading.Event(), threading.Event()

    def open_model(*asked):
        begun.set()
        assert go_on.wait(10)
        return shelf.open(*asked)

    store = ModelStore(open_model, 10)
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(use, store, "a-1") for _ in range(3)]
        assert begun.wait(10)
        go_on.set()
        assert len({id(answer.result(10)) for answer in answers}) == 1
    assert shelf.opened == ["a-1"]


def test_different_models_are_opened_side_by_side():
    both = threading.Barrier(2, timeout=10)

    def open_model(ref, report, room_for):
        room_for(1)
        both.wait()
        return Weights(ref, 1)

    store = ModelStore(open_model, 10)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda ref: use(store, ref), ["a", "b"]))
    assert store.nbytes == 2


def test_many_threads_leave_no_more_than_the_budget():
    store = ModelStore(Shelf().open, 10)

    def work(seed):
        for n in range(300):
            ref = f"m{(seed * 5 + n * 3) % 7}-{1 + n % 3}"
            try:
                with store.using(ref) as model:
                    assert model.nbytes == 1 + n % 3
            except ModelsBusy:
                pass

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert store.nbytes <= 10
