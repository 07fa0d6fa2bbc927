"""A decoder whose rows are of different texts, each as far as it is: they join and leave.

Gives each row what `Transformer.decode` gives of its text alone. Knows neither what is read nor
when a text has ended.
"""

import torch
from torch import Tensor

from model_runtime.builtin.cached import CachedDecoder
from model_runtime.builtin.transformer import MultiHeadAttention, Transformer

_ROWS = 4  # that there is room for at first; it doubles when it is full


class RowsDecoder(CachedDecoder):
    """Reads one token of every row at a time. Rows begin at column 0, whenever they joined; what
    a shorter one leaves free is masked. So nothing is moved while nobody leaves."""

    def __init__(self, model: Transformer) -> None:
        """A decoder beside an encoder, with no rows yet."""
        super().__init__(model)
        config = self._stack.config
        # [layer, keys | values | keys of the memory | its values, row, H, context, d]. What is
        # masked is still multiplied, by 0: so it must be a number.
        shape = (len(self._layers), 4, _ROWS, config.n_heads, config.context_length, config.d_head)
        self._kept = self._stack.embedding.weight.new_zeros(shape)
        self._lengths: list[int] = []  # tokens read, by row
        self._memory_lengths: list[int] = []

    def join(self, memory: Tensor) -> None:
        """One row more, the last; `memory` [K, D] is what the encoder made of its source. Raises
        RuntimeError if that is longer than the context."""
        row, n = len(self._lengths), len(memory)
        if row == self._kept.shape[2]:
            self._kept = torch.cat([self._kept, torch.zeros_like(self._kept)], dim=2)
        for kept, (keys, values) in zip(self._kept, self._of_memory(memory[None]), strict=True):
            kept[2, row, :, :n], kept[3, row, :, :n] = keys[0], values[0]
        self._lengths.append(0)
        self._memory_lengths.append(n)
        self._arrange()

    def leave(self, row: int) -> None:
        """One row less; the last takes its place."""
        n, n_memory = self._lengths.pop(), self._memory_lengths.pop()
        last, widest = len(self._lengths), max(n, n_memory)
        if row < last:
            self._kept[:, :, row, :, :widest] = self._kept[:, :, last, :, :widest]
            self._lengths[row], self._memory_lengths[row] = n, n_memory
        self._arrange()

    def read(self, ids: Tensor) -> Tensor:
        """ids [B, 1], the next token of each row → [B, 1, D]."""
        self._at = torch.tensor(self._lengths, device=ids.device)
        self._seen = _filled(self._at + 1)
        self._lengths = [n + 1 for n in self._lengths]
        self._n = max(self._lengths)
        return self._rows(ids, self._positions[0, self._at][:, None])

    def _arrange(self) -> None:
        """Find the rows that there are now: as much of what is kept as they fill."""
        n_rows, widest = len(self._lengths), max(self._memory_lengths, default=0)
        self._row = torch.arange(n_rows, device=self._kept.device)
        memory_lengths = torch.tensor(self._memory_lengths, device=self._kept.device)
        self._memory_mask = _filled(memory_lengths) if n_rows else None
        self._room = {i: (kept[0, :n_rows], kept[1, :n_rows]) for i, kept in enumerate(self._kept)}
        self._memory_kept = [
            (kept[2, :n_rows, :, :widest], kept[3, :n_rows, :, :widest]) for kept in self._kept
        ]

    def _keep(self, number: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Each row's key and value [B, H, 1, d] after its own earlier ones."""
        keys, values = self._room[number]
        keys[self._row, :, self._at] = k[:, :, 0]
        values[self._row, :, self._at] = v[:, :, 0]
        return keys[:, :, : self._n], values[:, :, : self._n]

    def _placed(
        self, attn: MultiHeadAttention, q: Tensor, k: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Each row's query stands in the column of its newest key."""
        placed = torch.zeros_like(k)
        placed[self._row, :, self._at] = q[:, :, 0]
        placed, k, bias = attn.place(placed, k)
        q = placed[self._row, :, self._at][:, :, None]
        return q, k, None if bias is None else bias[:, self._at].transpose(0, 1)[:, :, None]


def _filled(lengths: Tensor) -> Tensor | None:
    """Which columns each row fills, [B, 1, 1, n]; None if all rows are of one length."""
    shortest, longest = (int(n) for n in lengths.aminmax())
    if shortest == longest:
        return None
    columns = torch.arange(longest, device=lengths.device)
    return (columns < lengths[:, None])[:, None, None]
