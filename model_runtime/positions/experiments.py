"""What positions are good for, shown by taking them away: one pass beside another.

`without` takes positions from a pass, or gives its tokens one another's; `shuffled_words` puts the
tokens themselves in another order. Knows neither how a model is told positions
(`builtin/placed.py`) nor the screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.breaking import Moved, WhyNot, moved_by, why_not
from model_runtime.errors import NoSuchHead
from model_runtime.measures import Guess, guess_of, likeliest
from model_runtime.positions.placing import Placeable, Placing, nowhere
from model_runtime.steps.parts import Values
from model_runtime.types import Floats, ModelInfo, Reading, StackName, Token, Trace

How = Literal["removed", "shuffled"]
Positions = NDArray[np.intp]

# ── A pass without its positions ─────────────────────────────────────────────────────


@dataclass(frozen=True)
class Prediction:
    """What one position predicts, in the pass as it is and in the changed one."""

    before: Guess  # the likeliest token of the pass as it is
    after: Guess  # the likeliest token of the changed pass
    kept: Guess  # what the changed pass says of the token `before`


@dataclass(frozen=True, eq=False)
class Without:
    """A pass beside the same with its positions removed or shuffled. Where `why_not` says that
    this makes no difference there is nothing below it."""

    trace: Trace
    how: How
    stack: StackName  # whose tokens change positions if they are shuffled
    why_not: WhyNot = ""
    order: tuple[int, ...] = ()  # if shuffled: token i of the stack is told position order[i]
    # [head, query, key] of each stack and layer in the changed pass, read-only
    patterns: Mapping[tuple[StackName, int], Floats] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()  # one a row of the logits
    moved: Moved | None = None  # how far they moved over all rows, and how many changed
    rewritten: str | None = None  # what the changed model writes where the target is its own
    unfinished: bool = False  # it was still writing when the context was full

    def pattern(self, stack: StackName, layer: int, head: int) -> tuple[Values, Values]:
        """(right, wrong), [query, key] each, whose rows sum to 1. Raises NoSuchHead, also where
        there is no changed pass."""
        record = self.trace.record(stack, layer)
        if not (0 <= head < record.n_heads and (stack, layer) in self.patterns):
            raise NoSuchHead(model=self.trace.info.name, stack=stack, layer=layer, head=head)
        return record.pattern(head), self.patterns[stack, layer][head].astype(np.float64)


def without(model: Placeable, trace: Trace, how: How, seed: int = 0) -> Without:
    """Run `model` on the tokens of `trace` once more, with positions removed or shuffled.

    Removed, they are gone from every stack. Shuffled, the tokens of the first stack, special
    ones too, are told one another's positions, in an order that is drawn by `seed` and moves at
    least two; a decoder that reads an encoder keeps its own. Where the model wrote the target
    itself, it also writes anew, token by token, told the same positions.
    """
    info = trace.info
    stack = info.stacks[0]
    found = Without(trace, how, stack)
    n = len(trace.tokens(stack)[0])
    why = why_not(model.insides, trace, "no_positions")
    if how == "shuffled" and n == 1:
        why = why or "one token"
    if why:
        return replace(found, why_not=why)
    places, order = nowhere(info), ()
    if how == "shuffled":
        order = tuple(_another_order(np.arange(n), seed).tolist())
        places = Placing(encoder=order) if stack == "encoder" else Placing(decoder=order)
    arrays = model.run_placed(trace.reading, places)
    logits = arrays["logits"]
    found = replace(
        found,
        order=order,
        patterns=MappingProxyType(_patterns(info, arrays)),
        predictions=tuple(map(_prediction, trace.logits, logits)),
        moved=moved_by(trace, logits),
    )
    if not trace.reading.target_is_own:
        return found
    reading = model.read_placed(trace.request, places)
    rewritten = replace(trace, reading=reading).target_text
    return replace(found, rewritten=rewritten, unfinished=reading.unfinished)


def _prediction(right: Floats, wrong: Floats) -> Prediction:
    before = likeliest(right, 1)[0]
    return Prediction(before, likeliest(wrong, 1)[0], guess_of(wrong, before.id))


def _patterns(info: ModelInfo, arrays: Mapping[str, Floats]) -> dict[tuple[StackName, int], Floats]:
    """[head, query, key] of each stack and layer, out of all that was recorded."""
    return {
        (stack, layer): arrays[f"{owner}.{layer}.{part}.pattern"]
        for stack in info.stacks
        for layer in range(info.n_layers)
        for owner, part in [("decoder", "cross") if stack == "cross" else (stack, "attn")]
    }


def _another_order(positions: Positions, seed: int) -> Positions:
    """Two or more positions, shuffled so that not all stay where they are."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(positions)
        if (order != positions).any():
            return order


