"""Steps of checkpoints beside what transformers computes of the same ids, module by module."""

from functools import cache

import numpy as np
import pytest
import torch
import transformers

from model_runtime.steps import walk
from model_runtime.tracing import trace
from tests.model_runtime.huggingface.checkpoints import CONTEXT, FAMILIES
from tests.model_runtime.huggingface.openable import folder, opened, root
from tests.model_runtime.steps.checking import (
    all_steps,
    assert_close,
    assert_whole,
    by_rule,
    n_bytes,
    result_of,
)

__all__ = ["folder", "opened", "root"]  # fixtures

SENTENCE = "The cat sat on the mat."
LONG = "The cat sat on the mat. " * 60
LAYER = 1
# Of layer 1: which module's output, or "<" its input, a step is.
PLACES = {
    "bert": {
        "encoder.resid": "<bert.encoder.layer.1",
        "encoder.v_all": "bert.encoder.layer.1.attention.self.value",
        "encoder.norm": "bert.encoder.layer.1.attention",
        "encoder.activation": "bert.encoder.layer.1.intermediate",
        "encoder.ffn_norm": "bert.encoder.layer.1.output",
        "encoder.next": "bert.encoder.layer.1",
        "encoder.unembed": "cls",
    },
    "gpt2": {
        "decoder.resid": "<transformer.h.1",
        "decoder.norm": "transformer.h.1.ln_1",
        "decoder.out": "transformer.h.1.attn.c_proj",
        "decoder.add_attn": "<transformer.h.1.ln_2",
        "decoder.ffn_norm": "transformer.h.1.ln_2",
        "decoder.ffn_out": "transformer.h.1.mlp.c_proj",
        "decoder.add_ffn": "<transformer.ln_f",
        "decoder.next": "transformer.h.1",
        "decoder.unembed": "lm_head",
    },
    "llama": {
        "decoder.resid": "<model.layers.1",
        "decoder.norm": "model.layers.1.input_layernorm",
        "decoder.v_all": "model.layers.1.self_attn.v_proj",
        "decoder.out": "model.layers.1.self_attn.o_proj",
        "decoder.add_attn": "<model.layers.1.post_attention_layernorm",
        "decoder.ffn_norm": "model.layers.1.post_attention_layernorm",
        "decoder.ffn_out": "model.layers.1.mlp.down_proj",
        "decoder.add_ffn": "<model.norm",
        "decoder.next": "model.layers.1",
        "decoder.unembed": "lm_head",
    },
    "gemma2": {
        "decoder.norm": "model.layers.1.input_layernorm",
        "decoder.out": "model.layers.1.self_attn.o_proj",
        "decoder.add_attn": "<model.layers.1.pre_feedforward_layernorm",
        "decoder.ffn_norm": "model.layers.1.pre_feedforward_layernorm",
        "decoder.ffn_out": "model.layers.1.mlp",
        "decoder.add_ffn": "<model.norm",
    },
    "bart": {
        "encoder.out": "model.encoder.layers.1.self_attn.out_proj",
        "encoder.norm": "model.encoder.layers.1.self_attn_layer_norm",
        "encoder.ffn_in": "model.encoder.layers.1.fc1",
        "encoder.ffn_out": "model.encoder.layers.1.fc2",
        "encoder.ffn_norm": "model.encoder.layers.1.final_layer_norm",
        "decoder.v_all": "model.decoder.layers.1.self_attn.v_proj",
        "decoder.out": "model.decoder.layers.1.self_attn.out_proj",
        "decoder.norm": "model.decoder.layers.1.self_attn_layer_norm",
        "cross.v_all": "model.decoder.layers.1.encoder_attn.v_proj",
        "cross.out": "model.decoder.layers.1.encoder_attn.out_proj",
        "cross.norm": "model.decoder.layers.1.encoder_attn_layer_norm",
        "decoder.ffn_in": "model.decoder.layers.1.fc1",
        "decoder.activation": "<model.decoder.layers.1.fc2",
        "decoder.ffn_out": "model.decoder.layers.1.fc2",
        "decoder.ffn_norm": "model.decoder.layers.1.final_layer_norm",
    },
    "t5": {
        "encoder.resid": "<encoder.block.1",
        "encoder.v_all": "encoder.block.1.layer.0.SelfAttention.v",
        "encoder.next": "encoder.block.1",
        "decoder.resid": "<decoder.block.1",
        "decoder.v_all": "decoder.block.1.layer.0.SelfAttention.v",
        "cross.v_all": "decoder.block.1.layer.1.EncDecAttention.v",
        "decoder.next": "decoder.block.1",
        "decoder.unembed": "lm_head",
    },
    "bloom": {
        "decoder.resid": "<transformer.h.1",
        "decoder.norm": "transformer.h.1.input_layernorm",
        "decoder.ffn_norm": "transformer.h.1.post_attention_layernorm",
        "decoder.next": "transformer.h.1",
    },
}
SURELY = {"tokens", "ids", "resid", "v_all", "split", "dot", "softmax", "weigh", "heads", "next",
          "unembed", "probabilities"}  # fmt: skip


