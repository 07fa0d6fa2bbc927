"""From a trace to what the attention component draws: tokens, maps, measures, words.

Arrays in, one binary payload out. Knows neither the session nor the language it speaks:
sentences go through the `say` it is given.
"""

from collections.abc import Callable
from dataclasses import astuple, fields

import numpy as np

from model_runtime.measures import Measures, measures
from model_runtime.types import StackName, Trace
from model_runtime.views import AxisGroup, HeadMap, HeadPlace, Look, View
from viz.components import attention as component
from viz.marked import N_

Say = Callable[[str], str]

TITLES: dict[StackName, str] = {
    "encoder": N_("encoder self-attention"),
    "decoder": N_("decoder self-attention"),
    "cross": N_("cross-attention"),
}
ROWS_ARE: dict[StackName, str] = {
    "encoder": N_("rows: the token that looks (query)"),
    "decoder": N_("rows: the token read → the token predicted (query)"),
    "cross": N_("rows: the token being predicted (query)"),
}
COLUMNS_ARE: dict[StackName, str] = {
    "encoder": N_("columns: the token looked at (key)"),
    "decoder": N_("columns: the token looked at (key)"),
    "cross": N_("columns: the source token looked at (key)"),
}
READS = N_("reads {read}, predicts {predicted}")
MEAN = N_("mean")
MEASURED = tuple(field.name for field in fields(Measures))


def payload(
    trace: Trace, view: View, chosen: component.Chosen, *, api: str, query: str, say: Say
) -> bytes:
    """All stacks of a trace, as far as they are looked at: pictures of every head, and the
    exact numbers where they are small. `api` and `query` say where to ask for the rest."""
    looks = [Look(trace, stack, view) for stack in trace.info.stacks]
    shapes = [(len(look.places), len(look.rows), len(look.columns)) for look in looks]
    exact = component.exact_fits(shapes)
    start = trace.info.opens_at
    return component.pack(
        trace=api,
        api=api,
        query=query,
        stacks=[_stack(look, exact, say) for look in looks],
        chosen=chosen,
        measured=MEASURED,
        caption=caption(trace),
        strings={key: say(text) for key, text in component.STRINGS.items()},
        model=trace.info.name.partition("@")[0],
        asked=f"{trace.request.text}\0{trace.request.target_text or ''}",
        opens=component.Chosen(start.stack, start.layer, start.head),
    )


def caption(trace: Trace) -> str:
    """The model and what it read; after an arrow what was written, if anything was."""
    said = f"{trace.info.name}: {trace.request.text}"
    return f"{said} → {trace.target_text}" if trace.target_text.strip() else said


def head_frame(trace: Trace, stack: StackName, place: HeadPlace, view: View) -> bytes:
    """The exact numbers of one map. Raises NoSuchHead."""
    look = Look(trace, stack, view)
    head = look.map(place)
    return component.head_frame(head.pattern, head.scores, head.dot)


def head_name(place: HeadPlace, say: Say) -> str:
    """L2 H0, or what a mean is taken over: L2 mean, mean H0, mean."""
    layer = "" if place.layer is None else f"L{place.layer}"
    head = "" if place.head is None else f"H{place.head}"
    mean = say(MEAN) if place.layer is None or place.head is None else ""
    parts = (mean, head) if place.layer is None else (layer, head or mean)
    return " ".join(part for part in parts if part)


def axis_token(group: AxisGroup, stack: StackName, say: Say) -> component.AxisToken:
    """One row or column as it is labelled.

    A row of cross-attention goes by the token it predicts, for that is the one its look at
    the source serves. A row of the decoder's self-attention names both, since the token it
    read is among the keys: 猫→在.
    """
    named = group.predicted or group.tokens
    text = "".join(token.text for token in named)
    note = ""
    if group.predicted:
        read = "".join(token.text for token in group.tokens)
        note = say(READS).format(read=read, predicted=text)
        if stack == "decoder":
            text = f"{read}→{text}"
    kind: component.TokenKind = ""
    if any(token.is_special for token in named):
        kind = "special"
    elif any(token.is_unknown for token in named):
        kind = "unknown"
    return component.AxisToken(text, note, kind, group.tokens[0].position)


def _stack(look: Look, exact: bool, say: Say) -> component.Stack:
    places = look.places
    record = look.trace.record(look.stack, 0)
    same_sequence = look.stack != "cross"
    visible = record.visible(0)
    cells, overviews, maps = [], [], list[HeadMap]()
    for place in places:
        found = measures(look.full_pattern(place), visible, same_sequence=same_sequence)
        cells.append(
            component.HeadCell(place.layer, place.head, head_name(place, say), astuple(found))
        )
        head = look.map(place)
        overviews.append(component.overview(head.pattern))
        if exact:
            maps.append(head)
    return component.Stack(
        name=look.stack,
        title=say(TITLES[look.stack]),
        rows_are=say(ROWS_ARE[look.stack]),
        cols_are=say(COLUMNS_ARE[look.stack]),
        rows=tuple(axis_token(group, look.stack, say) for group in look.rows),
        cols=tuple(axis_token(group, look.stack, say) for group in look.columns),
        n_layers=len({place.layer for place in places}),
        n_heads=len({place.head for place in places}),
        heads=tuple(cells),
        overview=np.stack(overviews),
        scale=record.scale,
        mask=None if look.visible.all() else look.visible,
        exact=_exact(maps) if exact else None,
    )


def _exact(maps: list[HeadMap]) -> component.Exact:
    scores = [head.scores for head in maps if head.scores is not None]
    dots = [head.dot for head in maps if head.dot is not None]
    whole = len(scores) == len(maps)
    return component.Exact(
        pattern=np.stack([head.pattern for head in maps]),
        scores=np.stack(scores) if whole else None,
        dot=np.stack(dots) if whole else None,
    )