# ── The same words in another order ──────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class TwoOrders:
    """What a stack makes of tokens in order and shuffled. Arrays are read-only."""

    rows: Floats  # [token, d_model]: its last rows, in the order of the text
    rows_shuffled: Floats  # of the shuffled text, put back into the order of the text
    difference: float  # the largest |rows_shuffled − rows| / the largest |rows|
    patterns: tuple[Floats, ...]  # of each layer [head, query, key], in the order of the text
    patterns_shuffled: tuple[Floats, ...]  # in the order of the shuffled text, as it was read

    def pattern(self, layer: int, head: int) -> tuple[Floats, Floats]:
        """(of the text, of the shuffled text), [query, key] each: cell (i, j) of the second is
        of tokens order[i] and order[j]. Raises IndexError."""
        return self.patterns[layer][head], self.patterns_shuffled[layer][head]


@dataclass(frozen=True, eq=False)
class Shuffled:
    """A text and its tokens shuffled, read with the model's own positions and with none. Where
    `why_not` says that there is nothing to shuffle there is nothing below it."""

    trace: Trace
    stack: StackName  # the one that reads them: "encoder", or of a decoder alone "decoder"
    # A token that sees only those before it knows their order by what it sees: without positions
    # rows differ all the same.
    causal: bool
    why_not: WhyNot = ""
    order: tuple[int, ...] = ()  # at place i of the shuffled text stands token order[i]
    own: TwoOrders | None = None  # each token at the position where it stands
    none: TwoOrders | None = None  # no token at any

    @property
    def tokens(self) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
        """(of the text, of the shuffled text), in the order in which they are read."""
        tokens = self.trace.tokens(self.stack)[0]
        return tokens, tuple(tokens[i] for i in self.order)


def shuffled_words(model: Placeable, trace: Trace, seed: int = 0) -> Shuffled:
    """Run `model` on the tokens of `trace` in order and in an order drawn by `seed`, with its own
    positions and with none. Special tokens stay where they are.

    Without positions an encoder takes a text for a set: its rows are the same, in another order,
    but for rounding. It makes them of the tokens alone, so the decoder behind it is not asked.
    """
    info, reading = trace.info, trace.reading
    stack = info.stacks[0]
    found = Shuffled(trace, stack, causal=stack == "decoder")
    tokens = trace.tokens(stack)[0]
    words = np.array([t.position for t in tokens if not t.is_special], dtype=np.intp)
    if len(words) < 2:
        return replace(found, why_not="one token")
    order = np.arange(len(tokens))
    order[words] = _another_order(words, seed)
    moved = tuple(tokens[i] for i in order)
    if stack == "encoder":
        other = replace(reading, source=moved)
    else:  # the last token is only ever predicted
        other = replace(reading, target=(*moved, *reading.target[len(moved) :]))
    return replace(
        found,
        order=tuple(order.tolist()),
        own=_in_two_orders(model, stack, (reading, other), order, Placing()),
        none=_in_two_orders(model, stack, (reading, other), order, nowhere(info)),
    )


def _in_two_orders(
    model: Placeable,
    stack: StackName,
    readings: tuple[Reading, Reading],
    order: Positions,
    places: Placing,
) -> TwoOrders:
    right, other = (model.run_placed(reading, places) for reading in readings)
    rows = right[f"{stack}.final"]
    back = np.empty_like(rows)
    back[order] = other[f"{stack}.final"]
    back.setflags(write=False)
    names = [f"{stack}.{layer}.attn.pattern" for layer in range(model.info.n_layers)]
    return TwoOrders(
        rows,
        back,
        float(np.abs(back - rows).max() / np.abs(rows).max()),
        tuple(right[name] for name in names),
        tuple(other[name] for name in names),
    )
