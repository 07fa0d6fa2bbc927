"""The training loop: the loss by hand, the schedule, and going on after an interruption."""

import math
import random
from dataclasses import replace

import pytest
import torch

from model_runtime.builtin.batching import Batch, batches
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID
from model_runtime.builtin.training import (
    Schedule,
    asked,
    loss_of,
    perplexity,
    rate_at,
    train,
)
from model_runtime.builtin.transformer import Transformer

CONFIG = TransformerConfig(
    topology="encoder-decoder",
    source_vocab_size=10,
    target_vocab_size=10,
    context_length=8,
    d_model=16,
    n_heads=2,
    d_ff=32,
    n_layers=1,
    dropout=0.1,
)
SCHEDULE = Schedule(epochs=3, learning_rate=0.01, warmup_steps=4)
DEV = [Batch([[4, 5, EOS_ID]], [[BOS_ID, 4, 5, EOS_ID]])]


def fresh(**changes):
    torch.manual_seed(0)
    return Transformer(replace(CONFIG, **changes))


def copies(rng):
    """Sequences to copy: what such a model learns first."""
    words = [[rng.randrange(4, 10) for _ in range(rng.randrange(1, 5))] for _ in range(40)]
    pairs = [([*ids, EOS_ID], [BOS_ID, *ids, EOS_ID]) for ids in words]
    return list(batches(pairs, 48, rng))


def test_the_loss_is_the_mean_cross_entropy_of_the_next_tokens():
    model = fresh().eval()
    source, target = [4, 5, EOS_ID], [BOS_ID, 6, 7, EOS_ID]
    with torch.no_grad():
        x = model.decode(torch.tensor([target[:-1]]), model.encode(torch.tensor([source])))
        shares = model.logits(x)[0].softmax(dim=-1)
        loss = loss_of(model, Batch([source], [target])).item()
    by_hand = -sum(math.log(shares[row, target[row + 1]]) for row in range(3)) / 3
    assert loss == pytest.approx(by_hand, abs=1e-5)


def test_label_smoothing_gives_a_part_of_the_target_to_every_token():
    model = fresh().eval()
    batch = Batch([[4, EOS_ID]], [[BOS_ID, 6]])
    with torch.no_grad():
        x = model.decode(torch.tensor([[BOS_ID]]), model.encode(torch.tensor([[4, EOS_ID]])))
        logs = model.logits(x)[0, 0].log_softmax(dim=-1)
        loss = loss_of(model, batch, 0.1).item()
    assert loss == pytest.approx(-(0.9 * logs[6] + 0.1 * logs.mean()).item(), abs=1e-5)


@torch.no_grad()
def test_padding_adds_nothing_to_the_loss():
    model = fresh().eval()
    short = Batch([[4, EOS_ID]], [[BOS_ID, 6, EOS_ID]])
    filled = Batch([[4, EOS_ID, 0, 0]], [[BOS_ID, 6, EOS_ID, 0, 0]])
    assert loss_of(model, filled).item() == pytest.approx(loss_of(model, short).item(), abs=1e-5)


@torch.no_grad()
def test_perplexity_weighs_every_token_alike():
    model = fresh().eval()
    one = Batch([[4, EOS_ID]], [[BOS_ID, 6]])
    three = Batch([[5, EOS_ID]], [[BOS_ID, 7, 8, EOS_ID]])
    mean = (loss_of(model, one).item() + 3 * loss_of(model, three).item()) / 4
    assert perplexity(model, [one, three]) == pytest.approx(math.exp(mean), rel=1e-5)


def test_perplexity_leaves_dropout_out():
    model = fresh(dropout=0.9).train()
    assert perplexity(model, DEV) == perplexity(model, DEV)


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary_is_large():
    model = fresh(tie_unembedding=False)
    torch.nn.init.zeros_(model.unembedding.weight)
    assert perplexity(model, DEV) == pytest.approx(10, rel=1e-5)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine():
    rates = [rate_at(step, 12, SCHEDULE) for step in range(13)]
    assert rates[:5] == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01])
    assert rates[8] == pytest.approx(0.005)
    assert rates[12] == pytest.approx(0, abs=1e-12)
    assert rate_at(99, 12, SCHEDULE) == pytest.approx(0, abs=1e-12)
    assert rate_at(5, 4, SCHEDULE) >= 0  # fewer steps than warm-up


def weights_of(model):
    return [p.detach().clone() for p in model.parameters()]


def test_training_makes_the_model_better_and_says_by_how_much(tmp_path):
    model = fresh()
    before = perplexity(model, DEV)
    facts = train(model, copies, DEV, SCHEDULE, checkpoint=tmp_path / "c.safetensors")
    assert facts["epochs"] == 3
    assert isinstance(perplexities := facts["dev_perplexity"], list) and len(perplexities) == 3
    assert perplexities[-1] == round(perplexity(model, DEV), 3) < before
    steps = sum(len(copies(random.Random(1000 + epoch))) for epoch in range(3))
    assert facts["steps"] == steps


