"""The model writes its own target, token by token: the likeliest each time, or a beam.

Knows token ids and a model; nothing of text, training, tracing or the screen.
"""

import torch
from torch import Tensor

from model_runtime.builtin.batching import padded
from model_runtime.builtin.cached import CachedDecoder
from model_runtime.builtin.tokenization import PAD_ID, UNK_ID
from model_runtime.builtin.transformer import Transformer


def greedy(
    model: Transformer, source_ids: list[int], max_length: int, *, bos: int, eos: int
) -> list[int]:
    """Write the likeliest next token until it is `eos` or `max_length` tokens stand there.

    Both special tokens count, and the model's context length is a limit as well. Starts with
    `bos`; ends in `eos` if the model came to an end. The model is in evaluation mode, and the
    source no longer than its context.
    """
    return greedy_batch(model, [source_ids], max_length, bos=bos, eos=eos)[0]


@torch.inference_mode()
def greedy_batch(
    model: Transformer, sources: list[list[int]], max_length: int, *, bos: int, eos: int
) -> list[list[int]]:
    """What `greedy` writes for each of the `sources`, at once. They may differ in length."""
    device = next(model.parameters()).device
    source = torch.tensor(padded(sources), device=device)  # [B, K]
    real = None if (source != PAD_ID).all() else source != PAD_ID
    memory = model.encode(source, real)  # [B, K, D], once for all steps
    decoder = CachedDecoder(model, memory, real)
    target = torch.full((len(sources), 1), bos, device=device)  # [B, n], n grows
    finished = torch.zeros(len(sources), dtype=torch.bool, device=device)
    while target.shape[1] < min(max_length, model.config.context_length) and not finished.all():
        chosen = likeliest(model, decoder.read(target[:, -1:]), bos)
        target = torch.cat([target, chosen.masked_fill(finished, PAD_ID)[:, None]], dim=1)
        finished |= chosen == eos
    return [[token for token in row if token != PAD_ID] for row in target.tolist()]


@torch.no_grad()
def beam_search(
    model: Transformer,
    source_ids: list[int],
    max_length: int,
    *,
    beams: int = 4,
    length_penalty: float = 1.0,
    bos: int,
    eos: int,
) -> list[int]:
    """The best of the targets found when the `beams` likeliest beginnings are followed.

    A target that ends leaves the search, and one beginning fewer is followed from there on.
    The best has the highest log-probability / length^`length_penalty`: 0 favours short
    targets, 1 compares the mean per token. `beams=1` is `greedy`, and the limits are the same.
    """
    device = model.unembedding.weight.device
    memory = model.encode(torch.tensor([source_ids], device=device))  # [1, K, D]
    target = torch.tensor([[bos]], device=device)  # [beginnings, n]
    total = torch.zeros(1, device=device)  # the log-probability of each beginning
    ended: list[tuple[float, list[int]]] = []

    def keep(rows: Tensor, totals: Tensor) -> None:
        for ids, log_probability in zip(rows.tolist(), totals.tolist(), strict=True):
            written = max(1, len(ids) - 1)  # `bos` is given, not written
            ended.append((log_probability / written**length_penalty, ids))

    limit = min(max_length, model.config.context_length)
    while target.shape[1] < limit and len(target):
        scores = next_scores(model, target, memory.expand(len(target), -1, -1), None, bos)
        longer = total[:, None] + scores.log_softmax(dim=-1)  # [beginnings, V]
        n = min(beams - len(ended), int(longer.isfinite().sum()))
        total, best = longer.flatten().topk(n)
        beginning, token = best // longer.shape[1], best % longer.shape[1]
        target = torch.cat([target[beginning], token[:, None]], dim=1)
        is_end = token == eos
        keep(target[is_end], total[is_end])
        target, total = target[~is_end], total[~is_end]
    keep(target, total)  # what the limit cuts off
    return max(ended)[1]


@torch.inference_mode()
def continued(model: Transformer, ids: list[int], n_more: int, *, bos: int, eos: int) -> list[int]:
    """`ids` and after them the likeliest next tokens, until `eos` or until `n_more` stand there.

    For a decoder alone, in evaluation mode. It reads as many tokens as its context holds, and
    predicts one after the last: the result may be one longer than the context.
    """
    limit = min(len(ids) + n_more, model.config.context_length + 1)
    decoder = CachedDecoder(model)
    new = target = torch.tensor([ids], device=model.unembedding.weight.device)
    while target.shape[1] < limit:
        new = likeliest(model, decoder.read(new), bos)[:, None]
        target = torch.cat([target, new], dim=1)
        if new == eos:
            break
    return [int(i) for i in target[0]]


@torch.no_grad()
def sampled(
    model: Transformer,
    ids: list[int],
    max_length: int,
    *,
    bos: int,
    eos: int,
    temperature: float,
    generator: torch.Generator,
) -> list[int]:
    """`ids` and after them tokens drawn by chance, until `eos` or `max_length` tokens in all.

    The scores are divided by the `temperature`: below 1 the likely tokens become likelier.
    For a decoder alone. Equal generators give equal samples.
    """
    target = torch.tensor([ids], device=model.unembedding.weight.device)
    while target.shape[1] < min(max_length, model.config.context_length):
        scores = next_scores(model, target, None, None, bos) / temperature
        chosen = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
        target = torch.cat([target, chosen], dim=1)
        if chosen == eos:
            break
    return [int(i) for i in target[0]]


def next_scores(
    model: Transformer,
    target: Tensor,
    memory: Tensor | None,
    memory_real: Tensor | None,
    bos: int,
) -> Tensor:
    """Logits [B, V] of the token after each row of `target` [B, n]; -inf for [PAD], [UNK] and
    `bos`, which no text is written with."""
    return writable(model, model.decode(target, memory, memory_real), bos)


def likeliest(model: Transformer, x: Tensor, bos: int) -> Tensor:
    """The token [B] after the last row of each x [B, n, D]."""
    return writable(model, x, bos).argmax(dim=-1)


def writable(model: Transformer, x: Tensor, bos: int) -> Tensor:
    """Logits [B, V] after the last row of each x [B, n, D]; -inf for what `next_scores` says."""
    logits = model.logits(x[:, -1])
    logits[:, [PAD_ID, UNK_ID, bos]] = -torch.inf
    return logits
