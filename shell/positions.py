"""One view of the page "Positions", made for a trace and for what an address asks.

Joins models, experiments and pictures. Knows neither HTTP nor the session.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from model_runtime.positions.encodings import Encoding
from model_runtime.recording import LONG
from model_runtime.types import Request, StackName, Trace
from shell import bias_ways, cache, recorded_positions
from shell.language import _
from viz.positions import controls, learned, order, rotary, sentence, sinusoidal, texts
from viz.positions.controls import Control, Values
from viz.positions.found import of_kind
from viz.positions.sections import Link, Made, Section, View, at_once

# Every parameter that a view takes of the address.
PARAMETERS = (
    "table d n base dims at by wrong how scaling factor trained i m k both heads far buckets "
    "bias seed stack layer head"
).split()
EXAMPLES = {
    "learned": "builtin:positions@learned",
    "rotary": "builtin:positions@rotary",
    "relative": "builtin:positions@alibi",
    "order": "builtin:positions@none",
}


@dataclass(frozen=True)
class Asked:
    """A trace and the parameters of an address."""

    trace: Trace
    parameters: Mapping[str, str]

    @property
    def encodings(self) -> Sequence[Encoding]:
        """What the open model tells positions by."""
        return cache.encodings(self.trace.request.ref)

    @property
    def model(self) -> str:
        """Its name."""
        return self.trace.info.name


def view(name: str, asked: Asked) -> View:
    """The view of one of `viz.positions.page.VIEWS`. Raises KeyError."""
    if asked.parameters.get("stack") == "cross":
        # A head that was looked at on another page: where two stacks meet there are no positions.
        kept = {k: v for k, v in asked.parameters.items() if k not in ("stack", "layer", "head")}
        asked = Asked(asked.trace, kept)
    return _VIEWS[name](asked)


def _set(own: Sequence[Control], asked: Asked, made: Callable[[Values], Made]) -> View:
    values, problems = controls.read(own, asked.parameters, _)
    sections, more = made(values)
    return View(own, values, sections, [*problems, *more])


def _elsewhere(name: str, said: str, asked: Asked) -> Section:
    """That the open model is no example of a view, and which one is."""
    ref = EXAMPLES[name]
    other = ref.removeprefix("builtin:")
    link = Link(_(texts.OPEN_OTHER).format(other=other), {"model": ref, "enc": name})
    text = _(said).format(model=asked.model, other=other)
    return Section(_("Not of this model"), text=(text,), links=(link,))


def _after(first: Section, view: View) -> View:
    return View(view.controls, view.values, [at_once(first), *view.sections], view.problems)


def _sinusoidal(asked: Asked) -> View:
    own = sinusoidal.controls(asked.trace.info.d_model, asked.parameters, _)
    return _set(own, asked, lambda values: sinusoidal.sections(values, _))


def _learned(asked: Asked) -> View:
    found = of_kind(asked.encodings, "learned", "sinusoidal")
    tables = [one for one in found if one.table is not None]
    others = tables or of_kind(cache.encodings(EXAMPLES["learned"]), "learned")
    own = learned.controls(others)
    shown = _set(own, asked, lambda values: learned.sections(others, values, _))
    return shown if tables else _after(_elsewhere("learned", texts.NO_TABLE, asked), shown)


def _rotary(asked: Asked) -> View:
    own = [
        rotary.Own(
            one.rotation, one.where, recorded_positions.vectors(asked.trace, asked.parameters)
        )
        for one in of_kind(asked.encodings, "rotary")
        if one.rotation is not None
    ]

    def made(values: Values) -> Made:
        return rotary.sections(rotary.chosen(own, values), values, _)

    shown = _set(rotary.controls(own, asked.parameters, _), asked, made)
    return shown if own else _after(_elsewhere("rotary", texts.NO_ROTATION, asked), shown)


def _relative(asked: Asked) -> View:
    own = bias_ways.own(asked.trace, asked.encodings, asked.parameters)
    ways = [*own, *bias_ways.by_hand()]
    way = next((way for way in ways if way.name == asked.parameters.get("bias")), ways[0])
    options = tuple((way.name, way.said) for way in ways)
    choice = Control("bias", "choice", texts.BIAS, ways[0].name, options=options)
    shown = _set([choice, *way.controls], asked, way.made)
    return shown if own else _after(_elsewhere("relative", texts.NO_BIAS, asked), shown)


def _order(asked: Asked) -> View:
    trace = asked.trace
    is_own = cache.can_be_placed(trace.request.ref)
    if not is_own:
        ref = EXAMPLES["order"]
        example = cache.model(ref).info.examples[0]
        _id, trace = cache.trace(cache.PUBLIC, Request(ref, example))
    stack = trace.info.stacks[0]
    at = trace.info.opens_at
    layer, head = (at.layer, at.head) if at.stack == stack else (0, 0)
    own = order.controls(trace.info.n_layers, trace.info.n_heads, layer, head)

    def made(values: Values) -> Made:
        found = cache.shuffled_words(trace, values.whole("seed"))
        shown = order.sections(found, values.whole("layer"), values.whole("head"), _)
        return list(map(at_once, shown)), []

    shown = _set(own, asked, made)
    return shown if is_own else _after(_elsewhere("order", texts.EXAMPLE_ORDER, asked), shown)


def _sentence(asked: Asked) -> View:
    trace = asked.trace
    can_change = cache.can_be_placed(trace.request.ref)
    stacks: tuple[StackName, ...] = tuple(one for one in trace.info.stacks if one != "cross")
    if not stacks:  # a model without attention has no head, and reads tokens all the same
        stacks = ("encoder",) if trace.info.family == "encoder" else ("decoder",)
    at = trace.info.opens_at
    layer, head = (at.layer, at.head) if at.stack in stacks else (0, 0)
    own = list(sentence.stack_control(stacks, _))
    if can_change:
        shuffles = asked.parameters.get("how") == "shuffled"
        sizes = trace.info.n_layers, trace.info.n_heads, layer, head
        own += sentence.head_controls(*sizes, shuffles=shuffles, say=_)

    def made(values: Values) -> Made:
        stack = stacks[0] if len(stacks) < 2 else _named(values.choice("stack"), stacks)
        changed = partial(_without, trace, stack, values) if can_change else at_once(_fixed())
        return [partial(_sum, asked, stack), changed, partial(_five, trace)], []

    return _set(own, asked, made)


def _named(name: str, stacks: tuple[StackName, ...]) -> StackName:
    return next(stack for stack in stacks if stack == name)


def _without(trace: Trace, stack: StackName, values: Values) -> Section:
    how = values.choice("how")
    found = cache.without(trace, how, values.whole("seed") if how == "shuffled" else 0)
    return sentence.without(found, stack, values.whole("layer"), values.whole("head"), _)


def _fixed() -> Section:
    return Section(_("Positions removed or shuffled"), text=(_(texts.BUILTIN_ONLY),))


def _five(trace: Trace) -> Section:
    found, is_typed = cache.five(trace.request.text)
    return sentence.five(found, is_typed, _)


def _sum(asked: Asked, stack: StackName) -> Section:
    """Embedding, position and their sum, as far as they were recorded."""
    found = recorded_positions.added(asked.trace, stack, _)
    if found:
        return sentence.added(found, _)
    has_table = any(
        stack in one.stacks for one in of_kind(asked.encodings, "learned", "sinusoidal")
    )
    why = _(texts.NOT_RECORDED if has_table else texts.NOT_ADDED)
    return Section(_("Embedding and position"), text=(why.format(model=asked.model, n=LONG),))


_VIEWS: dict[str, Callable[[Asked], View]] = {
    "sinusoidal": _sinusoidal,
    "learned": _learned,
    "rotary": _rotary,
    "relative": _relative,
    "order": _order,
    "sentence": _sentence,
}
