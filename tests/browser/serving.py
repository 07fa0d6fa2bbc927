"""The app as a process of its own, for what drives it outside pytest; what it logs.

Knows neither the browser nor the texts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.conftest import free_port, running


@contextmanager
def serving(**environment: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """(the address, a function that gives what was logged since it was last called)."""
    port = free_port()
    with running(port, **environment) as (_, path):
        read = 0

        def logged() -> str:
            nonlocal read
            with path.open("rb") as log:
                log.seek(read)
                found = log.read()
            read += len(found)
            return found.decode("utf-8", "replace")

        yield f"http://127.0.0.1:{port}", logged
