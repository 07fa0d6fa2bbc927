"""A server that can write nowhere: no home, no folder for temporary files, no network."""

import asyncio

import httpx2
import pytest

from benchmarks.visitor import Answer, Visitor
from tests.conftest import free_port, running

# Not there, and not even root can make a folder in /proc.
NOWHERE = "/proc/nowhere"
TEXT = "Agnes lives in a small house."


async def typed(address: str) -> tuple[Answer, int]:
    """What is answered to a text, and to the request of a head of it."""
    async with httpx2.AsyncClient(trust_env=False) as http, Visitor(address, http, "Agnes") as one:
        await one.open()
        answer = await one.enter(TEXT)
        _, status, _ = await one.head(answer.api, "encoder/0/0")
        return answer, status


@pytest.mark.slow
def test_a_server_that_can_write_nowhere_traces_a_text_and_complains_of_nothing() -> None:
    port = free_port()
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "HF_HOME"), NOWHERE)
    with running(port, **places, PYTHONDONTWRITEBYTECODE="1", HF_HUB_OFFLINE="1") as (_, log):
        answer, status = asyncio.run(typed(f"http://127.0.0.1:{port}"))
        said = log.read_text("utf-8")
    assert (answer.text, status) == (TEXT, 200)
    assert "Traceback" not in said and "rror" not in said
