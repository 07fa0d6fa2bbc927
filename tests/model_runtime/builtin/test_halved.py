"""A model whose weights are read in 16 bits computes what the model computes, and writes the same.

Compared with `nn.Linear` and with the shipped models as they are.
"""

import numpy as np
import pytest
import torch
from torch import nn

from model_runtime.builtin import halved as module
from model_runtime.builtin import passes, weights
from model_runtime.builtin.halved import HalvedLinear, halved, has_products
from model_runtime.builtin.opened import BuiltinModel
from model_runtime.builtin.tokenization import EOS_ID
from tests.model_runtime.builtin.test_decoding import tiny_model

CLOSE = 1e-5  # of the largest number beside it
WRITERS = ("translator", "zh-en", "reversal", "dates")


@pytest.fixture(autouse=True)
def there_are_such_products():
    """All of this is of a processor that has them, as those of the checks do."""
    assert has_products()


def linears(model):
    return [part for part in model.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize("bias", [True, False])
def test_two_numbers_times_two_weights_by_hand(bias):
    linear = nn.Linear(2, 1, bias=bias)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[0.5, -3.0]]))
        if bias:
            linear.bias.fill_(0.1)  # which 16 bits do not hold, and need not
    found = HalvedLinear(linear)(torch.tensor([[2.0, 1 / 3]]))
    assert found.tolist() == [[pytest.approx(0.1 if bias else 0.0, abs=1e-7)]]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 33, 130])
@pytest.mark.parametrize("shape", [(192, 192), (192, 768), (768, 192), (192, 2559), (7, 5)])
def test_a_product_is_that_of_32_bits(rows, shape):
    torch.manual_seed(rows)
    linear = nn.Linear(*shape)
    # From 1e-8, less than what 16 bits call normal, to 30.
    sizes = 10 ** torch.empty(shape[1], shape[0]).uniform_(-8, 1.5)
    with torch.no_grad():
        linear.weight.copy_((sizes * torch.randn_like(sizes).sign()).half())
        x = torch.randn(2, rows, shape[0])
        expected = nn.functional.linear(x.double(), linear.weight.double(), linear.bias.double())
        found = HalvedLinear(linear)(x)
    assert found.shape == expected.shape and found.dtype == torch.float32
    scale = float(expected.abs().max())
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=0, atol=CLOSE * scale)


@pytest.mark.parametrize("name", WRITERS)
def test_a_shipped_model_gives_the_same_logits_and_keeps_its_parts(name):
    model = weights.load_model(weights.folder_of(name))
    copy = halved(model)
    assert copy is not model and not linears(copy)
    assert len(linears(model)) > 10
    rng = np.random.default_rng(0)
    source = torch.tensor([rng.integers(4, model.config.source_vocab_size, 9).tolist()])
    target = torch.tensor([rng.integers(4, model.config.target_vocab_size, 11).tolist()])
    with torch.no_grad():
        expected = model.logits(model.decode(target, model.encode(source))).numpy()
        found = copy.logits(copy.decode(target, copy.encode(source))).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE * abs(expected).max())


@pytest.mark.parametrize("name", WRITERS)
def test_a_shipped_model_writes_the_same_targets(name):
    folder = weights.folder_of(name)
    model = weights.load_model(folder)
    rng = np.random.default_rng(1)
    sources = [
        [*rng.integers(4, model.config.source_vocab_size, n).tolist(), EOS_ID]
        for n in rng.integers(1, 20, 12)
    ]
    assert passes.written(halved(model), sources) == passes.written(model, sources)


def test_a_built_in_model_writes_with_such_a_copy_and_runs_as_it_is():
    opened = BuiltinModel("builtin:reversal", weights.load(weights.folder_of("reversal")))
    assert not linears(opened._writer)
    assert linears(opened._model)


def test_weights_that_16_bits_do_not_hold_stay_as_they_are():
    model = tiny_model(0)
    assert halved(model) is model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    assert halved(model) is not model
    with torch.no_grad():
        linears(model)[0].weight[0, 0] = 70_000.0  # beyond the largest
    assert halved(model) is model


def test_without_such_products_a_model_writes_as_it_is(monkeypatch):
    monkeypatch.setattr(module, "has_products", lambda: False)
    model = weights.load_model(weights.folder_of("reversal"))
    assert halved(model) is model
