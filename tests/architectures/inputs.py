"""What some kinds of models need beside token ids, and how long their texts must be.

Knows nothing of recording.
"""

from collections.abc import Callable
from typing import Any

import torch

Inputs = dict[str, Any]

# Tokens. Block-sparse attention is only sparse where a text has more blocks than it looks at.
LENGTHS = {"big_bird": 48, "bigbird_pegasus": 48}


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


MORE_INPUTS: dict[str, Callable[[Any, Inputs], Inputs]] = {
    "musicgen": _by_codebook,
    "musicgen_melody": _by_codebook,
    "voxtral_realtime": _frames,
}
