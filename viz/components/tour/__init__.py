"""The tour component: a button that leads around the page, one thing after the other.

Knows no page: the stops are told. It begins when it is asked to, and ends at any time.
"""

from viz.attention_map import Say
from viz.components.modules import Component
from viz.marked import N_

STRINGS = {
    "tour": N_("tour"),
    "tour.help": N_("A short tour of this page"),
    "back": N_("back"),
    "on": N_("next"),
    "end": N_("done"),
    "skip": N_("skip the tour"),
    "count": N_("{n} of {all}"),
}
SCRIPTS = ("../attention/text.js", "../attention/screen.js", "../attention/dom.js", "tour.js")
HTML = '<div data-headlight="tour"></div>\n'
COMPONENT = Component("tour", SCRIPTS, HTML)


def mount(stops: list[dict[str, str]], *, say: Say, key: str) -> None:
    """Show the button at this place; `stops` come from :func:`viz.tours.told`."""
    data = {"stops": stops, "strings": {key: say(text) for key, text in STRINGS.items()}}
    COMPONENT.tell(data, key=key, width="content")
