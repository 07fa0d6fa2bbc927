"""Records tiny models and compares every number with what the model computes unrecorded.

One entry at a time, so that none that fails stops the rest. Knows neither the table that the
outcomes go into nor how recording works.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from model_runtime.attention import AttentionRecord
from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.places import stack_of
from model_runtime.huggingface.recorder import Implementation, Recorded, record
from tests.architectures.building import build, inputs_for, logits_of
from tests.architectures.expected import GIVEN_OUT, NO_SOFTMAX, model_patterns, n_attentions
from tests.architectures.references import Plain, own_attentions, run_plain
from tests.architectures.shrinking import Entry, Task

TOLERANCE = 1e-5


@dataclass
class Outcome:
    """What became of one entry."""

    entry: Entry
    result: str = "exact"  # "partly", "none" (no softmax attention), "unbuilt", "failed"
    stacks: dict[str, int] = field(default_factory=dict)  # attentions recorded, by stack
    n_compared: int = 0  # query rows
    pattern: float = 0.0  # largest differences
    z: float = 0.0
    logits: float = 0.0
    bit_equal: bool = True  # the logits of a recorded run, to the last bit
    has_sdpa: bool = False  # was compared in that way, too
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
    with get_context("spawn").Pool(processes, torch.set_num_threads, (1,)) as pool:
        yield from pool.imap(examine, entries)


def examine(entry: Entry) -> Outcome:
    """Build a model of an entry, record it in every way and compare. Raises nothing."""
    outcome = Outcome(entry)
    with _silence():
        try:
            model = build(entry)
            texts = inputs_for(model, entry)
            run_plain(model, texts["unpadded"])
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


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings of tiny models, about what they are too small for."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(before)


def in_short(error: Exception) -> str:
    """The first line of an error, for a table."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:160]


def _compare(
    model: PreTrainedModel, texts: Mapping[str, Mapping[str, Any]], outcome: Outcome
) -> None:
    for name, inputs in texts.items():
        where = f"{name}, eager"
        try:
            plain = run_plain(model, inputs)
        except Exception as error:
            outcome.remarks.append(f"the model itself fails on {name} texts: {in_short(error)}")
            continue
        plain.attentions = own_attentions(model, inputs)
        recorded = _recorded(model, inputs, "eager")
        compare_logits(recorded, plain, where, outcome)
        compare_calls(recorded.calls, inputs, where, outcome)
        compare_patterns(recorded.calls, plain, inputs, where, outcome)
        outcome.stacks = _stacks(recorded.calls, model, outcome.entry.task)
        _note_other_keys(recorded.calls, inputs, outcome)
    _compare_sdpa(outcome.entry, texts, outcome)
    kind = outcome.entry.model_type
    if kind in NO_SOFTMAX and not outcome.stacks and not outcome.remarks:
        outcome.result = "none"
        outcome.remarks = [NO_SOFTMAX[kind]]


def _compare_sdpa(entry: Entry, texts: Mapping[str, Mapping[str, Any]], outcome: Outcome) -> None:
    """The same in the way that makes no patterns, where a model has that way."""
    try:
        model = build(entry, "sdpa")
    except ValueError as error:
        if "scaled_dot_product_attention" not in str(error):
            raise
        return
    outcome.has_sdpa = True
    for name, inputs in texts.items():
        where = f"{name}, sdpa"
        recorded = _recorded(model, inputs, "sdpa")
        compare_logits(recorded, run_plain(model, inputs), where, outcome)
        compare_calls(recorded.calls, inputs, where, outcome)
        if len(recorded.calls) != sum(outcome.stacks.values()):
            outcome.wrong(f"{where}: {len(recorded.calls)} attentions, not as many as in eager")


def _recorded(
    model: PreTrainedModel, inputs: Mapping[str, Any], implementation: Implementation
) -> Recorded:
    torch.manual_seed(0)  # hashes are drawn
    return record(model, inputs, implementation)


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
    calls: list[AttentionCall], inputs: Mapping[str, Any], where: str, outcome: Outcome
) -> None:
    """Each call's record against the pattern and z of the same call."""
    lengths = text_lengths(inputs)
    for call in calls:
        if call.trouble:
            outcome.wrong(f"{where}: {call.module}: {call.trouble}")
            continue
        for text in range(call.q.shape[0]):
            try:
                own = call.own("decoder", 0, text)
                rows = rows_to_compare(own.record, lengths, text)
                pattern, z = own.errors(rows)
            except Exception as error:
                outcome.wrong(f"{where}: {call.module}: {in_short(error)}")
                continue
            outcome.n_compared += rows.size
            outcome.pattern = float(np.maximum(outcome.pattern, pattern))
            outcome.z = float(np.maximum(outcome.z, z))
            if not rows.size:
                outcome.wrong(f"{where}: no token looks at anything")
            if not pattern <= TOLERANCE:
                outcome.wrong(f"{where}: patterns recomputed from q, k are others")
            if not z <= TOLERANCE:
                outcome.wrong(f"{where}: z recomputed from q, k, v is another")


