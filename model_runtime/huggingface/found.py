"""What a model of transformers tells positions by: its tables, rotations, biases and slopes.

Walks its modules and knows no family but by what they hold. Runs no text; what cannot be read
counts as not found.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from transformers import PreTrainedModel

from model_runtime.huggingface.found_parts import Part, read_only, text_parts
from model_runtime.huggingface.found_rotary import rotations
from model_runtime.huggingface.found_tables import is_sinusoidal, tables
from model_runtime.huggingface.places import placed_stacks, stack_of
from model_runtime.positions.encodings import Buckets, Encoding, Kind, Rotation
from model_runtime.types import Floats

_BUCKETS = "relative_attention_bias"
_MAX_DISTANCE = 128  # T5's, where nothing else is said
_SLOPES = ("build_alibi_tensor", "build_mpt_alibi_tensor")
# What only ways to tell distances have, by the name of a module or of a parameter: deberta's
# table, prophetnet's and inkling's projections, the bias of a query for distances (xlnet, funnel).
_RELATIVE = ("rel_embeddings", "relative_pos_embeddings", "rel_logits_proj", "distance_embedding")
_RELATIVE_BIAS = "r_r_bias"


def encodings_of(model: PreTrainedModel, family: str) -> tuple[Encoding, ...]:
    """Everything by which a model of a family tells positions of text; one Encoding of kind
    "none" where there is nothing. Arrays are read-only, and tables are the weights themselves
    where these are in 32 bits. Raises nothing."""
    alibi = _in_parts(_alibi, model, family)
    found = [
        *_tables(model, family),
        *_in_parts(_buckets, model, family),
        *_first_of_each_stack(_in_parts(_relative, model, family)),
        # Falcon makes its rotation in any case, and leaves it where it adds ALiBi.
        *(alibi or _rotary(model, family)),
    ]
    return tuple(found) or (Encoding("none", placed_stacks("", family), where="", made_by=""),)


def _in_parts(
    look: Callable[[Part, str], Encoding | None], model: Any, family: str
) -> list[Encoding]:
    """What is found in each module; model files may do anything, and a surprise is nothing."""
    found = []
    for part in text_parts(model):
        try:
            encoding = look(part, family)
        except Exception:
            continue
        if encoding is not None:
            found.append(encoding)
    return found


def _first_of_each_stack(found: list[Encoding]) -> list[Encoding]:
    """Every layer has its own of what stands in the scores alone."""
    return list({encoding.stacks: encoding for encoding in reversed(found)}.values())[::-1]


def _tables(model: Any, family: str) -> Iterator[Encoding]:
    of_angles = {where for _, where, _ in rotations(model)}  # roformer's
    for part, where, table in tables(model):
        if where not in of_angles:
            kind: Kind = "sinusoidal" if is_sinusoidal(table) else "learned"
            yield Encoding(kind, placed_stacks(where, family), where, part.made_by, table=table)


def _rotary(model: Any, family: str) -> Iterator[Encoding]:
    """The rotations that differ: most models have one for all layers, or the same in each."""
    different: dict[Any, tuple[Part, str, Rotation]] = {}
    outermost = sorted(rotations(model), key=lambda found: found[1].count("."))
    for part, where, rotation in outermost:
        numbers = rotation.frequencies.tobytes(), rotation.attention_factor, rotation.pairing
        key = (placed_stacks(where, family), rotation.layers, numbers)
        different.setdefault(key, (part, where, rotation))
    unnamed = Counter(stacks for stacks, layers, _ in different if not layers)
    for (stacks, layers, _), (part, where, rotation) in different.items():
        if not layers and unnamed[stacks] > 1:  # blt: of each part of the model
            rotation = replace(rotation, layers=where.rpartition(".")[0])
        yield Encoding("rotary", stacks, where, part.made_by, rotation=rotation)


def _buckets(part: Part, family: str) -> Encoding | None:
    tensors = part.tensors()
    if part.leaf == _BUCKETS and "weight" in tensors:  # t5, mpnet: a module of that name
        table, where, holder = tensors["weight"], part.under("weight"), part.holder
    elif _BUCKETS in tensors:  # cpmant: a parameter; behind the buckets, segments have theirs
        table, where, holder = tensors[_BUCKETS], part.under(_BUCKETS), part.module
        table = table[: getattr(holder, "num_buckets", len(table))]
    else:
        return None
    if table.dim() != 2 or stack_of(where, family) == "cross":
        return None
    names = ("relative_attention_max_distance", "max_distance")
    said = (getattr(owner, name, None) for owner in (holder, part.config) for name in names)
    buckets = Buckets(
        table=read_only(table),
        both_ways=not getattr(holder, "is_decoder", False),
        max_distance=int(next((distance for distance in said if distance), _MAX_DISTANCE)),
    )
    made_by = type(holder).__name__
    return Encoding("buckets", placed_stacks(where, family), where, made_by, buckets=buckets)


def _alibi(part: Part, family: str) -> Encoding | None:
    """Of models whose file has a function for it, and which do not say that they leave it."""
    module, file = part.module, vars(sys.modules[type(part.module).__module__])
    said = getattr(module, "use_alibi", None)  # falcon
    name = next((n for n in _SLOPES if hasattr(module, n) or (said and n in file)), None)
    if name is None or said is False:
        return None
    where = "config.alibi" if said else part.under(name)
    slopes = _slopes(part, getattr(module, name, None) or file[name], name)
    return Encoding(
        "alibi", placed_stacks(part.under(""), family), where, part.made_by, slopes=slopes
    )


def _slopes(part: Part, make: Callable[..., torch.Tensor], name: str) -> Floats:
    """[head]: by how much the bias of a key is larger than that of the key before it, as the
    model file makes it; falcon divides it by √d, with the scores."""
    n_heads = part.module.num_heads
    if name == "build_mpt_alibi_tensor":
        bias = make(n_heads, 2)
    else:
        bias = make(torch.ones(1, 2, dtype=torch.long), n_heads, torch.float32)
    return read_only(bias[:, 0, 1] - bias[:, 0, 0])


def _relative(part: Part, family: str) -> Encoding | None:
    biased = _RELATIVE_BIAS in part.tensors()
    if part.leaf not in _RELATIVE and not biased:
        return None
    is_table = isinstance(part.module, torch.nn.Embedding)
    name = _RELATIVE_BIAS if biased else "weight" if is_table else ""
    where = part.under(name).rstrip(".")
    return Encoding("relative", placed_stacks(part.under(""), family), where, part.made_by)
