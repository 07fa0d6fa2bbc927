"""Who waits is answered in one go with the others who wait: each gets its own answer, once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_runtime.builtin.together import Together

LONG = 30.0  # seconds, after which a test that hangs fails


class Answering:
    """Doubles numbers. The first batch waits until it is let go, so that others come meanwhile."""

    def __init__(self):
        self.batches = []
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, questions):
        self.batches.append(list(questions))
        if len(self.batches) == 1:
            self.began.set()
            assert self.may_end.wait(LONG)
        if 13 in questions:
            raise ValueError("13")
        return [2 * question for question in questions]


def ask_all(answering, questions, most=32):
    """The first alone, then all others while it is being answered. Answers or errors."""
    together = Together(answering, most)
    with ThreadPoolExecutor(len(questions)) as pool:
        asked = [pool.submit(together.ask, questions[0])]
        assert answering.began.wait(LONG)
        asked += [pool.submit(together.ask, question) for question in questions[1:]]
        while len(together._waiting) < len(questions) - 1:
            threading.Event().wait(0.001)
        answering.may_end.set()
        found = [one.exception(LONG) or one.result() for one in asked]
    assert together._waiting == []
    return found


def test_one_alone_is_answered_at_once():
    answering = Answering()
    answering.may_end.set()
    assert Together(answering, 4).ask(5) == 10
    assert answering.batches == [[5]]


def test_those_who_came_meanwhile_are_answered_in_one_batch():
    answering = Answering()
    assert ask_all(answering, range(8)) == [2 * i for i in range(8)]
    assert len(answering.batches) == 2
    assert sorted(answering.batches[1]) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("most", "sizes"), [(1, [1] * 8), (3, [1, 3, 3, 1]), (7, [1, 7])])
def test_a_batch_has_no_more_than_so_many(most, sizes):
    answering = Answering()
    assert ask_all(answering, range(8), most) == [2 * i for i in range(8)]
    assert [len(batch) for batch in answering.batches] == sizes


def test_equal_questions_are_answered_each():
    answering = Answering()
    assert ask_all(answering, [4] * 5) == [8] * 5
    assert sum(map(len, answering.batches)) == 5


@pytest.mark.parametrize("most", [1, 2, 32])
def test_only_who_asks_what_cannot_be_answered_hears_so(most):
    first, *rest = ask_all(Answering(), [1, 13, 2, 3], most)
    assert first == 2
    assert isinstance(rest[0], ValueError)
    assert rest[1:] == [4, 6]
