"""From a trace to what the attention component draws: tokens, maps, measures, words.

Arrays in, one binary payload out. Knows neither the session nor the language it speaks:
sentences go through the `say` it is given.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model_runtime.survey import has_sink
from model_runtime.types import OpensAt, StackName, Token, Trace
from model_runtime.views import AxisGroup, HeadPlace, Look, View, shown_stacks
from viz.components import attention as component
from viz.long_maps import as_levels, picture_frame
from viz.marked import N_
from viz.overview import MEASURED, Drawn, Overview, overview

Say = Callable[[str], str]

STACKS: dict[StackName, str] = {
    "encoder": N_("encoder"),
    "decoder": N_("decoder"),
    "cross": N_("cross"),
}
TITLES: dict[StackName, str] = {
    "encoder": N_("encoder self-attention"),
    "decoder": N_("decoder self-attention"),
    "cross": N_("cross-attention"),
}
LOOKS = N_("rows: the token that looks (query)")
ROWS_ARE: dict[StackName, str] = {
    "encoder": LOOKS,
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
# Cells of a map whose scores and q·k travel with its shares; those of a larger one are asked
# for row by row, where a cell is pointed at.
MOST_WITH_SCORES = 128 * 128


def payload(
    trace: Trace,
    view: View,
    chosen: component.Chosen,
    *,
    api: str,
    query: str,
    say: Say,
    drawn: Overview | None = None,
) -> bytes:
    """All stacks that there is attention of, as far as they are looked at: pictures of every
    head, and the exact numbers where they are small. `api` and `query` say where to ask for
    the rest. `drawn` is the trace's overview through this view, if it was kept. Raises
    ValueError for a trace without any attention: see `shown_stacks`."""
    stacks = shown_stacks(trace)
    found = (drawn or overview(trace, view)).stacks
    return component.pack(
        trace=api,
        api=api,
        query=query,
        stacks=[
            _stack(Look(trace, stack, view), seen, say)
            for stack, seen in zip(stacks, found, strict=True)
        ],
        chosen=chosen,
        measured=MEASURED,
        caption=caption(trace),
        strings={key: say(text) for key, text in component.STRINGS.items()},
        model=trace.info.name.partition("@")[0],
        asked="\0".join(_asked(trace)),
        opens=_opening(trace, trace.info.opens_at),
    )


def _asked(trace: Trace) -> tuple[str, ...]:
    """The texts of a request; a pair's second one is there if it was read."""
    request = trace.request
    pair = () if request.pair_text is None else (request.pair_text,)
    return (request.text, request.target_text or "", *pair)


def _opening(trace: Trace, wanted: OpensAt) -> component.Chosen:
    """The head that the model opens at, or the first that there is."""
    for record in trace.records:
        if (record.stack, record.layer) == (wanted.stack, wanted.layer):
            if wanted.head < record.n_heads:
                return component.Chosen(wanted.stack, wanted.layer, wanted.head)
    stack = shown_stacks(trace)[0]
    return component.Chosen(stack, trace.layers(stack)[0], 0)


def caption(trace: Trace) -> str:
    """The model and what it read; after an arrow what was written, if anything was."""
    pair = trace.request.pair_text
    said = f"{trace.info.name}: {trace.request.text}" + (f" ‖ {pair}" if pair else "")
    return f"{said} → {trace.target_text}" if trace.target_text.strip() else said


def head_frame(trace: Trace, stack: StackName, place: HeadPlace, view: View) -> bytes:
    """The exact numbers of one map; of a large one without scores and q·k, which are asked for
    by `row_frame`; of one that is too large to be sent, a picture. Raises NoSuchHead."""
    look = Look(trace, stack, view)
    if as_levels(look):
        return picture_frame(look, place)
    if len(look.rows) * len(look.columns) <= MOST_WITH_SCORES:
        head = look.map(place)
        return component.head_frame(head.pattern, head.scores, head.dot)
    seen = _seen(look, place)
    blocks = []
    for rows in look.row_blocks():
        shares = look.pattern(place, rows).astype(np.float32)
        blocks.append(shares if seen is None else shares[seen[rows]])
    return component.head_frame(
        np.concatenate(blocks),
        by_row=look.has_scores(place),
        shape=(len(look.rows), len(look.columns)),
    )


