"""A view's numbers are the model's own: those of its weight file, of its formula, of the records of
the pass that is looked at."""

import math

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import FNetConfig, FNetForMaskedLM
from transformers.models.t5.modeling_t5 import T5Attention

from model_runtime.builtin import weights
from model_runtime.types import Request
from shell import cache
from tests.model_runtime.huggingface import vocabularies
from tests.shell.test_positions import made, shown
from tests.shell.tiny_checkpoints import LONG_TEXT, TEXT, root, traced
from tests.viz.positions.seen import panels, texts, xs, ys

__all__ = ["root", "traced"]  # fixtures


@pytest.mark.parametrize(
    ("name", "tensors", "first_row"),
    [
        ("bert", ["bert.embeddings.position_embeddings.weight"], 0),
        ("gpt2", ["transformer.wpe.weight"], 0),
        ("bart", [f"model.{s}.embed_positions.weight" for s in ("encoder", "decoder")], 2),
    ],
)
def test_a_checkpoints_table_is_the_one_in_its_file(traced, root, name, tensors, first_row):
    trace = traced(name)
    file = load_file(root / name / "model.safetensors")
    for number, tensor in enumerate(tensors):
        table = file[tensor][first_row:]
        more = {"table": number} if len(tensors) > 1 else {}
        map_ = panels(made(shown("learned", trace, n=300, **more)))["learned-table"]
        np.testing.assert_array_equal(map_.values, table[:300])


@pytest.mark.parametrize(("name", "stack"), [("blanks", "encoder"), ("writer", "decoder")])
def test_a_built_in_models_table_is_the_one_in_its_file(traced, name, stack):
    file = load_file(weights.folder_of(name) / "model.safetensors")
    map_ = panels(made(shown("learned", traced(f"builtin:{name}"))))["learned-table"]
    np.testing.assert_array_equal(map_.values, file[f"{stack}.position_table"])


def test_a_formulas_table_in_a_model_is_the_formulas(traced):
    map_ = panels(made(shown("learned", traced("builtin:translator"), n=20)))["learned-table"]
    n, d = map_.values.shape
    for p, c in np.ndindex(n, d):
        angle = p / 10_000 ** (2 * (c // 2) / d)
        cell = math.cos(angle) if c % 2 else math.sin(angle)
        assert map_.values[p, c] == pytest.approx(cell, abs=1e-6)


@pytest.mark.parametrize(("stack", "number"), [("encoder", 0), ("decoder", 1)])
def test_t5s_biases_are_its_tables_numbers_by_the_librarys_buckets(traced, root, stack, number):
    trace = traced("t5")
    tensor = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    table = load_file(root / "t5" / "model.safetensors")[tensor]
    away = torch.arange(20)[None, :] - torch.arange(20)[:, None]
    found = T5Attention._relative_position_bucket(
        away, bidirectional=stack == "encoder", num_buckets=32, max_distance=128
    )
    view = shown("relative", trace, bias=f"buckets-{number}", n=20, head=2)
    expected = table[found.numpy()][..., 2].astype(np.float64)
    values = panels(made(view))["buckets-matrix"].values
    sees = np.ones_like(expected, bool) if stack == "encoder" else np.tri(20, dtype=bool)
    np.testing.assert_array_equal(values, np.where(sees, expected, np.nan))


def test_blooms_slopes_are_the_papers(traced):
    lines = panels(made(shown("relative", traced("bloom"), n=5)))["alibi-distances"].lines
    expected = [2.0 ** (-2 * (head + 1)) for head in range(4)]
    assert [-line.y[4] / 4 for line in lines] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "stack"),
    [("t5", "encoder"), ("t5", "decoder"), ("bloom", "decoder"), ("deberta-v2", "encoder"),
     ("builtin:positions@alibi", "encoder")],
)  # fmt: skip
def test_a_recorded_bias_is_the_records(traced, name, stack):
    trace = traced(name)
    for layer in (0, 1):
        record = trace.record(stack, layer)
        head = len(record.bias) - 1
        more = {"layer": layer, "head": head, "bias": f"recorded-{stack}"}
        found = panels(made(shown("relative", trace, **more)))
        sees = (
            record.visible(0) if record.mask is not None else np.ones(record.bias.shape[1:], bool)
        )
        expected = np.where(sees, record.bias[head].astype(np.float64), np.nan)
        np.testing.assert_array_equal(found["recorded-matrix"].values, expected)
        assert found["recorded-matrix"].rows.labels == tuple(
            token.text for token in trace.tokens(stack)[0]
        )
        # BLOOM adds slope · key to a whole row: it is drawn less what a row has at its own token.
        drawn = expected - np.diagonal(expected)[:, None] if name == "bloom" else expected
        chart = found["recorded-head"]
        for away, mean in zip(xs(chart), ys(chart)["mean"], strict=True):
            assert mean == pytest.approx(np.nanmean(np.diagonal(drawn, away)), abs=1e-5)
        assert ("softmax does not see" in chart.about) == (name == "bloom")
        depends = "up to" in chart.about
        assert depends == (name == "deberta-v2") == ("least" in ys(chart))
        assert found["recorded-matrix"].hatched == "masked"


def test_blooms_recorded_bias_is_its_slopes_times_the_distance(traced):
    chart = panels(made(shown("relative", traced("bloom"), bias="recorded-decoder", head=1)))[
        "recorded-head"
    ]
    # The second of four heads: 2^(−2·2), of keys at the query and before it.
    assert xs(chart).max() == 0 and xs(chart).min() < -3
    np.testing.assert_allclose(ys(chart)["mean"], xs(chart) / 16, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 1)])
