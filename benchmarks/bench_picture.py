"""All heads of a 12×12 model, from the button to the picture, beside BertViz and plotly.
About ten minutes, most of them spent waiting for peers that fail.

The same letters, the same random model of 12 layers of 12 heads, opened as a local checkpoint;
peers get the attentions that transformers hands out with `output_attentions=True`. Timed, the
median of three turns:

- `pass`: the model alone: ours is `tracing.trace` in this process, with its checks; theirs is
  the forward pass that hands out attentions. The model is narrow and knows letters only, so
  that the picture decides; ours is also measured with all of GPT-2 small;
- `make`: from attentions to the page that a browser can open (BertViz: `html_action="return"`;
  plotly: 144 heatmaps in `make_subplots`, `to_html`). Ours is in `page`;
- `page`: peers: from opening that page, its scripts in the browser's cache, until the second
  animation frame after it has drawn. Ours: what is left of `whole`;
- `whole`: peers: the sum. Ours: from the Enter key's own stamp in an open page until the second
  animation frame after the component has taken over the new trace: the server's script run, the
  pass, all heads' pictures and measures, the wire, painting;
- `drawing`: `whole` without `pass`, for both.

The second frame is when the browser has been given everything. Software painting of a hundred
thousand lines goes on after it, which is not counted against the peer.

MB are bytes on the wire: ours everything between Enter and exact numbers; theirs the page, once.
Nodes and heap are those of the whole document, Streamlit's own included.

Promised at 64 tokens: a fiftieth of BertViz's time and a twentieth of its bytes; at 1,024: 1.5 s.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from benchmarks import peers
from benchmarks.bench_enter import PREPARE
from benchmarks.checkpoint import LETTERS, made
from benchmarks.peer_drawing import weight
from benchmarks.serving import (
    DESKTOP,
    READY,
    chromium,
    median,
    opened,
    say,
    server,
    table,
    verdict,
)
from benchmarks.wire import Wire
from model_runtime.types import Trace

SIZES = (16, 64, 256, 1024)
COMPARED, LONGEST = 64, 1024
TURNS = 3
OURS, FULL = "Headlight", "Headlight, GPT-2 small"
NARROW = {"n_embd": 96, "vocab_size": len(LETTERS), "bos_token_id": 0, "eos_token_id": 0}
MODELS: dict[str, dict[str, int]] = {OURS: NARROW, FULL: {}}
BY_TIME, BY_BYTES, MOST_MS = 50, 20, 1500.0
MB = 1e6
PATIENCE_MS = 120_000

SETTLED = """() => window.__seen.took !== null &&
  document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning" """


@dataclass
class Found:
    """What one picture of one length took; times in ms."""

    pass_: float = 0.0
    whole: list[float] = field(default_factory=list)
    make: list[float] = field(default_factory=list)
    megabytes: float = 0.0
    nodes: int = 0
    heap: float = 0.0
    failed: str = ""

    @property
    def drawing(self) -> float:
        """Everything but the model's pass."""
        return median(self.whole) - self.pass_


def texts(n: int) -> Iterator[str]:
    """Texts of `n` letters, each another one."""
    for start in range(len(LETTERS)):
        yield (LETTERS[start:] + LETTERS * n)[:n].replace(" ", "a")


def took(work: Callable[[], object]) -> float:
    """Milliseconds of one time."""
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1000


def ours(page: Page, n: int, trace: Callable[[str], object]) -> Found:
    """Headlight in an open page: once for what crosses the wire, then for the time. `trace` is
    its pass, timed by turns with the page."""
    found = Found()
    alone = []
    box = page.locator(".st-key-text input")
    for turn, text in zip(range(TURNS + 1), texts(n), strict=False):
        wire = Wire(page) if turn == 0 else None
        box.fill(text)
        box.press("Enter")
        page.wait_for_function(SETTLED, timeout=PATIENCE_MS)
        page.wait_for_selector(READY, timeout=PATIENCE_MS)
        page.wait_for_load_state("networkidle")
        if wire:
            found.megabytes = wire.bytes / MB
            wire.close()
        else:
            found.whole.append(float(page.evaluate("window.__seen.took")))
            alone.append(took(partial(trace, text)))
        shown = page.locator('[data-headlight="attention"] [role=gridcell][data-cell]').count()
        assert shown == 144, f"{shown} heads are shown"
    found.pass_ = median(alone)
    found.nodes, found.heap = weight(page)
    return found


def theirs(picture: str, folder: Path, address: str, n: int, pass_ms: float) -> Found:
    """One peer: its page made, and opened in turns."""
    found = Found(pass_ms)
    page, times = folder / "page.html", TURNS if n <= COMPARED else 1
    try:
        found.make = peers.made(picture, folder / "attentions.npy", next(texts(n)), page, times)
        found.megabytes = page.stat().st_size / MB
        drawn = peers.drawn(picture, address, page.name, times)
        found.whole = [pass_ms + median(found.make) + ms for ms in drawn.ms]
        found.nodes, found.heap = drawn.nodes, drawn.heap
    except peers.Failed as why:
        found.failed = str(why)
    finally:
        page.unlink(missing_ok=True)
    return found


