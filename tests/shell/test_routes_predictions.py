"""What the server answers of predictions: the softmax of a kept trace, in the language asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from shell import language, routes_predictions
from shell.cache import TraceStore
from tests.model_runtime.reference import traced

TRACE = traced("The cat is sleeping on the bed.")
MUTE = replace(TRACE, info=replace(TRACE.info, predicts="nothing"))


@pytest.fixture
def client(monkeypatch):
    store = TraceStore(9, 10**12)
    store.put("real", TRACE)
    store.put("mute", MUTE)
    monkeypatch.setattr(routes_predictions, "TRACES", store)
    return TestClient(Starlette(routes=routes_predictions.ROUTES))


def test_the_shares_are_the_softmax_of_the_logits(client):
    lines = client.get("/api/predictions/real?lang=en").json()["lines"]
    assert len(lines) == len(TRACE.logits)
    for line, logits in zip(lines, TRACE.logits, strict=True):
        best = torch.softmax(torch.from_numpy(logits.copy()).double(), dim=-1).topk(5).values
        shares = [cell["share"] for cell in line["cells"][:5]]
        np.testing.assert_allclose(shares, best.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("asked", "word"), [("en", "tokens"), ("zh", "词元"), ("xx", "tokens"), (None, "tokens")]
)
def test_it_speaks_the_language_asked_for_and_leaves_the_others(client, asked, word):
    before = language.current()
    caption = client.get("/api/predictions/real", params={"lang": asked} if asked else {}).json()
    assert word in caption["caption"]
    assert language.current() == before


def test_the_address_of_a_table_is_in_the_language_of_the_run(client):
    language.activate("zh")
    address = routes_predictions.address_of("real")
    language.activate("en")
    assert "词元" in client.get(f"/{address}").json()["caption"]


@pytest.mark.parametrize(("trace", "status"), [("gone", 410), ("mute", 404)])
def test_what_is_not_there_is_said(client, trace, status):
    assert client.get(f"/api/predictions/{trace}").status_code == status


def test_the_browser_may_keep_it_and_nobody_in_between(client):
    assert client.get("/api/predictions/real").headers["cache-control"].startswith("private")
