"""The navigation component: the pages as links, which take along where the reader is looking.

A plain click asks the server to change the page; any other is the browser's own. Knows no page:
their names and their parameters are told. Other components ask for a page by an event.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from viz.components.modules import Component

HTML = '<nav data-headlight="navigation"></nav>\n'
COMPONENT = Component("navigation", ("navigation.js",), HTML, has_base=False)


@dataclass(frozen=True)
class Link:
    """One page: its name, which is also its path, and what the link says."""

    page: str
    path: str  # from any page of the app; "./" is the first
    label: str
    is_here: bool
    question: str = ""  # what the page answers, for the tooltip
    parameters: Mapping[str, str] = field(default_factory=dict)  # to be set on the way


def mount(
    links: Sequence[Link],
    carried: Sequence[str],
    *,
    label: str,
    key: str,
    on_go: Callable[[], None],
    listens: bool = False,
    language: str = "",
) -> None:
    """Show the links at this place; `carried` names the parameters that a link takes along.
    One of them `listens` to other components that ask for a page, and tells the browser the
    page's `language` (BCP 47), for screen readers.

    On a click, `go` of the session's state of `key` is {"page": …, "parameters": {…}} for one
    run, and `on_go` is called. What it holds comes from the browser and is to be checked.
    """
    data = {
        "links": [asdict(link) for link in links],
        "carried": list(carried),
        "label": label,
        "listens": listens,
        "language": language,
    }
    COMPONENT.tell(data, key=key, on_go_change=on_go, width="content")
