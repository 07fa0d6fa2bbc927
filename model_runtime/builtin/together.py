"""Questions that wait for one another, answered in one go: a batch costs little more than one.

Knows threads; neither models nor tokens.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from model_runtime.turns import TURNS

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Waiting(Generic[Question, Answer]):
    question: Question
    answers: tuple[Answer, ...] = ()  # one, once it is there


class Together(Generic[Question, Answer]):
    """Whoever comes while others are being answered waits, and the next answers all who wait.

    So one alone is answered as it comes, and a full room in batches, without anybody having
    to wait for a batch to fill. Nobody keeps their turn while they wait: others may be about to
    ask, too.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]], most: int) -> None:
        """`answer` gives one answer to each of up to `most` questions, for one caller at a time,
        which has no turn."""
        self._answer = answer
        self._most = most
        self._waiting: list[_Waiting[Question, Answer]] = []
        self._is_busy = False
        self._changed = threading.Condition()

    def ask(self, question: Question) -> Answer:
        """The answer to a question. Raises what `answer` raises of it alone."""
        with TURNS.given_up():
            return self._asked(_Waiting[Question, Answer](question))

    def _asked(self, mine: _Waiting[Question, Answer]) -> Answer:
        with self._changed:
            self._waiting.append(mine)
            self._changed.wait_for(lambda: mine.answers or not self._is_busy)
            if mine.answers:
                return mine.answers[0]
            self._is_busy = True
            self._waiting.remove(mine)
            others = self._waiting[: self._most - 1]
            del self._waiting[: len(others)]
        try:
            self._answer_all(mine, others)
        finally:
            with self._changed:
                self._waiting[:0] = [one for one in others if not one.answers]
                self._is_busy = False
                self._changed.notify_all()
        return mine.answers[0]

    def _answer_all(
        self,
        mine: _Waiting[Question, Answer],
        others: list[_Waiting[Question, Answer]],
    ) -> None:
        try:
            answers = self._answer([one.question for one in (mine, *others)])
        except Exception:
            # Nobody knows whose fault it was; the others ask for themselves.
            mine.answers = (self._answer([mine.question])[0],)
            return
        for one, answer in zip((mine, *others), answers, strict=True):
            one.answers = (answer,)
