"""The pass of the first example is kept: it is what the model computes, or it is not taken."""

import shutil

import numpy as np
import pytest

from model_runtime import catalog
from model_runtime.builtin import first_pass, passes, weights
from model_runtime.builtin.opened import BuiltinModel, ids_of
from model_runtime.tracing import trace
from model_runtime.types import Request
from tests.model_runtime.reference import translator

SHIPPED = weights.folder_of("translator")
EXAMPLE = translator().info.examples[0]


def opened(folder=SHIPPED):
    return BuiltinModel(catalog.DEFAULT, weights.read(folder), folder)


@pytest.fixture
def copied(tmp_path):
    """The shipped model in a folder that may be written to."""
    return shutil.copytree(SHIPPED, tmp_path / "translator")


def test_the_pass_that_ships_is_what_the_model_computes():
    kept = first_pass.kept(SHIPPED)
    assert kept
    reading = translator().read(Request(catalog.DEFAULT, EXAMPLE))
    assert kept.source == [token.id for token in reading.source]
    assert kept.target == [token.id for token in reading.target]
    model, arrays = weights.load(SHIPPED).model, kept.arrays()
    computed = passes.recorded(model, *ids_of(reading))
    assert arrays.keys() == computed.keys()
    for name, array in arrays.items():
        assert array.dtype == computed[name].dtype and array.shape == computed[name].shape
        unit = max(1.0, np.abs(computed[name][np.isfinite(computed[name])]).max(initial=0.0))
        np.testing.assert_allclose(array / unit, computed[name] / unit, atol=1e-5, err_msg=name)


def test_it_is_shown_before_the_model_is_loaded():
    model = opened()
    found, own = trace(model, EXAMPLE), trace(translator(), EXAMPLE)
    assert not model._loaded.is_loaded
    assert found.check <= 1e-5 and found.reading == own.reading and found.info == own.info
    assert found.intermediates.keys() == own.intermediates.keys()
    for record, computed in zip(found.records, own.records, strict=True):
        for head in range(record.n_heads):
            np.testing.assert_allclose(record.pattern(head), computed.pattern(head), atol=1e-5)


@pytest.mark.parametrize("text", [EXAMPLE + " Yes.", "No."])
def test_of_another_text_the_model_is_loaded(text):
    model = opened()
    np.testing.assert_array_equal(trace(model, text).logits, trace(translator(), text).logits)
    assert model._loaded.is_loaded


def test_with_a_target_of_ones_own_the_model_is_loaded():
    model = opened()
    found, own = (trace(one, EXAMPLE, "\u732b") for one in (model, translator()))
    np.testing.assert_array_equal(found.logits, own.logits)


def test_once_the_model_is_loaded_it_computes_the_example_too():
    model = opened()
    model.load()
    np.testing.assert_array_equal(trace(model, EXAMPLE).logits, trace(translator(), EXAMPLE).logits)


def test_a_pass_of_other_weights_is_not_taken(copied):
    assert first_pass.kept(copied)
    place = copied / "model.safetensors"
    data = bytearray(place.read_bytes())
    data[-1] ^= 1
    place.write_bytes(data)
    assert first_pass.kept(copied) is None


@pytest.mark.parametrize("left", [0, 7, 5000])
def test_a_damaged_pass_is_not_taken(copied, left):
    place = copied / first_pass.FILE
    place.write_bytes(place.read_bytes()[:left])
    assert first_pass.kept(copied) is None
    assert trace(opened(copied), EXAMPLE).check <= 1e-5


def test_without_a_pass_the_model_is_loaded(copied):
    (copied / first_pass.FILE).unlink()
    model = opened(copied)
    assert trace(model, EXAMPLE).check <= 1e-5
    assert model._loaded.is_loaded


def test_a_pass_that_is_kept_is_read_again_to_the_last_digit(copied):
    (copied / first_pass.FILE).unlink()
    BuiltinModel(catalog.DEFAULT, weights.load(copied), copied).keep_first_pass()
    kept = first_pass.kept(copied)
    assert kept
    computed = passes.recorded(weights.load(copied).model, kept.source, kept.target[:-1])
    for name, array in kept.arrays().items():
        np.testing.assert_array_equal(array, computed[name], err_msg=name)
