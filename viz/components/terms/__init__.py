"""The terms component: a label that is pointed at tells the English of its terms in its tip.

Has no picture of its own: it listens to the whole page. Knows no term: they are told.
"""

from viz.components.modules import Component

SCRIPTS = ("../attention/screen.js", "../attention/dom.js", "terms.js")
HTML = '<div data-headlight="terms"></div>\n'
COMPONENT = Component("terms", SCRIPTS, HTML, has_base=False)


def mount(pairs: list[list[str]], *, key: str) -> None:
    """Tell `pairs` of a term and its English (from :func:`viz.terms.told`) to the page."""
    COMPONENT.tell({"pairs": pairs}, key=key, width="content")
