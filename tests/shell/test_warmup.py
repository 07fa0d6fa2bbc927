"""Before the first visitor: the first page's trace is there, and no failure stops the server."""

import asyncio
import gc
import threading
from functools import partial

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from model_runtime import catalog, tracing
from model_runtime.errors import UnknownModel
from model_runtime.types import Request, Trace
from shell import cache, warmup
from shell.cache import PUBLIC, TraceStore, trace_id
from shell.models import ModelStore


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """For a visitor, or for a browser: neither comes here."""
    monkeypatch.setattr(warmup, "PATIENCE", 0.0)
    monkeypatch.setattr(warmup, "PAINTING", 0.0)
    monkeypatch.setattr(warmup, "_SENT", threading.Event())
    monkeypatch.setattr(warmup, "_READY", threading.Event())
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def no_freezing(monkeypatch):
    """Freezing is for a server's whole life; here it would outlast the test."""
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    return frozen


async def started():
    async with warmup.lifespan(lambda: None, None):
        return "serving"


def test_the_first_example_is_traced_for_everyone(monkeypatch, no_freezing):
    store = TraceStore(9, 10**9)
    monkeypatch.setattr(cache, "TRACES", store)
    assert asyncio.run(started()) == "serving"
    first = cache.model(catalog.DEFAULT).info.examples[0]
    found = store.get(trace_id(PUBLIC, Request(catalog.DEFAULT, first)))
    assert found is not None and found.request.text == first
    assert no_freezing == [1]


class Remembering(TraceStore):
    """A store that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(9, 10**9)
        self.given: list[tuple[str, Trace]] = []

    def put(self, name: str, value: Trace) -> None:
        self.given.append((name, value))
        super().put(name, value)


def test_in_the_end_it_is_traced_by_the_model_itself(monkeypatch):
    store = Remembering()
    monkeypatch.setattr(cache, "TRACES", store)
    opened = ModelStore(partial(catalog.open_model, lazily=True), 10**12)
    monkeypatch.setattr(cache, "MODELS", opened)
    asyncio.run(started())
    (name, recorded), (again, own) = store.given
    assert name == again and store.get(name) is own is not recorded
    live = tracing.trace(catalog.open_model(catalog.DEFAULT), own.request.text)
    np.testing.assert_array_equal(own.logits, live.logits)
    np.testing.assert_allclose(recorded.logits, own.logits, rtol=0, atol=1e-4)


def test_torch_waits_for_the_first_page_and_the_first_page_for_nothing(monkeypatch):
    monkeypatch.setattr(warmup, "PATIENCE", 600.0)
    read = threading.Event()
    monkeypatch.setattr(cache, "traced_anew", lambda *_: read.set())
    warming = threading.Thread(target=warmup.warm_up, args=(lambda: None,))
    warming.start()
    assert not read.wait(1.0)
    warmup.page_is_sent()
    assert read.wait(60.0)
    warming.join()


def test_it_is_ready_once_all_is_done(monkeypatch):
    client = TestClient(Starlette(routes=warmup.ROUTES))
    monkeypatch.setattr(warmup, "LONGEST", 0.0)
    assert client.get("/api/ready").status_code == 503
    warmup.warm_up(lambda: None)
    assert client.get("/api/ready").status_code == 200


def test_it_is_ready_to_say_what_is_wrong_when_the_model_cannot_be_opened(monkeypatch):
    def broken(ref):
        raise UnknownModel(ref=ref, known="")

    monkeypatch.setattr(cache, "model", broken)
    asyncio.run(started())
    assert TestClient(Starlette(routes=warmup.ROUTES)).get("/api/ready").status_code == 200


def test_a_model_that_cannot_be_opened_does_not_keep_the_server_from_starting(monkeypatch, caplog):
    def broken(ref):
        raise UnknownModel(ref=ref, known="")

    monkeypatch.setattr(cache, "model", broken)
    assert asyncio.run(started()) == "serving"
    assert "could not be opened" in caplog.text
