"""Texts of 64 to 8,192 tokens: tracing them, and all that the page shows at once of the trace.

Beside a plain forward pass of the same model on sdpa, and beside `output_attentions=True` where
its n² arrays may be held, in one run. Then what is fetched of a map: a head, a tile, a row. The
model has GPT-2's size and random weights. Times are of one core, whoever else is on the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.checkpoint import LETTERS, in_turns, made
from benchmarks.serving import say, table, verdict

if TYPE_CHECKING:  # torch is imported after the settings are made
    from model_runtime.recording import LoadedModel
    from model_runtime.types import Trace
    from viz.overview import Overview

MIB = 2**20
LENGTHS = {64: 7, 256: 5, 1024: 3, 4096: 1, 8192: 1}  # tokens: passes of each kind
MOST_ATTENTIONS = 2 * 2**30  # bytes of patterns; as much again is needed on the way
MOST_TIME = 1.2  # of a plain pass, for trace and overview of the longest text
MOST_HEAD_MS = 1000
# Of a text of this many tokens, what a trace alone may take of a plain pass, and may keep of what
# output_attentions=True keeps.
USUAL, MOST_TRACE, MOST_KEPT = 1024, 1.1, 0.3


@dataclass
class Passes:
    """One length: times in ms, memory in bytes."""

    plain: float
    trace: float
    overview: float
    attentions: float | None  # None where its arrays would need too much memory
    kept: int
    kept_by_attentions: int

    @property
    def both(self) -> float:
        """Trace and overview, of a plain pass."""
        return (self.trace + self.overview) / self.plain

    @property
    def row(self) -> list[object]:
        """Of the table."""
        return [
            f"{self.plain:.0f}",
            f"{self.trace / self.plain:.2f}",
            f"{self.overview:.0f}",
            f"{self.both:.2f}",
            "—" if self.attentions is None else f"{self.attentions / self.plain:.2f}",
            f"{self.kept / MIB:.0f}",
            f"{self.kept_by_attentions / MIB:.0f}",
        ]


def main() -> None:
    """Make the model, measure every length, print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADLIGHT_LOCAL_ROOTS"] = folder
        os.environ["HEADLIGHT_MAX_TOKENS"] = str(max(LENGTHS))
        os.environ["HEADLIGHT_TRACE_MEMORY"] = "4 GiB"
        measure(made(Path(folder) / "gpt2-small-random", n_positions=max(LENGTHS)))


def measure(folder: Path) -> None:
    """Time and memory of both ways to run the model, of our trace and of what is asked of it."""
    import torch
    from transformers import AutoModelForCausalLM

    from model_runtime import catalog

    torch.set_num_threads(1)
    ours = catalog.open_model(str(folder))
    bare = {
        name: AutoModelForCausalLM.from_pretrained(folder, attn_implementation=name).eval()
        for name in ("sdpa", "eager")
    }
    found: dict[int, Passes] = {}
    fetches: list[list[object]] = []
    for n, times in LENGTHS.items():
        found[n], trace = passed(n, times, ours, bare)
        fetches.append([n, *fetched(trace)])
        say(" ".join(map(str, [n, *found[n].row])))
    longest = max(LENGTHS)
    usual = found[USUAL]
    verdict(f"trace of {USUAL} tokens, of a plain pass", usual.trace / usual.plain, MOST_TRACE, "×")
    share = usual.kept / usual.kept_by_attentions
    verdict(f"kept of {USUAL} tokens, of output_attentions", share, MOST_KEPT, "×")
    said = f"trace and overview of {longest} tokens, of a plain pass"
    verdict(said, found[longest].both, MOST_TIME, "×")
    verdict(f"another head of {longest} tokens", float(str(fetches[-1][1])), MOST_HEAD_MS, "ms")
    say()
    table(
        [
            "tokens", "plain, ms", "trace, ×", "overview, ms", "both, ×", "attentions, ×",
            "kept, MiB", "attentions, MiB",
        ],
        [[n, *passes.row] for n, passes in found.items()],
    )  # fmt: skip
    say("attentions: output_attentions=True; — where it would need more memory than is spent here")
    table(["tokens", "head, ms", "head, MiB", "tile, ms", "row, ms"], fetches)


def passed(n: int, times: int, ours: LoadedModel, bare: dict[str, Any]) -> tuple[Passes, Trace]:
    """One length: our trace and overview, and the same model bare."""
    import torch

    from model_runtime import tracing
    from model_runtime.huggingface.memory import MOST_LOGITS
    from model_runtime.views import View
    from viz.overview import overview

    ids = torch.randint(0, len(LETTERS), (1, n), generator=torch.Generator().manual_seed(0))
    text = "".join(LETTERS[i] for i in ids[0].tolist())
    config = bare["eager"].config
    # As many logits as a trace keeps, so that both do the same work.
    n_logits = MOST_LOGITS // config.vocab_size
    traces: list[Trace] = []
    seen: list[Overview] = []

    def forward(name: str, **asked: bool) -> object:
        with torch.no_grad():
            return bare[name](input_ids=ids, use_cache=False, logits_to_keep=n_logits, **asked)

    def traced() -> None:
        traces.clear()  # the one before would take the memory of this one
        traces.append(tracing.trace(ours, text))

    def looked() -> None:
        seen[:] = [overview(traces[0], View())]

    attentions = config.n_layer * config.n_head * n * n * 4
    works: dict[str, Callable[[], object]] = {"plain": partial(forward, "sdpa")}
    works |= {"trace": traced, "overview": looked}
    if attentions <= MOST_ATTENTIONS:
        works["attentions"] = partial(forward, "eager", output_attentions=True)
    taken = in_turns(works, times, time.process_time)
    passes = Passes(
        plain=taken["plain"],
        trace=taken["trace"],
        overview=taken["overview"],
        attentions=taken.get("attentions"),
        kept=traces[0].nbytes,
        kept_by_attentions=attentions,
    )
    return passes, traces[0]


def fetched(trace: Trace) -> list[str]:
    """What a click on a head takes and sends, and a tile and a row of it, in milliseconds."""
    from model_runtime.views import HeadPlace, Look, View
    from viz.attention_map import head_frame, row_frame
    from viz.long_maps import as_levels, tile_frame

    place, view = HeadPlace(5, 3), View()
    look = Look(trace, "decoder", view)
    last = len(look.rows) - 1

    def head() -> bytes:
        return head_frame(trace, "decoder", place, view)

    def tile() -> bytes:
        return tile_frame(Look(trace, "decoder", view), place, 0, last // 256, 0)

    works: dict[str, Callable[[], object]] = {
        "head": head,
        "row": lambda: row_frame(trace, "decoder", place, last, view),
    }
    if as_levels(look):
        works["tile"] = tile
    taken = in_turns(works, 5, time.process_time)
    sent = len(head()) / MIB
    tiles = f"{taken['tile']:.0f}" if "tile" in taken else "—"
    return [f"{taken['head']:.0f}", f"{sent:.1f}", tiles, f"{taken['row']:.0f}"]


if __name__ == "__main__":
    start = time.perf_counter()
    main()
    say(f"{time.perf_counter() - start:.0f} s in all")
