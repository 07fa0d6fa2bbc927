"""What the positions component is sent first: its views, texts, colours, and where it opens.

The views themselves are asked for one by one. Knows neither the session nor the language.
"""

from collections.abc import Collection, Sequence

from model_runtime.positions.encodings import Encoding
from viz.attention_map import Say
from viz.components import positions as component
from viz.components.attention.frame import frame
from viz.marked import N_
from viz.positions.found import VIEW_OF, sentences
from viz.theme import component_theme

VIEWS = {
    "sinusoidal": N_("sinusoidal"),
    "learned": N_("learned"),
    "rotary": N_("rotary"),
    "relative": N_("ALiBi and relative"),
    "order": N_("none"),
    "sentence": N_("on my sentence"),
}


def opens_at(encodings: Sequence[Encoding]) -> str:
    """The view that tells what the open model has."""
    return VIEW_OF[encodings[0].kind] if encodings else "sinusoidal"


def payload(
    model: str,
    encodings: Sequence[Encoding],
    *,
    api: str,
    library: str,
    language: str,
    controls: Collection[str],
    say: Say,
) -> bytes:
    """Everything that the component needs before it asks for a view. `api` and `library` are
    addresses from the root of the app; `controls` are the parameters that any view has."""
    own = {VIEW_OF[encoding.kind] for encoding in encodings}
    header = {
        "api": api,
        "library": library,
        "lang": language,
        "opens": opens_at(encodings),
        "views": [
            {"name": name, "label": say(label), "is_own": name in own}
            for name, label in VIEWS.items()
        ],
        "own": say(N_("the open model has it")),
        "found": sentences(model, encodings, say),
        "controls": sorted(controls),
        "strings": {key: say(text) for key, text in component.STRINGS.items()},
        "theme": component_theme(),
    }
    return frame(header, [])
