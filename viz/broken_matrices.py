"""An intermediate with and without a mistake as two small tables of HTML in the same colours.

Wants the rules of broken.css, and the colours that `broken` puts around it. Knows no mistake.
"""

import numpy as np

from model_runtime.breaking import Broken
from model_runtime.steps.parts import Values
from model_runtime.telltales import Damaged
from model_runtime.types import Token
from viz import theme
from viz.attention_map import STACKS, Say
from viz.broken_texts import RIGHT, WRONG
from viz.labels import in_html
from viz.marked import N_
from viz.numerals import number, signed

MOST = 12  # rows and columns that are shown
N_COLOURS = len(theme.LIGHT["sequential"])

PATTERN = N_("Pattern of {head}, {stack}. Row: query. Column: key.")
STREAM = N_("Residual stream after the attention of L{layer}, {stack}. Row: token.")
COLOUR = N_("The colour of both runs from {low} {scale} to {high}.")
MASKED = N_("masked")
FOLDED = N_(
    "{rows} of {all_rows} rows and {columns} of {all_columns} columns are shown; sums are over all."
)
FOLDED_STREAM = N_("{rows} of {all_rows} rows and {columns} of {all_columns} columns are shown.")
SUM = N_("sum")


def head(broken: Broken) -> str:
    """The name of the head that is shown."""
    return f"L{broken.place.layer} H{broken.place.head}"


def matrices(broken: Broken, damaged: Damaged, say: Say) -> tuple[str, tuple[str, str], str]:
    """HTML: what is shown and in what colours; right and wrong, around the place that is looked
    at, in the same colours; and what is left out of them, if anything is."""
    rows = _window(broken.place.query, damaged.right.shape[0])
    is_pattern = damaged.kind == "pattern"
    columns = _window(broken.place.key if is_pattern else 0, damaged.right.shape[1])
    shown = np.ix_(rows, columns)
    top = 1.0
    if not is_pattern:
        top = max(1e-9, float(np.abs([damaged.right[shown], damaged.wrong[shown]]).max()))
    right, wrong = (
        f'<div class="matrix" role="region" tabindex="0" aria-label="{in_html(say(name))}">'
        f"{_matrix(broken, damaged, values, (rows, columns), top, say)}</div>"
        for name, values in ((RIGHT, damaged.right), (WRONG, damaged.wrong))
    )
    title = say(PATTERN if is_pattern else STREAM).format(
        head=head(broken), layer=broken.place.layer, stack=say(STACKS[broken.place.stack])
    )
    low = "0" if is_pattern else number(-top)
    high = "1" if is_pattern else number(top)
    colour = in_html(say(COLOUR)).format(low=low, scale='<span class="scale"></span>', high=high)
    said = f'<p>{in_html(title)} <span class="note">{colour}</span></p>'
    note = ""
    if (len(rows), len(columns)) != damaged.right.shape:
        folded = say(FOLDED if is_pattern else FOLDED_STREAM).format(
            rows=len(rows),
            all_rows=damaged.right.shape[0],
            columns=len(columns),
            all_columns=damaged.right.shape[1],
        )
        note = f'<p class="note">{in_html(folded)}</p>'
    return said, (right, wrong), note


def _window(around: int, size: int) -> range:
    """At most MOST neighbours, `around` in their middle where there is room on both sides."""
    first = max(0, min(around - MOST // 2, size - MOST))
    return range(first, min(size, first + MOST))


def _matrix(
    broken: Broken,
    damaged: Damaged,
    values: Values,
    shown: tuple[range, range],
    top: float,
    say: Say,
) -> str:
    rows, columns = shown
    place, is_pattern = broken.place, damaged.kind == "pattern"
    sums_down = broken.mistake == "wrong_axis"
    head = "".join(
        _label(damaged.columns[j] if is_pattern else None, j, is_pattern and j == place.key, "col")
        for j in columns
    )
    sum_head = f'<th scope="col">{in_html(say(SUM))}</th>' if is_pattern else ""
    body = []
    for i in rows:
        cells = "".join(
            _cell(
                float(values[i, j]),
                top,
                bool(damaged.visible[i, j]),
                is_pattern,
                is_pattern and (i, j) == (place.query, place.key),
                say,
            )
            for j in columns
        )
        total = _sum(float(values[i].sum())) if is_pattern else ""
        label = _label(damaged.rows[i], i, i == place.query, "row")
        body.append(f"<tr>{label}{cells}{total}</tr>")
    if sums_down:
        totals = "".join(_sum(float(values[:, j].sum()), due=False) for j in columns)
        body.append(f'<tr><th scope="row">{in_html(say(SUM))}</th>{totals}<td></td></tr>')
    return (
        f"<table><thead><tr><th></th>{head}{sum_head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _label(token: Token | None, index: int, looked_at: bool, scope: str) -> str:
    text = in_html(token.text) if token else str(index)
    name = f"<bdi>{text}</bdi>" if token else text
    kind = " class=looked" if looked_at else ""
    return f'<th scope="{scope}"{kind} title="{index} {text}">{name}</th>'


def _cell(
    value: float, top: float, visible: bool, is_pattern: bool, looked_at: bool, say: Say
) -> str:
    mark = " cell" if looked_at else ""
    if not visible:
        spoken = f'<span class="spoken">{in_html(say(MASKED))}</span>'
        return f'<td class="masked{mark}">{spoken}</td>'
    share = value / top if is_pattern else (value / top + 1.0) / 2.0
    colour = max(0, min(N_COLOURS - 1, round(share * (N_COLOURS - 1))))
    said = signed(value, 1 if top >= 10 else 2)
    return f'<td class="c{colour}{mark}" title="{value:.9g}">{said}</td>'


def _sum(value: float, *, due: bool = True) -> str:
    """A sum over all, also what is folded away; set off where it is due to be 1 and is not."""
    off = " off" if due and abs(value - 1.0) >= 0.005 else ""
    return f'<td class="sum{off}" title="{value:.9g}">{value:.2f}</td>'
