"""The palettes' colours as CSS variables that follow the page's light or dark scheme.

Knows no picture; which colours one takes is its own.
"""

from collections.abc import Mapping

from viz.theme import DARK, LIGHT

# By the name of the variable: on a light ground, on a dark one. What every table takes.
SHARED: Mapping[str, tuple[str, str]] = {
    "accent": (LIGHT["accent"], DARK["accent"]),
    "bar": (LIGHT["sequential"][6], DARK["sequential"][8]),
    "quiet": (LIGHT["quiet"], DARK["quiet"]),
    "faint": (LIGHT["faint"], DARK["faint"]),
    "ground": (LIGHT["ground"], DARK["ground"]),
}


def variables(pairs: Mapping[str, tuple[str, str]]) -> str:
    """The text of a `style` attribute."""
    return "; ".join(f"--{name}: light-dark({a}, {b})" for name, (a, b) in pairs.items())
