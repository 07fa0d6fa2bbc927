"""A decoder that keeps keys and values gives the rows of one that reads all of a text at once.

Compared with `Transformer.decode`, to 1e-5, for tiny random models of every kind.
"""

import pytest
import torch

from model_runtime.builtin.cached import CachedDecoder
from model_runtime.builtin.placed import with_places
from model_runtime.positions.placing import Placing
from tests.model_runtime.builtin.test_decoding import tiny_model
from tests.model_runtime.builtin.tiny import POSITIONS

IDS = [2, 4, 7, 5, 8, 6, 4, 3]
OF_SOURCE = torch.tensor([[5, 6, 7, 8, 3], [9, 4, 3, 0, 0]])
REAL = OF_SOURCE != 0


def read_in_parts(decoder, ids, sizes):
    return torch.cat([decoder.read(part) for part in ids.split(sizes, dim=1)], dim=1)


@torch.no_grad()
def test_of_one_token_and_one_more_the_second_row_is_that_of_both():
    model = tiny_model(4, topology="decoder", source_vocab_size=0)
    decoder = CachedDecoder(model)
    decoder.read(torch.tensor([[2]]))
    both = model.decode(torch.tensor([[2, 4]]))
    torch.testing.assert_close(decoder.read(torch.tensor([[4]]))[0, 0], both[0, 1])


@pytest.mark.parametrize("sizes", [[8], [1] * 8, [3, 1, 4], [1, 7]])
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", POSITIONS)
@torch.no_grad()
def test_a_decoder_that_reads_in_parts_gives_the_rows_of_the_whole(positions, norm, sizes):
    model = tiny_model(4, positions=positions, norm=norm, topology="decoder", source_vocab_size=0)
    ids = torch.tensor([IDS, IDS[::-1]])
    found = read_in_parts(CachedDecoder(model), ids, sizes)
    torch.testing.assert_close(found, model.decode(ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
@torch.no_grad()
def test_so_it_does_beside_an_encoder_of_sources_that_differ_in_length(positions):
    model = tiny_model(4, positions=positions)
    memory = model.encode(OF_SOURCE, REAL)
    ids = torch.tensor([IDS, IDS[::-1]])
    found = read_in_parts(CachedDecoder(model, memory, REAL), ids, [1] * 8)
    torch.testing.assert_close(found, model.decode(ids, memory, REAL), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
@torch.no_grad()
def test_so_does_a_copy_whose_tokens_are_told_other_positions(positions):
    model = with_places(tiny_model(4, positions=positions), Placing((), (3, None, 0, 5, 1, 1)))
    memory = model.encode(OF_SOURCE, REAL)
    ids = torch.tensor([IDS, IDS[::-1]])
    found = read_in_parts(CachedDecoder(model, memory, REAL), ids, [2, 1, 1, 4])
    torch.testing.assert_close(found, model.decode(ids, memory, REAL), atol=1e-5, rtol=1e-5)
    if positions != "none":
        plain = tiny_model(4, positions=positions)
        assert not torch.allclose(found, plain.decode(ids, plain.encode(OF_SOURCE, REAL), REAL))
