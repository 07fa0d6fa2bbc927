"""Frequencies against transformers' own for real configs; turned vectors against Llama's, GPT-J's
and ours."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, Phi3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.gptj import modeling_gptj as gptj
from transformers.models.llama import modeling_llama as llama
from transformers.models.phi3 import modeling_phi3 as phi3

from model_runtime.builtin.transformer import rotate
from model_runtime.positions.encodings import SCALINGS, RotarySettings
from model_runtime.positions.rotary import (
    attention_factor,
    frequencies,
    rotated,
    score,
    scores_by_distance,
)

D_HEAD = 32
SHORT = tuple(1.0 + 0.05 * pair for pair in range(D_HEAD // 2))
LONG = tuple(1.0 + 2.0 * pair for pair in range(D_HEAD // 2))


def case(scaling, base=10000.0, trained=64, **parameters):
    """Our settings, and what transformers' config calls the same."""
    ours = RotarySettings(D_HEAD, base, scaling, original_length=trained, **parameters)
    names = {"rope_type": scaling, "rope_theta": base}
    lists = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }
    theirs = {**names, "original_max_position_embeddings": trained, **lists}
    if scaling in ("default", "linear", "dynamic"):
        del theirs["original_max_position_embeddings"]
    return ours, theirs


YARN = {"factor": 16.0}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONGROPE = {"factor": 32.0, "short_factor": SHORT, "long_factor": LONG}
CASES = {
    "linear": case("linear", factor=4.0),
    "linear, another base": case("linear", 5e5, factor=2.5),
    "dynamic": case("dynamic", factor=2.0),
    "dynamic, another length": case("dynamic", 1e6, 100, factor=4.0),
    "yarn": case("yarn", **YARN),
    "yarn, long": case("yarn", 1e6, 4096, factor=40.0, beta_fast=48.0, beta_slow=2.0),
    "yarn, bounds as they are": case("yarn", trained=4096, truncate=False, **YARN),
    "yarn, a ramp without width": case(
        "yarn", beta_fast=4.0, beta_slow=4.0, truncate=False, **YARN
    ),
    "yarn, deepseek": case("yarn", trained=4096, mscale=0.7, mscale_all_dim=1.3, **YARN),
    "yarn, one mscale": case("yarn", mscale=0.7, **YARN),
    "yarn, the other mscale": case("yarn", mscale_all_dim=0.7, **YARN),
    "yarn, every pair turns often": case("yarn", 10.0, 4096, beta_fast=300.0, **YARN),
    "yarn, shorter": case("yarn", factor=0.5),
    "yarn, its own factor": case("yarn", attention_factor=1.5, **YARN),
    "yarn, no longer": case("yarn", factor=1.0),
    "llama3": case("llama3", 5e5, 8192, **LLAMA3),
    "llama3, short": case("llama3", trained=256, **LLAMA3),
    "llama3, other bounds": case(
        "llama3", 5e5, 4096, factor=32.0, low_freq_factor=2.0, high_freq_factor=16.0
    ),
    "longrope": case("longrope", trained=4096, **LONGROPE),
    "longrope, short": case("longrope", **LONGROPE),
    "longrope, its own factor": case("longrope", attention_factor=1.2, **LONGROPE),
    "longrope, shorter": case("longrope", factor=0.5, short_factor=SHORT, long_factor=LONG),
    "longrope, no longer": case("longrope", factor=1.0, short_factor=SHORT, long_factor=LONG),
}


def config_of(settings, parameters, kind=LlamaConfig):
    # "dynamic" finds the trained length in max_position_embeddings, the others in the parameters.
    trained = settings.original_length
    length = trained if settings.scaling == "dynamic" else int(trained * settings.factor)
    more = {"original_max_position_embeddings": trained} if kind is Phi3Config else {}
    return kind(
        hidden_size=4 * D_HEAD,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=length,
        rope_parameters=dict(parameters),
        pad_token_id=0,
        **more,
    )


# ── Frequencies ──────────────────────────────────────────────────────────────────────


def test_two_pairs_turn_by_one_and_by_a_hundredth():
    np.testing.assert_allclose(frequencies(RotarySettings(4)), [1, 0.01], rtol=1e-15)
    halved = RotarySettings(4, scaling="linear", factor=2.0)
    np.testing.assert_allclose(frequencies(halved), [0.5, 0.005], rtol=1e-15)


def test_every_scaling_that_has_a_formula_is_compared():
    assert {settings.scaling for settings, _ in CASES.values()} | {"default"} == set(SCALINGS)


@pytest.mark.parametrize("base", [10.0, 10000.0, 1e6])
def test_the_default_is_that_of_llama(base):
    settings, parameters = case("default", base)
    rotation = llama.LlamaRotaryEmbedding(config_of(settings, parameters))
    np.testing.assert_allclose(frequencies(settings), rotation.inv_freq, rtol=1e-6)
    assert attention_factor(settings) == rotation.attention_scaling == 1


