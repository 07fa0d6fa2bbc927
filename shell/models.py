"""Opened models within one budget of memory: the least recently used goes, never one in use.

Knows how models are opened and let go; neither Streamlit nor what they are asked.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from model_runtime.errors import ModelsBusy
from model_runtime.recording import LoadedModel, Report, RoomFor

# Opens a reference: reports progress, and asks for room before it takes any.
Open = Callable[[str, Report | None, RoomFor], LoadedModel]


@dataclass
class _Kept:
    """An opened model, and how many are at work with it."""

    model: LoadedModel
    users: int = 0


class ModelStore:
    """Models by reference. Safe for many threads; each is opened once, whoever asks."""

    def __init__(self, open_model: Open, max_bytes: int) -> None:
        self._open = open_model
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._opening: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        # Room that is promised to models that are being opened.
        self._promised: dict[str, int] = {}

    @contextmanager
    def using(self, ref: str, report: Report | None = None) -> Iterator[LoadedModel]:
        """The model, which stays while the block runs. Raises what opening raises, and
        ModelsBusy if it fits beside no other that is in use right now."""
        kept = self._taken(ref, report)
        try:
            yield kept.model
        finally:
            with self._lock:
                kept.users -= 1

    def is_open(self, ref: str) -> bool:
        """Whether a model is here already, so that nobody has to wait."""
        with self._lock:
            return ref in self._kept

    @property
    def nbytes(self) -> int:
        """Memory held by the weights of all models here."""
        with self._lock:
            return sum(kept.model.nbytes for kept in self._kept.values())

    def _taken(self, ref: str, report: Report | None) -> _Kept:
        with self._lock:
            if kept := self._found(ref):
                return kept
            opening = self._opening.setdefault(ref, threading.Lock())
        with opening:  # two who ask for the same model wait for one opening of it
            with self._lock:
                if kept := self._found(ref):
                    return kept
            try:
                model = self._open(ref, report, lambda size: self._make_room(ref, size))
            except BaseException:
                with self._lock:
                    self._no_longer_opening(ref)
                raise
            # In one go: who came in between would find it neither open nor on its way.
            with self._lock:
                self._no_longer_opening(ref)
                self._kept[ref] = kept = _Kept(model, users=1)
                self._let_go(0)
            return kept

    def _no_longer_opening(self, ref: str) -> None:
        self._promised.pop(ref, None)
        self._opening.pop(ref, None)

    def _found(self, ref: str) -> _Kept | None:
        kept = self._kept.get(ref)
        if kept:
            self._kept.move_to_end(ref)
            kept.users += 1
        return kept

    def _make_room(self, ref: str, size: int) -> None:
        """Let models go until `size` more bytes fit. Raises ModelsBusy."""
        with self._lock:
            self._let_go(size)
            held = self._held() + size
            if held > self._max_bytes and held > size:
                raise ModelsBusy(ref=ref)
            self._promised[ref] = size

    def _held(self) -> int:
        held = sum(kept.model.nbytes for kept in self._kept.values())
        return held + sum(self._promised.values())

    def _let_go(self, size: int) -> None:
        """Drop the least recently used that nobody uses, until `size` more bytes fit."""
        for ref in [ref for ref, kept in self._kept.items() if not kept.users]:
            if self._held() + size <= self._max_bytes:
                return
            del self._kept[ref]
