"""What a stack begins with is kept where it adds up; with the model's own states as reference."""

import gc
import weakref

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from model_runtime.huggingface.embedded import watch_embedding
from model_runtime.huggingface.recorder import record
from model_runtime.recording import LONG
from model_runtime.steps.looking import settled
from model_runtime.steps.walk import outline
from model_runtime.tracing import trace
from tests.model_runtime.huggingface.openable import folder, opened, root
from tests.model_runtime.huggingface.test_found import D_MODEL, GPT, IDS, USUAL, built

__all__ = ["folder", "opened", "root"]  # fixtures

TARGET = IDS[:, :7]


class Adding(nn.Module):
    """Two tokens, two positions, two dimensions: every number of the sum is plain."""

    def __init__(self, wrong=0.0):
        super().__init__()
        self.tokens = nn.Embedding(3, 2, _weight=torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        self.wpe = nn.Embedding(2, 2, _weight=torch.tensor([[10.0, 20.0], [30.0, 40.0]]))
        self.norm = nn.LayerNorm(2)
        self.wrong = wrong

    def forward(self, ids):
        return self.norm(self.tokens(ids) + self.wpe(torch.arange(2)) + self.wrong)


class Whole(transformers.PreTrainedModel):
    """The same as a model of transformers."""

    config_class = transformers.BertConfig

    def __init__(self, wrong=0.0):
        super().__init__(transformers.BertConfig())
        self.inner = Adding(wrong)

    def get_input_embeddings(self):
        return self.inner.tokens

    def forward(self, ids):
        return self.inner(ids)


def test_two_tokens_and_two_positions_add_up_by_hand():
    model = Whole()
    with watch_embedding(model) as found, torch.no_grad():
        model(torch.tensor([[2, 0]]))
    (kept,) = found
    assert kept.module == "inner.wpe"
    assert {name: part[0].tolist() for name, part in kept.parts.items()} == {
        "embedding": [[5.0, 6.0], [1.0, 2.0]],
        "positions": [[10.0, 20.0], [30.0, 40.0]],
        "embedded": [[15.0, 26.0], [31.0, 42.0]],
    }


def test_where_something_else_is_added_nothing_is_kept():
    model = Whole(wrong=0.001)
    with watch_embedding(model) as found, torch.no_grad():
        model(torch.tensor([[2, 0]]))
    assert found == []


def test_a_second_pass_is_watched_as_the_first():
    model = Whole()
    sums = []
    for ids in ([2, 0], [1, 1]):
        with watch_embedding(model) as found, torch.no_grad():
            model(torch.tensor([ids]))
        sums += [kept.parts["embedded"][0].tolist() for kept in found]
    assert sums == [[[15.0, 26.0], [31.0, 42.0]], [[13.0, 24.0], [33.0, 44.0]]]


def test_a_model_that_was_watched_is_let_go():
    model = Whole()
    with watch_embedding(model):
        pass
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_no_hook_is_left_behind():
    model = Whole()
    with watch_embedding(model) as found:
        pass
    with torch.no_grad():
        model(torch.tensor([[2, 0]]))
    assert found == []


def parts_of(model, **inputs):
    """The parts by the stack that a module's name tells."""
    embedded = record(model, {"input_ids": IDS} | inputs).embedded
    return {("decoder" if "decoder" in one.module else "encoder"): one.parts for one in embedded}


@pytest.mark.parametrize(
    ("kind", "head", "sizes"),
    [
        ("gpt2", "CausalLM", GPT),
        ("opt", "CausalLM", USUAL | {"ffn_dim": 40, "word_embed_proj_dim": 32}),
        ("xglm", "CausalLM", D_MODEL | {"ffn_dim": 40, "num_layers": 2, "attention_heads": 2}),
    ],
)
def test_the_sum_of_a_decoder_is_its_first_hidden_state(kind, head, sizes):
    model = built(kind, head, **sizes)
    ((_, parts),) = parts_of(model).items()
    with torch.no_grad():
        first = model(IDS, output_hidden_states=True).hidden_states[0]
    assert torch.equal(parts["embedded"], first)
    assert parts.keys() == {"embedding", "positions", "embedded"}
    total = parts["embedding"] + parts["positions"]
    np.testing.assert_allclose(total, first, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("types", "has_segments"), [(2, True), (1, True)])
def test_bert_adds_segments_as_well_and_its_norm_makes_the_first_state_of_the_sum(
    types, has_segments
):
    model = built("bert", "MaskedLM", **USUAL, type_vocab_size=types)
    parts = parts_of(model)["encoder"]
    assert ("segments" in parts) is has_segments
    with torch.no_grad():
        first = model(IDS, output_hidden_states=True).hidden_states[0]
        normed = model.bert.embeddings.LayerNorm(parts["embedded"])
        tokens = model.bert.embeddings.word_embeddings(IDS)
    assert torch.equal(parts["embedding"], tokens)
    np.testing.assert_allclose(normed, first, rtol=0, atol=1e-6)
    total = parts["embedding"] + parts["positions"] + parts["segments"]
    np.testing.assert_allclose(total, parts["embedded"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["bart", "marian", "m2m_100", "pegasus"])
@pytest.mark.parametrize("scaled", [True, False])
def test_a_translators_tokens_are_kept_as_they_were_added(kind, scaled):
    model = built(kind, "Seq2SeqLM", **D_MODEL | {"scale_embedding": scaled})
    found = parts_of(model, decoder_input_ids=TARGET)
    assert list(found) == ["encoder", "decoder"]
    rows = model.get_input_embeddings().weight.detach()
    for parts, ids in ((found["encoder"], IDS), (found["decoder"], TARGET)):
        own = rows[ids] * (np.sqrt(32) if scaled else 1.0)
        np.testing.assert_allclose(parts["embedding"], own, rtol=0, atol=1e-6)
        total = parts["embedding"] + parts["positions"]
        np.testing.assert_allclose(total, parts["embedded"], rtol=0, atol=1e-6)


def test_a_model_that_adds_no_table_keeps_nothing():
    model = built("llama", **USUAL, num_key_value_heads=2)
    assert parts_of(model) == {}


def test_roformers_table_is_of_angles_and_not_added():
    model = built("roformer", "MaskedLM", **USUAL, embedding_size=32)
    assert parts_of(model) == {}


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_what_is_kept_is_none_of_the_models_own_tensors(kind):
    sizes = {"gpt2": GPT, "bert": USUAL}[kind]
    model = built(kind, "CausalLM" if kind == "gpt2" else "MaskedLM", **sizes)
    (parts,) = parts_of(model).values()
    own = {tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    assert not own & {part.data_ptr() for part in parts.values()}
    assert len({part.data_ptr() for part in parts.values()}) == len(parts)


# ── Of checkpoints that were opened ──────────────────────────────────────────────────


@pytest.mark.parametrize("family", ["gpt2", "bert", "roberta", "bart"])
def test_a_trace_has_a_row_for_each_token_and_they_add_up(family, opened):
    model = opened(family, 600)
    seen = trace(model, "The cat sat on the mat.")
    tables = {one.stacks[0]: one.table for one in model.encodings}
    assert tables
    for stack, table in tables.items():
        rows = len(seen.tokens(stack)[0])
        names = ("embedding", "positions", "segments", "embedded")
        parts = [seen.intermediates.get(f"{stack}.{name}", np.zeros((rows, 1))) for name in names]
        assert len(parts[0]) == len(parts[3]) == rows
        np.testing.assert_array_equal(parts[1], table[:rows])
        total = parts[0].astype(np.float64) + parts[1] + parts[2]
        np.testing.assert_allclose(total, parts[3], rtol=0, atol=1e-6 * max(1, parts[3].max()))


def test_gpt2s_first_layer_reads_the_sum(opened):
    seen = trace(opened("gpt2", 600), "The cat sat on the mat.").intermediates
    np.testing.assert_array_equal(seen["decoder.embedded"], seen["decoder.0.resid_pre"])


def test_a_long_text_keeps_none_of_it(opened):
    seen = trace(opened("gpt2", 600), "cat " * 500)
    assert len(seen.tokens("decoder")[0]) > LONG
    assert {name.split(".")[-1] for name in seen.intermediates} == {"resid_pre", "resid_post"}


@pytest.mark.parametrize("family", ["gpt2", "bert", "bart"])
def test_the_walk_has_no_step_more_than_before(family, opened):
    """Its first steps are made from a built-in model's weights; those of others are not known."""
    seen = trace(opened(family, 600), "The cat sat on the mat.")
    stack = seen.info.opens_at.stack
    refs = outline(seen, settled(seen, stack, 0, 0, 0, None), None)
    firsts = [ref for ref in refs if ref.name in ("embedding", "positions")]
    assert firsts
    assert {ref.missing for ref in firsts} == {"not recorded"}
