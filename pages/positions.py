"""How does a model know where a token stands? Each encoding with its curves, maps and controls.

Hands the open model's encodings to the component; the views are asked for over HTTP.
"""

from model_runtime.types import Trace
from shell import cache, language, positions, routes_positions
from shell.language import _
from viz.components import positions as component
from viz.positions import page


def draw(trace_id: str, trace: Trace) -> None:
    """The page: what the model has, and one view of six."""
    payload = page.payload(
        trace.info.name,
        cache.encodings(trace.request.ref),
        api=f"api/positions/{trace_id}",
        library=routes_positions.LIBRARY,
        language=language.current(),
        controls=positions.PARAMETERS,
        say=_,
    )
    component.mount(payload, key="positions")
