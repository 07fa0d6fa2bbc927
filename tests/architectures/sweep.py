"""Records tiny models and compares every number with what the model computes unrecorded.

One entry at a time, so that none that fails stops the rest. Knows neither the table that the
outcomes go into nor how recording works.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.places import stack_of
from model_runtime.huggingface.recorder import Recorded, record
from tests.architectures.building import build, inputs_for, logits_of
from tests.architectures.expected import CALLS_FOR_SOFTMAXES, NO_SOFTMAX
from tests.architectures.references import Plain, own_attentions, run_plain
from tests.architectures.shrinking import Entry

TOLERANCE = 1e-5


@dataclass
class Outcome:
    """What became of one entry."""

    entry: Entry
    result: str = "exact"  # "partly", "none" (no softmax attention), "unbuilt", "failed"
    stacks: dict[str, int] = field(default_factory=dict)  # attentions recorded, by stack
    pattern: float = 0.0  # largest differences
    z: float = 0.0
    logits: float = 0.0
    bit_equal: bool = True  # the logits of a recorded run, to the last bit
    remarks: list[str] = field(default_factory=list)

    def wrong(self, remark: str) -> None:
        """Note what is not exact."""
        self.result = "partly"
        if remark not in self.remarks:
            self.remarks.append(remark)


def sweep(entries: Iterable[Entry], processes: int = 1) -> Iterator[Outcome]:
    """The outcome of each entry, in their order."""
    if processes == 1:
        yield from map(examine, entries)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(examine, entries)


def examine(entry: Entry) -> Outcome:
    """Build a model of an entry, record it in every way and compare. Raises nothing."""
    outcome = Outcome(entry)
    transformers.logging.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tiny models, about what they are too small for
        try:
            model = build(entry)
            texts = inputs_for(model, entry)
            run_plain(model, texts["unpadded"], "eager")
        except Exception as error:
            outcome.result = "unbuilt"
            outcome.remarks.append(in_short(error))
            return outcome
        try:
            _compare(model, texts, outcome)
        except Exception as error:
            outcome.result = "failed"
            outcome.remarks.append(in_short(error))
    return outcome


def in_short(error: Exception) -> str:
    """The first line of an error, for a table."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:160]


def _compare(
    model: PreTrainedModel, texts: Mapping[str, Mapping[str, Any]], outcome: Outcome
) -> None:
    ways = ["eager", "sdpa"] if model._supports_sdpa else ["eager"]
    for name, inputs in texts.items():
        lengths = text_lengths(inputs)
        for way in ways:
            plain = run_plain(model, inputs, way)
            if way == "eager":
                plain.attentions = own_attentions(model, inputs)
            recorded = record(model, inputs, way)  # type: ignore[arg-type]
            where = f"{name}, {way}"
            compare_logits(recorded, plain, where, outcome)
            compare_calls(recorded.calls, lengths, where, outcome)
            if way == "eager":
                compare_patterns(recorded.calls, plain, lengths, where, outcome)
                outcome.stacks = _stacks(recorded.calls, model)
            elif len(recorded.calls) != sum(outcome.stacks.values()):
                outcome.wrong(f"{where}: {len(recorded.calls)} attentions, not as many as in eager")
    if outcome.entry.model_type in NO_SOFTMAX and not outcome.stacks:
        outcome.result = "none"
        outcome.remarks = [NO_SOFTMAX[outcome.entry.model_type]]


def text_lengths(inputs: Mapping[str, Any]) -> dict[int, list[int]]:
    """For texts filled up to a length: the length of each."""
    lengths: dict[int, list[int]] = {}
    for name in ("attention_mask", "decoder_attention_mask"):
        if name in inputs:
            lengths[inputs[name].shape[1]] = inputs[name].sum(1).tolist()
    return lengths