def test_an_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path):
    whole = fresh()
    whole_facts = train(whole, copies, DEV, SCHEDULE, checkpoint=tmp_path / "a.safetensors")
    asked = []

    def fails_once(rng):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return copies(rng)

    with pytest.raises(KeyboardInterrupt):
        train(fresh(), fails_once, DEV, SCHEDULE, checkpoint=tmp_path / "b.safetensors")
    model = Transformer(CONFIG)  # other weights: they come from the checkpoint
    facts = train(model, fails_once, DEV, SCHEDULE, checkpoint=tmp_path / "b.safetensors")
    assert len(asked) == 2 + 2
    assert facts | {"seconds": 0} == whole_facts | {"seconds": 0}
    for ours, theirs in zip(weights_of(model), weights_of(whole), strict=True):
        assert torch.equal(ours, theirs)


def test_a_training_that_is_done_does_nothing_more(tmp_path):
    path = tmp_path / "c.safetensors"
    model = fresh()
    facts = train(model, copies, DEV, SCHEDULE, checkpoint=path)
    done = weights_of(model)
    assert train(model, copies, DEV, SCHEDULE, checkpoint=path) == facts
    assert all(map(torch.equal, weights_of(model), done))


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    train(fresh(), copies, DEV, SCHEDULE, checkpoint=path)
    with pytest.raises(KeyError):
        train(fresh(n_layers=2), copies, DEV, SCHEDULE, checkpoint=path)


def test_nothing_half_written_is_left_beside_a_checkpoint(tmp_path):
    train(fresh(), copies, DEV, SCHEDULE, checkpoint=tmp_path / "deep" / "c.safetensors")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["c.safetensors"]


# --- what is asked, in each topology ---------------------------------------------------------


def alone(topology, **changes):
    sizes = {"source_vocab_size": 0 if topology == "decoder" else 10}
    return fresh(topology=topology, **(sizes | changes))


def logs(model, x):
    """Log shares of every token, [n, V]."""
    return model.logits(x).log_softmax(dim=-1)


@torch.no_grad()
def test_a_decoder_alone_is_asked_for_every_next_token():
    model = alone("decoder").eval()
    row = [BOS_ID, 6, 7, EOS_ID]
    x, expected = asked(model, Batch([], [row]))
    assert expected.tolist() == [6, 7, EOS_ID]
    direct = model.decode(torch.tensor([row[:-1]]))[0]
    torch.testing.assert_close(x, direct, atol=1e-6, rtol=0)
    by_hand = -sum(logs(model, direct)[n, row[n + 1]].item() for n in range(3)) / 3
    assert loss_of(model, Batch([], [row])).item() == pytest.approx(by_hand, abs=1e-5)


@torch.no_grad()
def test_a_decoder_alone_is_asked_only_where_the_batch_says_so():
    model = alone("decoder").eval()
    row = [BOS_ID, 6, 7, EOS_ID]
    batch = Batch([], [row], expected=[[PAD_ID, 9, PAD_ID]])  # after 6: 9, whatever follows
    x, expected = asked(model, batch)
    direct = model.decode(torch.tensor([row[:-1]]))[0]
    assert expected.tolist() == [9]
    torch.testing.assert_close(x, direct[1:2], atol=1e-6, rtol=0)
    by_hand = -logs(model, direct)[1, 9].item()
    assert loss_of(model, batch).item() == pytest.approx(by_hand, abs=1e-5)
    assert perplexity(model, [batch]) == pytest.approx(math.exp(by_hand), rel=1e-5)


@torch.no_grad()
def test_an_encoder_alone_is_asked_place_by_place():
    model = alone("encoder").eval()
    row, labels = [BOS_ID, 9, 7, EOS_ID], [PAD_ID, 6, PAD_ID, 5]
    x, expected = asked(model, Batch([row], [labels]))
    direct = model.encode(torch.tensor([row]))[0]
    assert expected.tolist() == [6, 5]
    torch.testing.assert_close(x, direct[[1, 3]], atol=1e-6, rtol=0)
    by_hand = -(logs(model, direct)[1, 6] + logs(model, direct)[3, 5]).item() / 2
    assert loss_of(model, Batch([row], [labels])).item() == pytest.approx(by_hand, abs=1e-5)


ROWS = [[BOS_ID, 6, 7, EOS_ID], [BOS_ID, 8, EOS_ID]]
# In each topology, (two sequences of different length as one batch, each as its own).
TOGETHER = {
    "encoder-decoder": (
        Batch([[4, 5, EOS_ID], [4, EOS_ID, 0]], [ROWS[0], [*ROWS[1], 0]]),
        [Batch([[4, 5, EOS_ID]], [ROWS[0]]), Batch([[4, EOS_ID]], [ROWS[1]])],
    ),
    "decoder": (
        Batch([[], []], [ROWS[0], [*ROWS[1], 0]]),
        [Batch([[]], [row]) for row in ROWS],
    ),
    "decoder, told": (
        Batch([], [ROWS[0], [*ROWS[1], 0]], expected=[[0, 7, EOS_ID], [8, 0, 0]]),
        [Batch([], [ROWS[0]], [[0, 7, EOS_ID]]), Batch([], [ROWS[1]], [[8, 0]])],
    ),
    "encoder": (
        Batch([ROWS[0], [*ROWS[1], 0]], [[0, 4, 5, 0], [0, 9, 0, 0]]),
        [Batch([ROWS[0]], [[0, 4, 5, 0]]), Batch([ROWS[1]], [[0, 9, 0]])],
    ),
}