@pytest.mark.parametrize("length", [0, 1, 64, 65, 300, 5000])
@pytest.mark.parametrize("name", CASES)
def test_a_scaling_is_that_of_transformers(name, length):
    settings, parameters = CASES[name]
    config = config_of(settings, parameters)
    theirs, factor = ROPE_INIT_FUNCTIONS[settings.scaling](config, seq_len=length or None)
    found = frequencies(settings, length)
    assert found.shape == (D_HEAD // 2,)
    np.testing.assert_allclose(found, theirs, rtol=1e-6)
    assert attention_factor(settings) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize("length", [1, 64, 65, 300])
def test_a_dynamic_model_that_is_run_on_a_text_has_the_frequencies_of_its_length(length):
    settings, parameters = CASES["dynamic"]
    rotation = llama.LlamaRotaryEmbedding(config_of(settings, parameters))
    rotation(torch.zeros(1), torch.arange(length)[None])
    np.testing.assert_allclose(frequencies(settings, length), rotation.inv_freq, rtol=1e-6)


@pytest.mark.parametrize("length", [1, 64, 65, 300])
def test_a_model_that_is_run_on_a_long_text_has_the_long_factors(length):
    settings, parameters = CASES["longrope, short"]
    rotation = phi3.Phi3RotaryEmbedding(config_of(settings, parameters, Phi3Config))
    cos, _ = rotation(torch.zeros(1), torch.arange(length)[None])
    np.testing.assert_allclose(frequencies(settings, length), rotation.inv_freq, rtol=1e-6)
    assert cos[0, 0, 0].item() == pytest.approx(attention_factor(settings), rel=1e-6)


def test_dynamic_scaling_of_a_single_pair_changes_nothing():
    # The library divides by d − 2 here and fails.
    single = RotarySettings(2, scaling="dynamic", factor=4.0, original_length=8)
    assert frequencies(single, 100).tolist() == [1]


@given(st.sampled_from([name for name in CASES if "shorter" not in name]), st.integers(0, 10**6))
def test_no_scaling_makes_a_pair_turn_faster_than_the_default(name, length):
    settings, _ = CASES[name]
    plain = frequencies(replace(settings, scaling="default"))
    assert (frequencies(settings, length) <= plain * (1 + 1e-12)).all()
    assert (frequencies(settings, length) > 0).all()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (RotarySettings(8, scaling="proportional"), "no formula for the scaling 'proportional'"),
        (RotarySettings(0), "0 dimensions make none"),
        (RotarySettings(7), "7 dimensions make none"),
        (RotarySettings(8, base=0.0), "base must be a number over 0"),
        (RotarySettings(8, base=math.nan), "base must be a number over 0"),
        (RotarySettings(8, scaling="linear", factor=0.0), "factor must be a number over 0"),
        (RotarySettings(8, scaling="dynamic", factor=2.0), "dynamic needs the length"),
        (RotarySettings(8, scaling="yarn", factor=2.0), "yarn needs the length"),
        (RotarySettings(8, 1.0, "yarn", 2.0, 64), "yarn needs a base that is not 1"),
        (RotarySettings(8, scaling="yarn", original_length=64, beta_fast=0.0), "betas of yarn"),
        (RotarySettings(8, scaling="llama3", factor=2.0), "llama3 needs the length"),
        (
            RotarySettings(8, scaling="llama3", original_length=64, high_freq_factor=1.0),
            "under its high factor",
        ),
        (RotarySettings(8, scaling="longrope", factor=2.0), "longrope needs the length"),
        (
            RotarySettings(4, scaling="longrope", original_length=64, short_factor=(1.0, 1.0)),
            "a factor over 0 for each of 2 pairs",
        ),
        (
            RotarySettings(
                2, scaling="longrope", original_length=64, short_factor=(1.0,), long_factor=(0.0,)
            ),
            "a factor over 0 for each of 1 pairs",
        ),
    ],
)
def test_settings_without_a_meaning_are_said(settings, why):
    with pytest.raises(ValueError, match=why):
        frequencies(settings)
    with pytest.raises(ValueError, match=why):
        attention_factor(settings)


# ── Turned vectors ───────────────────────────────────────────────────────────────────

TWO = np.array([1.0, 0.01])  # frequencies
pairings = st.sampled_from(["neighbours", "halves"])
numbers = st.floats(-5, 5)
vectors = st.lists(numbers, min_size=6, max_size=6).map(np.array)
positions = st.integers(-3000, 3000)


