"""The tools component: what the header has beside the choices, in one.

The English of terms and Streamlit's own words in the page's language, which have no picture; the
look, the tour and the link to what is on the screen. Knows no page: what is said is told.
"""

from viz.attention_map import Say
from viz.components.modules import Component
from viz.components.tools import borrowed
from viz.components.tools.strings import LOOK, SHARE, TOUR

SCRIPTS = (
    "../attention/text.js", "../attention/screen.js", "../attention/dom.js", "terms.js",
    "borrowed.js", "look.js", "tour.js", "share.js", "tools.js",
)  # fmt: skip
HTML = '<div data-headlight="tools"></div>\n'
COMPONENT = Component("tools", SCRIPTS, HTML)


def mount(
    *,
    terms: list[list[str]],
    stops: list[dict[str, str]],
    room: str,
    most_bytes: int,
    text_fits: bool,
    say: Say,
    key: str,
) -> None:
    """Show the tools at this place.

    ``terms`` are pairs of a term and its English (from :func:`viz.terms.told`): a label that is
    pointed at tells them. ``stops`` of the tour come from :func:`viz.tours.told`. ``room`` is the
    machine's address in its network, or ""; a QR code is drawn of links of up to ``most_bytes``;
    ``text_fits`` says whether the address holds the text.
    """
    data = {
        "terms": {"pairs": terms},
        "borrowed": {"words": borrowed.told(say)},
        "look": {"strings": _said(LOOK, say)},
        "tour": {"stops": stops, "strings": _said(TOUR, say)},
        "share": {
            "room": room,
            "most": most_bytes,
            "text_fits": text_fits,
            "strings": _said(SHARE, say),
        },
    }
    COMPONENT.tell(data, key=key, width="content")


def _said(strings: dict[str, str], say: Say) -> dict[str, str]:
    return {key: say(text) for key, text in strings.items()}
