"""Changes to a checkpoint on disk, of the kind that people and networks make by accident.

Knows the files of a checkpoint; opens them like the app, but for the roots and the budget.
"""

import json
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from model_runtime.huggingface.finding import Found
from model_runtime.huggingface.loading import Loaded, load
from model_runtime.recording import Report

WEIGHTS = "model.safetensors"


def opened(folder: Path, report: Report = lambda _: None) -> Loaded:
    """The checkpoint in a folder, called ./mine in every sentence."""
    return load(Found(folder, "./mine", "mine", "", ""), report)


def change(folder: Path, **values: object) -> None:
    """Change entries of config.json; None takes one out."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def reweigh(folder: Path, changed: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Write the weights that `changed` makes of those that are there."""
    tensors = changed(load_file(folder / WEIGHTS))
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
