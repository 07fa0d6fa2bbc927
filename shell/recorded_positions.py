"""What a trace has recorded of positions: vectors before they were turned, biases, sums.

From a trace to what `viz.positions` draws. Knows no encoding and no session.
"""

from collections.abc import Mapping

import numpy as np

from model_runtime.types import StackName, Trace
from viz.attention_map import STACKS, Say
from viz.positions.relative import Recorded
from viz.positions.rotary import Vectors
from viz.positions.sentence import Added


def _own_stacks(trace: Trace) -> list[StackName]:
    return [stack for stack in trace.info.stacks if stack != "cross"]


def _number(asked: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    text = asked.get(name, "")
    known = text.isascii() and text.isdigit() and len(text) < 6 and int(text) in allowed
    return int(text) if known else default


def vectors(trace: Trace, asked: Mapping[str, str]) -> Vectors | None:
    """Queries and keys of the head that is looked at, before they were turned; None where a model
    does not show them so."""
    stack = next(iter(_own_stacks(trace)), None)
    if stack is None or not trace.layers(stack):
        return None
    at = trace.info.opens_at
    here = at.stack == stack
    layer = _number(asked, "layer", at.layer if here else 0, range(trace.info.n_layers))
    head = _number(asked, "head", at.head if here else 0, range(trace.info.n_heads))
    place = f"{stack}.{layer}.attn"
    if f"{place}.q_unrotated" not in trace.intermediates:
        return None
    q, k = (trace.intermediates[f"{place}.{name}_unrotated"][head] for name in ("q", "k"))
    return Vectors(
        q.astype(np.float64),
        k.astype(np.float64),
        layer,
        head,
        trace.info.n_layers,
        trace.info.n_heads,
        tuple(token.text for token in trace.tokens(stack)[0]),
        trace.record(stack, layer).dot(head),
    )


def biased_layers(trace: Trace, stack: StackName) -> list[int]:
    """The layers of a stack whose scores something was added to."""
    return [layer for layer in trace.layers(stack) if trace.record(stack, layer).bias is not None]


def biased(trace: Trace) -> list[StackName]:
    """The stacks that have such layers."""
    return [stack for stack in _own_stacks(trace) if biased_layers(trace, stack)]


def bias(trace: Trace, stack: StackName, asked: Mapping[str, str], say: Say) -> Recorded:
    """The biases of the layer that is looked at, or of the first that has one."""
    layers = biased_layers(trace, stack)
    layer = _number(asked, "layer", layers[0], range(max(layers) + 1))
    layer = layer if layer in layers else layers[0]
    record = trace.record(stack, layer)
    assert record.bias is not None
    queries, keys = trace.tokens(stack)
    return Recorded(
        record.bias,
        None if record.mask is None else record.visible(0),
        tuple(token.text for token in queries),
        tuple(token.text for token in keys),
        f"{say(STACKS[stack])} L{layer}",
        layer,
    )


def added(trace: Trace, stack: StackName, say: Say) -> Added | None:
    """Embedding and position of each token of a stack; None where they were not recorded."""
    names = ("embedding", "positions")
    if not all(f"{stack}.{name}" in trace.intermediates for name in names):
        return None
    embedding, positions = (trace.intermediates[f"{stack}.{name}"] for name in names)
    segments = trace.intermediates.get(f"{stack}.segments")
    total = embedding.astype(np.float64) + positions
    if segments is not None:
        total = total + segments
    first = f"{stack}.{trace.layers(stack)[0] if trace.layers(stack) else 0}.resid_pre"
    after = trace.intermediates.get(f"{stack}.embedded", trace.intermediates.get(first))
    if after is None:
        return None
    return Added(
        say(STACKS[stack]),
        tuple(token.text for token in trace.tokens(stack)[0]),
        embedding,
        np.broadcast_to(positions, embedding.shape),
        segments,
        float(np.abs(total - after).max()),
    )
