"""What open models tell positions by, beside what transformers itself makes of positions."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from model_runtime.huggingface.found import encodings_of
from model_runtime.huggingface.found_tables import is_sinusoidal
from model_runtime.huggingface.recorder import record
from tests.model_runtime.huggingface.openable import folder, opened, root

__all__ = ["folder", "opened", "root"]  # fixtures

USUAL = {
    "vocab_size": 99,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}
D_MODEL = {
    "vocab_size": 99,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 40,
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "decoder_start_token_id": 2,
    "scale_embedding": True,
}
GPT = {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
T5 = {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 40, "num_layers": 2, "num_heads": 4}
IDS = torch.tensor([[5, 17, 3, 42, 8, 61, 5, 17, 90, 7, 11, 30]])
SAME = torch.full((1, 12), 17)


def built(kind, head="CausalLM", **sizes):
    """A random model of a kind, the same each time."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **sizes)
    auto = getattr(transformers, f"AutoModelFor{head}")
    return auto.from_config(config, attn_implementation="eager").float().eval()


def only(model, family="decoder"):
    """The one encoding that a model has."""
    (found,) = encodings_of(model, family)
    return found


def given_out(model, name, **inputs):
    """What the module of a name gave in a pass, the batch's first."""
    kept = []
    handle = model.get_submodule(name).register_forward_hook(lambda m, a, out: kept.append(out))
    with torch.no_grad():
        model(**({"input_ids": IDS} | inputs))
    handle.remove()
    return kept[0].reshape(-1, kept[0].shape[-1])[: IDS.shape[1]].numpy()


# ── Tables ───────────────────────────────────────────────────────────────────────────


def test_a_table_of_two_dimensions_by_hand_is_too_narrow_to_be_told_and_one_of_four_is_not():
    narrow = np.array([[np.sin(p), np.cos(p)] for p in range(9)], np.float32)
    beside = np.array(
        [[np.sin(p), np.cos(p), np.sin(p / 100), np.cos(p / 100)] for p in range(9)], np.float32
    )
    assert not is_sinusoidal(narrow)
    assert is_sinusoidal(beside)
    assert is_sinusoidal(beside[:, [0, 2, 1, 3]])  # halves
    assert is_sinusoidal(beside[:, [1, 3, 0, 2]])  # cosines first
    assert is_sinusoidal(beside[2:])
    assert not is_sinusoidal(beside[:, [2, 0, 1, 3]])
    assert not is_sinusoidal(beside + np.float32(2e-4))


def test_the_rows_of_gpt2_are_what_its_hidden_states_have_beside_the_token():
    model = built("gpt2", **GPT)
    found = only(model)
    assert (found.kind, found.stacks, found.made_by) == ("learned", ("decoder",), "GPT2Model")
    assert found.where == "transformer.wpe.weight"
    assert found.table.shape == (64, 32)
    with torch.no_grad():
        first = model(IDS, output_hidden_states=True).hidden_states[0][0]
        tokens = model.get_input_embeddings()(IDS)[0]
    np.testing.assert_allclose(first - tokens, found.table[: len(first)], rtol=0, atol=1e-6)


def test_a_table_is_the_weights_themselves_and_nobody_can_write_to_it():
    model = built("gpt2", **GPT)
    table = only(model).table
    assert np.shares_memory(table, model.transformer.wpe.weight.detach().numpy())
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1.0


@pytest.mark.parametrize(
    ("kind", "head", "sizes", "where", "made_by", "rows"),
    [
        ("bert", "MaskedLM", USUAL, "bert.embeddings.position_embeddings", "BertEmbeddings", 64),
        (
            "roberta",
            "MaskedLM",
            USUAL | {"pad_token_id": 1},
            "roberta.embeddings.position_embeddings",
            "RobertaEmbeddings",
            62,
        ),
        (
            "mra",
            "MaskedLM",
            USUAL | {"num_attention_heads": 1},
            "mra.embeddings.position_embeddings",
            "MraEmbeddings",
            64,
        ),
    ],
)
def test_the_first_row_is_what_the_first_token_of_an_encoder_gets(
    kind, head, sizes, where, made_by, rows
):
    model = built(kind, head, **sizes)
    found = only(model, "encoder")
    assert (found.kind, found.stacks, found.made_by) == ("learned", ("encoder",), made_by)
    assert found.where == f"{where}.weight"
    assert len(found.table) == rows
    np.testing.assert_array_equal(given_out(model, where), found.table[:12])


