"""All text models of transformers, recorded: `make test-architectures`.

Its name keeps it out of `make test`: pytest collects it where it is asked for by its path.
"""

import os

import pytest
import torch

from tests.architectures.expected import NO_SOFTMAX, PARTLY, UNBUILT
from tests.architectures.shrinking import Entry, entries, variants
from tests.architectures.sweep import Outcome, sweep
from tests.architectures.table import PAGE, but_for_rounding, page


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    torch.set_num_threads(1)
    processes = int(os.environ.get("PROCESSES", "1"))
    return list(sweep([*entries(), *variants()], processes))


def test_every_entry_is_exact_or_there_is_a_reason(outcomes: list[Outcome]) -> None:
    wrong = {
        str(outcome.entry): (outcome.result, outcome.remarks)
        for outcome in outcomes
        if outcome.result != _expected(outcome.entry)
    }
    assert wrong == {}


def _expected(entry: Entry) -> str:
    if entry.model_type in NO_SOFTMAX:
        return "none"
    known = dict.fromkeys(UNBUILT, "unbuilt") | dict.fromkeys(PARTLY, "partly")
    return known.get(str(entry), "exact")


def test_what_is_exact_has_attention(outcomes: list[Outcome]) -> None:
    assert all(outcome.stacks for outcome in outcomes if outcome.result == "exact")


def test_the_page_in_docs_says_so(outcomes: list[Outcome]) -> None:
    found = PAGE.read_text("utf-8") if PAGE.exists() else ""
    made = page(outcomes)
    if but_for_rounding(found) != but_for_rounding(made):
        PAGE.write_text(made, "utf-8")
        pytest.fail(f"{PAGE.name} said something else and is written anew: look at what changed")
