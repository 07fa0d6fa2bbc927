"""The recorded pass of a model's first example, kept beside its weights as numbers.

So the first picture need not wait until torch is read. Knows token ids and arrays; no torch, no
text and no screen. What was recorded with other weights is not taken.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

FILE = "first_pass.safetensors"


@dataclass(frozen=True)
class FirstPass:
    """One pass: what was read, what the model wrote, and where all that it computed is kept."""

    path: Path
    source: list[int]  # token ids of the example, as the encoder reads them
    target: list[int]  # what the model wrote, first to last

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `passes.recorded` gave for it, to the last digit."""
        with safe_open(self.path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}


def kept(folder: Path) -> FirstPass | None:
    """The pass that was recorded of the model in a folder; None where there is none, or where the
    weights are others."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
    except SafetensorError:
        return None
    if said.get("weights") != _digest(folder):
        return None
    return FirstPass(path, json.loads(said["source"]), json.loads(said["target"]))


def keep(
    folder: Path, source: list[int], target: list[int], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write the pass beside the weights that made it."""
    said = {
        "weights": _digest(folder),
        "source": json.dumps(source),
        "target": json.dumps(target),
    }
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(whole, folder / FILE, metadata=said)


def _digest(folder: Path) -> str:
    """Says which weights are in a folder."""
    weights = (folder / "model.safetensors").read_bytes()
    return hashlib.blake2b(weights, digest_size=16).hexdigest()
