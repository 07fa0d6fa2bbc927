"""What it costs to trace a long text with a checkpoint, in time and in memory kept.

Beside a plain forward pass of the same model on sdpa, and beside what transformers keeps with
`output_attentions=True`, all in one run. The model has GPT-2's size and random weights.
"""

import gc
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.serving import median, say, table, verdict

N_TOKENS = 1024
TIMES = 7
MOST_TIME = 1.1  # of a plain pass
MOST_KEPT = 0.3  # of what output_attentions=True keeps
MIB = 2**20
LETTERS = "abcdefghijklmnopqrstuvwxyz "


def made(folder: Path, **changes: Any) -> Path:
    """GPT-2 small, but for `changes`, with random weights; a tokenizer that reads letter by
    letter."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(**changes)).save_pretrained(folder)
    vocabulary = {letter: id_ for id_, letter in enumerate(LETTERS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=" ").save_pretrained(folder)
    return folder


def in_turns(
    works: dict[str, Callable[[], object]],
    times: int = TIMES,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The median milliseconds of each, taken in turns so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            gc.collect()
            start = clock()
            work()
            found[name].append((clock() - start) * 1000)
    return {name: median(taken) for name, taken in found.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADLIGHT_LOCAL_ROOTS"] = folder
        measure(made(Path(folder) / "gpt2-small-random"))


def measure(folder: Path) -> None:
    """Time and memory of our trace and of the two ways to run the same model bare."""
    import torch
    from transformers import AutoModelForCausalLM

    from model_runtime import catalog, tracing

    torch.set_num_threads(1)
    ours = catalog.open_model(str(folder))
    text = (LETTERS * N_TOKENS)[:N_TOKENS]
    ids = torch.tensor([[token.id for token in tracing.trace(ours, text).tokens("decoder")[0]]])
    bare = {
        name: AutoModelForCausalLM.from_pretrained(folder, attn_implementation=name).eval()
        for name in ("sdpa", "eager")
    }

    def forward(name: str, **asked: bool) -> object:
        with torch.no_grad():
            return bare[name](input_ids=ids, use_cache=False, **asked)

    times = in_turns(
        {
            "plain, sdpa": partial(forward, "sdpa"),
            "trace": partial(tracing.trace, ours, text),
            "output_attentions": partial(forward, "eager", output_attentions=True),
        }
    )
    trace = tracing.trace(ours, text)
    attentions = forward("eager", output_attentions=True).attentions  # type: ignore[attr-defined]
    kept = {
        "trace": trace.nbytes,
        "output_attentions": sum(a.numel() * a.element_size() for a in attentions),
    }
    say(f"A text of {ids.shape[1]} tokens, {trace.info.n_parameters / 1e6:.0f}M parameters")
    table(
        ["", "ms", "of a plain pass", "MiB kept"],
        [
            [
                name,
                f"{ms:.0f}",
                f"{ms / times['plain, sdpa']:.2f}",
                f"{kept[name] / MIB:.0f}" if name in kept else "",
            ]
            for name, ms in times.items()
        ],
    )
    say(f"recomputed = the model's own to {trace.check:.1e} in {trace.checked_rows} rows a head")
    verdict("trace, of a plain pass", times["trace"] / times["plain, sdpa"], MOST_TIME, "×")
    share = kept["trace"] / kept["output_attentions"]
    verdict("kept, of output_attentions", share, MOST_KEPT, "×")


if __name__ == "__main__":
    main()
