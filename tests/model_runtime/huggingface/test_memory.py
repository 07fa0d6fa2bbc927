"""What a checkpoint will take is read off its headers; a header that lies is found out."""

import json
import os
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors
from transformers import BartConfig, GPT2Config, GPT2LMHeadModel, LlamaConfig, T5Config

from model_runtime.errors import Corrupt, NoSafetensors, TextTooLargeForMemory, TooLarge
from model_runtime.huggingface.memory import (
    INDEX,
    WEIGHTS,
    Weights,
    ensure_trace_fits,
    ensure_weights_fit,
    in_words,
    most_tokens,
    trace_bytes,
    weight_files,
    weights_bytes,
    weights_in,
)


def lay(folder, header, body=b"", length=None):
    """Write a safetensors file by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = struct.pack("<Q", len(text) if length is None else length)
    (folder / WEIGHTS).write_bytes(size + text + body)


def entry(shape=(2,), offsets=(0, 8), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_two_by_three_values_are_24_bytes(tmp_path):
    save_file({"a": np.zeros((2, 3), dtype=np.float32)}, tmp_path / WEIGHTS)
    assert weights_in(tmp_path) == Weights(n_values=6, n_tensors=1)
    assert weights_bytes(tmp_path) == 24


def test_half_precision_takes_twice_its_file_for_it_is_computed_in_32_bits(tmp_path):
    tensors = {"a": torch.zeros(5, dtype=torch.bfloat16), "b": torch.zeros(3, dtype=torch.float16)}
    save_tensors(tensors, tmp_path / WEIGHTS, metadata={"format": "pt"})
    assert weights_bytes(tmp_path) == 4 * 8


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "bool", "float8_e4m3fn"])
def test_every_type_that_is_written_is_known(tmp_path, dtype):
    save_tensors({"a": torch.zeros(6).to(getattr(torch, dtype))}, tmp_path / WEIGHTS)
    assert weights_in(tmp_path).n_values == 6


def test_the_figure_of_a_model_is_its_number_of_parameters(tmp_path):
    model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=99))
    model.save_pretrained(tmp_path)
    assert weights_bytes(tmp_path) == 4 * model.num_parameters()


def test_of_many_files_all_are_counted_once(tmp_path):
    model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=99))
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    assert len(weight_files(tmp_path, "x")) > 2
    assert weights_bytes(tmp_path) == 4 * model.num_parameters()


def test_an_empty_checkpoint_takes_nothing(tmp_path):
    lay(tmp_path, {})
    assert weights_bytes(tmp_path) == 0


@pytest.mark.parametrize(
    "case",
    {
        "no bytes": b"",
        "half a length": b"\x08\x00",
        "a length beyond the file": struct.pack("<Q", 10**6) + b"{}",
        "an absurd length": struct.pack("<Q", 2**63) + b"{}",
        "no JSON": struct.pack("<Q", 4) + b"spam",
        "no object": struct.pack("<Q", 4) + b"[10]",
        "no UTF-8": struct.pack("<Q", 2) + b"\xff\xfe",
        "brackets without end": struct.pack("<Q", 200_000) + b"[" * 200_000,
    }.items(),
    ids=lambda case: case[0],
)
def test_a_header_that_cannot_be_read_is_said(tmp_path, case):
    (tmp_path / WEIGHTS).write_bytes(case[1])
    with pytest.raises(Corrupt) as raised:
        weights_bytes(tmp_path, "./mine")
    assert raised.value.values["ref"] == "./mine"
    assert raised.value.values["file"] == WEIGHTS


@pytest.mark.parametrize(
    "header",
    [
        {"a": entry(shape=(3,))},
        {"a": entry(shape=(-1, -2))},
        {"a": entry(shape=("2",))},
        {"a": entry(offsets=(8, 0))},
        {"a": entry(offsets=(0,))},
        {"a": entry(dtype="F31")},
        {"a": {"shape": [2]}},
        {"a": None},
        {"a": entry(shape=(10**12,), offsets=(0, 4 * 10**12))},
    ],
)
def test_a_header_that_contradicts_itself_or_the_file_is_said(tmp_path, header):
    lay(tmp_path, header, bytes(8))
    with pytest.raises(Corrupt):
        weights_bytes(tmp_path)


def test_a_file_that_was_cut_off_is_said_with_both_sizes(tmp_path):
    save_file({"a": np.zeros(100, dtype=np.float32)}, tmp_path / WEIGHTS)
    whole = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(whole[:-1])
    with pytest.raises(Corrupt, match=f"{len(whole) - 1} bytes .* {len(whole)}"):
        weights_bytes(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "spam",
        "{}",
        "[]",
        '{"weight_map": []}',
        '{"weight_map": {"a": 3}}',
        '{"weight_map": {"a": "gone.safetensors"}}',
        '{"weight_map": {"a": "../secret/model.safetensors"}}',
        '{"weight_map": {"a": "/secret/model.safetensors"}}',
        '{"weight_map": {"a": "..\\\\model.safetensors"}}',
        '{"weight_map": {"a": ".."}}',
    ],
)
def test_an_index_names_files_of_its_own_folder(tmp_path, text):
    (tmp_path / "secret").mkdir()
    save_file({"a": np.zeros(1)}, tmp_path / "secret" / WEIGHTS)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / INDEX).write_text(text)
    with pytest.raises(Corrupt):
        weights_bytes(folder)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["pytorch_model.bin"],
        ["adapter_model.safetensors", "tf_model.h5"],
        [WEIGHTS, "shard-00001-model-00001-of-00002.safetensors"],
    ],
)
def test_without_the_one_format_the_files_that_are_there_are_named(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(NoSafetensors) as raised:
        weights_bytes(tmp_path)
    assert raised.value.values["found"] == ", ".join(sorted(names)) or "nothing"


def test_what_is_too_large_is_said_with_what_would_fit():
    ensure_weights_fit(2**30, 2**30, "org/name")
    with pytest.raises(TooLarge) as raised:
        ensure_weights_fit(28 * 10**9, 4 * 2**30, "org/name")
    said = str(raised.value)
    assert "26.1 GiB" in said and "4.0 GiB" in said
    assert "up to 1,074 million parameters fits" in said and "HEADLIGHT_MEMORY" in said


def test_a_trace_by_hand():
    # 1 layer, 2 heads of 3, 6 wide, 10 words, 4 tokens: q, k, v, z are 4·6 and the stream 3·6
    # values for each token; 4·4 bytes of mask; 4·10 logits.
    config = GPT2Config(n_layer=1, n_head=2, n_embd=6, vocab_size=10)
    assert trace_bytes(config, 4) == 4 * (24 + 18) * 4 + 16 + 40 * 4
    assert trace_bytes(config, 0) == 0


def test_shared_keys_and_values_count_once():
    config = LlamaConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=1,
        vocab_size=1,
    )
    # q and z of 4 heads of 2; k and v of one.
    assert trace_bytes(config, 1) == (2 * 8 + 2 * 2 + 3 * 8) * 4 + 1 + 4


@pytest.mark.parametrize("made", [BartConfig, T5Config])
def test_an_encoder_and_a_decoder_make_three_attentions(made):
    sizes = {"d_model": 8, "vocab_size": 1}
    if made is BartConfig:
        sizes |= {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
    else:
        sizes |= {"num_layers": 1, "num_heads": 2, "d_kv": 4}
    assert trace_bytes(made(**sizes), 1) == (3 * 4 * 8 + 2 * 3 * 8) * 4 + 1 + 4


def test_the_longest_text_is_the_last_that_fits():
    config = GPT2Config()
    most = most_tokens(config, 2**29)
    assert trace_bytes(config, most) <= 2**29 < trace_bytes(config, most + 1)
    assert most_tokens(config, 1) == 0


def test_a_text_that_is_too_long_for_memory_is_said_with_what_would_fit():
    config = GPT2Config()
    most = most_tokens(config, 2**28)
    ensure_trace_fits(config, most, 2**28)
    with pytest.raises(TextTooLargeForMemory) as raised:
        ensure_trace_fits(config, most + 1, 2**28)
    assert raised.value.values["most"] == most
    assert "256 MiB" in str(raised.value)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1024, "1.0 KiB"),
        (150 * 1024, "150 KiB"),
        (2**20, "1.0 MiB"),
        (1000 * 2**20, "1.0 GiB"),
        (3 * 2**40, "3.0 TiB"),
    ],
)
def test_bytes_are_written_in_the_units_of_the_settings(count, said):
    assert in_words(count) == said


def test_only_the_header_is_read(tmp_path):
    n_values = 2**34  # 64 GiB, of which the file has none: nobody could read them
    lay(tmp_path, {"a": entry(shape=(n_values,), offsets=(0, 4 * n_values))})
    begun = (tmp_path / WEIGHTS).stat().st_size
    os.truncate(tmp_path / WEIGHTS, begun + 4 * n_values)
    assert weights_bytes(tmp_path) == 4 * n_values


def test_biases_and_masks_of_every_layer_count_for_each_pair_of_tokens():
    config = GPT2Config()
    one, ten = (trace_bytes(config, 100, cell_bytes) for cell_bytes in (1, 10))
    assert ten - one == 9 * 100**2


def test_a_short_text_keeps_all_its_logits_however_large_the_vocabulary():
    small, large = (trace_bytes(GPT2Config(vocab_size=n), 250) for n in (1, 256_001))
    assert large - small == 250 * 256_000 * 4
