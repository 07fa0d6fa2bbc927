"""Which step the recorded parts of a checkpoint's layer are: told from names, order and sums.

Model files name the parts of a layer as they like. What cannot be told is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from model_runtime.types import Floats

EXACT = 1e-5  # of the largest value: how well a sum must be met

_NORM = re.compile(r"norm|(^|_)ln(_|\d|$)", re.IGNORECASE)
_ATTENTION = re.compile(r"att", re.IGNORECASE)
_CROSS = re.compile(r"cross|encoder_att|encdec|enc_dec", re.IGNORECASE)
_BESIDE = re.compile(r"drop|gate|router|^resid_(pre|post)$", re.IGNORECASE)  # no step of a layer
_ACTIVATION = re.compile(r"act|intermediate", re.IGNORECASE)  # BERT's holds its GELU


@dataclass(frozen=True)
class Roles:
    """The parts of one layer by the step that they are: "out", "cross.norm", "ffn_out", …"""

    given: Mapping[str, str] = field(default_factory=dict)  # step → part
    # step → (parts that were added to the stream before, the part that is added), checked
    added: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    post: bool = False  # LayerNorm comes after the addition


@dataclass
class _Sublayer:
    """Attention, cross-attention or FFN: what it is made of, and the norms beside it."""

    kind: str  # "", "cross." or "ffn"
    parts: list[str]
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        """The part that gives what the sublayer computes."""
        return self.parts[-1]


def roles(arrays: Mapping[str, Floats]) -> Roles:
    """Of the arrays [position, width] of one layer, by part, in the order in which they were
    made; "resid_pre" and "resid_post" among them."""
    if not {"resid_pre", "resid_post"} <= arrays.keys():
        return Roles()
    order = [part for part in arrays if not _BESIDE.search(part)]
    sublayers = _sublayers(order)
    if not any(sub.kind != "ffn" for sub in sublayers):
        return Roles()
    given: dict[str, str] = {}
    last = sublayers[-1]
    if last.kind == "ffn":
        for part in last.parts[:-1]:
            given["activation" if _ACTIVATION.search(part) else "ffn_in"] = part
    parts = _that_add_up(arrays, sublayers)
    if parts is not None:
        return _adding(sublayers, parts, given)
    ends = (last.after or last.parts)[-1]
    if not sublayers[0].before and _same(arrays[ends], arrays["resid_post"]):
        return _normed_after(sublayers, given)
    for sub in sublayers:
        if sub.before:
            given[_key(sub, "norm")] = sub.before[-1]
        # The last one holds its own addition (bloom), and so may the others.
        if not _same(arrays[last.result], arrays["resid_post"]):
            given[_key(sub, "out")] = sub.result
    return Roles(given)


def _sublayers(order: list[str]) -> list[_Sublayer]:
    """The sublayers of a layer in order. Between two of them a norm belongs to the second where
    the layer begins with one, else to the first; of two, each has its own."""
    found: list[_Sublayer] = []
    norms: list[str] = []
    begins_with_norm = bool(order) and bool(_NORM.search(order[0]))
    for part in order:
        if _NORM.search(part):
            norms.append(part)
            continue
        kind = "ffn"
        if _ATTENTION.search(part) and not _ACTIVATION.fullmatch(part):
            kind = "cross." if _CROSS.search(part) else ""
        if kind == "ffn" and not found:
            continue  # of another kind than attention, and before it
        if kind == "ffn" and found[-1].kind == "ffn":
            found[-1].parts.append(part)
            norms = []  # inside the network
            continue
        sub = _Sublayer(kind, [part])
        _share_out(norms, found[-1] if found else None, sub, begins_with_norm)
        found.append(sub)
        norms = []
    if found:
        found[-1].after = norms
    return found


def _share_out(
    norms: list[str], first: _Sublayer | None, second: _Sublayer, begins_with_norm: bool
) -> None:
    if first is None:
        second.before = norms
    elif not begins_with_norm:
        first.after = norms
    else:
        first.after, second.before = norms[:-1], norms[-1:]


def _that_add_up(arrays: Mapping[str, Floats], sublayers: list[_Sublayer]) -> list[str] | None:
    """A part of each sublayer, or of the norm behind it, whose sum with the stream before the
    layer is the stream after it; None where there is none."""
    wanted = arrays["resid_post"]
    choices = [[sub.result, *sub.after] for sub in sublayers]
    for parts in product(*choices):
        if any(arrays[part].shape != wanted.shape for part in parts):
            continue
        total = arrays["resid_pre"].astype(np.float64)
        for part in parts:
            total = total + arrays[part]
        if _same(total, wanted):
            return list(parts)
    return None


def _adding(sublayers: list[_Sublayer], parts: list[str], given: dict[str, str]) -> Roles:
    """A layer that adds what each sublayer computes to the stream, and nothing else."""
    added = {}
    for n, (sub, part) in enumerate(zip(sublayers, parts, strict=True)):
        given[_key(sub, "out")] = sub.result
        if sub.before:
            given[_key(sub, "norm")] = sub.before[-1]
        added[_key(sub, "add")] = (tuple(parts[:n]), part)
    return Roles(given, added)


def _normed_after(sublayers: list[_Sublayer], given: dict[str, str]) -> Roles:
    """A layer that ends each sublayer with a norm: of its own, or inside the last part (BERT)."""
    for sub in sublayers:
        if sub.after:
            given[_key(sub, "norm")] = sub.after[-1]
            given[_key(sub, "out")] = sub.result
        else:
            given[_key(sub, "norm")] = sub.result
    return Roles(given, post=True)


def _key(sub: _Sublayer, what: str) -> str:
    """The name of a sublayer's step: "out" of the cross-attention is "cross.out"."""
    if sub.kind == "ffn":
        return {"norm": "ffn_norm", "out": "ffn_out", "add": "add_ffn"}[what]
    return sub.kind + {"norm": "norm", "out": "out", "add": "add_attn"}[what]


def _same(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    if one.shape != other.shape:
        return False
    unit = float(np.abs(other).max(initial=0.0))
    return bool(np.abs(one - other).max(initial=0.0) <= EXACT * unit)
