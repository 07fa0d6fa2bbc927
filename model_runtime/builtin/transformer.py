"""A Transformer, whole: embedding, positions, attention, feed-forward, blocks, logits.

Knows numbers only: no text, no files, no training, no screen. Read it top to bottom.

After Vaswani et al. 2017, "Attention Is All You Need" (called "the paper" below), with
the choices that later models made switchable in `config.py`. Shapes stand at
the line ends: B batch, Q queries, K keys, H heads, D d_model, d d_head, V vocabulary.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_runtime.builtin.config import TransformerConfig

Record = Callable[[str, Tensor], None]
"""Called as `record(name, value)` at every step of a forward pass."""


def ignore(name: str, value: Tensor) -> None:
    """The recorder of a pass that nobody watches."""


def under(record: Record, place: str) -> Record:
    """A recorder that puts `place.` before each name."""
    if record is ignore:
        return ignore
    return lambda name, value: record(f"{place}.{name}", value)


# ── Positions ────────────────────────────────────────────────────────────────────────


def sinusoidal_table(n_positions: int, d_model: int) -> Tensor:
    """PE[pos, 2i] = sin(pos / 10000^(2i/d)), PE[pos, 2i+1] = cos(same). The paper, §3.5.

    Returns [n_positions, d_model], each value in -1…1.
    """
    position = torch.arange(n_positions, dtype=torch.float64)[:, None]
    even = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = position / 10000 ** (even / d_model)
    table = torch.zeros(n_positions, d_model, dtype=torch.float64)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle.cos()[:, : d_model // 2]
    return table.float()


def rotate(x: Tensor, base: float = 10000.0, at: Tensor | None = None) -> Tensor:
    """Turn pair i of the vector at position p by the angle p / base^(2i/d_head).

    Takes and returns [..., position, d_head]; `at` [position] are other positions than 0, 1,
    2, … A dot product of two turned vectors then depends on the distance of their positions
    only. Su et al. 2021 (RoFormer), eq. 34.
    """
    n_positions, d_head = x.shape[-2:]
    even = torch.arange(0, d_head, 2, device=x.device)
    position = torch.arange(n_positions, device=x.device) if at is None else at
    angle = position[:, None] / base ** (even / d_head)
    sin, cos = angle.sin(), angle.cos()
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


def alibi_bias(n_heads: int, n_queries: int, n_keys: int) -> Tensor:
    """A penalty that grows with distance, steeper in some heads: -slope · |query - key|.

    Returns [n_heads, n_queries, n_keys], each value ≤ 0. Press et al. 2022, §3: slopes
    2^(-8/n), 2^(-16/n), …; the absolute distance makes it serve an encoder as well.
    """
    slope = 2.0 ** (-8.0 * torch.arange(1, n_heads + 1) / n_heads)
    distance = (torch.arange(n_queries)[:, None] - torch.arange(n_keys)).abs()
    return -slope[:, None, None] * distance


# ── Attention ────────────────────────────────────────────────────────────────────────


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    record: Record = ignore,
) -> Tensor:
    """softmax(q·kᵀ / √d_head + bias) · v, for all heads at once. The paper, eq. 1.

    q [B, H, Q, d], k and v [B, H, K, d]; `bias` is added to the scores; `mask` is True
    where a query may look. Returns z [B, H, Q, d]. This is the only place in the model
    where attention is computed, and so the only place where it is recorded.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # [B, H, Q, K]
    if bias is not None:
        scores = scores + bias
        record("bias", bias[None])
    allowed = scores
    if mask is not None:
        allowed = scores.masked_fill(~mask, -torch.inf)
        record("mask", mask)
    pattern = allowed.softmax(dim=-1)  # each row sums to 1
    z = pattern @ v  # [B, H, Q, d]
    steps = {"q": q, "k": k, "v": v, "scores": scores, "pattern": pattern, "z": z}
    for name, value in steps.items():
        record(name, value)
    return z


