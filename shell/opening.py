"""Models on their way: each is opened by a thread of its own, whoever waits for it.

Streamlit ends a script run as soon as somebody types or clicks; an opening that belonged to
the run would begin again each time. Knows the cache; draws nothing and keeps no state of users.
"""

import logging
import threading

from model_runtime.errors import HeadlightError, Unforeseen
from model_runtime.recording import Progress
from shell import cache

log = logging.getLogger(__name__)


class Opening:
    """One model being opened. Once `wait` is true it is in the cache, or `problem` says why not."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.progress = Progress("looking")
        self.problem: HeadlightError | None = None
        self._finished = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after at most `seconds`."""
        return self._finished.wait(seconds)

    def _hear(self, progress: Progress) -> None:
        self.progress = progress

    def run(self) -> None:
        """Open the model: the thread's work."""
        try:
            cache.model(self.ref, self._hear)
        except HeadlightError as problem:
            self.problem = _alone(problem)
        except Exception as problem:
            log.exception("a model could not be opened")
            self.problem = Unforeseen(kind=type(problem).__name__)
        finally:
            with _lock:
                _under_way.pop(self.ref, None)
            self._finished.set()


_under_way: dict[str, Opening] = {}
_lock = threading.Lock()


def begin(ref: str) -> Opening:
    """Open the model that `ref` names, or join those who wait for it already."""
    with _lock:
        found = _under_way.get(ref)
        if found is None:
            found = _under_way[ref] = Opening(ref)
            threading.Thread(target=found.run, name="opening", daemon=True).start()
        return found


def _alone(problem: HeadlightError) -> HeadlightError:
    """The error without the frames that it came through: they hold what was half loaded."""
    problem.__traceback__ = problem.__cause__ = problem.__context__ = None
    return problem
