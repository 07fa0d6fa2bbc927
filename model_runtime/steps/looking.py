"""Where each part of a model looks, when one head of one stack is looked at.

Walking through an encoder–decoder needs a query and a key in all three: they follow the
pattern of the same layer and head. Knows no step.
"""

from dataclasses import replace

import numpy as np

from model_runtime.attention import AttentionRecord
from model_runtime.errors import NoSuchHead
from model_runtime.steps.parts import Place, Values
from model_runtime.types import StackName, Trace

_BLOCK = 256  # query rows of a pattern that are made at once


def settled(
    trace: Trace, stack: StackName, layer: int, head: int, query: int, key: int | None
) -> Place:
    """The place that is asked for; with no key, the one that has the query's largest share.

    Raises NoSuchHead, and IndexError for a query or key that is no position of the text.
    """
    record = trace.record(stack, layer)
    if not 0 <= head < record.n_heads:
        raise NoSuchHead(model=trace.info.name, stack=stack, layer=layer, head=head)
    n_queries, n_keys = record.q.shape[1], record.k.shape[1]
    if not 0 <= query < n_queries:
        raise IndexError(f"query {query} of {n_queries}")
    if key is None:
        key = _looked_at(record, head, query)
    if not 0 <= key < n_keys:
        raise IndexError(f"key {key} of {n_keys}")
    return Place(stack, layer, head, query, key)


def place_in(trace: Trace, place: Place, section: StackName) -> Place:
    """Where `section` looks when `place` is looked at.

    From cross-attention, the encoder looks at its key and the decoder at its query. From the
    decoder, cross-attention looks at the query's largest share. From the encoder, it is the
    query that looks most at the encoder's. Each key that is not given has the largest share.
    """
    if section == place.stack:
        return place
    crossing = place if place.stack == "cross" else _nearest(trace, place, "cross")
    cross = record_at(trace, crossing)
    query, key = place.query, place.key
    if place.stack == "encoder":
        query, key = 0, place.query
        if cross is not None:
            query = _looks_most_at(cross, crossing.head, key)
    elif place.stack == "decoder":
        key = 0 if cross is None else _looked_at(cross, crossing.head, query)
    if section == "cross":
        return replace(crossing, query=query, key=key)
    here = _nearest(trace, place, section)
    record = record_at(trace, here)
    query = key if section == "encoder" else query
    key = query if record is None else _looked_at(record, here.head, query)
    return replace(here, query=query, key=key)


def record_at(trace: Trace, place: Place) -> AttentionRecord | None:
    """The attention of a place; None where it could not be recorded."""
    if place.layer not in trace.layers(place.stack):
        return None
    return trace.record(place.stack, place.layer)


def share_row(record: AttentionRecord, head: int, query: int) -> Values:
    """[key], the shares that one query gives."""
    return record.pattern(head, slice(query, query + 1))[0]


def _nearest(trace: Trace, place: Place, stack: StackName) -> Place:
    """The same layer and head of another stack, or the last that it has."""
    layers = trace.layers(stack)
    below = [layer for layer in layers if layer <= place.layer]
    layer = below[-1] if below else layers[0] if layers else place.layer
    here = replace(place, stack=stack, layer=layer)
    record = record_at(trace, here)
    return here if record is None else replace(here, head=min(place.head, record.n_heads - 1))


def _looked_at(record: AttentionRecord, head: int, query: int) -> int:
    return int(share_row(record, head, query).argmax())


def _looks_most_at(record: AttentionRecord, head: int, key: int) -> int:
    """The query with the largest share on a key, in blocks: a pattern grows with n²."""
    n_queries = record.q.shape[1]
    shares = [
        record.pattern(head, slice(start, start + _BLOCK))[:, key]
        for start in range(0, n_queries, _BLOCK)
    ]
    return int(np.concatenate(shares).argmax()) if shares else 0
