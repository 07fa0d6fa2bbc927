"""A recorded pass has everything in it and changes nothing; with transformers as the reference."""

import threading

import numpy as np
import pytest
import torch
import transformers
from transformers.modeling_utils import AttentionInterface

from model_runtime.huggingface.interface import listen
from model_runtime.huggingface.places import places
from model_runtime.huggingface.recorder import layers_of, record
from tests.model_runtime.huggingface.random_models import IDS, inputs_of, random_model

FAMILY = {"bert": "encoder", "albert": "encoder", "t5": "encoder-decoder"}
INTERFACE = ["llama", "gpt2", "bert", "mistral", "gemma2", "gpt_oss", "t5", "albert"]
WITH_SDPA = ["llama", "gpt2", "bert", "mistral", "t5", "albert"]


def family(kind):
    return FAMILY.get(kind, "decoder")


def owned(kind, recorded):
    where = places([call.module for call in recorded.calls], family(kind))
    calls = zip(where, recorded.calls, strict=True)
    return {place: call.own(place.stack, place.layer) for place, call in calls}


def unrecorded(kind, **more):
    with torch.no_grad():
        return random_model(kind)(**inputs_of(kind), return_dict=True, **more)


@pytest.mark.parametrize("kind", INTERFACE)
def test_patterns_and_outputs_recomputed_from_what_was_recorded_are_the_models_own(kind):
    found = owned(kind, record(random_model(kind), inputs_of(kind)))
    assert len(found) == (6 if kind == "t5" else 2)
    for own in found.values():
        assert own.pattern is not None
        assert max(own.errors()) <= 1e-5


@pytest.mark.parametrize("kind", INTERFACE)
def test_the_patterns_are_those_that_transformers_returns_itself(kind):
    output = unrecorded(kind, output_attentions=True)
    returned = {
        "encoder": output.get("encoder_attentions" if kind == "t5" else "attentions"),
        "decoder": output.get("decoder_attentions" if kind == "t5" else "attentions"),
        "cross": output.get("cross_attentions"),
    }
    for place, own in owned(kind, record(random_model(kind), inputs_of(kind))).items():
        theirs = returned[place.stack][place.layer][0].numpy()
        ours = np.stack([own.record.pattern(head) for head in range(own.record.n_heads)])
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", [*INTERFACE, "mamba", "bloom"])
def test_recording_changes_no_bit_of_the_logits(kind):
    plain = unrecorded(kind).logits
    for following in (True, False):
        recorded = record(random_model(kind), inputs_of(kind), following=following)
        assert torch.equal(recorded.output["logits"], plain)
    assert torch.equal(unrecorded(kind).logits, plain)


@pytest.mark.parametrize("kind", WITH_SDPA)
def test_sdpa_makes_no_patterns_and_what_it_was_given_explains_its_outputs(kind):
    found = owned(kind, record(random_model(kind), inputs_of(kind), "sdpa", following=False))
    for own in found.values():
        assert own.pattern is None
        assert own.error() <= 1e-5
    model = random_model(kind)
    assert model.config._attn_implementation == "eager"


def test_a_decoder_under_sdpa_sees_nothing_that_is_still_to_come():
    found = owned("llama", record(random_model("llama"), inputs_of("llama"), "sdpa"))
    for own in found.values():
        assert np.array_equal(own.record.visible(0), np.tri(IDS.shape[1], dtype=bool))


def test_grouped_keys_are_kept_as_few_as_they_are():
    found = owned("llama", record(random_model("llama"), inputs_of("llama")))
    assert {own.record.k.shape[0] for own in found.values()} == {2}
    assert {own.record.n_heads for own in found.values()} == {4}


def test_a_sliding_window_is_a_mask_and_a_soft_cap_is_kept():
    records = [
        own.record
        for own in owned("gemma2", record(random_model("gemma2"), inputs_of("gemma2"))).values()
    ]
    windows = [int(one.visible(0).sum(axis=1).max()) for one in records]
    assert sorted(windows) == [4, IDS.shape[1]]
    assert all(
        one.softcap == random_model("gemma2").config.attn_logit_softcapping for one in records
    )