def test_the_first_row_of_opt_is_the_third_of_its_weights():
    model = built("opt", **USUAL, ffn_dim=40, word_embed_proj_dim=32)
    found = only(model)
    where = "model.decoder.embed_positions"
    assert (found.kind, found.where) == ("learned", f"{where}.weight")
    assert found.made_by == "OPTLearnedPositionalEmbedding"
    np.testing.assert_array_equal(given_out(model, where), found.table[:12])
    own = model.model.decoder.embed_positions.weight.detach().numpy()
    np.testing.assert_array_equal(own[2:], found.table)


@pytest.mark.parametrize(
    ("kind", "table", "made_by"),
    [
        ("bart", "learned", "BartLearnedPositionalEmbedding"),
        ("marian", "sinusoidal", "MarianSinusoidalPositionalEmbedding"),
        ("pegasus", "sinusoidal", "PegasusSinusoidalPositionalEmbedding"),
        ("m2m_100", "sinusoidal", "M2M100SinusoidalPositionalEmbedding"),
        ("pegasus_x", "sinusoidal", "PegasusXSinusoidalPositionalEmbedding"),
    ],
)
def test_each_stack_of_a_translator_has_its_own_table(kind, table, made_by):
    model = built(kind, "Seq2SeqLM", **D_MODEL)
    found = encodings_of(model, "encoder-decoder")
    assert [one.stacks for one in found] == [("encoder",), ("decoder",)]
    for one in found:
        assert (one.kind, one.made_by) == (table, made_by)
        where = f"model.{one.stacks[0]}.embed_positions"
        assert one.where.removesuffix("s").removesuffix(".weight") in (where, where[:-1])
        rows = given_out(model, where, decoder_input_ids=IDS)
        assert one.table is not None
        np.testing.assert_array_equal(rows, one.table[:12])


def test_a_trained_table_in_the_place_of_sines_is_called_learned():
    model = built("marian", "Seq2SeqLM", **D_MODEL)
    with torch.no_grad():
        model.model.encoder.embed_positions.weight.add_(0.01)
    kinds = [one.kind for one in encodings_of(model, "encoder-decoder")]
    assert kinds == ["learned", "sinusoidal"]


def test_a_table_that_is_neither_module_nor_weight_is_found():
    model = built("ctrl", **GPT, dff=40)
    found = only(model)
    assert (found.kind, found.where) == ("sinusoidal", "transformer.pos_encoding")
    own = model.transformer
    with torch.no_grad():
        first = model(IDS, output_hidden_states=True).hidden_states[0][0]
        tokens = own.w(IDS)[0] * np.sqrt(32)
    np.testing.assert_allclose(first - tokens, found.table[:12], rtol=0, atol=1e-5)


def test_a_table_with_one_part_for_each_axis_is_put_together():
    model = built(
        "reformer",
        "MaskedLM",
        **USUAL,
        is_decoder=False,
        axial_pos_shape=[4, 16],
        axial_pos_embds_dim=[8, 24],
        attn_layers=["local"],
        local_attn_chunk_length=12,
        attention_head_size=16,
        feed_forward_size=40,
    )
    where = "reformer.embeddings.position_embeddings"
    with torch.no_grad():
        for weight in model.get_submodule(where).weights:
            weight.normal_()
    found = only(model, "encoder")
    assert (found.kind, found.where) == ("learned", f"{where}.weights")
    assert found.table.shape == (64, 32)
    np.testing.assert_array_equal(given_out(model, where), found.table[:12])


# ── Rotations ────────────────────────────────────────────────────────────────────────


