"""Tables of positions that a model adds to its embeddings: where they are, and their rows.

Told from names; which row the first token gets, from how the model file counts; whether they
are sines and cosines, from the numbers. Knows nothing of what is added in a pass.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_runtime.huggingface.found_parts import Part, read_only, text_parts
from model_runtime.types import Floats

MOST_MADE = 4_096  # rows of a table that is made when it is needed, and stands nowhere
_COMPARED = 512  # rows: angles in 32 bits are coarse from there on
_TABLE = re.compile(
    r"wpe|embed_positions?|positions_embed|(text_)?pos(itions?|itional)?_(emb|enc)\w*",
    re.IGNORECASE,
)
_OTHER = re.compile(r"entity|output|ngram|rel(ative)?_")  # places no tokens of the text
_COUNTING = ("create_position_ids_from_input_ids", "make_positions")


def tables(model: Any) -> Iterator[tuple[Part, str, Floats]]:
    """(the module, the dotted name of the table, [position, width]), row 0 the first token's."""
    for part in text_parts(model):
        if not _places_tokens(part):
            continue
        try:
            named = _of_module(part) if _TABLE.fullmatch(part.leaf) else _held_by(part)
        except Exception:  # model files may do anything: nothing is found there
            continue
        if named is not None:
            yield part, *named


def modules_of_tables(model: Any) -> Iterator[Part]:
    """The modules that are named after positions and give their vectors in a pass."""
    for part in text_parts(model):
        if _TABLE.fullmatch(part.leaf) and _places_tokens(part):
            yield part


def is_sinusoidal(table: Floats) -> bool:
    """Whether a table [position, width] is sines and cosines of 10000^(-2i/d), side by side or
    in halves, from any of the first positions on: to 1e-4. With the exponent -i/(d/2 - 1), too,
    as tensor2tensor has it."""
    rows, width = table[:_COMPARED].astype(np.float64), table.shape[1]
    if width < 4 or width % 2 or len(rows) < 2:
        return False
    half = width // 2
    for last in (half, half - 1):
        frequencies = 10000.0 ** (-np.arange(half) / last)
        for first in range(4):
            angles = (first + np.arange(len(rows)))[:, None] * frequencies
            sin, cos = np.sin(angles), np.cos(angles)
            beside = np.stack([sin, cos], axis=-1).reshape(rows.shape)
            apart = (np.concatenate(pair, axis=1) for pair in ((sin, cos), (cos, sin)))
            if any(np.abs(rows - formula).max() <= 1e-4 for formula in (beside, *apart)):
                return True
    return False


def _places_tokens(part: Part) -> bool:
    return not (_OTHER.search(part.name) or hasattr(part.module, "inv_freq"))


def _of_module(part: Part) -> tuple[str, Floats] | None:
    """The table of a module that is named after positions."""
    module = part.module
    if hasattr(module, "axial_pos_shape"):  # reformer
        return f"{part.name}.weights", _axial(module)
    for name in ("weight", "weights", "embedding.weight"):
        tensor = _at(module, name)
        if tensor is not None and tensor.dim() == 2 and tensor.is_floating_point():
            return f"{part.name}.{name}", read_only(tensor)[_first_row(part) :]
    if hasattr(module, "max_scale"):  # pegasus_x makes the rows that it needs
        n = min(getattr(part.config, "max_position_embeddings", MOST_MADE), MOST_MADE)
        with torch.no_grad():
            return part.name, read_only(module(torch.zeros(1, n, module.embed_dim))[0])
    return None


def _held_by(part: Part) -> tuple[str, Floats] | None:
    """A table that a module holds as a bare tensor (ctrl)."""
    if "Attention" in type(part.module).__name__:  # of angles that queries are turned by (gptj)
        return None
    for name, tensor in part.tensors().items():
        if _TABLE.fullmatch(name) and tensor.is_floating_point():
            table = tensor[0] if tensor.dim() == 3 and len(tensor) == 1 else tensor
            if table.dim() == 2:
                return part.under(name), read_only(table)
    return None


def _first_row(part: Part) -> int:
    """The row that the first token gets."""
    module, holder = part.module, part.holder
    padding = getattr(module, "padding_idx", None)
    offset = getattr(module, "offset", None)
    counts = any(hasattr(one, name) for one in (module, holder) for name in _COUNTING)
    if padding is not None and (counts or offset is None):
        return int(padding) + 1
    if isinstance(offset, int):
        return offset
    ids = getattr(holder, "position_ids", None)  # mra counts from 2
    return int(ids.flatten()[0]) if isinstance(ids, Tensor) and ids.numel() else 0


def _at(module: Any, path: str) -> Tensor | None:
    """What a dotted path leads to from a module, if that is a tensor."""
    for name in path.split("."):
        module = getattr(module, name, None)
    return module if isinstance(module, Tensor) else None


def _axial(module: Any) -> Floats:
    """The rows of a table that is made of one part for each axis, side by side."""
    shape = tuple(module.axial_pos_shape)
    whole = [weight.expand(*shape, weight.shape[-1]) for weight in module.weights]
    columns = math.prod(shape[1:])
    lines = -(-MOST_MADE // columns)
    rows = torch.cat([part[:lines] for part in whole], dim=-1).flatten(0, len(shape) - 1)
    return read_only(rows[:MOST_MADE])
