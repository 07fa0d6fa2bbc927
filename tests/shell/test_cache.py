"""Traces kept within bounds, under names that cannot be guessed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from model_runtime import catalog, tracing
from model_runtime.errors import NothingToTrace, UnknownModel
from model_runtime.types import Request
from shell import cache
from shell.cache import PUBLIC, Store, TraceStore, trace_id
from tests.model_runtime.reference import made_trace, tokens

TRACE = made_trace(tokens("a", "[EOS]"), tokens("[BOS]", "b", "[EOS]"))
HUGE = 10**12
ASKED = Request(catalog.DEFAULT, "a cat", None)


def kept(store, names):
    """Which of the names are there, asked without moving them up."""
    return [name for name in names if name in store._kept]


def test_what_was_put_is_found_and_nothing_else():
    store = TraceStore(max_count=2, max_bytes=HUGE)
    store.put("one", TRACE)
    assert store.get("one") is TRACE
    assert store.get("two") is None


def test_no_more_than_the_count_are_kept_and_the_oldest_goes():
    store = TraceStore(max_count=2, max_bytes=HUGE)
    for name in "abc":
        store.put(name, TRACE)
    assert kept(store, "abc") == ["b", "c"]


def test_what_was_just_looked_at_stays():
    store = TraceStore(max_count=2, max_bytes=HUGE)
    store.put("a", TRACE)
    store.put("b", TRACE)
    store.get("a")
    store.put("c", TRACE)
    assert kept(store, "abc") == ["a", "c"]


@pytest.mark.parametrize(("room", "left"), [(3, "bcd"), (2.9, "cd"), (1, "d")])
def test_no_more_than_the_bytes_are_kept(room, left):
    store = TraceStore(max_count=99, max_bytes=int(room * TRACE.nbytes))
    for name in "abcd":
        store.put(name, TRACE)
    assert kept(store, "abcd") == list(left)


@pytest.mark.parametrize("bounds", [(99, 0), (0, HUGE), (0, 0)])
def test_the_newest_is_kept_however_large(bounds):
    store = TraceStore(*bounds)
    store.put("a", TRACE)
    store.put("b", TRACE)
    assert kept(store, "ab") == ["b"]


def test_putting_the_same_again_keeps_it_once_and_as_the_newest():
    store = TraceStore(max_count=2, max_bytes=HUGE)
    for name in ("a", "b", "a", "c"):
        store.put(name, TRACE)
    assert kept(store, "abc") == ["a", "c"]


def test_each_is_weighed_once_however_many_follow():
    weighed = []

    class Heavy:
        @property
        def nbytes(self):
            weighed.append(self)
            return 2

    store: Store = Store(max_count=99, max_bytes=6)
    for name in "abcda":
        store.put(name, Heavy())
    assert len(weighed) == 5
    assert kept(store, "abcd") == ["a", "c", "d"]


def test_many_threads_at_once_break_no_bound():
    store = TraceStore(max_count=5, max_bytes=HUGE)

    def work(seed):
        for n in range(200):
            store.put(str((seed * 7 + n) % 13), TRACE)
            found = store.get(str(n % 13))
            assert found is None or found is TRACE
            assert len(store._kept) <= 5 + 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert len(store._kept) == 5


def test_a_name_is_the_same_for_the_same_request_of_the_same_session():
    assert trace_id("s", ASKED) == trace_id("s", Request(catalog.DEFAULT, "a cat"))
    assert len(trace_id("s", ASKED)) == 32
    assert set(trace_id("s", ASKED)) <= set("0123456789abcdef")


def test_sessions_models_texts_and_targets_have_names_of_their_own():
    asked = [
        ("s", ASKED),
        ("t", ASKED),
        (PUBLIC, ASKED),
        ("s", Request("builtin:other", "a cat")),
        ("s", Request(catalog.DEFAULT, "a cat ")),
        ("s", Request(catalog.DEFAULT, "a cat", "猫")),
        ("s", Request(catalog.DEFAULT, "a cat", "None")),
        ("s", Request(catalog.DEFAULT, "a cat\0None")),
        ("s", Request(catalog.DEFAULT, "a cat\0'猫'")),
        ("s", Request(catalog.DEFAULT, "a cat \ud800")),
    ]
    assert len({trace_id(*one) for one in asked}) == len(asked)


def test_a_name_cannot_be_computed_without_the_key(monkeypatch):
    before = trace_id("s", ASKED)
    monkeypatch.setattr(cache, "_KEY", b"another key")
    assert trace_id("s", ASKED) != before


def test_a_request_is_run_once_for_each_session(monkeypatch):
    runs = []
    real = tracing.trace

    def counted(*request, **more):
        runs.append(request)
        return real(*request, **more)

    monkeypatch.setattr(cache, "TRACES", TraceStore(9, HUGE))
    monkeypatch.setattr(tracing, "trace", counted)
    name, found = cache.trace("one", ASKED)
    assert cache.trace("one", ASKED) == (name, found)
    assert len(runs) == 1
    other_name, _ = cache.trace("two", ASKED)
    assert other_name != name and len(runs) == 2
    assert cache.TRACES.get(name) is found


def test_what_cannot_be_traced_is_said_and_not_kept(monkeypatch):
    store = TraceStore(9, HUGE)
    monkeypatch.setattr(cache, "TRACES", store)
    with pytest.raises(NothingToTrace):
        cache.trace("s", Request(catalog.DEFAULT, " "))
    with pytest.raises(UnknownModel):
        cache.trace("s", Request("builtin:none", "a"))
    assert not store._kept