def compare_logits(recorded: Recorded, plain: Plain, where: str, outcome: Outcome) -> None:
    ours = logits_of(recorded.output)
    error = float((ours - plain.logits).abs().max() / plain.logits.abs().max().clamp(min=1))
    outcome.logits = float(np.maximum(outcome.logits, error))
    outcome.bit_equal &= bool(torch.equal(ours, plain.logits))
    if not error <= TOLERANCE:
        outcome.wrong(f"{where}: recording changes the logits")


def compare_calls(
    calls: list[AttentionCall], lengths: dict[int, list[int]], where: str, outcome: Outcome
) -> None:
    """Each call's record against the pattern and z of the same call."""
    for call in calls:
        if call.trouble:
            outcome.wrong(f"{where}: {call.module}: {call.trouble}")
            continue
        for text in range(call.q.shape[0]):
            try:
                own = call.own("decoder", 0, text)
                pattern, z = own.errors(_rows(own.record, lengths, text))
            except Exception as error:
                outcome.wrong(f"{where}: {call.module}: {in_short(error)}")
                continue
            outcome.pattern = float(np.maximum(outcome.pattern, pattern))
            outcome.z = float(np.maximum(outcome.z, z))
            if not pattern <= TOLERANCE:
                outcome.wrong(f"{where}: patterns recomputed from q, k are others")
            if not z <= TOLERANCE:
                outcome.wrong(f"{where}: z recomputed from q, k, v is another")


def _rows(record: Any, lengths: dict[int, list[int]], text: int) -> Any:
    """The query rows that are tokens of the text and see any key at all."""
    n_queries = record.q.shape[1]
    rows = np.arange(lengths[n_queries][text] if n_queries in lengths else n_queries)
    sees = np.ones(n_queries, dtype=bool)
    for head in range(record.n_heads):
        sees &= record.visible(head).any(axis=1)
    return rows[sees[rows]]


def compare_patterns(
    calls: list[AttentionCall],
    plain: Plain,
    lengths: dict[int, list[int]],
    where: str,
    outcome: Outcome,
) -> None:
    """All patterns against those of a run that nobody recorded; and as many as there were."""
    free = [call for call in calls if call.pattern is not None]
    for reference in plain.attentions:
        errors = [_difference(call, reference, lengths) for call in free]
        best = int(np.argmin(errors)) if errors else -1
        if best < 0 or not errors[best] <= TOLERANCE:
            outcome.wrong(f"{where}: a pattern of output_attentions was not recorded")
        else:
            outcome.pattern = max(outcome.pattern, errors[best])
            del free[best]
    count = CALLS_FOR_SOFTMAXES.get(outcome.entry.model_type, len)(_attention_like(plain, calls))
    if len(calls) != count:
        outcome.wrong(f"{where}: {len(calls)} of {count} attentions")


def _difference(call: AttentionCall, reference: Tensor, lengths: dict[int, list[int]]) -> float:
    assert call.pattern is not None
    if call.pattern.shape != reference.shape:
        return float("inf")
    worst = 0.0
    for text in range(reference.shape[0]):
        record = call.own("decoder", 0, text).record
        rows = torch.from_numpy(_rows(record, lengths, text))
        recomputed = torch.stack(
            [torch.from_numpy(record.pattern(head)) for head in range(record.n_heads)]
        )
        difference = (recomputed - reference[text])[:, rows].abs()
        worst = max(worst, float(difference.max()) if difference.numel() else 0.0)
    return worst


def _attention_like(plain: Plain, calls: list[AttentionCall]) -> list[Tensor]:
    """The softmaxes that are no router's choice of experts: those of four axes, and of three
    where heads and texts share one."""
    batch = plain.logits.shape[0]
    return [of for of in plain.softmaxes if of.dim() > 3 or of.shape[0] > batch]


def _stacks(calls: list[AttentionCall], model: PreTrainedModel) -> dict[str, int]:
    family = "encoder-decoder" if model.config.is_encoder_decoder else "decoder"
    stacks: dict[str, int] = {}
    for call in calls:
        stack = stack_of(call.module, family)
        stacks[stack] = stacks.get(stack, 0) + 1
    return stacks
