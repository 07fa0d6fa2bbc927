"""How good each built-in model is, beside a baseline, on inputs that it never met.

Knows which evaluation belongs to which model; each writes its scores to facts.json.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from model_runtime.builtin.evaluation import (
    blanks,
    induction,
    positions,
    sample,
    tasks,
    translation,
    writer,
)

Evaluation = Callable[[Path, Path], None]
"""evaluation(folder, data): measure the model in `folder`; generated tasks read no data."""

EVALUATIONS: dict[str, Evaluation] = {
    "translator": translation.english_to_chinese,
    "zh-en": translation.chinese_to_english,
    "writer": writer.evaluate,
    "blanks": blanks.evaluate,
    "dates": partial(tasks.evaluate, "dates"),
    "reversal": partial(tasks.evaluate, "reversal"),
    "addition": partial(tasks.evaluate, "addition"),
    "induction": induction.evaluate,
    "positions": positions.evaluate,
}

__all__ = ["EVALUATIONS", "Evaluation", "sample"]
