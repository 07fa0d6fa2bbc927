"""The models as the picker lines them up: one line a model, its variants in their order.

Knows the catalog; opens no model, draws nothing and keeps no state.
"""

from dataclasses import dataclass
from functools import cache

from model_runtime import catalog
from model_runtime.catalog import Entry
from model_runtime.types import MASK, ModelInfo
from viz.attention_map import Say
from viz.marked import N_
from viz.positions.texts import KINDS

FINISHED = N_("finished")
TARGET, CONTINUATION = N_("Target"), N_("Continuation")


@cache
def names() -> tuple[str, ...]:
    """The models' names, the default first."""
    return tuple(dict.fromkeys(entry.name for entry in catalog.entries()))


@cache
def variants(name: str) -> tuple[Entry, ...]:
    """All that goes by a name: points of training in their order, the finished model last."""
    found = [entry for entry in catalog.entries() if entry.name == name]
    kinds = list(KINDS)

    def place(entry: Entry) -> tuple[bool, int, str]:
        if entry.variant.isdigit():
            return False, int(entry.variant), ""
        known = kinds.index(entry.variant) if entry.variant in KINDS else len(kinds)
        return not entry.variant, known, entry.variant

    return tuple(sorted(found, key=place))


def are_snapshots(entries: tuple[Entry, ...]) -> bool:
    """Whether these are one model at several points of its training."""
    return all(entry.variant.isdigit() for entry in entries if entry.variant)


def opening(name: str) -> Entry:
    """What a model's name stands for: the finished model, else its first variant."""
    found = variants(name)
    return next((entry for entry in found if not entry.variant), found[0])


def called(name: str) -> Entry | None:
    """The model that goes by a name or a reference: "addition", "addition@0600"."""
    full = catalog.BUILTIN + name.removeprefix(catalog.BUILTIN)
    found = next((entry for entry in catalog.entries() if entry.ref == full), None)
    return found or (opening(name) if name in names() else None)


def begins(typed: str) -> Entry | None:
    """The one model whose name begins with what was typed: "wri"."""
    found = [name for name in names() if typed and name.startswith(typed.lower())]
    return opening(found[0]) if len(found) == 1 else None


def variant_name(entry: Entry, say: Say) -> str:
    """A variant in a few letters: the steps that it was trained for, or how it was made."""
    if not entry.variant:
        return say(FINISHED)
    if entry.variant.isdigit():
        return f"{int(entry.variant):,}"
    return say(KINDS[entry.variant]) if entry.variant in KINDS else entry.variant


@cache
def examples() -> frozenset[str]:
    """Every model's examples: texts that nobody typed."""
    return frozenset(text for entry in catalog.entries() for text in entry.examples)


def readers(text: str) -> frozenset[str]:
    """What the models read of which a text is an example: English, sums, …"""
    return frozenset(entry.reads for entry in catalog.entries() if text in entry.examples)


@dataclass(frozen=True)
class Opened:
    """A model that was opened: what changing to another one needs to know."""

    ref: str
    name: str
    family: str
    reads: str  # what it was trained to read; "" where nobody says
    examples: frozenset[str]  # texts that nobody typed


def opened(ref: str, info: ModelInfo) -> Opened:
    """What is to be known of an open model. At a checkpoint, everybody's examples are examples."""
    if catalog.is_builtin(ref):
        entry = catalog.entry(ref)
        return Opened(ref, entry.name, entry.family, entry.reads, frozenset(entry.examples))
    known = examples() | frozenset(info.examples)
    return Opened(ref, info.name, info.family, "", known)


def goes_along(example: str, before: Opened, now: Opened) -> bool:
    """Whether an example of one model is a text for the next as well."""
    if MASK in example and now.family != "encoder":
        return False
    reads = {before.reads} if before.reads else readers(example)
    return not now.reads or now.reads in reads


def target_name(info: ModelInfo) -> str:
    """What the text is called that a model's decoder reads; "" if it reads none of its own."""
    if info.family == "encoder-decoder":
        return TARGET
    return CONTINUATION if info.writes else ""
