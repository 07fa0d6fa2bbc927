"""Opened models and recorded passes, kept between reruns within bounds.

The only file with Streamlit's caches. Knows neither widgets nor pages.

Models are shared by everyone. A trace holds what somebody typed, so it is found only by an
id that cannot be guessed: a keyed hash of the session and the request.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from dataclasses import astuple

import streamlit as st

from model_runtime import catalog, tracing
from model_runtime.recording import LoadedModel
from model_runtime.types import Request, Trace

_KEY = secrets.token_bytes(32)
PUBLIC = ""  # the session of texts that nobody typed: the examples


# Room for the whole line-up with its variants: 50 MB, and no class waits for a model that a
# neighbour's choice has just put out.
@st.cache_resource(max_entries=64, show_spinner=False)
def model(ref: str) -> LoadedModel:
    """The model that `ref` names, opened once. Raises UnknownModel."""
    return catalog.open_model(ref)


class TraceStore:
    """Traces by id, the least recently used dropped first. Safe for many threads."""

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    def get(self, trace_id: str) -> Trace | None:
        """The trace, or None if it was never here or is no longer kept."""
        with self._lock:
            if trace_id in self._traces:
                self._traces.move_to_end(trace_id)
            return self._traces.get(trace_id)

    def put(self, trace_id: str, trace: Trace) -> None:
        """Keep a trace, and drop old ones until all fit. The newest is always kept."""
        with self._lock:
            self._traces[trace_id] = trace
            self._traces.move_to_end(trace_id)
            while len(self._traces) > 1 and (
                len(self._traces) > self._max_count
                or sum(kept.nbytes for kept in self._traces.values()) > self._max_bytes
            ):
                self._traces.popitem(last=False)


TRACES = TraceStore(max_count=256, max_bytes=512 * 2**20)


def trace_id(session: str, request: Request) -> str:
    """The name under which a session's request is kept: 32 characters, not guessable."""
    parts = (session, *map(repr, astuple(request)))
    message = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, key=_KEY, digest_size=16).hexdigest()


def trace(session: str, request: Request) -> tuple[str, Trace]:
    """(id, trace) of a request, from the store or from a forward pass.

    Raises what `open_model` and `tracing.trace` raise.
    """
    name = trace_id(session, request)
    kept = TRACES.get(name)
    if kept is None:
        kept = tracing.trace(
            model(request.ref),
            request.text,
            request.target_text,
            pair_text=request.pair_text,
            chat=request.chat,
        )
        TRACES.put(name, kept)
    return name, kept