@pytest.fixture(scope="module")
def traced(opened):
    @cache
    def traced(family, text=SENTENCE, context=CONTEXT):
        model = opened(family, context)
        assert model.insides is None
        return trace(model, text)

    return traced


@pytest.fixture(scope="module")
def modules(folder, traced):
    """What every module of the bare model takes and gives, for the ids of the trace."""

    @cache
    def modules(family):
        of = traced(family)
        made = getattr(transformers, FAMILIES[family].model)
        model = made.from_pretrained(folder(family), attn_implementation="eager")
        found = {}

        def keep(name, value):
            value = value[0] if isinstance(value, tuple) else value
            if isinstance(value, torch.Tensor) and value.dim() == 3:
                found[name] = value[0].clone().double().numpy()

        for name, module in model.named_modules():
            module.register_forward_pre_hook(
                lambda _, args, kwargs, name=name: keep(
                    f"<{name}", args[0] if args else kwargs.get("hidden_states")
                ),
                with_kwargs=True,
            )
            module.register_forward_hook(lambda _, args, out, name=name: keep(name, out))
        source, target = (
            torch.tensor([[token.id for token in of.tokens(stack)[0]]])
            for stack in ("encoder", "decoder")
        )
        inputs = {"input_ids": target if of.info.family == "decoder" else source}
        if of.info.family == "encoder-decoder":
            inputs["decoder_input_ids"] = target
        with torch.no_grad():
            model.float().eval()(**inputs)
        return found

    return modules


@pytest.fixture(params=list(PLACES))
def family(request):
    return request.param


def place_of(trace, stack=None, query=2):
    return walk.settled(trace, stack or trace.info.stacks[-1], LAYER, 1, query, None)


def test_each_recorded_step_is_what_that_module_gives(family, traced, modules):
    of = traced(family)
    place = place_of(of)
    for id_, module in PLACES[family].items():
        step = walk.step(of, None, place, id_)
        assert step.result is not None, id_
        whole = modules(family)[module]
        assert whole.shape == (result_of(step).rows.size, result_of(step).cols.size), id_
        cut = whole[np.ix_(list(result_of(step).rows.kept), list(result_of(step).cols.kept))]
        assert_close(result_of(step).values, cut, whole[list(result_of(step).rows.kept)])


def test_no_other_step_of_the_layer_claims_to_be_known(family, traced):
    of = traced(family)
    known = {
        ref.id
        for ref in walk.outline(of, place_of(of), None)
        if not ref.missing and ref.name in recorded_names()
    }
    told = {id_ for id_ in PLACES[family]}
    assert {id_ for id_ in known if id_.split(".")[1] not in SURELY} <= told | ALSO.get(
        family, set()
    )


ALSO = {"bart": {"encoder.activation"}}


