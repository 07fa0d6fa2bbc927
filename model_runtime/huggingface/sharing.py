"""How many processors a forward pass is given: one, unless it is so large that somebody waits.

Knows what a pass costs, not what it is of.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from model_runtime.processors import processors

LARGE = 5e9
"""Multiplications, a tenth of a second of one processor and more. For fewer nobody waits long, and
in a full room others want the second processor."""


@contextmanager
def shared(multiplications: float) -> Iterator[None]:
    """What torch computes within is shared out if it is LARGE. The number of torch's threads is
    one for the whole process: who computes at the same time shares out, too."""
    usual = torch.get_num_threads()
    if multiplications < LARGE or usual >= processors():
        yield
        return
    torch.set_num_threads(processors())
    try:
        yield
    finally:
        torch.set_num_threads(usual)
