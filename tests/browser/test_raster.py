"""Colour steps, pixels and masked cells of a map: `colour.js`, `raster.js` and `runs.js` beside
numpy, in a bare page."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from viz.components import attention, modules

COMPONENT = Path(attention.__file__).parent
STEPS = "([v, r, c, scale]) => [...stepsOf(Float32Array.from(v, (x) => x ?? NaN), r, c, scale)]"
POOLED = "([v, ...shape]) => [...resample(Uint8Array.from(v), ...shape)]"
SPREAD = "([v, edges, count]) => [...(spreadOverRuns(Float32Array.from(v), edges, count) ?? [-1])]"


def ask(browser: Browser, script: str, asked: object) -> NDArray[np.int64]:
    """What a function of the modules answers."""
    tab = browser.new_page()
    names = ("screen.js", "colour.js", "raster.js", "runs.js")
    tab.add_script_tag(content=modules.joined(COMPONENT, names))
    found: list[int] = tab.evaluate(script, asked)
    tab.close()
    return np.array(found)


def pooled(cells: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """The largest of the cells from `floor(i · n ÷ m)` on that each pixel i of m stands for."""

    def spans(n: int, m: int) -> list[slice]:
        starts = [i * n // m for i in range(m + 1)]
        return [slice(one, max(one + 1, after)) for one, after in pairwise(starts)]

    height, width = cells.shape
    return np.array(
        [[cells[i, j].max() for j in spans(width, columns)] for i in spans(height, rows)]
    )


def test_half_a_share_is_the_middle_step_and_no_share_is_step_0(browser: Browser) -> None:
    shares = [0, 0.5, 1, None, -0.1, 1.2]
    assert ask(browser, STEPS, [shares, 1, 6, "linear"]).tolist() == [0, 128, 255, 0, 0, 255]


def test_steps_are_shares_in_255ths_rounded(browser: Browser) -> None:
    shares = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    found = ask(browser, STEPS, [shares.ravel().tolist(), 40, 30, "linear"])
    assert np.array_equal(found, np.floor(shares.astype(np.float64) * 255 + 0.5).ravel())


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 5), (5, 11), (19, 23), (40, 9)])
def test_a_pixel_shows_the_largest_of_its_cells(browser: Browser, shape: tuple[int, int]) -> None:
    cells = np.random.default_rng(1).integers(0, 256, (19, 23)).astype(np.uint8)
    found = ask(browser, POOLED, [cells.ravel().tolist(), *cells.shape, *shape])
    assert np.array_equal(found.reshape(shape), pooled(cells, *shape))


def test_values_of_visible_cells_stand_where_these_are(browser: Browser) -> None:
    # A row that sees its first key, one that sees none, one that sees the last two.
    assert ask(browser, SPREAD, [[1, 2, 3], [0, 1, 7, 9], 9]).tolist() == [1, *[0] * 6, 2, 3]
    assert ask(browser, SPREAD, [[], [], 2]).tolist() == [0, 0]


@pytest.mark.parametrize("values", [[1, 2], [1, 2, 3, 4]])
def test_values_that_are_not_as_many_as_the_visible_cells_are_refused(
    browser: Browser, values: list[int]
) -> None:
    assert ask(browser, SPREAD, [values, [0, 1, 7, 9], 9]).tolist() == [-1]