@torch.no_grad()
@pytest.mark.parametrize("kind", TOGETHER)
@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "alibi", "none"])
def test_padding_adds_nothing_in_any_topology(kind, positions):
    model = alone(kind.split(",")[0], positions=positions).eval()
    together, each = TOGETHER[kind]
    x, expected = asked(model, together)
    parts = [asked(model, batch) for batch in each]
    assert expected.tolist() == [i for _, ids in parts for i in ids.tolist()]
    torch.testing.assert_close(x, torch.cat([x for x, _ in parts]), atol=1e-5, rtol=0)
    counts = [len(ids) for _, ids in parts]
    mean = sum(loss_of(model, b).item() * n for b, n in zip(each, counts, strict=True))
    assert loss_of(model, together).item() == pytest.approx(mean / sum(counts), abs=1e-5)


def lessons(topology):
    """(batches of an epoch, dev batches): something that each topology learns in a few steps."""
    if topology == "encoder-decoder":
        return copies, DEV

    def epoch(rng):
        rows = [[BOS_ID, *[rng.randrange(4, 10)] * rng.randrange(2, 6)] for _ in range(40)]
        if topology == "decoder":  # the same letter again and again
            return list(batches([([], row) for row in rows], 48, rng))
        return list(batches([(row, row) for row in rows], 48, rng))  # what stands there

    return epoch, epoch(random.Random(0))


@pytest.mark.parametrize("topology", ["encoder-decoder", "decoder", "encoder"])
def test_a_few_steps_lower_the_loss_in_every_topology(tmp_path, topology):
    model, (epoch, dev) = alone(topology), lessons(topology)
    before = perplexity(model, dev)
    facts = train(model, epoch, dev, SCHEDULE, checkpoint=tmp_path / "c.safetensors")
    assert perplexity(model, dev) < before * 0.9
    assert facts["dev_perplexity"] == sorted(facts["dev_perplexity"], reverse=True)  # type: ignore[call-overload]


@pytest.mark.parametrize("topology", ["encoder-decoder", "decoder", "encoder"])
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_resumed_run_equals_an_unbroken_one_in_every_topology(tmp_path, topology, cut):
    epoch, dev = lessons(topology)
    whole = alone(topology)
    whole_facts = train(whole, epoch, dev, SCHEDULE, checkpoint=tmp_path / "a.safetensors")
    met = []

    def fails_once(rng):
        met.append(1)
        if len(met) == cut + 1:
            raise KeyboardInterrupt
        return epoch(rng)

    path = tmp_path / "b.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(alone(topology), fails_once, dev, SCHEDULE, checkpoint=path)
    model = alone(topology)
    facts = train(model, fails_once, dev, SCHEDULE, checkpoint=path)
    assert facts | {"seconds": 0} == whole_facts | {"seconds": 0}
    assert all(map(torch.equal, weights_of(model), weights_of(whole)))


def test_after_each_epoch_the_steps_so_far_are_told_with_the_model(tmp_path):
    model = fresh()
    told = []

    def after(given, steps):
        told.append((given, steps, perplexity(given, DEV)))

    facts = train(
        model, copies, DEV, SCHEDULE, checkpoint=tmp_path / "c.safetensors", after_epoch=after
    )
    each = [len(copies(random.Random(1000 + epoch))) for epoch in range(3)]
    assert [steps for _, steps, _ in told] == [each[0], sum(each[:2]), sum(each)]
    assert all(given is model for given, _, _ in told)
    assert [round(p, 3) for *_, p in told] == facts["dev_perplexity"]


def test_what_is_done_after_an_epoch_changes_nothing_of_the_training(tmp_path):
    def measures(model, steps):
        model.eval()

    plain, watched = fresh(), fresh()
    train(plain, copies, DEV, SCHEDULE, checkpoint=tmp_path / "a.safetensors")
    train(
        watched, copies, DEV, SCHEDULE, checkpoint=tmp_path / "b.safetensors", after_epoch=measures
    )
    assert all(map(torch.equal, weights_of(plain), weights_of(watched)))


def test_a_resumed_run_tells_no_epoch_twice(tmp_path):
    told = []
    for _ in range(2):
        train(
            fresh(), copies, DEV, SCHEDULE, checkpoint=tmp_path / "c.safetensors",
            after_epoch=lambda _, steps: told.append(steps),
        )  # fmt: skip
    assert len(told) == 3
