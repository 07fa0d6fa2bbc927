"""The running app, for every test that needs it; its log, for every such test that fails."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
WARM = "/api/ready"  # answered once torch has been read and the first example traced
START_SECONDS = 120  # torch may be read from a cold disk, beside other work
LOG = pytest.StashKey[Path]()
LOG_AT = pytest.StashKey[int]()


def pytest_configure() -> None:
    """One thread a pass from the first import on: what a test file traces while it is collected,
    or a fixture of the whole session sets up, comes before `one_thread_a_pass`."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_thread_a_pass() -> None:
    """As the app has it, whatever the test before has left. With more, sums are added up in another
    order, and two passes of one text are no longer equal to the last digit."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the app, started once for all tests: "http://127.0.0.1:PORT"."""
    port = free_port()
    with running(port, OMP_WAIT_POLICY="PASSIVE") as (_process, log):
        request.config.stash[LOG] = log
        yield f"http://127.0.0.1:{port}"
        del request.config.stash[LOG]


@contextlib.contextmanager
def running(port: int, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The app as a process of its own, which answers on `port`, and its log. It may be ended in
    the meantime."""
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
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
            until = time.monotonic() + START_SECONDS
            wait_for(f"{address}/_stcore/health", process, log, until)
            wait_for(f"{address}/", process, log, until)
            wait_for(f"{address}{WARM}", process, log, until)
            yield process, log
        finally:
            end(process)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, until: float) -> None:
    """Return once `url` answers 200; fail with the server's log if it ends or takes too long."""
    said = "no answer"
    while time.monotonic() < until:
        if process.poll() is not None:
            said = f"the server ended with {process.returncode}"
            break
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError) as error:
            said = str(error)
        time.sleep(0.1)
    pytest.fail(f"{url}: {said}\n{log.read_text('utf-8', 'replace')}", pytrace=False)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, by force if it does not go by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember where the server's log ends before a test."""
    log = item.config.stash.get(LOG, None)
    item.stash[LOG_AT] = log.stat().st_size if log else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the server logged during a test that failed."""
    report = yield
    log = item.config.stash.get(LOG, None)
    if report.failed and log and "server" in getattr(item, "fixturenames", ()):
        text = log.read_bytes()[item.stash.get(LOG_AT, 0) :].decode("utf-8", "replace")
        report.sections.append((f"server log ({call.when})", text or "nothing"))
    return report
