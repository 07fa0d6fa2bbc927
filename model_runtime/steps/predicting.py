"""From the last layer to probabilities: final norm, unembedding, softmax over the vocabulary.

Logits are recorded for every model; what they are made of is known for built-in ones.
"""

from dataclasses import replace

import numpy as np

from model_runtime.steps.folding import SINGLE, all_of, vocabulary_axis
from model_runtime.steps.making import cut, given, made, matrix, normed, of_queries, product, row_of
from model_runtime.steps.parts import NOT_HERE, NOT_RECORDED, Axis, Matrix, Step, Values
from model_runtime.steps.scene import Scene


def missing(scene: Scene) -> dict[str, str]:
    """The steps that cannot be shown, and why."""
    lacks = {}
    if scene.insides is None:
        lacks["final_norm"] = NOT_RECORDED
    elif scene.insides.config.norm == "post":
        lacks["final_norm"] = NOT_HERE  # the last layer ends in one of its own
    predicts = scene.trace.info.predicts
    if predicts == "nothing" or not scene.trace.logits.size:
        lacks |= dict.fromkeys(("unembed", "probabilities"), NOT_HERE)
    elif _logits_row(scene) is None:
        lacks |= dict.fromkeys(("unembed", "probabilities"), NOT_RECORDED)
    elif predicts == "answer span":
        lacks["probabilities"] = NOT_HERE  # its softmax is over positions
    return lacks


def final_norm(scene: Scene) -> Step:
    """LayerNorm of what the last layer hands on."""
    assert scene.insides is not None
    name = f"{scene.owner}.{scene.insides.config.n_layers - 1}.resid_post"
    result = of_queries(scene, f"{scene.owner}.final")
    before = scene.recorded(name)[np.array(scene.queries.kept)]
    weights = f"{scene.owner}.final_norm"
    return normed(scene, "final_norm", before, name, weights, result, scene.place.query)


def unembed(scene: Scene) -> Step:
    """A score for every token of the vocabulary: the logits."""
    result, likeliest = _logits(scene)
    row = result.rows.kept[0] if result.rows.kind == "single" else scene.place.query
    if scene.insides is None:
        return replace(given(scene, "unembed", result, row), cell=(row, likeliest))
    name, read = "unembedding.weight", f"{scene.owner}.final"
    x = scene.recorded(read)
    inner = all_of(x.shape[1])
    a = cut("x", x, result.rows, inner, read)
    kept = scene.weight(name)[np.array(result.cols.kept)].T
    b = matrix("W_U", kept, inner, result.cols, name)
    return product(scene, "unembed", a, b, result, row, col=likeliest)


def probabilities(scene: Scene) -> Step:
    """Softmax over everything that logits are given for."""
    logits, likeliest = _logits(scene)
    rows, cols = logits.rows, logits.cols
    start = scene.trace.logits_start if rows.kind == "token" else 0
    whole = scene.trace.logits[np.array(rows.kept) - start].astype(np.float64)
    highest = whole.max(axis=1, keepdims=True)
    exp = np.exp(whole - highest)
    total = exp.sum(axis=1, keepdims=True)
    row = rows.kept[0] if rows.kind == "single" else scene.place.query
    log_z = row_of(highest + np.log(total), rows, row)[0]
    operands = {
        "A": logits,
        "max": matrix("max", highest, rows, SINGLE),
        "sum": matrix("sum", total, rows, SINGLE),
    }
    shares: Values = (exp / total)[:, np.array(cols.kept)]
    numbers = {"log_z": float(log_z), "sum": float(row_of(total, rows, row)[0])}
    result = matrix("p", shares, rows, cols)
    return made(
        scene, "probabilities", "softmax", operands, result, row, col=likeliest, numbers=numbers
    )


MAKERS = {"final_norm": final_norm, "unembed": unembed, "probabilities": probabilities}


def _logits_row(scene: Scene) -> int | None:
    """The row of `trace.logits` that is looked at; None where it was not kept. A text that is
    labelled as a whole has one row."""
    trace = scene.trace
    if trace.info.predicts == "text labels":
        return 0
    row = scene.place.query - trace.logits_start
    return row if 0 <= row < len(trace.logits) else None


def _logits(scene: Scene) -> tuple[Matrix, int]:
    """(the logits of the kept rows and of the likeliest tokens, the likeliest of all)."""
    trace = scene.trace
    row = _logits_row(scene)
    assert row is not None, "logits that were not kept"
    own = trace.logits[row]
    rows, start = SINGLE, 0
    if trace.info.predicts != "text labels":
        rows, start = _with_logits(scene), trace.logits_start
    also = [] if scene.around is None else [scene.around]
    following = trace.predicted(scene.section)
    if following is not None and scene.place.query < len(following):
        also.append(following[scene.place.query].id)
    cols = vocabulary_axis(trace.info.vocabulary, own, also, whole=scene.whole)
    values = trace.logits[np.ix_(np.array(rows.kept) - start, np.array(cols.kept))]
    return matrix("logits", values, rows, cols, "logits"), int(own.argmax())


def _with_logits(scene: Scene) -> Axis:
    """The rows whose logits were kept."""
    axis, trace = scene.queries, scene.trace
    end = trace.logits_start + len(trace.logits)
    kept = [n for n, i in enumerate(axis.kept) if trace.logits_start <= i < end]
    return replace(
        axis,
        kept=tuple(axis.kept[n] for n in kept),
        labels=tuple(axis.labels[n] for n in kept),
    )
