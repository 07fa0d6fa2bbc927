"""What a model writes: greedy against a loop written out here, a beam against every target.

Knows tiny random models only; how well a trained one translates is measured elsewhere.
"""

import itertools
import random
from dataclasses import replace

import pytest
import torch

from model_runtime.builtin import decoding
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.decoding import (
    beam_search,
    continued,
    greedy,
    greedy_batch,
    next_scores,
    sampled,
)
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from model_runtime.builtin.transformer import Transformer

TINY = TransformerConfig(
    topology="encoder-decoder",
    source_vocab_size=11,
    target_vocab_size=9,
    context_length=12,
    d_model=16,
    n_heads=2,
    d_ff=32,
    n_layers=2,
)
WRITABLE = [i for i in range(TINY.target_vocab_size) if i not in (PAD_ID, UNK_ID, BOS_ID)]
SEEDS = range(8)


def tiny_model(seed, **changes):
    torch.manual_seed(seed)
    return Transformer(replace(TINY, **changes)).eval()


def sentence(seed):
    rng = random.Random(seed)
    return [rng.randrange(4, TINY.source_vocab_size) for _ in range(rng.randrange(1, 9))] + [EOS_ID]


@torch.no_grad()
def log_probabilities(model, source, target):
    """Of every next token, after each token of the target: a list of tensors [V]."""
    x = model.decode(torch.tensor([target]), model.encode(torch.tensor([source])))
    logits = model.logits(x)[0]
    logits[:, [PAD_ID, UNK_ID, BOS_ID]] = -torch.inf
    return list(logits.log_softmax(dim=-1))


def log_probability(model, source, target):
    rows = log_probabilities(model, source, target[:-1])
    return sum(row[token].item() for row, token in zip(rows, target[1:], strict=True))


def test_two_beams_find_what_greedy_misses(monkeypatch):
    a, b, c, d = 4, 5, 6, 7
    following = {  # the likelier first step leads to the less likely whole
        BOS_ID: {a: 0.6, b: 0.4},
        a: {c: 0.55, d: 0.45},  # a c: 0.33
        b: {c: 0.9, d: 0.1},  # b c: 0.36
        c: {EOS_ID: 1.0},
        d: {EOS_ID: 1.0},
    }

    def next_scores(model, target, *_):
        shares = torch.zeros(len(target), TINY.target_vocab_size)
        for row, last in enumerate(target[:, -1].tolist()):
            for token, share in following[last].items():
                shares[row, token] = share
        return shares.log()

    class ReadsNothing:
        def __init__(self, *_):
            pass

        def read(self, ids):
            return ids

    def likeliest(model, ids, _):
        return next_scores(model, ids).argmax(dim=-1)

    monkeypatch.setattr(decoding, "next_scores", next_scores)
    monkeypatch.setattr(decoding, "CachedDecoder", ReadsNothing)
    monkeypatch.setattr(decoding, "likeliest", likeliest)
    model, source = tiny_model(0), sentence(0)
    assert greedy(model, source, 9, bos=BOS_ID, eos=EOS_ID) == [BOS_ID, a, c, EOS_ID]
    assert beam_search(model, source, 9, beams=2, bos=BOS_ID, eos=EOS_ID) == [BOS_ID, b, c, EOS_ID]


def test_a_target_of_one_token_is_only_its_beginning():
    assert greedy(tiny_model(0), sentence(0), 1, bos=BOS_ID, eos=EOS_ID) == [BOS_ID]
    assert beam_search(tiny_model(0), sentence(0), 1, bos=BOS_ID, eos=EOS_ID) == [BOS_ID]


@pytest.mark.parametrize("seed", SEEDS)
def test_greedy_takes_the_likeliest_token_at_every_step(seed):
    model, source = tiny_model(seed), sentence(seed)
    expected = [BOS_ID]
    while len(expected) < 10 and expected[-1] != EOS_ID:
        expected.append(int(log_probabilities(model, source, expected)[-1].argmax()))
    assert greedy(model, source, 10, bos=BOS_ID, eos=EOS_ID) == expected


def test_some_tiny_model_comes_to_an_end_and_some_is_cut_off():
    # Otherwise the tests here would show one of the two cases only.
    targets = [greedy(tiny_model(s), sentence(s), 10, bos=BOS_ID, eos=EOS_ID) for s in SEEDS]
    assert {target[-1] == EOS_ID for target in targets} == {True, False}


