"""Questions that wait for one another, answered in one go: a batch costs little more than one.

Knows threads; neither models nor tokens.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Waiting(Generic[Question, Answer]):
    question: Question
    answers: tuple[Answer, ...] = ()  # one, once it is there


class Together(Generic[Question, Answer]):
    """Whoever comes while others are being answered waits, and the next answers all who wait.

    So one alone is answered as it comes, and a full room in batches, without anybody having
    to wait for a batch to fill.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Sequence[Answer]],
        lock: threading.Lock,
        most: int,
    ) -> None:
        """`answer` gives one answer to each of up to `most` questions, under the `lock`."""
        self._answer = answer
        self._lock = lock
        self._most = most
        self._waiting: list[_Waiting[Question, Answer]] = []

    def ask(self, question: Question) -> Answer:
        """The answer to a question. Raises what `answer` raises of it alone."""
        mine = _Waiting[Question, Answer](question)
        self._waiting.append(mine)  # a list's own methods need no lock
        with self._lock:
            if not mine.answers:
                self._answer_mine_and_others(mine)
        return mine.answers[0]

    def _answer_mine_and_others(self, mine: _Waiting[Question, Answer]) -> None:
        self._waiting.remove(mine)
        others = self._waiting[: self._most - 1]
        try:
            answers = self._answer([one.question for one in (mine, *others)])
        except Exception:
            # Nobody knows whose fault it was; the others ask for themselves.
            others = []
            answers = self._answer([mine.question])
        for one, answer in zip((mine, *others), answers, strict=True):
            one.answers = (answer,)
        for one in others:
            self._waiting.remove(one)
