"""What a stack begins with: the vectors of tokens and of positions, and their sum, in one pass.

Keeps only what adds up to what the model itself went on with. Knows no family of models, and
changes no number.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

from torch import Tensor, nn
from transformers import PreTrainedModel

from model_runtime.huggingface.found_tables import modules_of_tables
from model_runtime.huggingface.places import layer_module

EXACT = 1e-6  # of the largest value, or of 1: how well the sum must be met
_SEGMENTS = ("token_type_embeddings", "token_type_embed", "segment_embeddings")
_What = Literal["positions", "embedding", "segments", "reads"]


@dataclass(frozen=True, eq=False)
class Embedded:
    """The sum that one stack went on with, and what it is the sum of."""

    module: str  # the dotted name of the module that gave the positions
    # "embedding", "positions", "segments" where there are some, and "embedded", their sum:
    # [batch, position, width] each, "embedding" as it was added, with the model's own factor
    parts: dict[str, Tensor]


@dataclass
class _Seen:
    """What has been given since the last sum, with the version that it had then."""

    given: dict[str, tuple[Tensor, int]] = field(default_factory=dict)
    module: str = ""

    def keep(self, what: str, value: Any, module: str) -> None:
        if isinstance(value, Tensor) and value.is_floating_point():
            self.given[what] = value, value._version
            if what == "positions":
                self.module = module

    def unchanged(self, what: str) -> Tensor | None:
        """None also of what the model has written over."""
        tensor, version = self.given.get(what, (None, 0))
        return tensor if tensor is not None and tensor._version == version else None


_KNOWN: WeakKeyDictionary[PreTrainedModel, tuple[tuple[str, _What], ...]] = WeakKeyDictionary()


@contextmanager
def watch_embedding(model: PreTrainedModel) -> Iterator[list[Embedded]]:
    """While open, a pass of the model fills the list that is given: one for each stack that adds
    a table of positions to its tokens, where the sum holds to EXACT; none for others."""
    found: list[Embedded] = []
    seen, handles = _Seen(), []
    for name, what in _watched(model):
        module = model.get_submodule(name)
        if what == "reads":
            reader = _reader(seen, found, ends=layer_module(name) == name)
            handles.append(module.register_forward_pre_hook(reader, with_kwargs=True))
        else:
            handles.append(module.register_forward_hook(_keeper(seen, what, name)))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _watched(model: PreTrainedModel) -> tuple[tuple[str, _What], ...]:
    """Which modules give a part of the sum, or may be given the sum itself, by dotted name. Looked
    for once: of a trace of 64 tokens by 12 layers it is a twentieth."""
    found = _KNOWN.get(model)
    if found is None:
        found = _KNOWN[model] = tuple(_look_through(model))
    return found


def _look_through(model: PreTrainedModel) -> Iterator[tuple[str, _What]]:
    positions = {id(part.module) for part in modules_of_tables(model)}
    tokens = _token_embeddings(model) if positions else set()
    for name, module in model.named_modules() if positions else ():
        if id(module) in positions:
            yield name, "positions"
        elif id(module) in tokens:
            yield name, "embedding"
        elif name.rpartition(".")[2] in _SEGMENTS:
            yield name, "segments"
        elif _may_read(name, module):
            yield name, "reads"


def _token_embeddings(model: PreTrainedModel) -> set[int]:
    """The ids of the modules that look tokens up, of the model and of every model in it."""
    found = set()
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            try:
                found.add(id(module.get_input_embeddings()))
            except (NotImplementedError, AttributeError):
                continue
    return found - {id(None)}


def _may_read(name: str, module: nn.Module) -> bool:
    """Whether the sum may be what a module is given: a norm, a dropout, a layer."""
    layer = layer_module(name)
    return layer == name or (layer is None and not any(True for _ in module.children()))


def _keeper(seen: _Seen, what: str, name: str) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        seen.keep(what, output, name)

    return hook


def _reader(seen: _Seen, found: list[Embedded], *, ends: bool) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not {"embedding", "positions"} <= seen.given.keys():
            return
        given = args[0] if args else kwargs.get("hidden_states")
        parts = _sum(seen, given) if isinstance(given, Tensor) else None
        if parts is not None:
            found.append(Embedded(seen.module, parts))
        if parts is not None or ends:  # from the first layer on, nothing is added any more
            seen.given.clear()

    return hook


def _sum(seen: _Seen, embedded: Tensor) -> dict[str, Tensor] | None:
    """What adds up to `embedded`, which some models (fsmt) give with positions first."""
    tokens, positions = seen.unchanged("embedding"), seen.unchanged("positions")
    if tokens is None or positions is None or embedded.dim() != 3 or tokens.dim() != 3:
        return None
    if embedded.shape != tokens.shape:
        embedded = embedded.transpose(0, 1)
    if embedded.shape != tokens.shape or positions.shape[-2:] != tokens.shape[-2:]:
        return None
    segments = seen.unchanged("segments")
    with_segments = {} if segments is None else {"segments": segments}
    for factor in (1.0, math.sqrt(tokens.shape[-1])):
        for more in ({}, with_segments):
            parts = {"embedding": tokens * factor, "positions": positions} | more
            if _adds_up(parts, embedded):
                whole = parts | {"embedded": embedded}
                return {name: of.expand_as(embedded).clone() for name, of in whole.items()}
    return None


def _adds_up(parts: dict[str, Tensor], wanted: Tensor) -> bool:
    total = sum(part.double() for part in parts.values())
    unit = max(1.0, float(wanted.abs().max()))
    return bool(float((total - wanted).abs().max()) <= EXACT * unit)