@pytest.mark.parametrize("decode", [greedy, beam_search])
@pytest.mark.parametrize(("limit", "length"), [(2, 2), (7, 7), (12, 12), (99, 12)])
def test_a_target_that_never_ends_is_cut_at_the_limit_or_the_context(decode, limit, length):
    never_written = UNK_ID
    assert len(decode(tiny_model(1), sentence(1), limit, bos=BOS_ID, eos=never_written)) == length


@pytest.mark.parametrize("seed", SEEDS)
def test_padding_unknown_and_a_second_beginning_are_never_written(seed):
    model, source = tiny_model(seed), sentence(seed)
    with torch.no_grad():  # make just these the likeliest
        model.unembedding.weight[[PAD_ID, UNK_ID, BOS_ID]] *= 20
    for target in (
        greedy(model, source, 12, bos=BOS_ID, eos=EOS_ID),
        beam_search(model, source, 12, bos=BOS_ID, eos=EOS_ID),
        *greedy_batch(model, [source, sentence(99)], 12, bos=BOS_ID, eos=EOS_ID),
    ):
        assert not {PAD_ID, UNK_ID, BOS_ID} & set(target[1:])
        assert EOS_ID not in target[:-1]


def test_a_batch_writes_what_each_sentence_gets_alone():
    for seed in SEEDS:
        model = tiny_model(seed)
        sources = [sentence(100 * seed + i) for i in range(6)]
        together = greedy_batch(model, sources, 10, bos=BOS_ID, eos=EOS_ID)
        alone = [greedy(model, source, 10, bos=BOS_ID, eos=EOS_ID) for source in sources]
        assert together == alone


@pytest.mark.parametrize("seed", SEEDS)
def test_a_beam_of_one_is_greedy(seed):
    model, source = tiny_model(seed), sentence(seed)
    expected = greedy(model, source, 10, bos=BOS_ID, eos=EOS_ID)
    assert beam_search(model, source, 10, beams=1, bos=BOS_ID, eos=EOS_ID) == expected


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_a_beam_wide_enough_finds_the_best_of_all_targets(seed, length_penalty):
    model, source = tiny_model(seed), sentence(seed)
    whole = [
        [BOS_ID, *written]
        for n in (1, 2, 3)
        for written in itertools.product(WRITABLE, repeat=n)
        if EOS_ID not in written[:-1] and (n == 3 or written[-1] == EOS_ID)
    ]

    def worth(target):
        return log_probability(model, source, target) / (len(target) - 1) ** length_penalty

    found = beam_search(
        model, source, 4, beams=999, length_penalty=length_penalty, bos=BOS_ID, eos=EOS_ID
    )
    assert found == max(whole, key=worth)


@pytest.mark.parametrize("seed", SEEDS)
def test_four_beams_find_a_target_at_least_as_likely_as_greedy(seed):
    # No theorem: a beam may lose greedy's way. On such small ground it should not.
    model, source = tiny_model(seed), sentence(seed)
    single = greedy(model, source, 10, bos=BOS_ID, eos=EOS_ID)
    best = beam_search(model, source, 10, beams=4, length_penalty=0, bos=BOS_ID, eos=EOS_ID)
    assert log_probability(model, source, best) >= log_probability(model, source, single) - 1e-5


# --- a decoder alone -------------------------------------------------------------------------

WRITER = replace(TINY, topology="decoder", source_vocab_size=0, tie_unembedding=False)
GIVEN = [BOS_ID, 4, 7, 5]


def tiny_writer(seed, **changes):
    torch.manual_seed(seed)
    return Transformer(replace(WRITER, **changes)).eval()


def continuation(model, ids, n_more, eos=EOS_ID):
    return continued(model, ids, n_more, bos=BOS_ID, eos=eos)


def draw(model, ids, max_length, seed, temperature=1.0, eos=EOS_ID):
    generator = torch.Generator().manual_seed(seed)
    return sampled(
        model, ids, max_length, bos=BOS_ID, eos=eos, temperature=temperature, generator=generator
    )


@torch.no_grad()
def likeliest_each_time(model, ids, n_more):
    ids = list(ids)
    while n_more and len(ids) <= WRITER.context_length:
        scores = model.logits(model.decode(torch.tensor([ids])))[0, -1].clone()
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -torch.inf
        ids.append(int(scores.argmax()))
        n_more -= 1
        if ids[-1] == EOS_ID:
            break
    return ids


