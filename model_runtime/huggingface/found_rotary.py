"""How a model turns queries and keys: its own frequencies, which dimensions it turns together.

Frequencies are read from the modules; the pairing is seen by turning one dimension with the
model file's own function. Knows neither a text nor what becomes of the scores.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_runtime.huggingface.found_parts import Part, read_only, text_parts
from model_runtime.positions.encodings import Pairing, RotarySettings, Rotation
from model_runtime.types import Floats

_ROTARY = re.compile(r"rotary|rope", re.IGNORECASE)
_FREQUENCIES = "inv_freq"
_ORIGINAL = "original_inv_freq"  # of a scaling that follows the length: what short texts get
_BESIDE = (_ORIGINAL, "long_inv_freq")  # no rotation of their own
_APPLY = re.compile(r"_?apply_rotary_(pos_)?emb(_interleave)?")
_HALF = re.compile(r"rotate_(half|every_two|pairwise)(_text|_llm)?")


def rotations(model: Any) -> Iterator[tuple[Part, str, Rotation]]:
    """(the module, its dotted name, its rotation); of equal ones in many layers, each."""
    turns_inside = any(
        hasattr(part.module, "apply_rotary_position_embeddings") for part in text_parts(model)
    )
    for part in text_parts(model):
        try:
            found = list(_of_module(part, turns_inside))
        except Exception:  # model files may do anything: nothing is found there
            continue
        yield from found


def _of_module(part: Part, turns_inside: bool) -> Iterator[tuple[Part, str, Rotation]]:
    tensors = part.tensors()
    if hasattr(part.holder, f"{part.leaf}s"):  # granite_swa has one for each base, and this one
        return
    if _ROTARY.search(type(part.module).__name__):
        for name in tensors:
            if name.endswith(_FREQUENCIES) and not name.endswith(_BESIDE):
                layers = name.removesuffix(_FREQUENCIES).removesuffix("_")
                yield part, part.name, _rotation(part, tensors, layers)
        return
    table = tensors.get("embed_positions")  # gptj, codegen: a table in each attention
    if table is not None and "Attention" in type(part.module).__name__:
        yield part, part.under("embed_positions"), _of_angles(part, table)
    elif turns_inside and part.leaf == "embed_positions" and "weight" in tensors:  # roformer
        yield part, part.under("weight"), _of_angles(part, tensors["weight"])


def _rotation(part: Part, tensors: Mapping[str, Tensor], layers: str) -> Rotation:
    start = f"{layers}_" if layers else ""
    own = tensors.get(start + _ORIGINAL)
    # A copy, for a pass over a long text may write over them.
    frequencies = read_only((tensors[start + _FREQUENCIES] if own is None else own).clone())
    factor = getattr(part.module, f"{start}attention_scaling", 1.0)
    return Rotation(
        settings=_settings(part, len(frequencies), layers),
        frequencies=frequencies,
        pairing=_pairing(part, layers, 2 * len(frequencies)),
        attention_factor=float(factor),
        layers=layers,
    )


def _of_angles(part: Part, table: Tensor) -> Rotation:
    """Of a table of sines, then cosines: its frequencies are the angles at position 1. All
    model files that have one turn neighbours."""
    half = table.shape[1] // 2
    row = read_only(table[1]).astype(np.float64)
    frequencies: Floats = np.arctan2(row[:half], row[half:]).astype(np.float32)
    frequencies.setflags(write=False)
    return Rotation(RotarySettings(2 * half), frequencies, "neighbours")


def _settings(part: Part, n_pairs: int, layers: str) -> RotarySettings:
    """What the configuration says of the frequencies; what it leaves out keeps its default."""
    config = getattr(part.module, "config", None) or part.config
    given: Any = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
    whole: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    own = whole.get(layers) if layers else None
    says: Mapping[str, Any] = own if isinstance(own, Mapping) else whole

    def number(name: str, default: float) -> float:
        value = says.get(name)
        return float(default if value is None else value)

    def one(name: str) -> float | None:
        value = says.get(name)
        return None if value is None else float(value)

    def several(name: str) -> tuple[float, ...]:
        return tuple(float(value) for value in says.get(name) or ())

    longest = getattr(config, "max_position_embeddings", None) or 0
    original = int(number("original_max_position_embeddings", longest))
    base = next(
        (b for b in (says.get("rope_theta"), getattr(config, "rope_theta", None)) if b), 1e4
    )
    factor = says.get("factor")
    scaling = str(says.get("rope_type") or says.get("type") or "default")
    if factor is None and scaling in ("yarn", "longrope") and original:
        factor = longest / original  # as transformers does
    return RotarySettings(
        d_rotated=2 * n_pairs,
        base=float(base),
        scaling=scaling,
        factor=1.0 if factor is None else float(factor),
        original_length=original,
        low_freq_factor=number("low_freq_factor", 1.0),
        high_freq_factor=number("high_freq_factor", 4.0),
        beta_fast=number("beta_fast", 32.0) or 32.0,
        beta_slow=number("beta_slow", 1.0) or 1.0,
        truncate=bool(whole.get("truncate", True)),
        attention_factor=one("attention_factor"),
        mscale=one("mscale"),
        mscale_all_dim=one("mscale_all_dim"),
        short_factor=several("short_factor"),
        long_factor=several("long_factor"),
    )


def _pairing(part: Part, layers: str, width: int) -> Pairing:
    """Where dimension 0 goes when it is turned: to its neighbour, or half of what is turned on.
    Of models that sort neighbours apart as they turn them (deepseek_v3), it is how queries and
    keys lie afterwards, which is how attention gets them."""
    file = vars(sys.modules[type(part.holder).__module__])
    functions = {name: of for name, of in file.items() if callable(of)}
    applying = [name for name in functions if _APPLY.fullmatch(name)]
    interleaves = bool(getattr(part.config, "rope_interleave", True))
    applying.sort(key=lambda name: (("interleave" in name) != interleaves, name))
    turns = [partial(_turned, part, layers, functions[name]) for name in applying]
    turns += [functions[name] for name in functions if _HALF.fullmatch(name)]
    seen = (_seen(turn, width) for turn in turns)
    return next((pairing for pairing in seen if pairing is not None), "halves")


def _turned(part: Part, layers: str, apply: Callable[..., Any], x: Tensor) -> Tensor:
    """`x` [1, head, position, width] turned by a function of the model file."""
    angles = part.module(x, torch.arange(x.shape[2])[None], *([layers] if layers else []))
    angles = angles if isinstance(angles, tuple) else (angles,)
    try:
        out = apply(x, x.clone(), *angles)
    except (TypeError, AttributeError):
        out = apply(x, *angles)
    first: Tensor = out[0] if isinstance(out, tuple) else out
    return first


def _seen(turn: Callable[[Tensor], Tensor], width: int) -> Pairing | None:
    """Which dimensions dimension 0 has become; None where that does not tell."""
    x = torch.zeros(1, 1, 2, width)
    x[..., 0] = 1.0
    try:
        with torch.no_grad():
            out = turn(x)
    except Exception:
        return None
    reached = {int(i) for i in (out.reshape(-1, width).abs() > 1e-6).any(0).nonzero()} - {0}
    if width == 2 or len(reached) != 1:
        return None
    known: dict[int, Pairing] = {1: "neighbours", width // 2: "halves"}
    return known.get(reached.pop())
