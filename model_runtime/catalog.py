"""What can be opened, by reference; open_model(ref) → a model that can be traced.

Knows where models are kept. The models themselves, and the screen, are elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from model_runtime.builtin import weights
from model_runtime.errors import UnknownModel
from model_runtime.recording import LoadedModel, Report, RoomFor

BUILTIN = "builtin:"
DEFAULT = "builtin:translator"
# From what a class knows to what it has to look at closely.
_ORDER = "translator zh-en writer blanks dates reversal addition induction positions".split()


@dataclass(frozen=True)
class Entry:
    """What the line-up says of a model before it is opened."""

    ref: str  # "builtin:translator", "builtin:addition@0600"
    name: str  # "translator", "addition"
    variant: str  # "0600": the same model at another point of its training, or made otherwise
    family: str  # "encoder-decoder", "encoder" or "decoder"
    reads: str  # what it was trained to read: "English", "Chinese", "letters", …
    summary: Mapping[str, str]  # one line, by language; "en" is always there
    examples: tuple[str, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """Everything that ships with Headlight, the default first, each model before its variants."""
    found = [_entry(name) for name in weights.names()]

    def place(entry: Entry) -> tuple[int, str, str]:
        known = _ORDER.index(entry.name) if entry.name in _ORDER else len(_ORDER)
        return known, entry.name, entry.variant

    return tuple(sorted(found, key=place))


def _entry(full_name: str) -> Entry:
    name, _, variant = full_name.partition("@")
    folder = weights.folder_of(full_name)
    facts = weights.read_facts(folder)
    return Entry(
        ref=BUILTIN + full_name,
        name=name,
        variant=variant,
        family=weights.read_config(folder).topology,
        reads=facts["reads"],
        summary=facts["summary"],
        examples=tuple(facts["examples"]),
    )


@cache
def summary(name: str) -> Mapping[str, str]:
    """The line on a model whichever its variant, by language: "positions" as a whole."""
    found: Mapping[str, str] = weights.read_facts(weights.folder_of(name))["summary"]
    return found


def references() -> tuple[str, ...]:
    """References of everything that ships with Headlight, the default first."""
    return tuple(entry.ref for entry in entries())


def entry(ref: str) -> Entry:
    """The entry of a reference. Raises UnknownModel, which lists what can be opened."""
    for known in entries():
        if known.ref == ref:
            return known
    raise UnknownModel(ref=ref, known=", ".join(references()))


def is_builtin(ref: str) -> bool:
    """Whether a reference names a model that ships with Headlight, or would."""
    return ref.startswith(BUILTIN)


def open_model(
    ref: str,
    report: Report | None = None,
    room_for: RoomFor | None = None,
    *,
    lazily: bool = False,
) -> LoadedModel:
    """Load the model that `ref` names onto the CPU, and check it.

    `ref` is "builtin:translator", a Hub id such as "org/name" or "org/name@revision", or a
    folder: "/models/mine", "./mine", "~/mine". `report` hears how far it is; `room_for` is
    called with the bytes of the weights before they are taken. `lazily`, a built-in model is
    loaded when it first computes, or by `load`; before, there is the pass of its first example
    that is kept beside it, if one is. Raises a `HeadlightError` that says what is wrong and what
    to do.
    """
    room_for = room_for or (lambda _: None)
    if is_builtin(ref):
        folder = weights.folder_of(entry(ref).ref.removeprefix(BUILTIN))
        from model_runtime.builtin.opened import BuiltinModel

        room_for(weights.read_facts(folder)["parameters"] * 4)
        read = weights.read if lazily else weights.load
        return BuiltinModel(ref, read(folder), folder)
    from model_runtime.huggingface.opened import open_checkpoint

    return open_checkpoint(ref, report or (lambda _: None), room_for)


def load(model: LoadedModel) -> None:
    """Have the weights of a model in memory that was opened `lazily`."""
    from model_runtime.builtin.opened import BuiltinModel

    if isinstance(model, BuiltinModel):
        model.load()
