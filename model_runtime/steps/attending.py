"""Attention itself, in one head: scores, mask, softmax, values, heads side by side.

Exact for every model, for all of it is in the `AttentionRecord`. Knows no weights.
"""

import numpy as np

from model_runtime.steps.folding import SINGLE, all_of
from model_runtime.steps.making import cut, made, matrix, product, row_of
from model_runtime.steps.parts import NOT_HERE, NOT_RECORDED, Axis, Matrix, Rule, Step, Values
from model_runtime.steps.scene import Scene

NAMES = ("dot", "scale", "softcap", "bias", "mask", "softmax", "weigh", "heads")


def missing(scene: Scene) -> dict[str, str]:
    """The steps that cannot be shown, and why."""
    record = scene.record
    if record is None:
        return dict.fromkeys(NAMES, NOT_RECORDED)
    lacks = {
        "scale": record.scale == 1.0,  # T5 leaves it to its weights
        "softcap": record.softcap is None,
        "bias": record.bias is None,
        "mask": record.mask is None,
    }
    return {name: NOT_HERE for name, is_so in lacks.items() if is_so}


def dot(scene: Scene) -> Step:
    """q·k of every query with every key."""
    record, head, place = scene.attended, scene.place.head, scene.place
    q, k = record.q[head], record.k[record.kv_head(head)]
    cols = all_of(q.shape[1])
    a = cut("q", q, scene.queries, cols, f"{scene.attention}.q")
    b = cut("kᵀ", k.T, cols, scene.key_columns, f"{scene.attention}.k")
    result = _of_keys(scene, "q·kᵀ", _dot(scene))
    numbers = {"d": float(q.shape[1])}
    return product(
        scene, "dot", a, b, result, place.query, col=place.key, terms=cols, numbers=numbers
    )


def scale(scene: Scene) -> Step:
    """÷ √d_head, or what the model has for it."""
    record = scene.attended
    numbers = {"factor": record.scale, "d": float(record.q.shape[2])}
    operands = {"A": _of_keys(scene, "q·kᵀ", _dot(scene))}
    return _made(scene, "scale", "scale", operands, _scaled(scene), numbers)


def softcap(scene: Scene) -> Step:
    """Large scores, bent towards a most."""
    cap = scene.attended.softcap
    assert cap is not None
    operands = {"A": _of_keys(scene, "s", _scaled(scene))}
    return _made(scene, "softcap", "softcap", operands, _capped(scene), {"softcap": cap})


def bias(scene: Scene) -> Step:
    """What positions add to the scores."""
    record = scene.attended
    assert record.bias is not None
    per_head = record.bias[scene.place.head % record.bias.shape[0]]
    operands = {
        "A": _of_keys(scene, "s", _capped(scene)),
        "B": cut("bias", per_head, scene.queries, scene.key_columns, f"{scene.attention}.bias"),
    }
    return _made(scene, "bias", "add", operands, scene.by_rows(record.scores), {})


def mask(scene: Scene) -> Step:
    """−∞ where a query may not look."""
    record = scene.attended
    operands = {
        "A": _of_keys(scene, "s", scene.by_rows(record.scores)),
        "visible": _of_keys(scene, "visible", _visible(scene), f"{scene.attention}.mask"),
    }
    return _made(scene, "mask", "mask", operands, _masked(scene), {})


def softmax(scene: Scene) -> Step:
    """Each row of scores as shares of 1; a sink takes a share and gives nothing for it."""
    record = scene.attended
    masked = _masked(scene)
    highest = masked.max(axis=1, keepdims=True)
    rows = scene.queries
    operands = {"A": _of_keys(scene, "s", masked)}
    sink = record.sink(scene.place.head)
    if sink is not None:
        kept = np.array(rows.kept)
        sink = np.broadcast_to(sink, (rows.size, 1))[kept]
        highest = np.maximum(highest, sink)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    total = np.exp(masked - highest).sum(axis=1, keepdims=True)
    numbers = {}
    if sink is not None:
        taken = np.exp(sink - highest)
        total = total + taken
        operands["sink"] = matrix("sink", sink, rows, SINGLE, f"{scene.attention}.sinks")
        numbers["sink_share"] = float(row_of(taken / total, rows, scene.place.query)[0])
    total = np.where(total > 0, total, 1.0)  # a row that sees nothing gives shares of 0 / 1
    operands["max"] = matrix("max", highest, rows, SINGLE)
    operands["sum"] = matrix("sum", total, rows, SINGLE)
    pattern = scene.by_rows(record.pattern)
    return _made(scene, "softmax", "softmax", operands, pattern, numbers, "pattern")


