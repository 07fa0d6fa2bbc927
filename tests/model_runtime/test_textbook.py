"""The example computed by hand: the paper's numbers, plain loops, torch, and the script."""

import math
import re
import runpy
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn.functional import scaled_dot_product_attention

from model_runtime.textbook import (
    LARGEST,
    MOST_DIMENSIONS,
    MOST_POSITIONS,
    SCRIPT,
    Worked,
    example,
    worked,
)

Doubles = NDArray[np.float64]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-15)


def random_example(seed, n=5, d=3, spread=1.0):
    q, k, v = np.random.default_rng(seed).normal(scale=spread, size=(3, n, d))
    return q, k, v


def in_loops(q, k, v, causal):
    """(shares, z), number by number, with Python's own floats and without a row max."""
    n, d = len(q), len(q[0])
    shares = []
    for i in range(n):
        exps = [
            0.0
            if causal and j > i
            else math.exp(math.fsum(float(q[i][c]) * float(k[j][c]) for c in range(d)) / d**0.5)
            for j in range(n)
        ]
        shares.append([each / math.fsum(exps) for each in exps])
    z = [
        [math.fsum(shares[i][j] * float(v[j][c]) for j in range(n)) for c in range(d)]
        for i in range(n)
    ]
    return np.array(shares), np.array(z)


def test_the_example_is_that_of_the_textbook():
    q, k, v = example()
    assert q.tolist() == [[0.1, 0.2, 0.3]] * 5
    assert k.tolist() == [[0.4, 0.5, 0.6]] * 5
    assert v.tolist() == [[0.7, 0.8, 0.9]] * 5


@pytest.mark.parametrize("n", range(1, MOST_POSITIONS + 1))
@pytest.mark.parametrize("d_k", range(1, MOST_DIMENSIONS + 1))
def test_the_example_counts_on_in_tenths_at_every_size(n, d_k):
    rows = np.concatenate([matrix[0] for matrix in example(n, d_k)])
    assert rows.tolist() == [tenth / 10 for tenth in range(1, 3 * d_k + 1)]
    assert all(matrix.shape == (n, d_k) for matrix in example(n, d_k))


def test_by_hand_equal_keys_share_equally_and_z_is_v():
    found = worked(*example())
    close(found.dot, np.full((5, 5), 0.32))
    close(found.scaled, np.full((5, 5), 0.32 / math.sqrt(3)))
    assert f"{found.scaled[0, 0]:.4f}" == "0.1848"
    np.testing.assert_array_equal(found.masked, found.scaled)
    np.testing.assert_array_equal(found.row_max, found.scaled[:, :1])
    np.testing.assert_array_equal(found.exp, np.ones((5, 5)))
    np.testing.assert_array_equal(found.row_sum, np.full((5, 1), 5.0))
    np.testing.assert_array_equal(found.shares, np.full((5, 5), 0.2))
    close(found.z, example()[2])


def test_one_position_keeps_its_value():
    q, k, v = example(1, 2)
    assert worked(q, k, v).shares.tolist() == [[1.0]]
    np.testing.assert_array_equal(worked(q, k, v).z, v)


def test_a_causal_mask_takes_the_later_keys_away():
    found = worked(*example(), causal=True)
    for i in range(5):
        assert np.isneginf(found.masked[i, i + 1 :]).all()
        np.testing.assert_allclose(found.shares[i], [1 / (i + 1)] * (i + 1) + [0] * (4 - i))
    assert found.row_sum[:, 0].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 6), (5, 3), (8, 6)])
def test_loops_find_the_same(n, d, causal):
    q, k, v = random_example(n * d, n, d)
    found = worked(q, k, v, causal=causal)
    shares, z = in_loops(q, k, v, causal)
    np.testing.assert_allclose(found.shares, shares, rtol=1e-12)
    np.testing.assert_allclose(found.z, z, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("causal", [False, True])
def test_torch_finds_the_same(causal):
    q, k, v = random_example(1, 8, 6)
    tensors = [torch.from_numpy(matrix)[None] for matrix in (q, k, v)]
    query, key, value = tensors
    theirs = scaled_dot_product_attention(query, key, value, is_causal=causal)
    np.testing.assert_allclose(worked(q, k, v, causal=causal).z, theirs[0].numpy(), rtol=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.floats(-LARGEST, LARGEST), min_size=3 * 4 * 2, max_size=3 * 4 * 2), st.booleans()
)
def test_numbers_of_any_size_give_shares_that_sum_to_one(numbers, causal):
    found = worked(*np.reshape(numbers, (3, 4, 2)), causal=causal)
    for field in fields(Worked):
        values = getattr(found, field.name)
        hidden = np.isneginf(values) if field.name == "masked" else np.zeros(values.shape, bool)
        assert np.isfinite(values[~hidden]).all()
    np.testing.assert_allclose(found.shares.sum(axis=1), 1, rtol=1e-12)
    assert (found.exp <= 1).all() and (found.row_sum >= 1).all()


@pytest.mark.parametrize("causal", [False, True])
def test_the_script_runs_and_prints_what_was_computed(causal, tmp_path, capsys):
    inputs = dict(zip("qkv", random_example(4), strict=True))
    script = SCRIPT.replace("{causal}", str(causal))
    for name, matrix in inputs.items():
        script = script.replace(f"{{{name}}}", repr(matrix.tolist()))
    path = tmp_path / "script.py"
    path.write_text(script, "utf-8")
    computed = runpy.run_path(str(path))
    printed = read_printed(capsys.readouterr().out)
    expected = asdict(worked(**inputs, causal=causal))
    assert list(printed) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(computed[name], values, rtol=1e-14, err_msg=name)
        np.testing.assert_allclose(printed[name], values, rtol=1e-14, err_msg=name)


def read_printed(text: str) -> dict[str, Doubles]:
    """The matrices of the script's output, by the names above them."""
    _, *blocks = re.split(r"^([a-z_]+)\n", text, flags=re.MULTILINE)
    rows = [[line.strip(" []").split() for line in block.splitlines()] for block in blocks[1::2]]
    return {name: np.array(each, dtype=float) for name, each in zip(blocks[::2], rows, strict=True)}
