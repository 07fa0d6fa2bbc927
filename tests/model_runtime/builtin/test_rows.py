"""Rows that join and leave are each what the decoder makes of their text alone.

Compared with `Transformer.decode` of the whole text, to 1e-5, for tiny random models.
"""

import random

import pytest
import torch

from model_runtime.builtin.placed import with_places
from model_runtime.builtin.rows import RowsDecoder
from model_runtime.positions.placing import Placing
from tests.model_runtime.builtin.test_decoding import TINY, sentence, tiny_model
from tests.model_runtime.builtin.tiny import POSITIONS

CONTEXT = TINY.context_length


def encoded(model, source):
    return model.encode(torch.tensor([source]))


def text(rng, length):
    return [rng.randrange(3, TINY.target_vocab_size) for _ in range(length)]


def whole(model, source, ids):
    """The last row [D] of a text that is read at once."""
    return model.decode(torch.tensor([ids]), encoded(model, source))[0, -1]


@torch.no_grad()
def read_at_random(model, n_texts, seed):
    """Let texts of 1 to CONTEXT tokens join and leave; the number of rows at each step."""
    rng = random.Random(seed)
    decoder, n_rows = RowsDecoder(model), []
    lengths = [1, CONTEXT, *(rng.randint(1, CONTEXT) for _ in range(n_texts - 2))]
    coming = [(sentence(seed + i), text(rng, n)) for i, n in enumerate(lengths)]
    rows: list[tuple[list[int], list[int], int]] = []  # source, text, tokens read
    while coming or rows:
        while coming and (not rows or rng.random() < 0.5):
            source, ids = coming.pop(0)
            decoder.join(encoded(model, source)[0])
            rows.append((source, ids, 0))
        found = decoder.read(torch.tensor([[ids[n]] for _, ids, n in rows]))
        rows = [(source, ids, n + 1) for source, ids, n in rows]
        expected = torch.stack([whole(model, source, ids[:n]) for source, ids, n in rows])
        torch.testing.assert_close(found[:, 0], expected, atol=1e-5, rtol=1e-5)
        n_rows.append(len(rows))
        for row in reversed(range(len(rows))):
            _, ids, n = rows[row]
            if n == len(ids):
                decoder.leave(row)
                last = rows.pop()
                if row < len(rows):
                    rows[row] = last
    return n_rows


@torch.no_grad()
def test_one_row_of_one_token_is_what_the_decoder_makes_of_it():
    model = tiny_model(4)
    decoder = RowsDecoder(model)
    decoder.join(encoded(model, [5, 3])[0])
    torch.testing.assert_close(decoder.read(torch.tensor([[2]]))[0, 0], whole(model, [5, 3], [2]))


@torch.no_grad()
def test_one_that_joins_later_begins_at_the_first_position_and_leaves_the_other_where_it_is():
    model = tiny_model(4)
    decoder = RowsDecoder(model)
    decoder.join(encoded(model, [5, 3])[0])
    decoder.read(torch.tensor([[2]]))
    decoder.join(encoded(model, [9, 4, 8, 3])[0])
    found = decoder.read(torch.tensor([[4], [2]]))
    torch.testing.assert_close(found[0, 0], whole(model, [5, 3], [2, 4]))
    torch.testing.assert_close(found[1, 0], whole(model, [9, 4, 8, 3], [2]))


@torch.no_grad()
def test_where_one_leaves_the_last_takes_its_place():
    model = tiny_model(4)
    decoder = RowsDecoder(model)
    for source in ([5, 3], [9, 4, 8, 3], [7, 7, 3]):
        decoder.join(encoded(model, source)[0])
    decoder.read(torch.tensor([[2], [2], [2]]))
    decoder.leave(0)
    found = decoder.read(torch.tensor([[5], [6]]))
    torch.testing.assert_close(found[0, 0], whole(model, [7, 7, 3], [2, 5]))
    torch.testing.assert_close(found[1, 0], whole(model, [9, 4, 8, 3], [2, 6]))


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_texts_that_join_and_leave_at_any_step_are_read_as_each_alone(positions, norm):
    n_rows = read_at_random(tiny_model(4, positions=positions, norm=norm), 40, 7)
    assert max(n_rows) > 8  # room was made twice
    assert n_rows.count(1) and len(set(n_rows)) > 5


@pytest.mark.parametrize("positions", POSITIONS)
def test_so_are_those_of_a_copy_whose_tokens_are_told_other_positions(positions):
    placing = Placing((), (3, None, 0, 5, 1, 1))
    read_at_random(with_places(tiny_model(4, positions=positions), placing), 12, 3)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
@torch.no_grad()
def test_one_whose_source_is_too_long_does_not_join_and_disturbs_nobody(positions):
    model = tiny_model(4, positions=positions)
    decoder = RowsDecoder(model)
    decoder.join(encoded(model, [5, 3])[0])
    decoder.read(torch.tensor([[2]]))
    with pytest.raises(RuntimeError):
        decoder.join(torch.ones(CONTEXT + 1, TINY.d_model))
    found = decoder.read(torch.tensor([[4]]))
    torch.testing.assert_close(found[0, 0], whole(model, [5, 3], [2, 4]))
