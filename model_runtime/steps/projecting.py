"""Into a layer's attention and out again: norm, queries, keys, values, W_O, the residual stream.

For built-in models. What attention does in between is in `attending.py`.
"""

import numpy as np

from model_runtime.steps import residual
from model_runtime.steps.attending import heads_side_by_side
from model_runtime.steps.folding import all_of
from model_runtime.steps.making import cut, given, made, matrix, of_queries, product
from model_runtime.steps.parts import NOT_HERE, Axis, Matrix, Step, Values
from model_runtime.steps.residual import Sublayer
from model_runtime.steps.scene import Scene
from model_runtime.types import Floats


def missing(scene: Scene) -> dict[str, str]:
    """The steps that cannot be shown, and why."""
    assert scene.insides is not None
    if scene.insides.config.positions != "rotary" or scene.section == "cross":
        return dict.fromkeys(("rotate_q", "rotate_k"), NOT_HERE)
    return {}


def resid(scene: Scene) -> Step:
    """The residual stream as the layer receives it."""
    return given(scene, "resid", of_queries(scene, _before(scene)), scene.place.query)


def norm(scene: Scene) -> Step:
    """LayerNorm: of the stream before attention, or of the sum after it."""
    return residual.norm(scene, "norm", _attention(scene))


def q_all(scene: Scene) -> Step:
    """The queries of all heads."""
    return _projected(scene, "q", scene.queries, scene.place.query)


def k_all(scene: Scene) -> Step:
    """The keys of all heads; in cross-attention, of what the encoder made."""
    return _projected(scene, "k", scene.keys, scene.place.key)


def v_all(scene: Scene) -> Step:
    """The values of all heads; in cross-attention, of what the encoder made."""
    return _projected(scene, "v", scene.keys, scene.place.key)


def split(scene: Scene) -> Step:
    """One head's columns of the queries."""
    heads, source = _unrotated(scene, "q")
    d_head = heads.shape[2]
    everything = _joined(heads)
    first = scene.place.head * d_head
    cols = scene.columns(everything.shape[1], head=range(first, first + d_head))
    operands = {"A": cut("Q", everything, scene.queries, cols, source)}
    own = all_of(d_head)
    result = cut("q", heads[scene.place.head], scene.queries, own, source)
    numbers = {"first": float(first), "d": float(d_head)}
    row = scene.place.query
    return made(scene, "split", "columns", operands, result, row, numbers=numbers)


def rotate_q(scene: Scene) -> Step:
    """Rotary positions, in the queries."""
    return _rotated(scene, "q", scene.queries, scene.place.query)


def rotate_k(scene: Scene) -> Step:
    """Rotary positions, in the keys."""
    return _rotated(scene, "k", scene.keys, scene.place.key)


def out(scene: Scene) -> Step:
    """All heads' results, mixed by W_O."""
    result = of_queries(scene, f"{scene.attention}.output", "o")
    z = heads_side_by_side(scene)
    name = f"{_weights(scene)}.w_o.weight"
    a = matrix("z", z, scene.queries, all_of(z.shape[1]))
    b = _columns_of("W_O", scene.weight(name), result.cols, name)
    return product(scene, "out", a, b, result, scene.place.query)


def add_attn(scene: Scene) -> Step:
    """What attention found, added to the residual stream."""
    return residual.add(scene, "add_attn", _attention(scene))


MAKERS = {
    "resid": resid,
    "norm": norm,
    "q_all": q_all,
    "k_all": k_all,
    "v_all": v_all,
    "split": split,
    "rotate_q": rotate_q,
    "rotate_k": rotate_k,
    "out": out,
    "add_attn": add_attn,
}


def _before(scene: Scene) -> str:
    return f"{scene.layer}.{'resid_cross' if scene.section == 'cross' else 'resid_pre'}"


def _after(scene: Scene) -> str:
    goes_on = scene.section == "decoder" and scene.has_cross
    return f"{scene.layer}.{'resid_cross' if goes_on else 'resid_mid'}"


def _attention(scene: Scene) -> Sublayer:
    return Sublayer(
        before=_before(scene),
        input=f"{scene.attention}.input",
        output=f"{scene.attention}.output",
        after=_after(scene),
        norm=f"{_weights(scene)}_residual.norm",
        symbol="o",
    )


def _weights(scene: Scene) -> str:
    module = scene.attention.rpartition(".")[2]
    return f"{scene.owner}.layers.{scene.place.layer}.{module}"


def _columns_of(symbol: str, weight: Floats, cols: Axis, name: str) -> Matrix:
    """A torch weight [out, in] as the formula has it, [in, kept out]."""
    kept = weight[np.array(cols.kept)].T
    return matrix(symbol, kept, all_of(len(kept)), cols, name)


def _unrotated(scene: Scene, letter: str) -> tuple[Floats, str]:
    """([head, position, d_head] straight from the projection, its name)."""
    name = f"{scene.attention}.{letter}_unrotated"
    if scene.has(name):
        return scene.recorded(name), name
    arrays = {"q": scene.attended.q, "k": scene.attended.k, "v": scene.attended.v}
    return arrays[letter], f"{scene.attention}.{letter}"


def _joined(heads: Floats) -> Floats:
    """[head, n, d_head] → [n, head · d_head]."""
    return heads.transpose(1, 0, 2).reshape(heads.shape[1], -1)


def _projected(scene: Scene, letter: str, rows: Axis, row: int) -> Step:
    """A projection of every head, of which this head's columns are kept."""
    crosses = scene.section == "cross" and letter != "q"
    reads = "encoder.final" if crosses else f"{scene.attention}.input"
    name = f"{_weights(scene)}.w_{letter}.weight"
    heads, source = _unrotated(scene, letter)
    d_head = heads.shape[2]
    first = scene.place.head * d_head
    everything = _joined(heads)
    cols = scene.columns(everything.shape[1], head=range(first, first + d_head), ends=False)
    x = scene.recorded(reads)
    a = cut("x", x, rows, all_of(x.shape[1]), reads)
    b = _columns_of(f"W_{letter.upper()}", scene.weight(name), cols, name)
    result = cut(letter.upper(), everything, rows, cols, source)
    inside = range(first, first + d_head)
    col = scene.around
    if col not in cols.kept:
        values = np.abs(everything[row, first : first + d_head])
        col = inside[int(values.argmax())]
    return product(scene, f"{letter}_all", a, b, result, row, col=col)


def _rotated(scene: Scene, letter: str, rows: Axis, row: int) -> Step:
    """One head's vectors, each pair turned by an angle that grows with the position."""
    heads, name = _unrotated(scene, letter)
    record, head = scene.attended, scene.place.head
    d_head = heads.shape[2]
    cols, pairs = all_of(d_head), all_of(d_head // 2)
    angle = _angles(rows, d_head)
    operands = {
        "A": cut(letter, heads[head], rows, cols, name),
        "cos": matrix("cos", np.cos(angle), rows, pairs),
        "sin": matrix("sin", np.sin(angle), rows, pairs),
    }
    turned = record.q if letter == "q" else record.k
    result = cut(letter, turned[head], rows, cols, f"{scene.attention}.{letter}")
    return made(scene, f"rotate_{letter}", "rotate", operands, result, row)


def _angles(rows: Axis, d_head: int) -> Values:
    """[row, pair], position / 10000^(2i/d_head). Su et al. 2021 (RoFormer), eq. 15 and 34."""
    even = np.arange(0, d_head, 2)
    return np.array(rows.kept)[:, None] / 10000.0 ** (even / d_head)
