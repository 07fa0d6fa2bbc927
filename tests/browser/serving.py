"""The app as a process of its own, for what drives it outside pytest, or ends it; what it logs.

Knows neither the browser nor the texts.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, START_SECONDS, end, free_port, wait_for


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


@contextmanager
def running(port: int, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process and its log; the app answers on `port`. It may be ended in the meantime."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.log"
        with path.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, so that all of it can be ended
            )
        try:
            wait_for(f"http://127.0.0.1:{port}/", process, path, time.monotonic() + START_SECONDS)
            yield process, path
        finally:
            end(process)
