"""A second model of the same weights, to be changed in its parts.

Knows how modules are copied; not what is changed in them (`mistakes.py`, `placed.py`).
"""

import copy

from model_runtime.builtin.transformer import Transformer


def with_the_same_weights(model: Transformer) -> Transformer:
    """A copy whose parts are its own and whose weights are the model's: it costs no memory."""
    # Finding a weight in the memo, deepcopy takes it for copied already.
    shared: dict[int, object] = {id(t): t for t in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)
