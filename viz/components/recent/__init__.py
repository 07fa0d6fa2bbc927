"""The recent component: which checkpoints this browser opened, kept in the browser alone.

A line under the model's box with a menu to forget them one by one. The list lives in the
browser's localStorage and tells the server what it holds. Knows no model and no language.
"""

from collections.abc import Callable, Sequence

from viz.attention_map import Say
from viz.components.modules import Component
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
COMPONENT = Component("recent", ("recent.js",), HTML, has_base=False)


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
    COMPONENT.tell(data, key=key, on_refs_change=on_change)