def test_a_sink_takes_its_share_of_every_row():
    for own in owned("gpt_oss", record(random_model("gpt_oss"), inputs_of("gpt_oss"))).values():
        assert own.record.sinks is not None
        given = own.record.pattern(0).sum(axis=1)
        assert (given < 1).all() and given.min() < 0.9


def test_one_module_for_all_layers_is_recorded_each_time():
    found = owned("albert", record(random_model("albert"), inputs_of("albert")))
    assert [place.layer for place in found] == [0, 1]
    first, second = found.values()
    assert not np.allclose(first.record.q, second.record.q)


def test_a_model_without_softmax_attention_has_no_calls():
    assert record(random_model("mamba"), inputs_of("mamba")).calls == []


def test_what_bypasses_the_interface_is_followed_and_said():
    recorded = record(random_model("bloom"), inputs_of("bloom"))
    assert recorded.bypassed
    assert max(max(own.errors()) for own in owned("bloom", recorded).values()) <= 1e-5
    assert not record(random_model("llama"), inputs_of("llama")).bypassed


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_the_residual_stream_is_what_transformers_calls_hidden_states(kind):
    hidden = unrecorded(kind, output_hidden_states=True).hidden_states
    stream = {
        (spot.layer, spot.part): value
        for spot, value in record(random_model(kind), inputs_of(kind)).stream.items()
    }
    for number, layer in enumerate(layers_of(random_model(kind))):
        assert torch.equal(stream[layer, "resid_pre"], hidden[number])
    last = list(layers_of(random_model(kind)))[-1]
    assert (stream[last, "resid_post"] - stream[last, "resid_pre"]).abs().max() > 0


def test_the_stream_after_a_layer_is_the_one_before_the_next():
    stream = {
        (spot.layer, spot.part): value
        for spot, value in record(random_model("llama"), inputs_of("llama")).stream.items()
    }
    one, two = layers_of(random_model("llama"))
    assert torch.equal(stream[one, "resid_post"], stream[two, "resid_pre"])
    # Llama adds what its attention and its FFN give to the stream (modeling_llama.py).
    added = stream[one, "resid_pre"] + stream[one, "self_attn"] + stream[one, "mlp"]
    torch.testing.assert_close(stream[one, "resid_post"], added, atol=1e-5, rtol=0)


def test_for_long_texts_only_the_stream_itself_is_kept():
    recorded = record(random_model("llama"), inputs_of("llama"), kept="residual")
    assert {spot.part for spot in recorded.stream} == {"resid_pre", "resid_post"}


def test_two_threads_record_two_models_and_hear_only_their_own():
    found = {}
    barrier = threading.Barrier(2, timeout=20)

    def work(kind):
        barrier.wait()
        for _ in range(10):
            found[kind] = record(random_model(kind), inputs_of(kind)).calls

    kinds = ("llama", "gpt2")
    for kind in kinds:
        random_model(kind)
    threads = [threading.Thread(target=work, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [call.module for call in found["llama"]] == [
        f"model.layers.{n}.self_attn" for n in (0, 1)
    ]
    assert [call.module for call in found["gpt2"]] == [f"transformer.h.{n}.attn" for n in (0, 1)]


def test_a_pass_that_fails_leaves_no_hook_and_no_ear_behind():
    model = random_model("llama")
    hooks = [dict(module._forward_hooks) for module in model.modules()]
    with pytest.raises(IndexError):
        record(model, {"input_ids": torch.tensor([[10_000]])})
    assert [dict(module._forward_hooks) for module in model.modules()] == hooks
    with listen() as seen:
        pass
    record(model, inputs_of("llama"))
    assert seen == []


def test_model_files_still_ask_the_interface_in_every_pass(monkeypatch):
    """What recording rests on. If this fails after an upgrade, look at
    `AttentionInterface.get_interface` in transformers' modeling_utils.py."""
    assert transformers.__version__.startswith("5.23.")
    asked = []
    own = AttentionInterface.get_interface

    def get_interface(self, name, default):
        asked.append(name)
        return own(self, name, default)

    monkeypatch.setattr(AttentionInterface, "get_interface", get_interface)
    unrecorded("llama")
    assert asked == ["eager", "eager"]