def _seen(look: Look, place: HeadPlace) -> NDArray[np.bool_] | None:
    """The cells of a map that may not be 0, [row, column]; None for all. Without the first key a
    row may have nothing to share out, and says so in each of its cells."""
    if look.mask_name(place) is None or not look.view.first:
        return None
    seen = look.mask(place)
    return None if seen.all() else seen


def row_frame(trace: Trace, stack: StackName, place: HeadPlace, row: int, view: View) -> bytes:
    """The exact numbers of one row of a map. Raises NoSuchHead, and IndexError for a row that
    is not there."""
    look = Look(trace, stack, view)
    if not 0 <= row < len(look.rows):
        raise IndexError(f"row {row} of {len(look.rows)}")
    found = look.rows_of_map(place, slice(row, row + 1))
    return component.head_frame(found.pattern, found.scores, found.dot)


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
    read is among the keys: 猫→在. Where nothing is predicted, a row goes by its own token.
    """
    named = group.predicted or group.tokens
    text = _text(named)
    note = ""
    if group.predicted:
        read = _text(group.tokens)
        note = say(READS).format(read=read, predicted=text)
        if stack == "decoder":
            text = f"{read}→{text}"
    kind: component.TokenKind = ""
    if any(token.is_special for token in named):
        kind = "special"
    elif any(token.is_unknown for token in named):
        kind = "unknown"
    elif len(named) == 1 and named[0].is_byte_piece:
        kind = "bytes"
    first = group.tokens[0]
    return component.AxisToken(text, note, kind, first.position, first.part)


def _text(tokens: tuple[Token, ...]) -> str:
    """The text of a token, or of the pieces of a word: a character whose bytes are among these
    is written once, not once a piece."""
    if len(tokens) == 1:
        return tokens[0].text
    parts: list[str] = []
    character = None
    for token in tokens:
        whole = (token.span, token.text.partition("⟨")[0]) if token.is_byte_piece else None
        if whole is None or whole != character:
            parts.append(whole[1] if whole else token.text)
        character = whole
    return "".join(parts)


def _stack(look: Look, drawn: Drawn, say: Say) -> component.Stack:
    predicts = look.trace.predicted(look.stack) is not None
    n_queries = len(look.trace.tokens(look.stack)[0])
    return component.Stack(
        name=look.stack,
        title=say(TITLES[look.stack]),
        rows_are=say(ROWS_ARE[look.stack] if predicts else LOOKS),
        cols_are=say(COLUMNS_ARE[look.stack]),
        rows=tuple(axis_token(group, look.stack, say) for group in look.rows),
        cols=tuple(axis_token(group, look.stack, say) for group in look.columns),
        heads=tuple(
            _cell(look, place, found, mask, say)
            for place, found, mask in zip(look.places, drawn.measures, drawn.mask_of, strict=True)
        ),
        overview=drawn.pictures,
        masks=drawn.masks,
        exact=drawn.exact,
        whole=look.is_whole,
        measured_on=drawn.n_queries if drawn.n_queries < n_queries else None,
        n_queries=n_queries,
        levels=as_levels(look),
    )


def _cell(
    look: Look, place: HeadPlace, found: tuple[float | None, ...], mask: int | None, say: Say
) -> component.HeadCell:
    """One head, and how its scores come about."""
    name = head_name(place, say)
    if not look.has_scores(place):
        return component.HeadCell(
            place.layer, place.head, name, found, mask, has_sink=has_sink(look, place)
        )
    ((record, head),) = look.sources(place)
    # A sink that differs by query is left to be told by what is missing of each row.
    sink = None if record.sinks is None or record.sinks.ndim > 1 else float(record.sinks[head])
    return component.HeadCell(
        place.layer,
        place.head,
        name,
        found,
        mask,
        scale=float(record.scale),
        softcap=None if record.softcap is None else float(record.softcap),
        has_bias=record.bias is not None,
        sink=sink,
        has_sink=record.sinks is not None,
    )