def attending(folder: Path) -> Callable[[str], object]:
    """The pass that peers need: all attentions of a text, by transformers itself."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def attend(text: str) -> object:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            return model(input_ids=ids, use_cache=False, output_attentions=True).attentions

    return attend


def checked(trace: Trace, attentions: Any, n: int) -> NDArray[np.float32]:
    """The peers' attentions [layer, head, query, key], which are the numbers that we show."""
    theirs: NDArray[np.float32] = np.stack([layer[0].numpy() for layer in attentions])
    assert theirs.shape == (12, 12, n, n), f"{theirs.shape} attentions of {n} tokens"
    for place in range(12):
        own = trace.record("decoder", place).pattern(place)
        assert np.abs(own - theirs[place, place]).max() < 1e-4, "the two differ"
    return theirs


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.environ["HEADLIGHT_LOCAL_ROOTS"] = place
        folders: dict[str, Path] = {}
        for name, changes in MODELS.items():
            folders[name] = made(Path(place) / f"model-{len(folders)}", **changes)
        shown = Path(place) / "peers"
        shown.mkdir()
        found = measured(folders, shown)
    report(found)


def measured(folders: dict[str, Path], shown: Path) -> dict[tuple[int, str], Found]:
    """Every picture of every length."""
    import torch

    from model_runtime import catalog, tracing

    torch.set_num_threads(1)  # as the server does
    models = {name: catalog.open_model(str(folder)) for name, folder in folders.items()}
    attend = attending(folders[OURS])
    found: dict[tuple[int, str], Found] = {}
    with server() as address, peers.served(shown) as theirs_at:
        for n in SIZES:
            text = next(texts(n))
            attentions = checked(tracing.trace(models[OURS], text), attend(text), n)
            np.save(shown / "attentions.npy", attentions)
            del attentions
            with chromium() as browser:
                for name, folder in folders.items():
                    page = opened(browser, f"{address}/?model={folder}&text=ab", DESKTOP)
                    page.locator('[data-headlight="attention"]').evaluate(PREPARE)
                    found[n, name] = ours(page, n, partial(tracing.trace, models[name]))
                    page.context.close()
            their_pass = median([took(partial(attend, text)) for _ in range(TURNS)])
            for picture in peers.PICTURES:
                found[n, picture] = theirs(picture, shown, theirs_at, n, their_pass)
    return found


def report(found: dict[tuple[int, str], Found]) -> None:
    """The table, and how it stands to what is promised."""
    say(f"All heads of a 12×12 model, button → painted, median of {TURNS}; times in ms")
    making, painting = peers.MAKING_SECONDS, peers.DRAWING_SECONDS
    memory = peers.MEMORY / 2**30
    say(f"A peer fails after {making} s of making its page, beyond {memory:.0f} GiB while making,")
    say(f"and after {painting} s of painting; above {COMPARED} tokens it has one turn.")
    head = ["tokens", "picture", "pass", "make", "page", "whole", "drawing", "÷ ours"]
    head += ["MB", "÷ ours", "nodes", "heap, MB"]
    table(head, [row(n, name, one, found[n, OURS]) for (n, name), one in found.items()])
    for (n, name), one in found.items():
        if one.failed:
            say(f"{name} at {n} tokens: {one.failed}")
    own = found[COMPARED, OURS]
    for name in ("model_view", "head_view"):
        peer = found[COMPARED, name]
        if peer.failed:
            continue
        part = f"of {name} at {COMPARED} tokens"
        verdict(f"a fiftieth {part}, whole", median(own.whole), median(peer.whole) / BY_TIME, "ms")
        verdict(f"a fiftieth {part}, drawing", own.drawing, peer.drawing / BY_TIME, "ms")
        verdict(f"a twentieth {part}", own.megabytes * 1000, peer.megabytes * 1000 / BY_BYTES, "kB")
    for name in MODELS:
        one = found[LONGEST, name]
        verdict(f"{name} at {LONGEST} tokens, whole", median(one.whole), MOST_MS, "ms")
        verdict(f"{name} at {LONGEST} tokens, drawing", one.drawing, MOST_MS, "ms")


def row(n: int, name: str, one: Found, own: Found) -> list[object]:
    """One line of the table; what failed has dashes."""
    making = f"{median(one.make):.0f}" if one.make else "–"
    size = [f"{one.megabytes:.2f}", f"{one.megabytes / own.megabytes:.1f}"]
    if one.failed:
        made_at_all = size if one.megabytes else ["–", "–"]
        return [n, name, f"{one.pass_:.0f}", making, *["failed"] * 3, "–", *made_at_all, "–", "–"]
    whole = median(one.whole)
    times = [one.pass_, whole - one.pass_ - (median(one.make) if one.make else 0.0), whole]
    first, page, last = (f"{ms:.0f}" for ms in times)
    spread = f"{last} ({min(one.whole):.0f}–{max(one.whole):.0f})"
    return [
        *(n, name, first, making, page, spread, f"{one.drawing:.0f}"),
        f"{one.drawing / own.drawing:.1f}",
        *size,
        f"{one.nodes:,}",
        f"{one.heap / MB:.0f}",
    ]


if __name__ == "__main__":
    main()
