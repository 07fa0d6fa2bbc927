"""What the header's tools say, by the names that their scripts know. English is the catalog key.

Knows no language and no script.
"""

from viz.marked import N_

LOOK = {
    "dark": N_("dark theme"),
    "projector": N_("projector mode"),
    "projector.help": N_(
        "Projector mode: larger, with more contrast and fewer controls. The key F2 does the same."
    ),
}
TOUR = {
    "tour": N_("tour"),
    "tour.help": N_("A short tour of this page"),
    "back": N_("back"),
    "on": N_("next"),
    "end": N_("done"),
    "skip": N_("skip the tour"),
    "count": N_("{n} of {all}"),
}
SHARE = {
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
