"""What can be opened, by reference; open_model(ref) → a model that can be traced.

Knows where models are kept. The models themselves, and the screen, are elsewhere.
"""

from model_runtime.builtin import weights
from model_runtime.errors import UnknownModel
from model_runtime.recording import LoadedModel

BUILTIN = "builtin:"
DEFAULT = "builtin:translator"


def references() -> tuple[str, ...]:
    """References of everything that ships with Headlight, the default first."""
    names = [BUILTIN + name for name in weights.names()]
    return tuple(sorted(names, key=lambda ref: (ref != DEFAULT, ref)))


def open_model(ref: str) -> LoadedModel:
    """Load the model that `ref` names, such as "builtin:translator", onto the CPU.

    Raises UnknownModel, which lists what can be opened.
    """
    if ref not in references():
        raise UnknownModel(ref=ref, known=", ".join(references()))
    from model_runtime.builtin.opened import BuiltinModel

    name = ref.removeprefix(BUILTIN)
    return BuiltinModel(ref, weights.load(weights.MODELS / name))
