"""What is known of kinds of models from reading their code: who is not exact, and why; who uses
softmax for something else, or gives patterns out in another shape. Knows no recording.
"""

from collections.abc import Callable

from torch import Tensor

from tests.architectures.layouts import WHOLE
from tests.architectures.references import Plain

NO_SOFTMAX: dict[str, str] = {
    "falcon_mamba": "a state-space model: a scan over time, no attention",
    "fnet": "mixes tokens by a Fourier transform",
    "mamba": "a state-space model: a scan over time, no attention",
    "mamba2": "a state-space model: a scan over time, no attention",
    "mra": "adds up blocks of exp(q·k) at two resolutions, never a row of softmax",
    "reformer": "never asks for softmax: exp(score − logsumexp) within chunks and hash buckets",
    "rwkv": "a recurrence with decaying weights, no attention",
    "xlstm": "a recurrence with a matrix as its memory, no attention",
    "yoso": "weighs values by how likely hashes collide, not by softmax",
}

_ALL_SHARED = (
    "transformers 5.23 refuses every configuration in which all layers share keys, and an "
    "assistant's do"
)
UNBUILT: dict[str, str] = {
    "causal/gemma3n": "its part for pictures needs the package timm; see gemma3n_text",
    "causal/gemma4_assistant": _ALL_SHARED,
    "causal/gemma4_unified_assistant": _ALL_SHARED,
}
_GLOBAL = (
    "queries and keys of the global tokens are projections of their own, so that no one q·kᵀ has "
    "all the scores"
)
PARTLY: dict[str, str] = {
    "masked/longformer (global)": _GLOBAL,
    "masked/nystromformer (landmarks)": "approximates attention by a product of three softmaxes "
    "over landmarks; transformers itself fails on padded texts",
    "seq2seq/led (global)": f"decoder and cross are exact; in the encoder, {_GLOBAL}",
}
REASONS = UNBUILT | PARTLY

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

# Makes texts longer by itself, up to a whole number of windows.
FILLS_UP = ("led", "longformer")

# Streams that are mixed by a small softmax of their own: [text, position, stream, stream].
STREAMS = {"deepseek_v4": (4, 4)}


def n_attentions(plain: Plain, kind: str) -> int:
    """How many attentions a run had: fused ones, and softmaxes of four axes, or of three where
    heads and texts share one axis (a router's has three, and one row a text)."""
    batch = plain.logits.shape[0]
    found = [of for of in plain.softmaxes if of.dim() > 3 or of.shape[0] > batch]
    if kind in WHOLE:
        found = WHOLE[kind](found)
    return plain.n_fused + sum(tuple(of.shape[-2:]) != STREAMS.get(kind) for of in found)


def model_patterns(plain: Plain, kind: str, n_tokens: int) -> list[Tensor]:
    """Patterns of an unrecorded run: as the model gives them out; where it gives none, or only
    parts, as its softmaxes gave them. What fills a text up to whole windows is cut off."""
    if kind in FILLS_UP:
        return [of[..., :n_tokens, :n_tokens] for of in WHOLE[kind](plain.softmaxes)]
    if kind in WHOLE:
        return WHOLE[kind](plain.softmaxes)
    return plain.attentions or plain.softmaxes