def turned(vectors, rotation):
    """[head, position, d] of the same vectors at each position, turned by hand, one by one."""
    out = vectors.astype(np.float64).copy()
    n = len(rotation.frequencies)
    for position in range(vectors.shape[1]):
        for pair, frequency in enumerate(rotation.frequencies.astype(np.float64)):
            i, j = (
                (2 * pair, 2 * pair + 1) if rotation.pairing == "neighbours" else (pair, pair + n)
            )
            sin, cos = np.sin(position * frequency), np.cos(position * frequency)
            a, b = vectors[:, position, i], vectors[:, position, j]
            out[:, position, i], out[:, position, j] = a * cos - b * sin, a * sin + b * cos
    return out


SCALED: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default", "rope_theta": 5e5},
    "linear": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0},
    "yarn": {
        "rope_type": "yarn",
        "rope_theta": 1e4,
        "factor": 4.0,
        "original_max_position_embeddings": 16,
        "beta_fast": 20,
        "mscale": 0.7,
        "mscale_all_dim": 1.1,
        "truncate": False,
    },
    "llama3": {
        "rope_type": "llama3",
        "rope_theta": 1e4,
        "factor": 8.0,
        "original_max_position_embeddings": 32,
        "low_freq_factor": 1.0,
        "high_freq_factor": 3.0,
    },
    "longrope": {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "original_max_position_embeddings": 16,
        "short_factor": [1.0 + i / 10 for i in range(8)],
        "long_factor": [2.0 + i for i in range(8)],
    },
}


