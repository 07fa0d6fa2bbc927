"""No positions: the same tokens in another order, and what comes out of them.

From an experiment to sections. Knows no model.
"""

import numpy as np

from model_runtime.positions.experiments import Shuffled, TwoOrders
from viz.attention_map import Say
from viz.heatmap import HeatMap, Side
from viz.marked import N_
from viz.positions import texts
from viz.positions.controls import Control
from viz.positions.sections import Section, Table


def controls(n_layers: int, n_heads: int, layer: int, head: int) -> tuple[Control, ...]:
    """Which shuffle, and which head's pattern."""
    return (
        Control("seed", "number", N_("shuffle"), 1, 1, 99, help=texts.HELP_SEED),
        Control("layer", "number", N_("layer"), layer, 0, n_layers - 1),
        Control("head", "number", N_("head"), head, 0, n_heads - 1),
    )


def sections(found: Shuffled, layer: int, head: int, say: Say) -> list[Section]:
    """What the shuffle did, with the model's own positions and with none."""
    if found.own is None or found.none is None:
        said = say(N_("There is nothing to shuffle in this text: type at least two tokens."))
        return [Section(say(N_("Shuffled")), text=(said,))]
    before, after = (tuple(token.text for token in tokens) for tokens in found.tokens)
    model = found.trace.info.name
    without = (say(N_("without positions")), *_differences(found.none, say))
    own = (say(N_("as the model is")), *_differences(found.own, say))
    never = np.array_equal(found.own.rows, found.none.rows)
    verdict = say(texts.ORDER_DECODER if found.causal else texts.ORDER_ENCODER)
    first = Section(
        say(N_("The words of {model}, shuffled")).format(model=model),
        panels=(
            Table(
                "order-tokens",
                say(N_("The tokens")),
                (say(N_("position")), *map(str, range(len(before)))),
                (
                    (say(N_("in order")), *before),
                    (say(N_("shuffled")), *after),
                ),
            ),
            Table(
                "order-differences",
                say(N_("How far the rows moved")),
                ("", say(N_("largest difference, of the largest value")), say(N_("that is"))),
                (without,) if never else (without, own),
                about=verdict,
            ),
        ),
        text=(say(texts.ORDER), say(texts.ORDER_NEVER if never else texts.ORDER_OWN)),
    )
    shown = [(say(N_("Without positions")), "none", found.none)]
    if not never:
        shown.append((say(N_("As the model is")), "own", found.own))
    return [first, *(_side_by_side(*one, found, layer, head, say) for one in shown)]


def _differences(one: TwoOrders, say: Say) -> tuple[str, str]:
    same = one.difference <= 1e-4
    return f"{one.difference:.1e}", say(N_("the same rows")) if same else say(N_("other rows"))


def _side_by_side(
    title: str, name: str, one: TwoOrders, found: Shuffled, layer: int, head: int, say: Say
) -> Section:
    before, after = (tuple(token.text for token in tokens) for tokens in found.tokens)
    in_order, shuffled = one.pattern(layer, head)
    limit = float(np.abs(one.rows).max()) or 1.0
    query, key = say(N_("query")), say(N_("key"))
    place = f"L{layer} H{head}"
    dimension = Side(say(N_("dimension")))
    is_set = name == "none" and not found.causal
    return Section(
        title,
        formulas=(r"\text{encoder}(P X) = P \, \text{encoder}(X)",) if is_set else (),
        source=say(texts.PAPER) if is_set else "",
        panels=(
            HeatMap(
                f"order-{name}-pattern",
                say(N_("Pattern {place}, in order")).format(place=place),
                _visible(in_order, found),
                Side(query, before),
                Side(key, before),
                limit=1.0,
                unsigned=True,
                hatched=say(texts.MASKED),
            ),
            HeatMap(
                f"order-{name}-pattern-shuffled",
                say(N_("Pattern {place}, shuffled")).format(place=place),
                _visible(shuffled, found),
                Side(query, after),
                Side(key, after),
                limit=1.0,
                unsigned=True,
                hatched=say(texts.MASKED),
            ),
            HeatMap(
                f"order-{name}-rows",
                say(N_("What comes out, in order")),
                one.rows,
                Side(say(N_("token")), before),
                dimension,
                limit=limit,
            ),
            HeatMap(
                f"order-{name}-rows-moved",
                say(N_("How that moved when shuffled")),
                one.rows_shuffled - one.rows,
                Side(say(N_("token")), before),
                dimension,
                limit=limit,
            ),
        ),
    )


def _visible(pattern: np.ndarray, found: Shuffled) -> np.ndarray:
    """Of a decoder, nothing where a query must not look."""
    if not found.causal:
        return pattern
    return np.where(np.tril(np.ones(pattern.shape, dtype=bool)), pattern, np.nan)
