"""All text models of transformers, recorded: `make test-architectures`.

Its name keeps it out of `make test`: pytest collects it where it is asked for by its path.
"""

import os

import pytest
import torch

from tests.architectures.shrinking import entries, variants
from tests.architectures.sweep import Outcome, sweep
from tests.architectures.table import PAGE, but_for_rounding, page

# What is not exact, and why. Nothing else may join them unnoticed.
NO_SOFTMAX = {
    "causal/falcon_mamba",
    "causal/mamba",
    "causal/mamba2",
    "causal/reformer",
    "causal/rwkv",
    "causal/xlstm",
    "masked/fnet",
    "masked/mra",
    "masked/reformer",
    "masked/yoso",
}
UNBUILT = {
    "causal/gemma3n": "its part for pictures needs the package timm; gemma3n_text is exact",
    "causal/gemma4_assistant": "transformers refuses to build it, whatever its configuration",
    "causal/gemma4_unified_assistant": "transformers refuses to build it, as above",
}
PARTLY: dict[str, str] = {}


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    torch.set_num_threads(1)
    processes = int(os.environ.get("PROCESSES", "1"))
    return list(sweep([*entries(), *variants()], processes))


def test_every_entry_is_exact_or_there_is_a_reason(outcomes: list[Outcome]) -> None:
    expected = (
        dict.fromkeys(NO_SOFTMAX, "none")
        | dict.fromkeys(UNBUILT, "unbuilt")
        | dict.fromkeys(PARTLY, "partly")
    )
    wrong = {
        str(outcome.entry): (outcome.result, outcome.remarks)
        for outcome in outcomes
        if outcome.result != expected.get(str(outcome.entry), "exact")
    }
    assert wrong == {}


def test_what_is_exact_has_attention(outcomes: list[Outcome]) -> None:
    assert all(outcome.stacks for outcome in outcomes if outcome.result == "exact")


def test_the_page_in_docs_says_so(outcomes: list[Outcome]) -> None:
    found = PAGE.read_text("utf-8") if PAGE.exists() else ""
    made = page(outcomes)
    if but_for_rounding(found) != but_for_rounding(made):
        PAGE.write_text(made, "utf-8")
        pytest.fail(f"{PAGE.name} said something else and is written anew: look at what changed")