class MultiHeadAttention(nn.Module):
    """Project to queries, keys and values, attend in every head, mix. The paper, §3.2.2."""

    def __init__(self, config: TransformerConfig, *, cross: bool = False) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        # Distance between a query and a key means something in one sequence only, so
        # cross-attention neither rotates nor biases.
        self.positions = "none" if cross else config.positions
        self.w_q = nn.Linear(config.d_model, config.d_model, bias=False)
        self.w_k = nn.Linear(config.d_model, config.d_model, bias=False)
        self.w_v = nn.Linear(config.d_model, config.d_model, bias=False)
        self.w_o = nn.Linear(config.d_model, config.d_model, bias=False)

    def split_heads(self, x: Tensor) -> Tensor:
        """[B, n, D] → [B, H, n, d]: head h owns columns h·d … (h+1)·d - 1."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        bias: Tensor | None,
        mask: Tensor | None,
        record: Record,
    ) -> Tensor:
        """`attention`; a method of its own so that `mistakes.py` can get it wrong."""
        return attention(q, k, v, bias=bias, mask=mask, record=record)

    def place(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """(q, k, bias) that know their positions; `placed.py` tells them others."""
        bias = None
        if self.positions == "rotary":
            q, k = rotate(q), rotate(k)
        elif self.positions == "alibi":
            bias = alibi_bias(self.n_heads, q.shape[-2], k.shape[-2]).to(q)
        return q, k, bias

    def forward(
        self, queries_from: Tensor, keys_from: Tensor, mask: Tensor | None, record: Record
    ) -> Tensor:
        """`queries_from` [B, Q, D] asks, `keys_from` [B, K, D] answers. Returns [B, Q, D]."""
        record("input", queries_from)
        q = self.split_heads(self.w_q(queries_from))  # [B, H, Q, d]
        k = self.split_heads(self.w_k(keys_from))  # [B, H, K, d]
        v = self.split_heads(self.w_v(keys_from))  # [B, H, K, d]
        if self.positions == "rotary":
            record("q_unrotated", q)
            record("k_unrotated", k)
        q, k, bias = self.place(q, k)
        z = self.attend(q, k, v, bias=bias, mask=mask, record=record)
        out = self.w_o(z.transpose(1, 2).flatten(-2))  # heads side by side, then mixed
        record("output", out)
        return out


# ── The rest of a layer ──────────────────────────────────────────────────────────────


class FeedForward(nn.Module):
    """activation(x·W_1 + b_1)·W_2 + b_2, on every position alone. The paper, eq. 2."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.w_in = nn.Linear(config.d_model, config.d_ff)
        self.w_out = nn.Linear(config.d_ff, config.d_model)
        self.activation = F.relu if config.activation == "relu" else F.gelu

    def forward(self, x: Tensor, record: Record) -> Tensor:
        """[B, n, D] → [B, n, D]."""
        before = self.w_in(x)  # [B, n, d_ff]
        after = self.activation(before)
        out = self.w_out(after)
        steps = {"input": x, "pre": before, "post": after, "output": out}
        for name, value in steps.items():
            record(name, value)
        return out


class Residual(nn.Module):
    """Add what a sublayer computes to the stream it reads from, with LayerNorm beside it."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.pre = config.norm == "pre"

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x + sublayer(norm(x)), or norm(x + sublayer(x)) for a post-norm model."""
        if self.pre:
            return x + self.dropout(sublayer(self.norm(x)))
        return self.norm(x + self.dropout(sublayer(x)))


class Layer(nn.Module):
    """Self-attention, cross-attention where there is an encoder to look at, feed-forward."""

    def __init__(self, config: TransformerConfig, *, cross: bool) -> None:
        super().__init__()
        self.attn = MultiHeadAttention(config)
        self.attn_residual = Residual(config)
        self.cross = MultiHeadAttention(config, cross=True) if cross else None
        self.cross_residual = Residual(config) if cross else None
        self.ffn = FeedForward(config)
        self.ffn_residual = Residual(config)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        memory: Tensor | None,
        memory_mask: Tensor | None,
        record: Record,
    ) -> Tensor:
        """x [B, n, D] → [B, n, D]; `memory` [B, K, D] is what the encoder made."""
        record("resid_pre", x)
        x = self.attn_residual(x, lambda x: self.attn(x, x, mask, under(record, "attn")))
        if self.cross is not None and self.cross_residual is not None:
            assert memory is not None, "cross-attention needs what the encoder made"
            cross = self.cross
            record("resid_cross", x)
            x = self.cross_residual(
                x, lambda x: cross(x, memory, memory_mask, under(record, "cross"))
            )
        record("resid_mid", x)
        x = self.ffn_residual(x, lambda x: self.ffn(x, under(record, "ffn")))
        record("resid_post", x)
        return x


