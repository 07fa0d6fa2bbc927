"""The command line of the built-in models: train one, measure one, record its first example.

    python -m model_runtime.builtin train translator --data FOLDER
    python -m model_runtime.builtin evaluate reversal
    python -m model_runtime.builtin record translator

Knows arguments only; `recipes/` and `evaluation/` do the work.
"""

import argparse
import logging
from pathlib import Path

import torch

from model_runtime import catalog
from model_runtime.builtin import first_pass, recipes, weights
from model_runtime.builtin.opened import BuiltinModel


def main() -> None:
    """Parse the arguments and do what they say."""
    parser = argparse.ArgumentParser(prog="python -m model_runtime.builtin")
    parser.add_argument("action", choices=["train", "evaluate", "record"])
    parser.add_argument("model", choices=sorted(recipes.RECIPES))
    parser.add_argument("--data", type=Path, help="the folder of the data, for a model of texts")
    parser.add_argument("--out", type=Path, help="the model's folder, if not the shipped one")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    parser.add_argument("--epochs", type=int, help="train for fewer or more than the recipe says")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = arguments.out or weights.MODELS / arguments.model
    data = arguments.data or Path()
    reads = () if arguments.action == "record" else recipes.READS.get(arguments.model, ())
    missing = [name for name in reads if not (data / name).exists()]
    if missing:
        parser.error(
            f"{arguments.model} learns from {' and '.join(recipes.READS[arguments.model])}, and "
            f"{data.resolve()} has no {missing[0]}. Say where they are: --data FOLDER"
        )
    if arguments.action == "train":
        device = arguments.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        recipes.RECIPES[arguments.model](data, folder, torch.device(device), arguments.epochs)
        if (folder / first_pass.FILE).exists():  # of the weights that are gone now
            record(arguments.model, folder)
    elif arguments.action == "record":
        record(arguments.model, folder)
    else:
        from model_runtime.builtin import evaluation

        evaluation.EVALUATIONS[arguments.model](folder, data)
        evaluation.sample.write_sample(arguments.model, folder)


def record(name: str, folder: Path) -> None:
    """Keep the pass of the first example beside the weights of a trained model."""
    BuiltinModel(catalog.BUILTIN + name, weights.load(folder), folder).keep_first_pass()


if __name__ == "__main__":
    main()
