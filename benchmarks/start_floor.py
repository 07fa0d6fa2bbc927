"""What no start can do without: streamlit, torch, and the default model's weights, run once.

`python -m benchmarks.start_floor` says when it is done: how many bytes it read from the disk.
"""

import sys
from pathlib import Path

import streamlit
import torch

from model_runtime import catalog
from model_runtime.builtin import weights

COUNTS = Path("/proc/self/io")  # Linux has it


def forward() -> torch.Tensor:
    """One forward pass of the default model over its first example; nothing is recorded."""
    torch.set_num_threads(1)
    opened = weights.load(weights.folder_of(catalog.DEFAULT.removeprefix(catalog.BUILTIN)))
    assert opened.source_tokenizer is not None
    source = torch.tensor([opened.source_tokenizer.encode(opened.facts["examples"][0]).ids])
    with torch.no_grad():
        memory = opened.model.encode(source)
        return opened.model.logits(opened.model.decode(torch.zeros_like(source), memory))


def read() -> int:
    """Bytes that this process had to wait for the disk for; -1 where nobody counts them."""
    if not COUNTS.exists():
        return -1
    counts = dict(line.split(": ") for line in COUNTS.read_text().splitlines())
    return int(counts["read_bytes"])


if __name__ == "__main__":
    assert forward().isfinite().all() and streamlit.__version__
    sys.stdout.write(f"{read()}\n")
    sys.stdout.flush()
