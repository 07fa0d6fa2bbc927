"""What some kinds of models need beside token ids, and how long their texts must be.

Knows nothing of recording.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

LENGTHS: dict[str, int] = {}
MORE_INPUTS: dict[str, Callable[[Any, dict[str, Tensor]], dict[str, Tensor]]] = {}
