"""From one recorded call to a record: bias and mask told apart, tables made once."""

import numpy as np
import pytest
import torch

from model_runtime.huggingface.calls import AttentionCall, Once, bias_and_mask

LOWEST = torch.finfo(torch.float32).min


def test_what_is_added_is_told_apart_into_bias_and_mask():
    bias, mask = bias_and_mask(torch.tensor([[[[0.5, float("-inf")]]]]), None)
    assert bias is not None and mask is not None
    assert bias.tolist() == [[[[0.5, 0.0]]]]
    assert mask.tolist() == [[[[True, False]]]]


@pytest.mark.parametrize("hidden", [float("-inf"), LOWEST, LOWEST + 3.5, -10_000.0])
def test_every_way_to_say_hidden_is_understood(hidden):
    bias, mask = bias_and_mask(torch.tensor([[[[0.0, hidden]]]]), None)
    assert bias is None and mask is not None
    assert mask.tolist() == [[[[True, False]]]]


def test_a_mask_that_hides_nothing_and_a_bias_of_zeros_are_none():
    assert bias_and_mask(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.bool)) == (
        None,
        None,
    )
    assert bias_and_mask(None, None) == (None, None)


def test_two_masks_hide_what_either_hides():
    added = torch.tensor([[[[0.0, LOWEST, 0.0]]]])
    visible = torch.tensor([[[[True, True, False]]]])
    _, mask = bias_and_mask(added, visible)
    assert mask is not None
    assert mask.tolist() == [[[[True, False, False]]]]


def a_call(**given):
    """One head, two queries, two keys; every value is the position's own."""
    eye = torch.eye(2)[None, None]
    return AttentionCall("m", q=eye, k=eye, v=eye, scale=1.0, added=None, z=eye, **given)


def test_one_sequence_of_a_batch_becomes_a_record():
    call = a_call()
    call.q = torch.cat([call.q, 2 * call.q])
    call.k, call.v, call.z = (t.expand(2, -1, -1, -1) for t in (call.k, call.v, call.z))
    call.added = torch.tensor([[[[0.0, LOWEST]]], [[[0.0, 0.0]]]])  # [batch, 1, 1, key]
    first, second = (call.own("decoder", 3, batch).record for batch in (0, 1))
    assert (first.stack, first.layer) == ("decoder", 3)
    assert first.visible(0).tolist() == [[True, False], [True, False]]
    assert second.visible(0).all()
    np.testing.assert_array_equal(second.q, 2 * first.q)


def test_a_call_without_its_result_is_no_record():
    call = a_call()
    call.z = None
    with pytest.raises(ValueError, match="without its result"):
        call.own("encoder", 0)


def test_a_table_is_made_once_for_the_same_tensors():
    once, made = Once(), []

    def make(tensor):
        made.append(tensor)
        return tensor * 2

    one, same = torch.ones(2), torch.ones(2)
    assert once(make, one) is once(make, one)
    assert once(make, same) is not once(make, one)
    assert len(made) == 2


def test_layers_that_share_a_mask_share_its_memory():
    once = Once()
    added = torch.tensor([[[[0.0, LOWEST], [0.0, 0.0]]]])
    calls = [a_call(once=once) for _ in range(2)]
    for call in calls:
        call.added = added
    one, other = (call.own("decoder", layer).record.mask for layer, call in enumerate(calls))
    assert np.shares_memory(one, other)
