"""Some kinds of models of each sort, recorded and compared; and what must not pass for exact.

All of them: `every_entry.py`.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from model_runtime.huggingface.calls import HIDDEN_BELOW, AttentionCall
from model_runtime.huggingface.recorder import Recorded, record
from tests.architectures.building import build, inputs_for
from tests.architectures.references import own_attentions, run_plain
from tests.architectures.shrinking import Entry, entries, variants
from tests.architectures.sweep import (
    Outcome,
    compare_calls,
    compare_logits,
    compare_patterns,
    examine,
)
from tests.architectures.table import but_for_rounding, page

ENTRIES = {str(entry): entry for entry in (*entries(), *variants())}

# Attentions by stack: two layers each, or one of each kind of layer.
REPRESENTATIVE = {
    "causal/bloom": {"decoder": 2},  # ALiBi, added in its own code
    "causal/deepseek_v3": {"decoder": 2},  # latent attention: q, k wider than v
    "causal/falcon (alibi)": {"decoder": 2},
    "causal/gemma2": {"decoder": 2},  # soft-capping, a window in every other layer
    "causal/gpt2": {"decoder": 2},
    "causal/gpt_neo": {"decoder": 2},  # no scale; a window, in its own code
    "causal/gpt_oss": {"decoder": 2},  # sinks
    "causal/jamba": {"decoder": 1},  # a hybrid: one layer of two has attention
    "causal/llama": {"decoder": 2},  # grouped queries, rotary
    "causal/mistral": {"decoder": 2},  # a window
    "causal/xlnet": {"decoder": 2},  # two-part relative scores
    "masked/albert": {"encoder": 2},  # one module, called for every layer
    "masked/bert": {"encoder": 2},
    "masked/big_bird": {"encoder": 2},  # blocks, put together
    "masked/deberta-v2 (disentangled)": {"encoder": 2},
    "seq2seq/bart": {"encoder": 2, "decoder": 2, "cross": 2},
    "seq2seq/t5": {"encoder": 2, "decoder": 2, "cross": 2},  # a learned bias
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_a_kind_of_model_is_recorded_exactly(name: str) -> None:
    outcome = examine(ENTRIES[name])
    assert (outcome.result, outcome.remarks) == ("exact", [])
    assert outcome.stacks == REPRESENTATIVE[name]


def test_a_model_without_softmax_attention_is_said_to_have_none() -> None:
    outcome = examine(ENTRIES["causal/mamba"])
    assert (outcome.result, outcome.stacks, outcome.logits) == ("none", {}, 0.0)


def test_what_cannot_be_built_does_not_stop_a_sweep() -> None:
    outcome = examine(Entry("causal", "llama", "NoSuchModel"))
    assert outcome.result == "unbuilt"
    assert "NoSuchModel" in outcome.remarks[0]


Change = Callable[[AttentionCall], AttentionCall]


def _wrong_scale(call: AttentionCall) -> AttentionCall:
    return replace(call, scale=call.scale * 1.01)


def _no_mask(call: AttentionCall) -> AttentionCall:
    added = None if call.added is None else call.added.clamp(min=0)
    return replace(call, added=added, visible=None)


def _no_bias(call: AttentionCall) -> AttentionCall:
    assert call.added is not None
    return replace(call, added=torch.where(call.added > HIDDEN_BELOW, 0.0, call.added))


def _no_softcap(call: AttentionCall) -> AttentionCall:
    return replace(call, softcap=None)


def _no_sinks(call: AttentionCall) -> AttentionCall:
    return replace(call, sinks=None)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("causal/llama", _wrong_scale),
        ("causal/bloom", _wrong_scale),
        ("causal/llama", _no_mask),
        ("causal/mistral", _no_mask),
        ("causal/bloom", _no_bias),
        ("causal/falcon (alibi)", _no_bias),
        ("masked/deberta-v2 (disentangled)", _no_bias),
        ("seq2seq/t5", _no_bias),
        ("causal/gemma2", _no_softcap),
        ("causal/gpt_oss", _no_sinks),
    ],
)
def test_a_wrong_record_is_not_exact(name: str, change: Change) -> None:
    """In the pattern and in z, and against patterns of an unrecorded run, each on its own."""
    entry = ENTRIES[name]
    model = build(entry)
    inputs = inputs_for(model, entry)["padded"]
    calls = [change(call) for call in record(model, inputs).calls]

    alone = Outcome(entry)
    compare_calls(calls, inputs, "here", alone)
    assert "here: patterns recomputed from q, k are others" in alone.remarks
    assert "here: z recomputed from q, k, v is another" in alone.remarks

    beside = Outcome(entry)
    plain = run_plain(model, inputs)
    plain.attentions = own_attentions(model, inputs)
    compare_patterns(calls, plain, inputs, "here", beside)
    assert "here: a pattern of the model was not recorded" in beside.remarks


@pytest.mark.parametrize("name", ["causal/llama", "causal/bloom", "masked/big_bird"])
def test_a_layer_that_is_missing_is_missed(name: str) -> None:
    entry = ENTRIES[name]
    model = build(entry)
    inputs = inputs_for(model, entry)["unpadded"]
    calls = record(model, inputs).calls
    outcome = Outcome(entry)
    compare_patterns(calls[1:], run_plain(model, inputs), inputs, "here", outcome)
    assert "here: 1 of 2 attentions" in outcome.remarks
    assert outcome.result == "partly"


def test_other_logits_are_not_exact() -> None:
    entry = ENTRIES["causal/llama"]
    model = build(entry)
    inputs = inputs_for(model, entry)["unpadded"]
    plain = run_plain(model, inputs)
    changed = Recorded(type(record(model, inputs).output)(logits=plain.logits + 1e-3), [])
    outcome = Outcome(entry)
    compare_logits(changed, plain, "here", outcome)
    assert outcome.remarks == ["here: recording changes the logits"]
    assert not outcome.bit_equal


def test_the_page_has_a_line_for_each_outcome_and_keeps_still_under_rounding() -> None:
    entry = ENTRIES["causal/llama"]
    one = page([Outcome(entry, stacks={"decoder": 2}, n_compared=9, pattern=1.2e-7, z=2.4e-7)])
    other = page([Outcome(entry, stacks={"decoder": 2}, n_compared=9, pattern=0.9e-7, z=2.6e-7)])
    line = "| llama | LlamaForCausalLM | decoder 2 | recorded exactly | 1e-07 | 2e-07 | 0 |  |"
    assert line in one.splitlines()
    assert one != other
    assert but_for_rounding(one) == but_for_rounding(other)
