"""A large pass is given all processors, a small one none more; afterwards all is as it was."""

import pytest
import torch

from model_runtime.huggingface import sharing
from model_runtime.huggingface.sharing import LARGE, shared


@pytest.fixture(autouse=True)
def one_thread_of_three(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(sharing, "processors", lambda: 3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("work", "threads"), [(0, 1), (LARGE - 1, 1), (LARGE, 3)])
def test_a_pass_is_given_processors_by_its_size(work, threads):
    with shared(work):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 1


def test_a_pass_that_fails_gives_them_back():
    with pytest.raises(KeyError), shared(LARGE):
        raise KeyError
    assert torch.get_num_threads() == 1