def rows_to_compare(record: AttentionRecord, lengths: dict[int, list[int]], text: int) -> Any:
    """The query rows that are tokens of the text. Where queries are no tokens, those that see
    any key: what a model makes of a row that sees none differs from way to way."""
    n_queries = record.q.shape[1]
    if n_queries in lengths:
        return np.arange(lengths[n_queries][text])
    sees = np.ones(n_queries, dtype=bool)
    for head in range(record.n_heads):
        sees &= record.visible(head).any(axis=1)
    return np.flatnonzero(sees)


def compare_patterns(
    calls: list[AttentionCall],
    plain: Plain,
    inputs: Mapping[str, Any],
    where: str,
    outcome: Outcome,
) -> None:
    """All patterns against those of a run that nobody recorded; and as many as there were."""
    kind = outcome.entry.model_type
    pieces = [piece for call in calls for piece in as_given_out(call, kind, text_lengths(inputs))]
    n_tokens = next(of.shape[1] for name, of in inputs.items() if name in ("input_ids", "inputs"))
    for reference in model_patterns(plain, kind, n_tokens):
        errors = [_difference(piece, reference) for piece in pieces]
        best = int(np.argmin(errors)) if errors else -1
        if best < 0 or not errors[best] <= TOLERANCE:
            outcome.wrong(f"{where}: a pattern of the model was not recorded")
        else:
            outcome.pattern = max(outcome.pattern, errors[best])
            del pieces[best]
    count = n_attentions(plain, kind)
    if len(calls) != count:
        outcome.wrong(f"{where}: {len(calls)} of {count} attentions")


def as_given_out(
    call: AttentionCall, kind: str, lengths: dict[int, list[int]]
) -> list[tuple[Tensor, Tensor]]:
    """(recomputed patterns [text, head, query, key], rows that count [text, query]), in the way
    in which the model itself gives patterns out."""
    if call.trouble:
        return []
    patterns, counts = [], []
    for text in range(call.q.shape[0]):
        record = call.own("decoder", 0, text).record
        heads = [record.pattern(head) for head in range(record.n_heads)]
        patterns.append(torch.from_numpy(np.stack(heads)))
        row_counts = torch.zeros(record.q.shape[1], dtype=torch.bool)
        row_counts[rows_to_compare(record, lengths, text)] = True
        counts.append(row_counts)
    give_out = GIVEN_OUT.get(kind, lambda pattern, rows: [(pattern, rows)])
    return give_out(torch.stack(patterns), torch.stack(counts))


def _difference(piece: tuple[Tensor, Tensor], reference: Tensor) -> float:
    pattern, rows = piece
    if pattern.numel() != reference.numel() or pattern.shape[-2:] != reference.shape[-2:]:
        return float("inf")
    difference = (pattern - reference.reshape(pattern.shape)).abs().amax(dim=(1, 3))
    return float(difference[rows].max()) if rows.any() else 0.0


def _stacks(calls: list[AttentionCall], model: PreTrainedModel, task: Task) -> dict[str, int]:
    one_stack = "encoder" if task == "masked" else "decoder"
    family = "encoder-decoder" if model.config.is_encoder_decoder else one_stack
    return dict(Counter(stack_of(call.module, family) for call in calls))


def _note_other_keys(
    calls: list[AttentionCall], inputs: Mapping[str, Any], outcome: Outcome
) -> None:
    """Recorded exactly is not shown: a map needs one token for each query and each key."""
    ids = [value for name, value in inputs.items() if name.endswith("input_ids")]
    tokens = {of.shape[1] for of in ids}
    others = sum(not {call.q.shape[2], call.k.shape[2]} <= tokens for call in calls)
    remark = f"{others} of {len(calls)} attentions are not of tokens at tokens"
    if tokens and others and remark not in outcome.remarks:
        outcome.remarks.append(remark)
