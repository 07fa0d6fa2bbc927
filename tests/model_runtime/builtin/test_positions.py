"""How a token's place enters the numbers, against the formulas of the papers."""

import math

import numpy as np
import pytest
import torch

from model_runtime.builtin.transformer import alibi_bias, rotate, sinusoidal_table


def test_sinusoidal_positions_equal_the_formula_for_even_and_odd_widths():
    for d_model in (1, 2, 7, 24):
        table = sinusoidal_table(50, d_model)
        for position, column in np.ndindex(50, d_model):
            angle = position / 10000 ** ((column - column % 2) / d_model)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert table[position, column].item() == pytest.approx(expected, abs=1e-6)


def test_rotation_turns_each_pair_by_its_angle_and_keeps_its_length():
    torch.manual_seed(0)
    x = torch.randn(6, 4)
    turned = rotate(x)
    torch.testing.assert_close(turned[0], x[0])
    for position, pair in np.ndindex(6, 2):
        a, b = x[position, 2 * pair : 2 * pair + 2].tolist()
        angle = position / 10000 ** (pair / 2)
        number = complex(a, b) * complex(math.cos(angle), math.sin(angle))
        ours = turned[position, 2 * pair : 2 * pair + 2].tolist()
        assert ours == pytest.approx([number.real, number.imag], abs=1e-5)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))


def test_rotary_scores_depend_on_the_distance_only():
    torch.manual_seed(0)
    q, k = torch.randn(2, 8)
    scores = rotate(q.expand(12, 8)) @ rotate(k.expand(12, 8)).T
    for distance in range(-11, 12):
        diagonal = scores.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=1e-5)


def test_alibi_slopes_of_eight_heads_are_a_half_to_a_256th():
    bias = alibi_bias(8, 4, 6)
    assert (-bias[:, 0, 1]).tolist() == [2.0**-n for n in range(1, 9)]
    assert bias[0, 3].tolist() == [-1.5, -1, -0.5, 0, -0.5, -1]
    assert bias.shape == (8, 4, 6)