@pytest.mark.parametrize("scaling", SCALED)
def test_the_frequencies_of_llama_are_those_of_its_own_sines_and_cosines(scaling):
    model = built("llama", **USUAL, num_key_value_heads=2, rope_parameters=SCALED[scaling])
    found = only(model)
    assert (found.kind, found.where) == ("rotary", "model.rotary_emb")
    assert found.made_by == "LlamaRotaryEmbedding"
    rotation = found.rotation
    assert (rotation.pairing, rotation.layers) == ("halves", "")
    positions = torch.arange(14)[None]
    cos, sin = model.model.rotary_emb(torch.zeros(1, 14, 16), positions)
    angles = np.arange(14)[:, None] * rotation.frequencies.astype(np.float64)
    ours = rotation.attention_factor * np.cos(angles), rotation.attention_factor * np.sin(angles)
    for theirs, mine in zip((cos, sin), ours, strict=True):
        np.testing.assert_allclose(theirs[0], np.tile(mine, 2), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scaling", SCALED)
def test_the_settings_are_what_the_configuration_says(scaling):
    says = SCALED[scaling]
    model = built("llama", **USUAL, num_key_value_heads=2, rope_parameters=says)
    settings_ = only(model).rotation.settings
    assert (settings_.scaling, settings_.base) == (scaling, says["rope_theta"])
    assert settings_.d_rotated == 16
    original = says.get("original_max_position_embeddings", 64)
    assert settings_.original_length == original
    wanted = 64 / 16 if scaling == "longrope" else says.get("factor", 1.0)
    assert settings_.factor == wanted
    assert settings_.truncate is says.get("truncate", True)
    for name in ("low_freq_factor", "high_freq_factor", "beta_fast", "mscale", "mscale_all_dim"):
        if name in says:
            assert getattr(settings_, name) == says[name]
    assert settings_.short_factor == tuple(says.get("short_factor", ()))
    assert settings_.long_factor == tuple(says.get("long_factor", ()))


@pytest.mark.parametrize("scaling", ["dynamic", "longrope"])
def test_frequencies_are_those_of_short_texts_whatever_was_read_before(scaling):
    model = built("llama", **USUAL, num_key_value_heads=2, rope_parameters=SCALED[scaling])
    before = only(model).rotation.frequencies
    own = model.model.rotary_emb
    with torch.no_grad():
        model(torch.full((1, 90), 17))
    assert not np.allclose(own.inv_freq.numpy(), before)
    np.testing.assert_array_equal(only(model).rotation.frequencies, before)


ROTATING: dict[str, tuple[dict[str, Any], str, int]] = {
    "llama": (USUAL | {"num_key_value_heads": 2}, "halves", 16),
    "gpt_neox": (USUAL | {"rotary_pct": 0.5}, "halves", 8),
    "gptj": (GPT | {"rotary_dim": 8}, "neighbours", 8),
    "cohere": (USUAL | {"num_key_value_heads": 2}, "neighbours", 16),
    "glm": (
        USUAL
        | {
            "num_key_value_heads": 2,
            "head_dim": 16,
            "pad_token_id": 0,
            "partial_rotary_factor": 0.5,
        },
        "neighbours",
        8,
    ),
    "ernie4_5": (USUAL | {"num_key_value_heads": 2, "head_dim": 16}, "neighbours", 16),
    "llama4_text": (
        USUAL
        | {
            "num_key_value_heads": 2,
            "head_dim": 16,
            "num_local_experts": 2,
            "intermediate_size_mlp": 40,
            "use_qk_norm": False,
            "attn_temperature_tuning": False,
        },
        "neighbours",
        16,
    ),
    "gpt_oss": (
        USUAL | {"num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 4},
        "halves",
        16,
    ),
}


@pytest.mark.parametrize("kind", ROTATING)
def test_queries_of_one_token_again_and_again_are_the_first_turned_pair_by_pair(kind):
    sizes, pairing, width = ROTATING[kind]
    model = built(kind, **sizes)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "norm" not in name:
                nn.init.normal_(parameter, std=0.3)
    rotation = only(model).rotation
    assert (rotation.pairing, rotation.settings.d_rotated) == (pairing, width)
    assert len(rotation.frequencies) == width // 2
    call = record(model, {"input_ids": SAME}).calls[0]
    q = call.q[0].numpy()
    first = np.repeat(q[:, :1], q.shape[1], axis=1)
    np.testing.assert_allclose(q, turned(first, rotation), rtol=0, atol=2e-5)
    assert np.abs(q - first).max() > 0.1


def test_gptj_has_one_rotation_though_every_layer_has_a_table():
    found = only(built("gptj", **GPT, rotary_dim=8))
    assert found.kind == "rotary"
    assert found.where == "transformer.h.0.attn.embed_positions"
    assert found.made_by == "GPTJAttention"
    np.testing.assert_allclose(
        found.rotation.frequencies, 10000.0 ** (-np.arange(0, 8, 2) / 8), rtol=1e-6
    )


def test_roformers_table_of_angles_is_a_rotation_and_no_table():
    found = only(built("roformer", "MaskedLM", **USUAL, embedding_size=32), "encoder")
    assert (found.kind, found.table) == ("rotary", None)
    assert found.where == "roformer.encoder.embed_positions.weight"
    assert (found.rotation.pairing, len(found.rotation.frequencies)) == ("neighbours", 8)
    np.testing.assert_allclose(
        found.rotation.frequencies, 10000.0 ** (-np.arange(8) / 8), rtol=1e-6
    )


def test_gemma3_turns_two_kinds_of_layers_in_two_ways():
    model = built(
        "gemma3_text",
        **USUAL,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=4,
        layer_types=["sliding_attention", "full_attention"],
    )
    found = encodings_of(model, "decoder")
    by_layers = {one.rotation.layers: one.rotation for one in found if one.rotation}
    assert by_layers.keys() == {"sliding_attention", "full_attention"}
    assert {one.where for one in found} == {"model.rotary_emb"}
    assert {one.made_by for one in found} == {"Gemma3RotaryEmbedding"}
    for layers, base in (("sliding_attention", 1e4), ("full_attention", 1e6)):
        rotation = by_layers[layers]
        assert (rotation.settings.base, rotation.pairing) == (base, "halves")
        np.testing.assert_allclose(
            rotation.frequencies, base ** (-np.arange(8) / 8.0), rtol=1e-6, atol=0
        )
        cos, _ = model.model.rotary_emb(torch.zeros(1, 9, 16), torch.arange(9)[None], layers)
        angles = np.arange(9)[:, None] * rotation.frequencies
        np.testing.assert_allclose(cos[0, :, :8], np.cos(angles), rtol=0, atol=1e-6)


# ── Biases ───────────────────────────────────────────────────────────────────────────


def in_buckets(buckets, n):
    """[head, query, key] by T5's formula, distance by distance."""
    bias = np.zeros((buckets.table.shape[1], n, n))
    count = len(buckets.table) // (2 if buckets.both_ways else 1)
    for query in range(n):
        for key in range(n):
            far = query - key if not buckets.both_ways else abs(query - key)
            bucket = far = max(0, far)
            exact = count // 2
            if far >= exact:
                share = np.log(far / exact) / np.log(buckets.max_distance / exact)
                bucket = min(count - 1, exact + int(share * (count - exact)))
            if buckets.both_ways and key > query:
                bucket += count
            bias[:, query, key] = buckets.table[bucket]
    return bias


def test_t5_has_buckets_both_ways_in_the_encoder_and_one_way_in_the_decoder():
    model = built("t5", "Seq2SeqLM", **T5, relative_attention_max_distance=20)
    nn.init.normal_(model.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight)
    found = encodings_of(model, "encoder-decoder")
    assert [one.stacks for one in found] == [("encoder",), ("decoder",)]
    for one in found:
        (stack,) = one.stacks
        owner = getattr(model, stack).block[0].layer[0].SelfAttention
        assert (one.kind, one.made_by) == ("buckets", "T5Attention")
        assert one.where == f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        assert one.buckets is not None
        assert one.buckets.both_ways is (stack == "encoder")
        assert one.buckets.max_distance == 20
        assert one.buckets.table.shape == (32, 4)
        with torch.no_grad():
            theirs = owner.compute_bias(40, 40)[0].numpy()
        np.testing.assert_allclose(in_buckets(one.buckets, 40), theirs, rtol=0, atol=1e-6)


def test_mpnet_has_a_table_and_buckets():
    model = built("mpnet", "MaskedLM", **USUAL)
    table, buckets = encodings_of(model, "encoder")
    assert (table.kind, table.where) == ("learned", "mpnet.embeddings.position_embeddings.weight")
    assert table.table is not None
    np.testing.assert_array_equal(
        given_out(model, "mpnet.embeddings.position_embeddings"), table.table[:12]
    )
    assert (buckets.kind, buckets.made_by) == ("buckets", "MPNetEncoder")
    assert buckets.where == "mpnet.encoder.relative_attention_bias.weight"
    with torch.no_grad():
        theirs = model.mpnet.encoder.compute_position_bias(torch.zeros(1, 12, 32))[0].numpy()
    np.testing.assert_allclose(in_buckets(buckets.buckets, 12), theirs, rtol=0, atol=1e-6)


FALCON = USUAL | {"num_kv_heads": 1, "multi_query": True}
MPT = {"vocab_size": 99, "d_model": 36, "n_heads": 6, "n_layers": 2, "max_seq_len": 64}
ADDING = {
    "bloom": (
        {"vocab_size": 99, "hidden_size": 36, "n_layer": 2, "n_head": 6},
        "transformer.build_alibi_tensor",
        "BloomModel",
    ),
    "falcon": (FALCON | {"alibi": True, "num_attention_heads": 4}, "config.alibi", "FalconModel"),
    "mpt": (MPT, "transformer.build_mpt_alibi_tensor", "MptModel"),
}


@pytest.mark.parametrize("kind", ADDING)
def test_the_slopes_are_how_the_recorded_bias_grows_from_key_to_key(kind):
    sizes, where, made_by = ADDING[kind]
    model = built(kind, **sizes)
    found = only(model)
    assert (found.kind, found.where, found.made_by) == ("alibi", where, made_by)
    bias = record(model, {"input_ids": IDS}).calls[0].own("decoder", 0).record.bias
    assert found.slopes is not None and bias is not None
    grows = np.diff(bias[:, -1], axis=-1)
    assert found.slopes.shape == (len(bias),)
    assert (found.slopes > 0).all()
    # Falcon adds its bias before it divides by √d, and as a mask once more.
    factor = grows[0, 0] / found.slopes[0] if kind == "falcon" else 1.0
    wanted = np.repeat(factor * found.slopes[:, None], grows.shape[1], axis=1)
    np.testing.assert_allclose(grows, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["bloom", "falcon"])
def test_four_heads_have_the_slopes_of_the_paper(kind):
    sizes = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 1, "alibi": True}
    model = built(kind, **sizes, num_attention_heads=4)
    np.testing.assert_allclose(only(model).slopes, [1 / 4, 1 / 16, 1 / 64, 1 / 256], rtol=1e-6)


def test_falcon_without_alibi_is_rotary():
    assert only(built("falcon", **FALCON)).kind == "rotary"


def test_deberta_tells_distances_and_its_table_is_found_where_it_has_one():
    relative = {
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
    }
    sizes = USUAL | relative
    alone = only(built("deberta-v2", "MaskedLM", **sizes, position_biased_input=False), "encoder")
    assert (alone.kind, alone.made_by) == ("relative", "DebertaV2Encoder")
    assert alone.where == "deberta.encoder.rel_embeddings.weight"
    both = encodings_of(built("deberta-v2", "MaskedLM", **sizes), "encoder")
    assert [one.kind for one in both] == ["learned", "relative"]


def test_xlnet_tells_distances_in_every_layer_and_is_named_once():
    model = built("xlnet", vocab_size=99, d_model=32, n_layer=2, n_head=2, d_inner=40)
    found = only(model, "encoder")
    assert (found.kind, found.where) == ("relative", "transformer.layer.0.rel_attn.r_r_bias")


# ── Nothing, and surprises ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("family", ["mamba", "jamba"])
def test_a_model_with_no_positions_has_none(family, opened):
    (found,) = opened(family).encodings
    assert (found.kind, found.stacks, found.where) == ("none", ("decoder",), "")


def test_what_a_tower_for_pictures_places_is_no_token():
    config = transformers.Gemma3Config(
        text_config=USUAL | {"num_key_value_heads": 1, "head_dim": 16},
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
    )
    model = transformers.Gemma3ForConditionalGeneration(config).eval()
    found = encodings_of(model, "decoder")
    assert {one.kind for one in found} == {"rotary"}
    assert {one.where for one in found} == {"model.language_model.rotary_emb"}
    assert any("position_embedding" in name for name, _ in model.named_parameters())


class Surprising(nn.Module):
    """A module that is named after positions, and holds something else each time."""

    def __init__(self, what):
        super().__init__()
        self.weight = what

    @property
    def padding_idx(self):
        raise RuntimeError("no padding here")


@pytest.mark.parametrize("what", [None, "words", torch.zeros(3), torch.zeros(4, 4)])
def test_a_surprise_in_a_module_counts_as_nothing_found_there(what):
    model = built("llama", **USUAL, num_key_value_heads=2)
    model.model.position_embeddings = Surprising(what)
    model.model.relative_attention_bias = Surprising(what)
    kinds = [one.kind for one in encodings_of(model, "decoder")]
    assert "rotary" in kinds
    assert "learned" not in kinds


# ── Of checkpoints that were opened ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        ("bert", ["learned"]),
        ("roberta", ["learned"]),
        ("bart", ["learned", "learned"]),
        ("t5", ["buckets", "buckets"]),
        ("bloom", ["alibi"]),
        ("llama", ["rotary"]),
        ("deberta-v2", ["relative"]),
        ("gpt2", ["learned"]),
    ],
)
def test_an_opened_checkpoint_says_what_it_tells_positions_by(family, kinds, opened):
    model = opened(family)
    assert [one.kind for one in model.encodings] == kinds
    assert model.encodings is model.encodings


def test_no_array_of_an_encoding_can_be_written_to(opened):
    for family in ("bert", "bart", "t5", "bloom", "llama"):
        for one in opened(family).encodings:
            arrays = [one.table, one.slopes]
            arrays += [one.rotation.frequencies] if one.rotation else []
            arrays += [one.buckets.table] if one.buckets else []
            for array in arrays:
                assert array is None or (array.dtype == np.float32 and not array.flags.writeable)
