"""What a view shows, by name: panels and lines; and an answer read back as the browser reads it."""

import math

import numpy as np

from tests.viz.reading import floats, read_frame
from viz.positions.controls import read


def panels(made):
    """{name: panel} of all sections; `made` is what a view's `sections` returns."""
    sections, _problems = made
    found = [panel for make in sections for panel in make().panels]
    assert len({panel.name for panel in found}) == len(found)
    return {panel.name: panel for panel in found}


def texts(made):
    """All paragraphs, in their order."""
    return [text for make in made[0] for text in make().text]


def ys(chart):
    """{name of a line: its numbers}"""
    assert len({line.name for line in chart.lines}) == len(chart.lines)
    return {line.name: line.y for line in chart.lines}


def xs(chart):
    """The numbers that all lines stand over."""
    first, *others = (np.arange(len(line.y)) if line.x is None else line.x for line in chart.lines)
    for other in others:
        np.testing.assert_array_equal(other, first)
    return first


def set_to(controls, **asked):
    """The values of controls that are set to what there is."""
    values, problems = read(controls, {k: str(v) for k, v in asked.items()}, str)
    assert problems == [] and set(asked) <= {control.name for control in controls}
    return values


def decoded(answer):
    """The header of an answer, with the numbers in place of where they stand in it."""
    header, body = read_frame(answer)
    for section in header["sections"]:
        for panel in section["panels"] if section else ():
            if panel["kind"] == "chart":
                for trace in panel["data"]:
                    for axis in ("x", "y"):
                        if trace[axis] is not None:
                            at, n = trace[axis]
                            trace[axis] = floats(body, at, n)
            elif panel["kind"] == "map":
                rows = math.ceil(panel["n_rows"] / panel["high"])
                columns = math.ceil(panel["n_columns"] / panel["wide"])
                panel["cells"] = floats(body, panel["cells"], rows, columns)
    return header
