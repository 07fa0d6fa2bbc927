"""What the textbook example is sent: its texts, its colours, its limits and its script.

The numbers are computed in the browser. Knows neither the session nor the language it speaks:
sentences go through the `say` it is given.
"""

from model_runtime import textbook
from viz.attention_map import Say
from viz.components import textbook as component
from viz.components.attention.frame import frame
from viz.theme import component_theme

PARAMETER = "ex"  # of the address: the example, where it is not the one that is opened with
LONGEST_ASKED = 4000  # characters; the largest example has 144 numbers


def payload(asked: str, say: Say) -> bytes:
    """Everything that the component needs. `asked` is what the address says of the example, or
    "": the browser reads it, and says so where it cannot be read. It asks once: afterwards what
    the reader has made of the example stands."""
    header = {
        "asked": asked[: LONGEST_ASKED + 1],  # one too many stays one too many
        "parameter": PARAMETER,
        "limits": {
            "asked": LONGEST_ASKED,
            "positions": textbook.MOST_POSITIONS,
            "dimensions": textbook.MOST_DIMENSIONS,
            "largest": textbook.LARGEST,
        },
        "opens": {"positions": textbook.N_POSITIONS, "dimensions": textbook.D_K},
        "script": textbook.SCRIPT,
        "strings": {key: say(text) for key, text in component.STRINGS.items()},
        "theme": component_theme(),
    }
    return frame(header, [])