def recorded_names():
    return (set(walk.ATTENTION) | set(walk.FFN)) - {
        "dot", "scale", "softcap", "bias", "mask", "softmax", "weigh", "heads",
    }  # fmt: skip


def test_every_step_keeps_its_rule_and_attention_is_always_there(family, traced):
    of = traced(family)
    for stack in of.info.stacks:
        place = place_of(of, stack)
        for ref in walk.outline(of, place, None):
            step = walk.step(of, None, place, ref.id)
            assert (step.rule == "missing") == bool(ref.missing)
            if ref.name in SURELY:
                assert not ref.missing, ref.id
            if step.result is not None:
                assert_whole(step)
                assert_close(by_rule(step), result_of(step).values)


def test_queries_of_one_head_are_those_of_the_module(traced, modules):
    of, found = traced("bert"), modules("bert")
    step = walk.step(of, None, place_of(of), "encoder.split")
    whole = found["bert.encoder.layer.1.attention.self.query"][:, 8:16]
    assert_close(result_of(step).values, whole)


def test_a_step_goes_by_the_name_that_the_model_file_gives(traced):
    of = traced("gpt2")
    for name, source in (("norm", "ln_1"), ("out", "attn"), ("ffn_out", "mlp")):
        step = walk.step(of, None, place_of(of), f"decoder.{name}")
        assert (step.rule, result_of(step).source) == ("given", f"decoder.1.{source}")


def test_sums_are_shown_as_sums_where_they_hold(traced):
    for family, rules in (("gpt2", "add"), ("llama", "add"), ("bert", "missing")):
        of = traced(family)
        stack = of.info.stacks[0]
        for name in ("add_attn", "add_ffn"):
            assert walk.step(of, None, place_of(of), f"{stack}.{name}").rule == rules


def test_where_the_norm_comes_after_the_addition_the_walk_says_so(traced):
    for family, after in (("bert", True), ("bart", True), ("gpt2", False), ("llama", False)):
        of = traced(family)
        stack = of.info.stacks[0]
        names = [r.name for r in walk.outline(of, place_of(of), None) if r.section == stack]
        assert (names.index("norm") > names.index("add_attn")) is after


def test_t5_has_biases_and_does_not_scale(traced):
    of = traced("t5")
    refs = {ref.id: ref.missing for ref in walk.outline(of, place_of(of), None)}
    assert refs["encoder.bias"] == refs["decoder.bias"] == ""
    assert refs["encoder.scale"] == refs["cross.scale"] == "not in this model"
    assert refs["decoder.out"] == refs["decoder.ffn_in"] == "not recorded"


def test_of_a_long_text_what_was_kept_is_shown_and_the_rest_is_not_recorded(traced):
    of = traced("llama", LONG, 512)
    assert len(of.tokens("decoder")[0]) > 256
    place = place_of(of, query=300)
    steps = {step.name: step for step in all_steps(of, None, place)}
    for name, step in steps.items():
        assert n_bytes(step) <= 60_000, name
        if step.result is not None:
            assert_whole(step)
            assert_close(by_rule(step), result_of(step).values)
    assert {"resid", "dot", "softmax", "weigh", "heads", "probabilities"} <= {
        name for name, step in steps.items() if step.result is not None
    }
    for name in ("norm", "out", "add_attn", "ffn_out"):
        assert steps[name].why == "not recorded"
    assert len(steps["tokens"].tokens) < 40


def test_text_labels_and_missing_heads_end_the_walk_as_they_should(traced):
    of = traced("electra-classifying")
    step = walk.step(of, None, place_of(of), "encoder.probabilities")
    assert result_of(step).cols.labels == ("LABEL_A", "LABEL_B", "LABEL_C")
    assert result_of(step).values.sum() == pytest.approx(1.0)
    alone = traced("bert-alone")
    assert walk.step(alone, None, place_of(alone), "encoder.unembed").why == "not in this model"
