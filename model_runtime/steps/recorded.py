"""The steps around attention of a checkpoint: what its modules gave, under their own names.

Computes nothing but sums that were found to hold. Knows no weights, for nobody does.
"""

from collections.abc import Callable, Mapping

import numpy as np

from model_runtime.steps.folding import all_of
from model_runtime.steps.making import cut, folded, given, made, of_queries
from model_runtime.steps.parts import NOT_RECORDED, Step, Values
from model_runtime.steps.roles import Roles, roles
from model_runtime.steps.scene import Scene
from model_runtime.types import Floats

_OF_ATTENTION = ("norm", "out", "add_attn")
_OF_FFN = ("ffn_norm", "ffn_in", "activation", "ffn_out", "add_ffn")
_STREAM = {"resid": "resid_pre", "next": "resid_post"}
# Positions that turn queries and keys are applied when attention is recorded.
_NEVER = ("q_all", "k_all", "rotate_q", "rotate_k")
_SYMBOLS = {"out": "o", "ffn_in": "h", "activation": "a", "ffn_out": "f"}


def missing(scene: Scene) -> dict[str, str]:
    """The steps that cannot be shown, and why."""
    found = dict.fromkeys(_NEVER, NOT_RECORDED)
    if scene.record is None:
        found |= dict.fromkeys(("v_all", "split"), NOT_RECORDED)
    for name, part in _STREAM.items():
        if not scene.has(f"{scene.layer}.{part}"):
            found[name] = NOT_RECORDED
    known = _roles(scene)
    for name in (*_OF_ATTENTION, *_OF_FFN):
        key = _key(scene, name)
        if key not in known.given and key not in known.added:
            found[name] = NOT_RECORDED
    return found


def is_post(scene: Scene) -> bool:
    """Whether LayerNorm comes after the additions of the layer that is looked at."""
    if scene.insides is not None:
        return scene.insides.config.norm == "post"
    return _roles(scene).post


def stream(scene: Scene, name: str) -> Step:
    """The residual stream before or after the layer."""
    result = of_queries(scene, f"{scene.layer}.{_STREAM[name]}")
    return given(scene, name, result, scene.place.query)


def part(scene: Scene, name: str) -> Step:
    """What one module of the layer gave, or a sum that the recorded parts make."""
    known, key = _roles(scene), _key(scene, name)
    if key in known.added:
        return _sum(scene, name, *known.added[key])
    result = of_queries(scene, f"{scene.layer}.{known.given[key]}", _SYMBOLS.get(name, "x"))
    return given(scene, name, result, scene.place.query)


def split(scene: Scene) -> Step:
    """One head's queries, as they entered attention."""
    q = scene.attended.q[scene.place.head]
    result = cut("q", q, scene.queries, all_of(q.shape[1]), f"{scene.attention}.q")
    return given(scene, "split", result, scene.place.query)


def v_all(scene: Scene) -> Step:
    """The values of all heads, of which those that this head reads are kept."""
    record = scene.attended
    v = record.v.transpose(1, 0, 2).reshape(record.v.shape[1], -1)
    d = record.v.shape[2]
    first = record.kv_head(scene.place.head) * d
    cols = scene.columns(v.shape[1], head=range(first, first + d), ends=False)
    result = cut("V", v, scene.keys, cols, f"{scene.attention}.v")
    return given(scene, "v_all", result, scene.place.key)


MAKERS: Mapping[str, Callable[[Scene], Step]] = {
    "resid": lambda scene: stream(scene, "resid"),
    "norm": lambda scene: part(scene, "norm"),
    "v_all": v_all,
    "split": split,
    "out": lambda scene: part(scene, "out"),
    "add_attn": lambda scene: part(scene, "add_attn"),
    "ffn_norm": lambda scene: part(scene, "ffn_norm"),
    "ffn_in": lambda scene: part(scene, "ffn_in"),
    "activation": lambda scene: part(scene, "activation"),
    "ffn_out": lambda scene: part(scene, "ffn_out"),
    "add_ffn": lambda scene: part(scene, "add_ffn"),
    "next": lambda scene: stream(scene, "next"),
}


def _key(scene: Scene, name: str) -> str:
    """What `roles` calls a step of this section."""
    crosses = scene.section == "cross" and name in _OF_ATTENTION
    return f"cross.{name}" if crosses else name


def _roles(scene: Scene) -> Roles:
    start = f"{scene.layer}."
    n = len(scene.query_tokens)
    arrays: Mapping[str, Floats] = {
        name.removeprefix(start): array
        for name, array in scene.trace.intermediates.items()
        if name.startswith(start) and len(array) == n
    }
    return roles(arrays)


def _sum(scene: Scene, name: str, before: tuple[str, ...], part: str) -> Step:
    """What the layer received and added so far, and the part that is added to it now."""
    start = f"{scene.layer}.resid_pre"
    so_far: Values = scene.recorded(start).astype(np.float64)
    for earlier in before:
        so_far = so_far + scene.recorded(f"{scene.layer}.{earlier}")
    more, source = scene.recorded(f"{scene.layer}.{part}"), f"{scene.layer}.{part}"
    total: Values = so_far + more
    result = folded(scene, "x", total)
    cols = result.cols
    if name == "add_ffn":
        after = f"{scene.layer}.resid_post"
        result = cut("x", scene.recorded(after), scene.queries, cols, after)
    symbol = "f" if name == "add_ffn" else "o"
    operands = {
        "A": cut("x", so_far, scene.queries, cols, "" if before else start),
        "B": cut(symbol, more, scene.queries, cols, source),
    }
    return made(scene, name, "add", operands, result, scene.place.query)
