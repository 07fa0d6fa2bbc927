"""The predictions component: a table that is fetched once it comes into sight.

Below a picture that somebody waits for, a table of sixty lines would be computed, sent and laid
out first. Knows where the table is and about how long; not what it says.
"""

from viz.attention_map import Say
from viz.colour_variables import SHARED, variables
from viz.components.modules import Component
from viz.marked import N_

STRINGS = {
    "loading": N_("computing…"),
    "failed": N_("The table did not arrive."),
    "retry": N_("try again"),
}
SCRIPTS = (
    "../attention/text.js",
    "../attention/screen.js",
    "../attention/dom.js",
    "predictions.js",
)
HTML = '<div data-headlight="predictions"></div>\n'
COMPONENT = Component("predictions", SCRIPTS, HTML)


def mount(url: str, *, n_rows: int, say: Say, key: str) -> None:
    """Show the table that is at `url`, relative to the page; room is kept for `n_rows` lines."""
    strings = {key: say(text) for key, text in STRINGS.items()}
    told = {"url": url, "rows": n_rows, "colours": variables(SHARED), "strings": strings}
    COMPONENT.tell(told, key=key)
