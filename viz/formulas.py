r"""The formulas of a pass, as MathML with the part that a step computes lit.

Constants of the project, written in LaTeX; no text of a user is ever in them. A part is named
by `\class{name}{…}`, after the step that computes it. Knows no numbers.
"""

import re
from functools import cache

from latex2mathml.converter import convert

# The symbols are those that the matrices of the steps go by.
RESID = (r"x \gets \class{resid}{x} + \text{attention}(x)", r"x \gets x + \text{FFN}(x)")
NORM = (
    r"\text{norm}(x) = \class{norm}{\frac{x - \text{mean}}{\sqrt{\text{variance} + \varepsilon}}"
    r" \cdot \gamma + \beta}",
)
FEED = (
    r"h = \class{ffn_in}{x W_1 + b_1} \quad a = \class{activation}{\text{activation}(h)} \quad "
    r"f = \class{ffn_out}{a W_2 + b_2}",
    r"x \gets \class{add_ffn}{x + f}",
)
FEED_NORM = (NORM[0].replace("{norm}", "{ffn_norm}"),)
NEXT = (r"x \to \class{next}{\text{layer}(x)}",)
# What the encoder gives out, the decoder's cross-attention makes keys and values of.
MEMORY = (r"\class{final_norm.encoder}{\text{LayerNorm}(x)} \to K, V",)
_BLOCKS = (RESID, NORM, FEED, FEED_NORM, NEXT, MEMORY)
_CLASS = re.compile(r' class="([\w.]+)"')


@cache
def of_step(name: str, lacks: frozenset[str] = frozenset()) -> str:
    """The formula that a step is part of, its part lit: MathML, an element a line. Steps in
    `lacks` are not in the model, or nobody knows how it does them, and not in its formula. Raises
    KeyError for a name that no formula has."""
    # What is lit stays, whatever is said to be lacking.
    lacks = lacks - {name}
    depending = (_read, _project, _attend, _mix, _predict)
    for block in (*_BLOCKS, *(make(lacks) for make in depending)):
        if any(rf"\class{{{name}}}" in line for line in block):
            return "".join(_lit(convert(line), name) for line in block)
    raise KeyError(name)


def _read(lacks: frozenset[str]) -> tuple[str, ...]:
    ids = r"\class{tokens}{\text{text}} \to \class{ids}{\text{id}}"
    if lacks >= {"embedding", "positions"}:  # of a checkpoint: it may scale or not, and add more
        return (ids,)
    x = r"\class{embedding}{E_{\text{id}} \cdot \sqrt{D}}"
    if "positions" not in lacks:
        x = rf"\class{{positions}}{{{x} + \mathit{{PE}}}}"
    return ids, f"x = {x}"


def _project(lacks: frozenset[str]) -> tuple[str, ...]:
    q, k = r"\class{split}{Q_{\text{head}}}", r"K_{\text{head}}"
    if "rotate_q" not in lacks:
        q = rf"\class{{rotate_q}}{{R_i \, {q}}}"
    if "rotate_k" not in lacks:
        k = rf"\class{{rotate_k}}{{R_j \, {k}}}"
    return (
        r"Q = \class{q_all}{x W_Q} \quad K = \class{k_all}{x W_K} \quad V = \class{v_all}{x W_V}",
        rf"q = {q} \quad k = {k} \quad v = V_{{\text{{head}}}}",
    )


def _attend(lacks: frozenset[str]) -> tuple[str, ...]:
    scores = r"\class{dot}{q k^{\mathsf{T}}}"
    if "scale" not in lacks:
        scores = rf"\class{{scale}}{{\frac{{{scores}}}{{\sqrt{{d}}}}}}"
    if "softcap" not in lacks:
        scores = rf"\class{{softcap}}{{c \cdot \tanh \left( {scores} / c \right)}}"
    if "bias" not in lacks:
        scores = rf"\class{{bias}}{{{scores} + \text{{bias}}}}"
    if "mask" not in lacks:
        scores = rf"\class{{mask}}{{\text{{mask}} \left( {scores} \right)}}"
    return (
        rf"\text{{pattern}} = \class{{softmax}}{{\text{{softmax}}}} \left( {scores} \right)",
        r"z = \class{weigh}{\text{pattern} \cdot v}",
    )


def _mix(lacks: frozenset[str]) -> tuple[str, ...]:
    heads = r"\class{heads}{[\, z_0 \; z_1 \; \dots \,]}"
    if "out" in lacks:
        return (heads,)
    return rf"o = \class{{out}}{{{heads} \, W_O}}", r"x \gets \class{add_attn}{x + o}"


def _predict(lacks: frozenset[str]) -> tuple[str, ...]:
    p = r"p = \class{probabilities}{\frac{e^{\text{logits}}}{\sum e^{\text{logits}}}}"
    if "unembed" in lacks:
        return (p,)
    return (
        r"\text{logits} = \class{unembed}{\class{final_norm}{\text{LayerNorm}(x)} \, W_U}",
        p,
    )


def _lit(markup: str, name: str) -> str:
    """The class `lit` where the step is, and no class elsewhere."""
    return _CLASS.sub(lambda found: ' class="lit"' if found[1] == name else "", markup)