@pytest.mark.parametrize("seed", SEEDS)
def test_a_continuation_takes_the_likeliest_token_at_every_step(seed):
    model = tiny_writer(seed)
    assert continuation(model, GIVEN, 6) == likeliest_each_time(model, GIVEN, 6)


def test_some_tiny_writer_comes_to_an_end_and_some_is_cut_off():
    texts = [continuation(tiny_writer(s), GIVEN, 8) for s in SEEDS]
    assert {text[-1] == EOS_ID for text in texts} == {True, False}


@pytest.mark.parametrize("n_more", [0, 1, 3])
def test_a_continuation_is_as_long_as_asked_if_it_never_ends(n_more):
    text = continuation(tiny_writer(1), GIVEN, n_more, eos=UNK_ID)  # never written
    assert text[:4] == GIVEN
    assert len(text) == 4 + n_more


def test_a_continuation_may_predict_one_token_beyond_the_context():
    never_written = UNK_ID
    for n_given in (9, 11, 12):
        given = [BOS_ID, *[4] * (n_given - 1)]
        text = continuation(tiny_writer(1), given, 99, eos=never_written)
        assert len(text) == WRITER.context_length + 1
        assert text[:n_given] == given


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sample_from_an_equal_generator_is_equal(seed):
    model = tiny_writer(0)
    assert draw(model, GIVEN, 12, seed) == draw(model, GIVEN, 12, seed)
    assert len({tuple(draw(model, GIVEN, 12, other)) for other in SEEDS}) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sample_at_a_temperature_near_zero_is_the_likeliest_text(seed):
    model = tiny_writer(seed)
    cold = draw(model, GIVEN, 12, seed, temperature=1e-4)
    assert cold == likeliest_each_time(model, GIVEN, 8)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 50.0])
def test_no_sample_holds_padding_unknown_or_a_second_beginning(seed, temperature):
    model = tiny_writer(seed)
    with torch.no_grad():
        model.unembedding.weight[[PAD_ID, UNK_ID, BOS_ID]] *= 20
    for text in (
        draw(model, [BOS_ID], 12, seed, temperature),
        continuation(model, [BOS_ID], 11),
    ):
        assert text[0] == BOS_ID
        assert not {PAD_ID, UNK_ID, BOS_ID} & set(text[1:])
        assert EOS_ID not in text[:-1]


def test_a_sample_stops_at_its_end_at_the_limit_and_at_the_context():
    model = tiny_writer(0)
    texts = [draw(model, GIVEN, 8, seed, temperature=5.0) for seed in range(40)]
    ended = [text for text in texts if text[-1] == EOS_ID]
    assert ended and all(text.index(EOS_ID) == len(text) - 1 for text in ended)
    assert {len(text) for text in texts if text[-1] != EOS_ID} == {8}
    endless = [draw(model, GIVEN, limit, 0, eos=UNK_ID) for limit in (4, 9, 99)]
    assert [len(text) for text in endless] == [4, 9, WRITER.context_length]


def test_samples_are_drawn_with_the_shares_of_the_softmax():
    model = tiny_writer(0)
    n = 1000
    for temperature in (1.0, 0.5):
        with torch.no_grad():
            scores = model.logits(model.decode(torch.tensor([GIVEN])))[0, -1].clone()
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -torch.inf
        expected = (scores / temperature).softmax(dim=-1)
        generator = torch.Generator().manual_seed(1)
        counts = torch.zeros(WRITER.target_vocab_size)
        for _ in range(n):
            text = sampled(
                model, GIVEN, 5, bos=BOS_ID, eos=EOS_ID, temperature=temperature,
                generator=generator,
            )  # fmt: skip
            counts[text[-1]] += 1
        # Four standard deviations of the commonest share, √(¼ / n).
        assert (counts / n - expected).abs().max() < 4 * 0.5 / n**0.5


@torch.no_grad()
def test_the_next_scores_are_the_last_logits_without_what_no_text_is_written_with():
    model, target = tiny_writer(2), torch.tensor([GIVEN, GIVEN[::-1]])
    scores = next_scores(model, target, None, None, BOS_ID)
    plain = model.logits(model.decode(target))[:, -1]
    torch.testing.assert_close(scores[:, 3:], plain[:, 3:])
    assert torch.isneginf(scores[:, [PAD_ID, UNK_ID, BOS_ID]]).all()
