"""A matrix of signed numbers as the browser paints it: few enough cells, and their true names.

Pure functions of arrays. Knows neither what the numbers mean nor the browser.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viz.labels import in_csv

Numbers = NDArray[np.floating[Any]]
Cells = NDArray[np.float32]

# More cells than a picture has room for are not sent: a pixel stands for several.
MOST_ROWS, MOST_COLUMNS = 160, 256


@dataclass(frozen=True)
class Side:
    """What the rows or the columns are."""

    title: str  # "position"
    labels: tuple[str, ...] = ()  # names of 0, 1, 2, …; may hold user text


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A picture of one matrix."""

    name: str  # of its files: "sinusoidal-table"
    title: str
    values: Numbers  # [row, column]; NaN: nothing there, hatched
    rows: Side
    columns: Side
    limit: float | None = None  # colours run from −limit to limit; None: the largest |value|
    unsigned: bool = False  # colours run from 0 to the limit
    hatched: str = ""  # what a cell without a number is: "masked"; "": nothing there
    picks: str = ""  # the control that a click on a column adds to or takes from
    about: str = ""  # a sentence under the picture


def limit(map_: HeatMap) -> float:
    """What the strongest colour stands for."""
    if map_.limit is not None:
        return map_.limit
    largest = np.nanmax(np.abs(map_.values)) if np.isfinite(map_.values).any() else 0.0
    return float(largest) or 1.0


def pooled(values: Numbers, most_rows: int, most_columns: int) -> tuple[Cells, int, int]:
    """(cells, rows a cell, columns a cell): every cell holds the value farthest from 0 of those
    that it stands for, so that no peak is lost. NaN only where all of them are."""
    high, wide = -(-values.shape[0] // most_rows), -(-values.shape[1] // most_columns)
    if high == wide == 1:
        return values.astype(np.float32), 1, 1
    below, beside = -values.shape[0] % high, -values.shape[1] % wide
    cells = np.pad(values.astype(np.float32), ((0, below), (0, beside)), constant_values=np.nan)
    # The other way round, one pass over all cells takes several times as long.
    rows = cells.reshape(-1, high, cells.shape[1])
    most: Cells = np.fmax.reduce(rows, axis=1)
    least: Cells = np.fmin.reduce(rows, axis=1)
    most = np.fmax.reduce(most.reshape(len(most), -1, wide), axis=2)
    least = np.fmin.reduce(least.reshape(len(least), -1, wide), axis=2)
    return np.where(most >= -least, most, least), high, wide


def as_csv(map_: HeatMap) -> str:
    """The whole matrix, a line a row; 9 digits, empty where nothing is."""
    out = io.StringIO()
    writer = csv.writer(out)
    n_rows, n_columns = map_.values.shape
    corner = f"{map_.rows.title} \\ {map_.columns.title}"
    writer.writerow([corner, *map(in_csv, map_.columns.labels or map(str, range(n_columns)))])
    names = map_.rows.labels or tuple(map(str, range(n_rows)))
    for name, row in zip(names, map_.values, strict=True):
        cells = [f"{value:.9g}" if np.isfinite(value) else "" for value in row.tolist()]
        writer.writerow([in_csv(name), *cells])
    return out.getvalue()
