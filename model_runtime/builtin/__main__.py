"""The command line of the built-in models: train one, measure one.

    python -m model_runtime.builtin train translator --data FOLDER
    python -m model_runtime.builtin evaluate translator --data FOLDER

Knows arguments only; `recipes.py` and `evaluation.py` do the work.
"""

import argparse
import logging
from pathlib import Path

import torch

from model_runtime.builtin import recipes, weights


def main() -> None:
    """Parse the arguments and do what they say."""
    parser = argparse.ArgumentParser(prog="python -m model_runtime.builtin")
    parser.add_argument("action", choices=["train", "evaluate"])
    parser.add_argument("model", choices=sorted(recipes.RECIPES))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data")
    parser.add_argument("--out", type=Path, help="the model's folder, if not the shipped one")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    parser.add_argument("--epochs", type=int, help="train for fewer or more than the recipe says")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = arguments.out or weights.MODELS / arguments.model
    if arguments.action == "train":
        device = arguments.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        more = {"epochs": arguments.epochs} if arguments.epochs else {}
        recipes.RECIPES[arguments.model](arguments.data, folder, torch.device(device), **more)
    else:
        from model_runtime.builtin import evaluation

        evaluation.evaluate(folder, arguments.data)


if __name__ == "__main__":
    main()
