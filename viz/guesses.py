"""A table of guesses as HTML and as CSV: names, shares, bars. Wants the rules of predictions.css.

Text and numbers in, text out; names reach HTML through `labels` only. Knows no trace.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from viz.colour_variables import SHARED, variables
from viz.labels import in_csv, in_html

Cell = str | int | float


def table(title: str, caption: Iterable[str], heads: Iterable[str], rows: Iterable[str]) -> str:
    """A table under its title for screen readers; `rows` are HTML already, all else is text."""
    head = "".join(f'<th scope="col">{in_html(text)}</th>' for text in heads)
    said = ""
    for sentence in caption:
        # A Chinese sentence brings the room after its stop with it.
        said += (" " if said[-1:].isascii() and said else "") + in_html(sentence)
    return (
        f'<div class="predictions" role="region" tabindex="0" aria-label="{in_html(title)}" '
        f'style="{variables(SHARED)}"><table><caption><span>{said}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def guess(name: str, share: float, *, mark: str = "", rank: str = "") -> str:
    """One cell: a name, its share and a bar of that length. `mark` is only spoken, and the
    cell is set off by it; `rank` stands beside the share."""
    spoken = f'<span class="spoken"> ({in_html(mark)})</span>' if mark else ""
    beside = f' · <span class="rank">{in_html(rank)}</span>' if rank else ""
    return (
        f'<td{" class=real" if mark else ""} title="{share:.6g}">'
        f'<span class="guess"><bdi>{in_html(name)}</bdi>{spoken}</span>'
        f'<span class="share">{share:.2f}{beside}</span>'
        f'<span class="bar" style="width: {100 * share:.1f}%"></span></td>'
    )


def row(head: str, cells: Iterable[str], *, is_own: bool = False) -> str:
    """A row of cells; `head` is HTML already."""
    kind = ' class="own"' if is_own else ""
    return f'<tr{kind}><th scope="row">{head}</th>{"".join(cells)}</tr>'


def as_csv(heads: Sequence[str], lines: Iterable[Sequence[Cell]]) -> bytes:
    """The lines with 9 digits, and no formulas. Starts with a byte order mark, for Excel."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    writer.writerows([_written(cell) for cell in line] for line in lines)
    return out.getvalue().encode("utf-8-sig", "replace")


def named(names: Sequence[str], id_: int) -> str:
    """The name of an id, so that it can be seen. Some models give logits for ids that no
    token has."""
    if id_ >= len(names):
        return f"⟨{id_}⟩"
    return names[id_] if names[id_].strip() else "␣"


def _written(cell: Cell) -> str:
    if isinstance(cell, str):
        return in_csv(cell)
    return f"{cell:.9g}" if isinstance(cell, float) else str(cell)
