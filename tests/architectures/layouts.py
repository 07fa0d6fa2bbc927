"""Patterns that a model never makes whole, put together from the softmaxes of their blocks.

Written from the model files, one kind after the other, to check recordings against. Knows no
recording.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def _big_bird(softmaxes: Sequence[Tensor]) -> list[Tensor]:
    """Five softmaxes: the first and the last block look at all keys; the second and the last
    but one at five blocks, the others at six. The block chosen at random is the first one, once
    more, for that is what it is outside training."""
    whole: list[Tensor] = []
    for first, second, middle, last_but_one, last in _around(softmaxes, 2, 2, whole):
        texts, heads, size, n_tokens = first.shape
        n = n_tokens // size
        cells = torch.zeros(texts, heads, n, size, n, size)
        cells[:, :, 0] = first.unflatten(-1, (n, size))
        cells[:, :, -1] = last.unflatten(-1, (n, size))
        rows = [(1, second, [0, 1, 2, n - 1, 0])]
        for row in range(2, n - 2):
            rows.append((row, middle[:, :, row - 2], [0, row - 1, row, row + 1, 0, n - 1]))
        rows.append((n - 2, last_but_one, [0, n - 3, n - 2, n - 1, 0]))
        for row, pattern, blocks in rows:
            for part, block in zip(pattern.split(size, dim=-1), blocks, strict=True):
                cells[:, :, row, :, block] += part
        whole.append(cells.reshape(texts, heads, n_tokens, n_tokens))
    return whole


def _pegasus_x(softmaxes: Sequence[Tensor]) -> list[Tensor]:
    """Two softmaxes: global positions look at everything, tokens at the global positions and
    at their own block."""
    whole: list[Tensor] = []
    for of_global, local in _around(softmaxes, 1, 0, whole):
        texts, heads, n_global, n_all = of_global.shape
        size = local.shape[3]
        cells = torch.zeros(texts, heads, n_all, n_all)
        cells[:, :, :n_global] = of_global
        for block in range(local.shape[2]):
            start = n_global + block * size
            rows = cells[:, :, start : start + size]
            rows[..., :n_global] = local[:, :, block, :, :n_global]
            rows[..., start : start + size] = local[:, :, block, :, n_global:]
        whole.append(cells.roll((-n_global, -n_global), dims=(2, 3)))
    return whole


def _around(
    softmaxes: Sequence[Tensor], before: int, after: int, rest: list[Tensor]
) -> list[Sequence[Tensor]]:
    """The softmaxes around each one of five axes; those of other attentions go to `rest`."""
    centres = [i for i, of in enumerate(softmaxes) if of.dim() == 5]
    groups = [range(i - before, i + after + 1) for i in centres]
    taken = {i for group in groups for i in group}
    rest += [of for i, of in enumerate(softmaxes) if i not in taken]
    return [[softmaxes[i] for i in group] for group in groups]


def _banded(softmaxes: Sequence[Tensor]) -> list[Tensor]:
    """[text, query, head, offset]: from half a window before the query to half a window after
    it; the decoder's are ordinary ones."""
    whole: list[Tensor] = []
    for softmax in softmaxes:
        if softmax.dim() == 3 or softmax.shape[1] == HEADS:
            whole.append(softmax)
            continue
        texts, n_tokens, heads, width = softmax.shape
        cells = torch.zeros(texts, heads, n_tokens, n_tokens)
        for offset in range(width):
            for query in range(n_tokens):
                key = query + offset - width // 2
                if 0 <= key < n_tokens:
                    cells[:, :, query, key] = softmax[:, query, :, offset]
        whole.append(cells)
    return whole


HEADS = 4  # of every tiny model
WHOLE: dict[str, Callable[[Sequence[Tensor]], list[Tensor]]] = {
    "big_bird": _big_bird,
    "bigbird_pegasus": _big_bird,
    "led": _banded,
    "longformer": _banded,
    "pegasus_x": _pegasus_x,
}