@pytest.mark.parametrize(("m", "k"), [(5, 2), (7, 0), (3, 3)])
@pytest.mark.parametrize("name", ["builtin:induction", "builtin:positions@rotary"])
def test_a_turned_score_stays_and_is_the_one_that_was_recorded(traced, name, layer, head, m, k):
    trace = traced(name)
    stack = trace.info.stacks[0]
    found = panels(made(shown("rotary", trace, layer=layer, head=head, m=m, k=k, both=33)))
    recorded = trace.record(stack, layer).dot(head)[m, k]
    rows = found["rotary-moved"].rows
    assert len(rows) == 5 and {int(a) - int(b) for a, b, *_ in rows} == {m - k}
    for _, _, _, score, _ in rows:
        assert float(score.replace("−", "-")) == pytest.approx(recorded, abs=1e-4)
    curve = found["rotary-scores"]
    here = dict(zip(xs(curve).tolist(), ys(curve)["q · k"], strict=True))[m - k]
    assert here == pytest.approx(recorded, abs=1e-5)
    said = next(iter(texts(made(shown("rotary", trace, layer=layer, head=head, m=m, k=k)))))
    assert f"L{layer} H{head}" in said and f": {recorded:.4f}.".replace("-", "−") in said
    tokens = [token.text for token in trace.tokens(stack)[0]]
    assert f"query {m} “{tokens[m]}”, key {k} “{tokens[k]}”" in said


def test_llama_turns_by_the_formula(traced):
    chart = panels(made(shown("rotary", traced("llama"))))["rotary-wavelengths"]
    expected = [2 * math.pi * 10_000 ** (2 * i / 8) for i in range(4)]
    np.testing.assert_allclose(ys(chart)["as it is used"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "stack", "total"),
    [
        ("builtin:translator", "encoder", "encoder.0.resid_pre"),
        ("builtin:translator", "decoder", "decoder.0.resid_pre"),
        ("builtin:blanks", "encoder", "encoder.0.resid_pre"),
        ("gpt2", "decoder", "decoder.0.resid_pre"),
        ("bert", "encoder", "encoder.embedded"),
        ("bart", "decoder", "decoder.embedded"),
    ],
)
def test_embedding_and_position_make_what_the_first_layer_reads(traced, name, stack, total):
    trace = traced(name)
    more = {"stack": stack} if "cross" in trace.info.stacks else {}
    found = panels(made(shown("sentence", trace, **more)))
    assert ("sentence-segment" in found) == (name == "bert")
    parts = [n for n in ("embedding", "position", "segment") if f"sentence-{n}" in found]
    added = sum(found[f"sentence-{part}"].values.astype(np.float64) for part in parts)
    np.testing.assert_allclose(found["sentence-sum"].values, added, rtol=0, atol=1e-5)
    np.testing.assert_allclose(added, trace.intermediates[total], rtol=0, atol=1e-5)
    np.testing.assert_allclose(sum(ys(found["sentence-shares"]).values()), 1, rtol=0, atol=1e-6)
    assert found["sentence-shares"].x.ticks == tuple(t.text for t in trace.tokens(stack)[0])


@pytest.mark.parametrize("name", ["builtin:induction", "builtin:positions@none", "llama", "mamba"])
def test_a_model_that_adds_no_positions_is_said_to_add_none(traced, name):
    first = shown("sentence", traced(name)).sections[0]()
    assert first.panels == () and "adds nothing to its embeddings" in first.text[0]


def test_a_model_without_attention_may_add_positions_all_the_same(root):
    tokenizer = vocabularies.wordpieces()
    tokenizer.save_pretrained(root / "fnet")
    config = FNetConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    FNetForMaskedLM(config).save_pretrained(root / "fnet")
    _, trace = cache.trace(cache.PUBLIC, Request(str(root / "fnet"), TEXT))
    assert trace.info.stacks == ()
    map_ = panels(made(shown("sentence", trace)))["sentence-position"]
    table = load_file(root / "fnet" / "model.safetensors")[
        "fnet.embeddings.position_embeddings.weight"
    ]
    np.testing.assert_array_equal(map_.values, table[: len(map_.values)])


def test_of_a_long_text_the_sum_is_said_not_to_be_recorded(traced):
    first = shown("sentence", traced("bert", LONG_TEXT)).sections[0]()
    assert first.panels == () and "was not recorded" in first.text[0]


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (2, 5)])
@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_before_positions_are_taken_away_a_pattern_is_the_records(traced, stack, layer, head):
    trace = traced("builtin:translator")
    found = panels(made(shown("sentence", trace, stack=stack, layer=layer, head=head)))
    record = trace.record(stack, layer)
    expected = np.where(record.visible(head), record.pattern(head), np.nan)
    np.testing.assert_array_equal(found["without-before"].values, expected)
    assert found["without-before"].title == f"L{layer} H{head}: before"


def test_only_a_text_of_letters_is_what_the_five_read(traced):
    example = "They read the letters a to z"
    for text, is_example in ((TEXT, True), ("abab", False)):
        said = texts(made(shown("sentence", traced("builtin:positions@rotary", text))))
        assert any(example in one for one in said) == is_example
    tokens = panels(made(shown("sentence", traced("builtin:positions@rotary", "abab"))))
    assert tokens["five-predictions"].header[1:] == ("[BOS]", "a", "b", "a", "b", "[EOS]")
