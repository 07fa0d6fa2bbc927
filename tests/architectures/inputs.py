"""What some kinds of models need beside token ids, and how long their texts must be.

Knows nothing of recording.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Inputs = dict[str, Any]

# Tokens. Block-sparse attention is only sparse where a text has more blocks than it looks at.
LENGTHS = {"big_bird": 48, "bigbird_pegasus": 48}


def _frames(model: Any, inputs: Inputs) -> Inputs:
    """Four frames of sound a token, already embedded."""
    n_texts, n_tokens = inputs["input_ids"].shape
    size = model.config.audio_config.hidden_size
    frames = torch.randn(n_texts, 4 * n_tokens, size, generator=_seeded())
    return inputs | {"encoder_inputs_embeds": frames}


def _of_another_model(model: Any, inputs: Inputs) -> Inputs:
    """What the large model leaves its assistant: its embeddings, keys and values."""
    n_texts, n_tokens = inputs.pop("input_ids").shape
    layers = model.model.layers
    text = model.config.text_config
    shared: dict[str, tuple[Tensor, Tensor]] = {}
    for layer, kind in zip(layers, text.layer_types, strict=True):
        heads = text.num_key_value_heads
        shape = n_texts, heads, n_tokens, layer.self_attn.head_dim
        shared[kind] = (
            torch.randn(shape, generator=_seeded()),
            torch.randn(shape, generator=_seeded()),
        )
    embeddings = torch.randn(
        n_texts, n_tokens, 2 * model.config.backbone_hidden_size, generator=_seeded()
    )
    return inputs | {"inputs_embeds": embeddings, "shared_kv_states": shared}


def _by_codebook(model: Any, inputs: Inputs) -> Inputs:
    """Sound is written in several codebooks at once: that many rows for a text."""
    books = getattr(model.config, "num_codebooks", 1)
    return inputs | {"input_ids": inputs["input_ids"].repeat_interleave(books, dim=0)}


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


MORE_INPUTS: dict[str, Callable[[Any, Inputs], Inputs]] = {
    "gemma4_assistant": _of_another_model,
    "gemma4_unified_assistant": _of_another_model,
    "musicgen": _by_codebook,
    "musicgen_melody": _by_codebook,
    "voxtral_realtime": _frames,
}
