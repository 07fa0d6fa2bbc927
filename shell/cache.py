"""Opened models and recorded passes, kept between reruns within bounds.

One for the whole server process. Knows neither widgets nor pages.

Models are shared by everyone. A trace holds what somebody typed, so it is found only by an
id that cannot be guessed: a keyed hash of the session and the request.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import astuple
from functools import partial
from typing import Generic, Protocol, TypeVar

from model_runtime import breaking, catalog, tracing
from model_runtime.breaking import Broken
from model_runtime.positions import experiments, five_ways
from model_runtime.positions.encodings import Encoding
from model_runtime.positions.experiments import Shuffled, Without
from model_runtime.positions.five_ways import OneOfFive
from model_runtime.positions.placing import Placeable
from model_runtime.recording import LoadedModel, Report
from model_runtime.settings import settings
from model_runtime.steps.parts import Insides, Place
from model_runtime.types import Request, Trace
from model_runtime.views import View
from shell.models import ModelStore
from viz.overview import Overview, overview


class _Weighed(Protocol):
    @property
    def nbytes(self) -> int:
        """Memory that it holds."""


Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value", bound=_Weighed)

_KEY = secrets.token_bytes(32)
PUBLIC = ""  # the session of texts that nobody typed: the examples


class Store(Generic[Name, Value]):
    """Values by name, the least recently used dropped first. Safe for many threads.

    Each is weighed once, when it comes: to count the bytes of every trace again whenever one
    was put took a fifth of the time of a full room.
    """

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self._kept: OrderedDict[Name, tuple[Value, int]] = OrderedDict()
        self._held = 0
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    def get(self, name: Name) -> Value | None:
        """The value, or None if it was never here or is no longer kept."""
        with self._lock:
            if name not in self._kept:
                return None
            self._kept.move_to_end(name)
            return self._kept[name][0]

    def put(self, name: Name, value: Value) -> None:
        """Keep a value, and drop old ones until all fit. The newest is always kept."""
        weight = value.nbytes
        with self._lock:
            if name in self._kept:
                self._held -= self._kept.pop(name)[1]
            self._kept[name] = (value, weight)
            self._held += weight
            while len(self._kept) > 1 and (
                len(self._kept) > self._max_count or self._held > self._max_bytes
            ):
                self._held -= self._kept.popitem(last=False)[1][1]


class TraceStore(Store[str, Trace]):
    """Traces by id."""


class OverviewStore(Store[tuple[str, View], Overview]):
    """What is drawn at once of a trace through a view."""

    def of(self, trace_id: str, trace: Trace, view: View) -> Overview:
        """The overview, kept or computed. Two that ask at once compute it twice, at worst."""
        found = self.get((trace_id, view))
        if found is None:
            found = overview(trace, view)
            self.put((trace_id, view), found)
        return found


OVERVIEWS = OverviewStore(max_count=1024, max_bytes=64 * 2**20)
MODELS = ModelStore(partial(catalog.open_model, lazily=True), settings().memory)
TRACES = TraceStore(max_count=256, max_bytes=settings().trace_memory)


def model(ref: str, report: Report | None = None) -> LoadedModel:
    """The model that `ref` names, opened once. Raises what `catalog.open_model` raises."""
    with MODELS.using(ref, report) as found:
        return found


def insides(ref: str) -> Insides | None:
    """What a built-in model is made of; None of a checkpoint, which is not opened for it."""
    if not catalog.is_builtin(ref):
        return None
    with MODELS.using(ref) as found:
        return found.insides


def encodings(ref: str) -> tuple[Encoding, ...]:
    """What a model tells positions by. Raises what `catalog.open_model` raises."""
    with MODELS.using(ref) as found:
        return found.encodings


def can_be_placed(ref: str) -> bool:
    """Whether a model can be told other positions than its own: a built-in one can."""
    return catalog.is_builtin(ref)


def without(trace: Trace, how: str, seed: int) -> Without:
    """A pass of a built-in model beside the same with its positions removed or shuffled. Raises
    what `experiments.without` raises, and TypeError for a checkpoint."""
    with MODELS.using(trace.request.ref) as found:
        way: experiments.How = "shuffled" if how == "shuffled" else "removed"
        return experiments.without(_placeable(found), trace, way, seed)


def shuffled_words(trace: Trace, seed: int) -> Shuffled:
    """The tokens of a built-in model's trace in another order. Raises what
    `experiments.shuffled_words` raises, and TypeError for a checkpoint."""
    with MODELS.using(trace.request.ref) as found:
        return experiments.shuffled_words(_placeable(found), trace, seed)


def _placeable(found: LoadedModel) -> Placeable:
    if not isinstance(found, Placeable):
        raise TypeError(f"{found.info.ref} cannot be told other positions")
    return found


def five(text: str) -> tuple[tuple[OneOfFive, ...], bool]:
    """The five `positions` models on a text, and whether it is that text: what they cannot read
    gives way to their own first example."""
    can_read = five_ways.readable(text)
    example = catalog.entry(f"builtin:positions@{five_ways.KINDS[0]}").examples[0]
    return five_ways.five(text if can_read else example, model), can_read


def broken(trace: Trace, place: Place, mistake: str) -> Broken:
    """What one of `breaking.MISTAKES` does to a pass of a built-in model. Raises what
    `breaking.broken` raises, and TypeError for a checkpoint."""
    with MODELS.using(trace.request.ref) as found:
        if not isinstance(found, breaking.Breakable):
            raise TypeError(f"{trace.request.ref} cannot be run with a mistake")
        return breaking.broken(found, trace, mistake, place)


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
    return name, kept or _traced(name, request)


def traced_anew(session: str, request: Request) -> None:
    """Record the pass of a request again, by the model itself: what is kept of it may be its first
    pass, which was recorded when the model was made. Raises what `trace` raises."""
    with MODELS.using(request.ref) as model:
        catalog.load(model)
        _traced(trace_id(session, request), request)


def _traced(name: str, request: Request) -> Trace:
    with MODELS.using(request.ref) as model:
        made = tracing.trace(
            model,
            request.text,
            request.target_text,
            pair_text=request.pair_text,
            chat=request.chat,
        )
    TRACES.put(name, made)
    return made
