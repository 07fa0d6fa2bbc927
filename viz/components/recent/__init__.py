"""The recent component: which checkpoints this browser opened, kept in the browser alone.

A line under the model's box with a menu to forget them one by one. The list lives in the
browser's localStorage and tells the server what it holds. Knows no model and no language.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from viz.attention_map import Say
from viz.marked import N_

MOST_RECENT = 8
# What may be typed, by (whether the Hub is open, whether a folder is).
HINTS = {
    (True, True): N_("or type a Hub id or a folder"),
    (True, False): N_("or type a Hub id"),
    (False, True): N_("or type a folder"),
    (False, False): "",
}
STRINGS = {
    "recent": N_("recent"),
    "title": N_("Checkpoints opened in this browser. Only the browser keeps this list."),
    "forget": N_("forget {ref}"),
    "forget_all": N_("forget all"),
}

HTML = '<div data-headlight="recent"></div>\n'


@cache
def _component() -> Any:
    """Register the component once per process, and only when a page first needs it."""
    folder = Path(__file__).parent
    return st.components.v2.component(
        "headlight_recent",
        html=HTML,
        css=(folder / "recent.css").read_text("utf-8"),
        js=(folder / "recent.js").read_text("utf-8"),
    )


def mount(
    known: Sequence[str],
    *,
    opened: str,
    hint: str,
    say: Say,
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Show the line at this place; `opened` is the checkpoint that is open, or "".

    `known` is the list as the server believes it to be, the latest first. Where the browser
    knows better it sets `refs` of the session's state of `key`, and `on_change` is called.
    """
    data = {
        "known": list(known),
        "opened": opened,
        "most": MOST_RECENT,
        "hint": say(hint) if hint else "",
        "strings": {key: say(text) for key, text in STRINGS.items()},
    }
    _component()(key=key, data=data, on_refs_change=on_change)
