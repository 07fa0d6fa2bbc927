"""Every colour of every picture, as pure data, for a light and a dark ground.

The sequential maps run in equal steps of OKLab lightness, so equal differences of a share look
equal. On a light ground more is darker, on a dark ground more is brighter; zero is next to the
ground. Blue against orange stays apart in all common kinds of colour blindness.
"""

from typing import Literal, TypedDict

Ground = Literal["light", "dark"]


class Palette(TypedDict):
    """The colours for one ground. All are ``#rrggbb``; the maps are evenly spaced stops."""

    ground: str
    ink: str
    quiet: str
    faint: str
    accent: str
    hatch: str
    hatch_ground: str
    sequential: list[str]
    diverging: list[str]


LIGHT: Palette = {
    "ground": "#ffffff",
    "ink": "#1d2129",
    "quiet": "#626a76",
    "faint": "#d9dde3",
    "accent": "#ae3608",
    "hatch": "#b9bfc8",
    "hatch_ground": "#f4f4f5",
    "sequential": [
        "#f0f6f9", "#cbedf8", "#ace1f6", "#90d4f3", "#78c8f1", "#63b9ea", "#52a9e1", "#4698d7",
        "#3e88cb", "#3978bd", "#3668ae", "#33599d", "#304b8c", "#2c3d7a", "#272f67", "#212355",
        "#1b1743",
    ],
    "diverging": [
        "#004b96", "#2160aa", "#4075b8", "#5d8bc6", "#79a0d3", "#96b6df", "#b4ccea", "#d4e1f3",
        "#f7f7f7", "#f0dbd0", "#e5c1ad", "#d8a78c", "#c98e6d", "#ba754d", "#aa5c2c", "#984500",
        "#7a3704",
    ],
}  # fmt: skip

DARK: Palette = {
    "ground": "#0e1117",
    "ink": "#e8eaee",
    "quiet": "#9aa2ae",
    "faint": "#343a45",
    "accent": "#ff9f43",
    "hatch": "#4a515d",
    "hatch_ground": "#14171d",
    "sequential": [
        "#1a1b23", "#21243d", "#252f54", "#283b69", "#28497d", "#26578f", "#24669f", "#2376ad",
        "#2686b9", "#2f96c3", "#3fa6cb", "#52b5d3", "#68c4d9", "#80d3e0", "#99e1e7", "#b1eeef",
        "#cafcf9",
    ],
    "diverging": [
        "#b4d4fd", "#86bbff", "#73a3df", "#638bbe", "#53749d", "#455d7d", "#37485d", "#2a333f",
        "#1f1f1f", "#3d2f27", "#594031", "#77523d", "#956449", "#b47856", "#d48c64", "#f4a172",
        "#fec2a0",
    ],
}  # fmt: skip


def palette(ground: Ground) -> Palette:
    """Return the colours for a light or a dark ground."""
    return LIGHT if ground == "light" else DARK


def component_theme() -> dict[str, Palette]:
    """Return both palettes as a JSON-able value; the browser picks one by its ground's luminance.

    Both are sent because a reader may switch the theme without a server run.
    """
    return {"light": LIGHT, "dark": DARK}


def plotly_colorscale(stops: list[str]) -> list[list[float | str]]:
    """Return evenly spaced ``stops`` as plotly's ``[[0.0, colour], …, [1.0, colour]]``.

    Raises ``ValueError`` for fewer than two stops.
    """
    if len(stops) < 2:
        raise ValueError(f"a colour scale needs at least two stops, got {len(stops)}")
    return [[i / (len(stops) - 1), colour] for i, colour in enumerate(stops)]
