"""A decoder that reads on: keys and values of what it has read are kept, not computed again.

Gives the rows that `Transformer.decode` gives of the whole text. Knows no text and no screen.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from model_runtime.builtin.transformer import (
    Layer,
    MultiHeadAttention,
    Transformer,
    ignore,
)


class CachedDecoder:
    """Only new tokens go through the layers. Of an earlier one no layer needs more than its key
    and its value, for no token sees a later one.

    Made of the model's own parts, so it also serves a copy in which some are exchanged.
    """

    def __init__(
        self, model: Transformer, memory: Tensor | None = None, memory_real: Tensor | None = None
    ) -> None:
        """`memory` [B, K, D] is what the encoder made, if there is one; `memory_real` [B, K] is
        False where a token of it only pads."""
        assert model.decoder is not None
        self._stack, config = model.decoder, model.decoder.config
        self._layers = [layer for layer in self._stack.layers if isinstance(layer, Layer)]
        self._n = 0  # tokens read
        self._seen: Tensor | None = None  # keys that each new query may look at; None: all
        nothing = self._stack.embedding.weight.new_zeros(1, config.context_length, config.d_model)
        self._positions = self._stack.add_positions(nothing, ignore)  # what is added at each
        # Keys and values by layer, each [B, H, context, d], filled as far as was read.
        self._room: dict[int, tuple[Tensor, Tensor]] = {}
        self._memory_mask = None if memory_real is None else memory_real[:, None, None, :]
        self._memory_kept = [] if memory is None else self._of_memory(memory)

    def _of_memory(self, memory: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of what the encoder made, by layer, each [B, H, K, d]."""
        crosses = [layer.cross for layer in self._layers if layer.cross is not None]
        return [
            (
                cross.split_heads(cross.w_k(memory)).contiguous(),
                cross.split_heads(cross.w_v(memory)).contiguous(),
            )
            for cross in crosses
        ]

    def read(self, ids: Tensor) -> Tensor:
        """ids [B, n], which follow those read before → [B, n, D], their rows alone."""
        n = ids.shape[1]
        start, self._n = self._n, self._n + n
        self._seen = None
        if n > 1:
            self._seen = torch.ones(n, self._n, dtype=torch.bool, device=ids.device).tril(start)
        return self._rows(ids, self._positions[:, start : self._n])

    def _rows(self, ids: Tensor, positions: Tensor) -> Tensor:
        """ids [B, n] → [B, n, D]; `positions` [B or 1, n, D] are added to their embeddings."""
        x = self._stack.embedding(ids) * math.sqrt(self._stack.config.d_model) + positions
        for number, layer in enumerate(self._layers):
            x = self._through(layer, number, x)
        return torch.as_tensor(self._stack.final_norm(x))

    def _through(self, layer: Layer, number: int, x: Tensor) -> Tensor:
        """`Layer.forward` for new rows x [B, n, D]."""
        x = layer.attn_residual(x, lambda x: self._itself(layer.attn, number, x))
        if layer.cross is not None and layer.cross_residual is not None:
            cross = layer.cross
            x = layer.cross_residual(x, lambda x: self._memory(cross, number, x))
        return torch.as_tensor(layer.ffn_residual(x, lambda x: layer.ffn(x, ignore)))

    def _itself(self, attn: MultiHeadAttention, number: int, x: Tensor) -> Tensor:
        """Self-attention: new queries over the keys of all that was read."""
        q, k, v = (attn.split_heads(w(x)) for w in (attn.w_q, attn.w_k, attn.w_v))
        k, v = self._keep(number, k, v)
        bias = None
        if attn.positions in ("rotary", "alibi"):
            q, k, bias = self._placed(attn, q, k)
        z = attn.attend(q, k, v, bias=bias, mask=self._seen, record=ignore)
        return torch.as_tensor(attn.w_o(z.transpose(1, 2).flatten(-2)))

    def _keep(self, number: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [B, H, n, d] beside those of earlier tokens, [B, H, m, d] in all, before
        they are told their positions."""
        start, m = self._n - k.shape[2], self._n
        if number not in self._room:
            shape = (*k.shape[:2], self._stack.config.context_length, k.shape[3])
            self._room[number] = k.new_empty(shape), v.new_empty(shape)
        keys, values = self._room[number]
        keys[:, :, start:m], values[:, :, start:m] = k, v
        return keys[:, :, :m], values[:, :, :m]

    def _placed(
        self, attn: MultiHeadAttention, q: Tensor, k: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """`MultiHeadAttention.place` for new queries and the keys of all that was read."""
        n, m = q.shape[2], k.shape[2]
        # The last rows of as many as there are keys: so `place` finds each query's position.
        q, k, bias = attn.place(F.pad(q, (0, 0, m - n, 0)), k)
        return q[:, :, -n:], k, None if bias is None else bias[:, -n:]

    def _memory(self, cross: MultiHeadAttention, number: int, x: Tensor) -> Tensor:
        """Cross-attention: new queries over the keys of the encoder's tokens."""
        q = cross.split_heads(cross.w_q(x))
        k, v = self._memory_kept[number]
        z = cross.attend(q, k, v, bias=None, mask=self._memory_mask, record=ignore)
        return torch.as_tensor(cross.w_o(z.transpose(1, 2).flatten(-2)))
