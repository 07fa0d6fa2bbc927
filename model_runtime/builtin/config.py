"""Every choice that makes one Transformer different from another, with its reason.

Plain values: knows neither torch nor what the model is used for.
"""

from dataclasses import dataclass
from typing import Literal

Positions = Literal["sinusoidal", "learned", "rotary", "alibi", "none"]


@dataclass(frozen=True)
class TransformerConfig:
    """Every choice that makes one Transformer different from another."""

    # Which stacks there are. "decoder" alone is GPT, "encoder" alone is BERT.
    topology: Literal["encoder-decoder", "encoder", "decoder"]
    source_vocab_size: int  # the encoder's tokens; 0 if there is no encoder
    target_vocab_size: int  # the tokens that logits are given for
    context_length: int  # the most tokens in one sequence

    d_model: int  # width of the residual stream
    n_heads: int  # heads per layer; d_head = d_model / n_heads
    d_ff: int  # width inside the feed-forward network; the paper uses 4 · d_model
    n_layers: int  # layers in each stack

    # LayerNorm before each sublayer ("pre", as GPT-2: trains without a long warm-up)
    # or after the addition ("post", as the paper, §3.1).
    norm: Literal["pre", "post"] = "pre"
    # How a model learns where a token stands. Sinusoidal and learned vectors are added
    # to the embedding; rotary turns queries and keys; ALiBi adds to the scores.
    positions: Positions = "sinusoidal"
    activation: Literal["relu", "gelu"] = "relu"
    tie_unembedding: bool = True  # one matrix both embeds and unembeds (the paper, §3.4)
    dropout: float = 0.1  # share of activations zeroed in training; never in use

    def __post_init__(self) -> None:
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(f"rotary positions turn pairs, and d_head {self.d_head} is odd")

        if self.topology == "encoder" and self.tie_unembedding:
            if self.source_vocab_size != self.target_vocab_size:
                raise ValueError("an encoder tied to its unembedding has one vocabulary, not two")

    @property
    def d_head(self) -> int:
        """Width of one head's queries, keys and values."""
        return self.d_model // self.n_heads
