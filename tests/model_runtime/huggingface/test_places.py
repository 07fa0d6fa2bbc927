"""Stack and layer of an attention, told from the names that model files give their modules."""

import pytest

from model_runtime.huggingface.places import (
    Place,
    Spot,
    layer_module,
    places,
    stack_of,
    stream_names,
)


@pytest.mark.parametrize(
    ("name", "family", "stack"),
    [
        ("model.layers.0.self_attn", "decoder", "decoder"),
        ("bert.encoder.layer.3.attention.self", "encoder", "encoder"),
        ("bert.encoder.layer.3.attention.self", "decoder", "decoder"),
        ("encoder.block.0.layer.0.SelfAttention", "encoder-decoder", "encoder"),
        ("decoder.block.0.layer.0.SelfAttention", "encoder-decoder", "decoder"),
        ("decoder.block.0.layer.1.EncDecAttention", "encoder-decoder", "cross"),
        ("model.decoder.layers.1.encoder_attn", "encoder-decoder", "cross"),
        ("model.decoder.layers.1.self_attn", "encoder-decoder", "decoder"),
        ("decoder.bert.encoder.layer.0.crossattention.self", "encoder-decoder", "cross"),
        ("decoder.bert.encoder.layer.0.attention.self", "encoder-decoder", "decoder"),
        ("encoder.encoder.layer.0.attention.self", "encoder-decoder", "encoder"),
    ],
)
def test_the_stack_is_told_from_the_name(name, family, stack):
    assert stack_of(name, family) == stack


def test_a_layer_goes_by_the_number_in_its_name():
    names = [f"model.layers.{n}.self_attn" for n in (0, 1, 2)]
    assert places(names, "decoder") == [Place("decoder", n) for n in (0, 1, 2)]


def test_the_layers_of_a_hybrid_keep_their_numbers():
    names = ["model.layers.3.self_attn", "model.layers.7.self_attn"]
    assert [place.layer for place in places(names, "decoder")] == [3, 7]


@pytest.mark.parametrize(
    "names",
    [
        ["albert.layer_groups.0.layers.0.attention"] * 3,  # one module for all layers
        ["blocks.0.0.attention", "blocks.0.1.attention", "blocks.1.0.attention"],
        ["attention_a", "attention_b", "attention_c"],  # no numbers at all
    ],
)
def test_without_a_number_of_its_own_a_layer_goes_by_the_order_of_the_calls(names):
    assert [place.layer for place in places(names, "encoder")] == [0, 1, 2]


def test_each_stack_is_counted_for_itself():
    names = ["encoder.a", "encoder.b", "decoder.self", "decoder.cross", "decoder.self"]
    assert places(names, "encoder-decoder") == [
        Place("encoder", 0),
        Place("encoder", 1),
        Place("decoder", 0),
        Place("cross", 0),
        Place("decoder", 1),
    ]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.12.self_attn", "model.layers.12"),
        ("blocks.0.1.attention", "blocks.0"),
        ("model.layers.3", "model.layers.3"),
        ("model.embed", None),
    ],
)
def test_a_layer_is_named_up_to_its_first_number(name, layer):
    assert layer_module(name) == layer


def test_the_stream_goes_by_the_numbers_of_the_layers():
    spots = [Spot("encoder.block.1", 0, "resid_pre"), Spot("decoder.block.1", 0, "resid_post")]
    assert list(stream_names(spots, "encoder-decoder").values()) == [
        "encoder.1.resid_pre",
        "decoder.1.resid_post",
    ]
    shared = [Spot("albert.groups.0", call, "resid_pre") for call in (0, 1)]
    assert list(stream_names(shared, "encoder").values()) == [
        "encoder.0.resid_pre",
        "encoder.1.resid_pre",
    ]
