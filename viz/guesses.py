"""A table of guesses for the predictions component and as CSV: names and shares.

Text and numbers in, bytes out. Knows neither a trace nor how the table is drawn.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from viz.labels import in_csv, visible

Value = str | int | float


@dataclass(frozen=True)
class Cell:
    """A guess, its name made visible."""

    name: str = ""
    share: float | None = None  # 0…1, which is drawn as a bar, too; None if it is no number
    mark: str = ""  # only spoken, and the cell is set off by it
    beside: str = ""  # stands beside the share
    said: str = ""  # a number that is no share


@dataclass(frozen=True)
class Line:
    """A row: what was read where, and what is guessed there."""

    place: str  # a position, or from one to another
    read: str
    cells: tuple[Cell, ...]
    following: str | None = None  # what really comes next
    is_own: bool = False  # the model chose `following` itself


@dataclass(frozen=True)
class Table:
    """Its title is for screen readers, its caption for all."""

    title: str
    caption: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]

    def as_json(self) -> bytes:
        """The same for the browser, ASCII only: tokens may hold lone surrogates."""
        return json.dumps(asdict(self), allow_nan=False, separators=(",", ":")).encode("ascii")


def table(title: str, caption: Iterable[str], heads: Iterable[str], lines: Iterable[Line]) -> Table:
    """A table whose caption is these sentences."""
    said = ""
    for sentence in caption:
        # A Chinese sentence brings the room after its stop with it.
        said += (" " if said[-1:].isascii() and said else "") + sentence
    return Table(title, said, tuple(heads), tuple(lines))


def guess(name: str, share: float, *, mark: str = "", beside: str = "") -> Cell:
    """One cell of a row."""
    return Cell(visible(name), share if math.isfinite(share) else None, mark, beside)


def line(
    place: object,
    read: str,
    cells: Iterable[Cell],
    *,
    following: str | None = None,
    is_own: bool = False,
) -> Line:
    """A row of cells."""
    after = None if following is None else visible(following)
    return Line(str(place), visible(read), tuple(cells), after, is_own)


def as_csv(heads: Sequence[str], lines: Iterable[Sequence[Value]]) -> bytes:
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


def _written(cell: Value) -> str:
    if isinstance(cell, str):
        return in_csv(cell)
    return f"{cell:.9g}" if isinstance(cell, float) else str(cell)
