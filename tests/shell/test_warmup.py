"""Before the first visitor: the first page's trace is there, and no failure stops the server."""

import asyncio
import gc

import pytest

from model_runtime import catalog
from model_runtime.errors import UnknownModel
from model_runtime.types import Request
from shell import cache, warmup
from shell.cache import PUBLIC, TraceStore, trace_id


@pytest.fixture(autouse=True)
def no_freezing(monkeypatch):
    """Freezing is for a server's whole life; here it would outlast the test."""
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    return frozen


async def started():
    async with warmup.lifespan(None):
        return "serving"


def test_the_first_example_is_traced_for_everyone(monkeypatch, no_freezing):
    store = TraceStore(9, 10**9)
    monkeypatch.setattr(cache, "TRACES", store)
    assert asyncio.run(started()) == "serving"
    first = cache.model(catalog.DEFAULT).info.examples[0]
    found = store.get(trace_id(PUBLIC, Request(catalog.DEFAULT, first)))
    assert found is not None and found.request.text == first
    assert no_freezing == [1]


def test_a_model_that_cannot_be_opened_does_not_keep_the_server_from_starting(monkeypatch, caplog):
    def broken(ref):
        raise UnknownModel(ref=ref, known="")

    monkeypatch.setattr(cache, "model", broken)
    assert asyncio.run(started()) == "serving"
    assert "could not be opened" in caplog.text
