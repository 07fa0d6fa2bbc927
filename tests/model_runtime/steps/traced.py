"""Models that ship, traced once for all tests of steps, each beside its second computation."""

from functools import cache

from model_runtime import catalog
from model_runtime.steps import walk
from model_runtime.tracing import trace
from tests.model_runtime.steps.reference import Reference


def reference_of(insides, traced):
    source = [token.id for token in traced.reading.source]
    target = [token.id for token in traced.reading.target[:-1]]
    return Reference(insides.config, insides.weights, source, target)


@cache
def opened(ref, text=None):
    """(trace, insides, reference) of a model that ships, or of a tiny one."""
    model = catalog.open_model(ref)
    traced = trace(model, text or model.info.examples[0])
    return traced, model.insides, reference_of(model.insides, traced)


def first_place(traced):
    at = traced.info.opens_at
    return walk.settled(traced, at.stack, at.layer, at.head, 0, None)
