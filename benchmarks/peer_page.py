"""Makes the page of one peer out of attentions, in a process of its own that may fail.

`python -m benchmarks.peer_page PICTURE ATTENTIONS TOKENS PAGE TIMES PACKAGES MEMORY` writes the
page and prints the milliseconds of each time. Knows no server and no browser.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SCRIPTS = "/scripts"  # where the pages look for jquery, d3, require.js and plotly.js


def bertviz(name: str, attentions: Floats, tokens: list[str]) -> Callable[[], str]:
    """`model_view` or `head_view` as their users call it, of what transformers hands out."""
    import torch

    view = getattr(__import__("bertviz"), name)
    given = tuple(torch.from_numpy(layer)[None] for layer in attentions)

    def make() -> str:
        html: str = view(given, tokens, html_action="return").data
        return html

    return make


def subplots(attentions: Floats, tokens: list[str]) -> Callable[[], str]:
    """A heatmap a head, as plotly's documentation puts many pictures into one."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    n_layers, n_heads = attentions.shape[:2]

    def make() -> str:
        figure = make_subplots(n_layers, n_heads)
        for layer in range(n_layers):
            for head in range(n_heads):
                picture = go.Heatmap(z=attentions[layer, head], zmin=0, zmax=1, showscale=False)
                figure.add_trace(picture, row=layer + 1, col=head + 1)
        figure.update_yaxes(autorange="reversed")
        figure.update_layout(height=1200)
        html: str = figure.to_html(
            include_plotlyjs=f"{SCRIPTS}/plotly.min.js", post_script="window.__drawn = true"
        )
        return html

    return make


def bound(memory: int) -> None:
    """Fail beyond `memory` bytes of data, where the system can hold a process to it."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def main(arguments: list[str]) -> None:
    picture, source, tokens, page, times, packages, memory = arguments
    sys.path.append(packages)
    bound(int(memory))
    attentions: Any = np.load(source)
    if picture == "plotly":
        make = subplots(attentions, list(tokens))
    else:
        make = bertviz(picture, attentions, list(tokens))
    took = []
    for _ in range(int(times)):
        start = time.perf_counter()
        html = make()
        took.append((time.perf_counter() - start) * 1000)
    Path(page).write_text(html, encoding="utf-8")
    sys.stdout.write(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1:])
