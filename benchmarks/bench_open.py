"""How long a built-in model takes to open, beside reading its files and no more.

Torch is imported before anything is timed, as it is in a server that runs.
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from benchmarks.serving import median, say, table, verdict
from model_runtime import catalog
from model_runtime.builtin import weights

TIMES = 5
PROMISED_MS = 300.0


def took(work: Callable[[], object]) -> float:
    """Milliseconds, the median of TIMES."""
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        found.append((time.perf_counter() - start) * 1000)
    return median(found)


def files_of(name: str) -> Callable[[], object]:
    """The floor: weights and tokenizers read, nothing built from them."""
    folder = weights.folder_of(name)
    shared = folder if (folder / "target_tokenizer.json").exists() else folder.parent

    def read() -> object:
        tensors = load_file(folder / "model.safetensors")
        floats = [tensor.float() for tensor in tensors.values()]
        return floats, [Tokenizer.from_file(str(p)) for p in shared.glob("*_tokenizer.json")]

    return read


def main() -> None:
    torch.set_num_threads(1)
    catalog.open_model(catalog.DEFAULT)
    rows, slowest = [], 0.0
    for name in weights.names():
        opening = took(partial(catalog.open_model, catalog.BUILTIN + name))
        floor = took(files_of(name))
        slowest = max(slowest, opening)
        rows.append([name, f"{opening:.0f}", f"{floor:.0f}", f"{opening / floor:.2f}"])
    say(f"Opening each of the {len(rows)} built-in models, in ms")
    table(["", "open", "files alone", "ratio"], rows)
    verdict("the slowest to open", slowest, PROMISED_MS, "ms")


if __name__ == "__main__":
    main()