@pytest.fixture
def in_64_bits():
    """Our models make their angles in torch's default of 32 bits: 1e-6 at the tenth position."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_a_quarter_turn_brings_the_first_dimension_to_the_second():
    quarter = np.array([math.pi / 2])
    np.testing.assert_allclose(rotated(np.array([1.0, 0.0]), 1, quarter), [0, 1], atol=1e-15)
    np.testing.assert_allclose(rotated(np.array([0.0, 1.0]), 1, quarter), [-1, 0], atol=1e-15)


def test_a_pair_is_two_neighbours_or_one_of_each_half():
    vector, turn = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([math.pi / 2, 0.0])
    near = rotated(vector, 1, turn, "neighbours")
    far = rotated(vector, 1, turn, "halves")
    np.testing.assert_allclose(near, [-2, 1, 3, 4, 5], atol=1e-12)
    np.testing.assert_allclose(far, [-3, 2, 1, 4, 5], atol=1e-12)


def test_halves_are_turned_as_llama_turns_them():
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 3, 50, D_HEAD, dtype=torch.float64)
    settings, _ = case("default")
    angles = torch.outer(torch.arange(50).double(), torch.tensor(frequencies(settings)))
    both = torch.cat([angles, angles], dim=-1)[None]
    theirs = llama.apply_rotary_pos_emb(q, k, both.cos(), both.sin())
    for vectors, expected in zip((q, k), theirs, strict=True):
        found = rotated(vectors.numpy(), np.arange(50), frequencies(settings), "halves")
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_neighbours_are_turned_as_gpt_j_turns_them():
    torch.manual_seed(0)
    q = torch.randn(1, 50, 2, D_HEAD, dtype=torch.float64)  # [batch, position, head, d_head]
    settings, _ = case("default")
    angles = torch.outer(torch.arange(50).double(), torch.tensor(frequencies(settings)))[None]
    expected = gptj.apply_rotary_pos_emb(q, angles.sin(), angles.cos())
    found = rotated(q.numpy(), np.arange(50)[:, None], frequencies(settings))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_default_is_that_of_gpt_j():
    sines = gptj.create_sinusoidal_positions(2, D_HEAD)[1, : D_HEAD // 2]
    np.testing.assert_allclose(np.sin(frequencies(case("default")[0])), sines, atol=1e-6)


@pytest.mark.parametrize("base", [100.0, 10000.0])
def test_neighbours_are_turned_as_our_own_models_turn_them(base, in_64_bits):
    torch.manual_seed(0)
    x = torch.randn(2, 50, D_HEAD)
    found = rotated(x.numpy(), np.arange(50), frequencies(RotarySettings(D_HEAD, base)))
    np.testing.assert_allclose(found, rotate(x, base), atol=1e-6)


def test_one_vector_at_many_positions_and_many_at_one():
    vectors = np.random.default_rng(0).normal(size=(3, 6))
    spread = rotated(vectors[0], np.arange(5), TWO)
    together = rotated(vectors, 4, TWO)
    assert spread.shape == (5, 6)
    assert together.shape == (3, 6)
    np.testing.assert_allclose(spread[4], together[0], atol=1e-15)


def test_vectors_are_left_as_they_were():
    vector = np.arange(6.0)
    rotated(vector, 3, TWO)
    assert vector.tolist() == [0, 1, 2, 3, 4, 5]


@given(vectors, positions, pairings)
def test_turning_keeps_lengths_and_turning_back_undoes_it(vector, position, pairing):
    turned = rotated(vector, position, TWO, pairing)
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(vector), abs=1e-9)
    np.testing.assert_allclose(rotated(turned, -position, TWO, pairing), vector, atol=1e-9)


def test_the_score_of_one_pair_falls_with_the_cosine_of_the_distance():
    q = k = np.array([2.0, 0.0])
    one = np.array([1.0])
    assert score(q, k, 7, 4, one) == pytest.approx(4 * math.cos(3))
    assert scores_by_distance(q, k, [0, 3, -3], one) == pytest.approx(
        [4, 4 * math.cos(3), 4 * math.cos(3)]
    )


@given(vectors, vectors, positions, positions, positions, pairings)
def test_a_score_depends_on_the_difference_of_the_positions_only(q, k, query, key, by, pairing):
    here = score(q, k, query, key, TWO, pairing)
    assert score(q, k, query + by, key + by, TWO, pairing) == pytest.approx(here, abs=1e-6)
    (found,) = scores_by_distance(q, k, [query - key], TWO, pairing)
    assert found == pytest.approx(here, abs=1e-6)


@given(vectors, vectors, positions)
def test_a_score_is_the_real_part_of_a_product_of_complex_numbers(q, k, distance):
    turned = (q[0::2] + 1j * q[1::2]) * np.exp(1j * distance * np.append(TWO, 0))
    expected = (turned * np.conj(k[0::2] + 1j * k[1::2])).sum().real
    (found,) = scores_by_distance(q, k, [distance], TWO)
    assert found == pytest.approx(expected, abs=1e-6)


def test_vectors_that_do_not_fit_are_said():
    with pytest.raises(ValueError, match="2 pairs need 4 dimensions, and there are 3"):
        rotated(np.zeros(3), 1, TWO)
    with pytest.raises(ValueError, match="neighbours or halves, not 'thirds'"):
        rotated(np.zeros(4), 1, TWO, "thirds")  # type: ignore[arg-type]