class Stack(nn.Module):
    """Token ids in, residual stream out: embedding, positions, then layer after layer."""

    def __init__(self, config: TransformerConfig, vocab_size: int, *, cross: bool) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_table = nn.Parameter(torch.empty(config.context_length, config.d_model))
        elif config.positions == "sinusoidal":
            table = sinusoidal_table(config.context_length, config.d_model)
            self.register_buffer("position_table", table, persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config, cross=cross) for _ in range(config.n_layers))
        # A post-norm layer ends in a LayerNorm of its own; a pre-norm stack needs a last one.
        self.final_norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()

    def add_positions(self, x: Tensor, record: Record) -> Tensor:
        """[B, n, D] → the same, each row with its position's added; see `place` above."""
        if self.config.positions in ("sinusoidal", "learned"):
            positions = self.position_table[: x.shape[1]]
            record("positions", positions[None])
            x = x + positions
        return x

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        record: Record = ignore,
    ) -> Tensor:
        """ids [B, n] → [B, n, D]."""
        x = self.embedding(ids) * math.sqrt(self.config.d_model)  # the paper, §3.4
        record("embedding", x)
        x = self.dropout(self.add_positions(x, record))
        for number, layer in enumerate(self.layers):
            x = layer(x, mask, memory, memory_mask, under(record, str(number)))
        x = self.final_norm(x)
        record("final", x)
        return x


# ── The whole model ──────────────────────────────────────────────────────────────────


class Transformer(nn.Module):
    """Encoder and decoder, either alone, or both; then logits over the target vocabulary."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = self.decoder = None
        if config.topology != "decoder":
            self.encoder = Stack(config, config.source_vocab_size, cross=False)
        if config.topology != "encoder":
            crosses = config.topology == "encoder-decoder"
            self.decoder = Stack(config, config.target_vocab_size, cross=crosses)
        last = self.decoder or self.encoder
        assert last is not None
        self.unembedding = nn.Linear(config.d_model, config.target_vocab_size, bias=False)
        self.apply(initialise)
        if config.tie_unembedding:
            self.unembedding.weight = last.embedding.weight

    def encode(self, ids: Tensor, real: Tensor | None = None, record: Record = ignore) -> Tensor:
        """ids [B, n] → [B, n, D]; `real` [B, n] is False where a token only pads."""
        assert self.encoder is not None
        mask = None if real is None else real[:, None, None, :]
        return self.encoder(ids, mask, record=under(record, "encoder"))

    def decode(
        self,
        ids: Tensor,
        memory: Tensor | None = None,
        memory_real: Tensor | None = None,
        record: Record = ignore,
    ) -> Tensor:
        """ids [B, n] → [B, n, D]. A token sees itself and what came before, never later."""
        assert self.decoder is not None
        n = ids.shape[1]
        causal = torch.ones(n, n, dtype=torch.bool, device=ids.device).tril()
        memory_mask = None if memory_real is None else memory_real[:, None, None, :]
        return self.decoder(ids, causal, memory, memory_mask, under(record, "decoder"))

    def logits(self, x: Tensor, record: Record = ignore) -> Tensor:
        """x [B, n, D] → [B, n, V]: a score for every token of the target vocabulary."""
        logits = self.unembedding(x)
        record("logits", logits)
        return logits


def initialise(module: nn.Module) -> None:
    """Start so that signals neither grow nor fade: Xavier, and embeddings of length 1."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
    elif isinstance(module, Stack) and module.config.positions == "learned":
        # As large as the scaled embeddings beside it: a table near zero is never used.
        nn.init.normal_(module.position_table, std=0.5)