def weigh(scene: Scene) -> Step:
    """Values, weighed by their shares and summed: z."""
    record, head = scene.attended, scene.place.head
    v = record.v[record.kv_head(head)]
    everyone = all_of(v.shape[0])
    cols = all_of(v.shape[1])
    a = matrix("pattern", scene.by_rows(record.pattern), scene.queries, everyone)
    b = matrix("v", v, everyone, cols, f"{scene.attention}.v")
    result = matrix("z", scene.by_rows(record.z), scene.queries, cols)
    return product(scene, "weigh", a, b, result, scene.place.query, terms=scene.keys)


def heads(scene: Scene) -> Step:
    """z of all heads, one beside the other."""
    z = heads_side_by_side(scene)
    record, head, rows = scene.attended, scene.place.head, scene.queries
    d = z.shape[1] // record.n_heads
    cols = scene.columns(z.shape[1], head=range(head * d, (head + 1) * d))
    operands = {}
    for other in sorted({col // d for col in cols.kept}):
        own = tuple(col - other * d for col in cols.kept if col // d == other)
        of_head = z[:, other * d : (other + 1) * d]
        axis = Axis("dimension", d, own)
        operands[f"z{other}"] = matrix(f"z_{other}", of_head[:, np.array(own)], rows, axis)
    result = matrix("z", z[:, np.array(cols.kept)], rows, cols)
    row = row_of(np.abs(z), rows, scene.place.query)[head * d : (head + 1) * d]
    col = scene.around if scene.around in cols.kept else head * d + int(row.argmax())
    numbers = {"d": float(d), "heads": float(record.n_heads)}
    return made(
        scene, "heads", "heads", operands, result, scene.place.query, col=col, numbers=numbers
    )


def heads_side_by_side(scene: Scene) -> Values:
    """[kept query, n_heads · d_value]"""
    record = scene.attended
    return np.concatenate([scene.by_rows(record.z, h) for h in range(record.n_heads)], axis=1)


MAKERS = {
    "dot": dot,
    "scale": scale,
    "softcap": softcap,
    "bias": bias,
    "mask": mask,
    "softmax": softmax,
    "weigh": weigh,
    "heads": heads,
}


def _dot(scene: Scene) -> Values:
    return scene.by_rows(scene.attended.dot)


def _scaled(scene: Scene) -> Values:
    return _dot(scene) * scene.attended.scale


def _capped(scene: Scene) -> Values:
    scaled, cap = _scaled(scene), scene.attended.softcap
    return scaled if cap is None else cap * np.tanh(scaled / cap)


def _visible(scene: Scene) -> Values:
    return scene.by_rows(lambda head, rows: scene.attended.visible(head, rows).astype(np.float64))


def _masked(scene: Scene) -> Values:
    scores = scene.by_rows(scene.attended.scores)
    return np.where(_visible(scene) > 0, scores, -np.inf)


def _of_keys(scene: Scene, symbol: str, rows: Values, source: str = "") -> Matrix:
    """Whole rows [kept query, key], cut to the keys that are kept."""
    cols = scene.key_columns
    return matrix(symbol, rows[:, np.array(cols.kept)], scene.queries, cols, source)


def _made(
    scene: Scene,
    name: str,
    rule: Rule,
    operands: dict[str, Matrix],
    result: Values,
    numbers: dict[str, float],
    symbol: str = "s",
) -> Step:
    """A step from scores to scores, or to shares, around the cell that is looked at."""
    place = scene.place
    made_of = _of_keys(scene, symbol, result)
    return made(scene, name, rule, operands, made_of, place.query, col=place.key, numbers=numbers)
