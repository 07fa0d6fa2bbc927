"""What some kinds of models need beside token ids, and how long their texts must be.

Knows nothing of recording.
"""

from collections.abc import Callable
from typing import Any

import torch

from tests.architectures.shrinking import Entry

Inputs = dict[str, Any]

RAGGED = 10  # tokens: no whole number of blocks or windows of any tiny configuration
# Tokens. Block-sparse attention is only sparse where a text has more blocks than it looks at.
LENGTHS = {"big_bird": 48, "bigbird_pegasus": 48}


def length_of(entry: Entry, default: int) -> int:
    """Tokens of a text for an entry."""
    return RAGGED if entry.variant == "ragged" else LENGTHS.get(entry.model_type, default)


def _global_first(model: Any, inputs: Inputs) -> Inputs:
    """The first token looks at all tokens, and all look at it."""
    mask = torch.zeros_like(inputs["input_ids"])
    mask[:, 0] = 1
    return inputs | {"global_attention_mask": mask}


def _encoded(model: Any, inputs: Inputs) -> Inputs:
    """What an encoder made of nine tokens."""
    n_texts = inputs["input_ids"].shape[0]
    states = torch.randn(n_texts, 9, model.config.d_model, generator=_seeded())
    return inputs | {"encoder_hidden_states": states}


def _frames(model: Any, inputs: Inputs) -> Inputs:
    """Four frames of sound a token, already embedded."""
    n_texts, n_tokens = inputs["input_ids"].shape
    size = model.config.audio_config.hidden_size
    frames = torch.randn(n_texts, 4 * n_tokens, size, generator=_seeded())
    return inputs | {"encoder_inputs_embeds": frames}


def _by_codebook(model: Any, inputs: Inputs) -> Inputs:
    """Sound is written in several codebooks at once: that many rows for a text."""
    books = getattr(model.config, "num_codebooks", 1)
    return inputs | {"input_ids": inputs["input_ids"].repeat_interleave(books, dim=0)}


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


_MORE: dict[str, Callable[[Any, Inputs], Inputs]] = {
    "causal/bart (cross)": _encoded,
    "causal/musicgen": _by_codebook,
    "causal/musicgen_melody": _by_codebook,
    "masked/longformer (global)": _global_first,
    "seq2seq/led (global)": _global_first,
    "seq2seq/voxtral_realtime": _frames,
}


def completed(entry: Entry, model: Any, inputs: Inputs) -> Inputs:
    """The inputs with what the model needs beside them."""
    more = _MORE.get(str(entry))
    return inputs if more is None else more(model, inputs)
