"""The share component: a link and a QR code to exactly what is on the screen, with its rules.

The address is the browser's; the code is drawn by the server, in this network. Knows no page.
"""

from viz.attention_map import Say
from viz.components.modules import Component
from viz.marked import N_

STRINGS = {
    "share": N_("share this"),
    "title": N_("A link to what is on the screen"),
    "link": N_("link"),
    "copy": N_("copy"),
    "copied": N_("copied"),
    "not_copied": N_("The browser did not allow it: the link is marked, copy it by hand."),
    "qr": N_("QR code of the link"),
    "too_long": N_("This link is too long for a QR code; it can be copied."),
    "no_text": N_("The text is too long for a link, so the link leaves it out."),
    "here_only": N_(
        "This computer seems to be in no network, so the link works on this computer only."
    ),
    "rules": N_("Whoever opens it"),
    "lock.model": N_("cannot change the model"),
    "lock.text": N_("cannot change the text"),
    "hide.header": N_("does not see the model and the text boxes"),
    "hide.pages": N_("does not see the other pages"),
}
SCRIPTS = ("../attention/text.js", "../attention/screen.js", "../attention/dom.js", "share.js")
HTML = '<div data-headlight="share"></div>\n'
COMPONENT = Component("share", SCRIPTS, HTML)


def mount(*, room: str, most_bytes: int, text_fits: bool, say: Say, key: str) -> None:
    """Show the button at this place. `room` is the machine's address in its network, or "";
    a code is drawn of links of up to `most_bytes`; `text_fits` says whether the address holds
    the text."""
    data = {
        "room": room,
        "most": most_bytes,
        "text_fits": text_fits,
        "strings": {key: say(text) for key, text in STRINGS.items()},
    }
    COMPONENT.tell(data, key=key, width="content")
