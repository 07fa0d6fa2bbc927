"""A short tour of each page: where to look, in which order, and what is there.

Texts are catalog keys. A place is a CSS selector; ">>>" goes into a component. Knows no numbers
and no session.
"""

from dataclasses import dataclass

from viz.attention_map import Say
from viz.marked import N_

_ATTENTION = '[data-headlight="attention"]'
_STEPS = '[data-headlight="steps"]'
_POSITIONS = '[data-headlight="positions"]'
_TEXTBOOK = '[data-headlight="textbook"]'
_TOOLS = '[data-headlight="tools"]'


@dataclass(frozen=True)
class Stop:
    """One thing that is pointed at. A place that is not on the page is passed by."""

    place: str
    title: str
    text: str


TEXT = Stop(
    ".st-key-text",
    N_("Type a sentence"),
    N_("Press Enter, and the model reads it. Everything below is recorded from that one pass."),
)
MODEL = Stop(
    ".st-key-_model",
    N_("Choose a model"),
    N_("Nine small ones ship with Headlight. The name of any text checkpoint can be typed."),
)
LOOK = Stop(
    f'{_TOOLS} >>> [data-part="look"]',
    N_("Dark, and large"),
    N_("A dark theme, and projector mode for the back of a classroom: the key F2."),
)
SHARE = Stop(
    f'{_TOOLS} >>> [data-part="share"]',
    N_("Take it along"),
    N_("A link or a QR code leads to exactly what is on the screen."),
)

TOURS: dict[str, tuple[Stop, ...]] = {
    "attention": (
        TEXT,
        MODEL,
        Stop(
            f"{_ATTENTION} >>> .grid-pane",
            N_("All heads at a glance"),
            N_(
                "A row is a layer, a column a head. Click one, or walk with the arrow keys: it is "
                "drawn large at once."
            ),
        ),
        Stop(
            f"{_ATTENTION} >>> .map-pane",
            N_("One head, number by number"),
            N_(
                "A row is a query and sums to 1; a column is a key. Point at a cell to see where "
                "its number comes from; click to keep the row."
            ),
        ),
        Stop(
            f"{_ATTENTION} >>> .lines-pane",
            N_("The same as lines"),
            N_("The thicker a line, the larger the share. Point at a token to see its lines only."),
        ),
        Stop(
            f"{_ATTENTION} >>> [data-steps]",
            N_("Where it was computed"),
            N_("This leads to the steps of the cell that you look at."),
        ),
        LOOK,
        SHARE,
        Stop(
            ".st-key-footer",
            N_("Checked"),
            N_("How far recomputed numbers are from the model’s own, and what to beware of."),
        ),
    ),
    "steps": (
        Stop(
            ".st-key-_views",
            N_("Three ways in"),
            N_("The whole pass, a small example to change by hand, and mistakes to make."),
        ),
        Stop(
            f"{_STEPS} >>> .lines",
            N_("What is looked at"),
            N_("The query and the key that the steps are followed for. Click other tokens."),
        ),
        Stop(
            f"{_STEPS} >>> .stepper",
            N_("Walk"),
            N_("The arrow keys ← and → walk from step to step; the space bar plays."),
        ),
        Stop(
            f"{_STEPS} >>> .words",
            N_("What happens here"),
            N_(
                "The formula with the part that is computed now, and the line of code that does it."
            ),
        ),
        Stop(
            f"{_STEPS} >>> .board",
            N_("With the model’s own numbers"),
            N_("Point at a cell of the result: the row and the column that made it light up."),
        ),
        Stop(
            f"{_STEPS} >>> [data-arithmetic]",
            N_("Written out"),
            N_("The sum behind the cell, term by term. Any step can be exported as a script."),
        ),
        Stop(
            f"{_TEXTBOOK} >>> .matrices",
            N_("Numbers to change"),
            N_("Type another q, k or v, and see what becomes of the pattern."),
        ),
        LOOK,
        SHARE,
    ),
    "positions": (
        Stop(
            f"{_POSITIONS} >>> .found",
            N_("What this model has"),
            N_("Which encoding was found in the open model, and where."),
        ),
        Stop(
            f"{_POSITIONS} >>> .bar",
            N_("Six views"),
            N_("The dot marks what the open model has. The last view is about your own sentence."),
        ),
        Stop(
            f"{_POSITIONS} >>> .sliders",
            N_("Set it yourself"),
            N_("Drag a slider and the pictures follow. The address keeps what was set."),
        ),
        Stop(
            f"{_POSITIONS} >>> .panel",
            N_("Maps and curves"),
            N_("Point at a cell or a curve to read it. A click on a column draws its curve."),
        ),
        LOOK,
        SHARE,
    ),
}


def told(page: str, say: Say) -> list[dict[str, str]]:
    """The stops of a page's tour, in the language of `say`."""
    return [
        {"place": stop.place, "title": say(stop.title), "text": say(stop.text)}
        for stop in TOURS[page]
    ]
