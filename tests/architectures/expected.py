"""What is known of kinds of models from reading their code: who has no softmax attention, who
uses softmax for something else, who gives patterns out in another shape. Knows no recording.
"""

from collections.abc import Callable

from torch import Tensor

from tests.architectures.references import Plain

NO_SOFTMAX: dict[str, str] = {
    "falcon_mamba": "a state-space model: a scan over time, no attention",
    "fnet": "mixes tokens by a Fourier transform",
    "mamba": "a state-space model: a scan over time, no attention",
    "mamba2": "a state-space model: a scan over time, no attention",
    "mra": "adds up blocks of exp(q·k) at two resolutions, never a row of softmax",
    "reformer": "normalises by logsumexp over hashed or local chunks, not by softmax over keys",
    "rwkv": "a recurrence with decaying weights, no attention",
    "xlstm": "a recurrence with a matrix as its memory, no attention",
    "yoso": "weighs values by how likely hashes collide, not by softmax",
}

# [text, head, query, key] and [text, query]: a pattern, and which of its rows count.
Piece = tuple[Tensor, Tensor]


def _without_prompt(pattern: Tensor, rows: Tensor) -> list[Piece]:
    """cpmant sees 32 positions of a prompt before the text, and cuts them off."""
    return [(pattern[..., 32:, 32:], rows[:, 32:])]


def _without_sink(pattern: Tensor, rows: Tensor) -> list[Piece]:
    """granite_swa takes the sink's share off z, and gives out the pattern before that."""
    return [(pattern / pattern.sum(-1, keepdim=True), rows)]


def _own_and_cross(pattern: Tensor, rows: Tensor) -> list[Piece]:
    """t5gemma2's decoder looks at its own tokens and the encoder's in one softmax."""
    n_own = pattern.shape[-2]
    if pattern.shape[-1] == n_own:
        return [(pattern, rows)]
    return [(pattern[..., :n_own], rows), (pattern[..., n_own:], rows)]


GIVEN_OUT: dict[str, Callable[[Tensor, Tensor], list[Piece]]] = {
    "cpmant": _without_prompt,
    "granite_swa": _without_sink,
    "granitemoe_swa": _without_sink,
    "t5gemma2": _own_and_cross,
}

# Streams that are mixed by a small softmax of their own: [text, position, stream, stream].
STREAMS = {"deepseek_v4": (4, 4)}


def n_attentions(plain: Plain, kind: str) -> int:
    """How many attentions a run had: fused ones, and softmaxes of four axes, or of three where
    heads and texts share one axis (a router's has three, and one row a text)."""
    batch = plain.logits.shape[0]
    found = [of for of in plain.softmaxes if of.dim() > 3 or of.shape[0] > batch]
    return plain.n_fused + sum(tuple(of.shape[-2:]) != STREAMS.get(kind) for of in found)
