"""Settings of a kind of model under which its attention is computed in another way.

The default configuration shows one way; checkpoints exist in these, too. Numbers only.
"""

from typing import Any

_WHOLE = {"attention_type": "original_full"}
_DISENTANGLED = {
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "max_relative_positions": 8,
}

# (list, kind of model) → name of the variant → what its numbers must be.
VARIANTS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("causal", "falcon"): {
        "alibi": {"alibi": True},
        "grouped": {"new_decoder_architecture": True, "num_kv_heads": 2},
    },
    ("causal", "gpt2"): {"scaled by layer": {"scale_attn_by_inverse_layer_idx": True}},
    ("causal", "gpt_bigcode"): {"multi-head": {"multi_query": False}},
    ("causal", "phi"): {"normed": {"qk_layernorm": True}},
    ("causal", "qwen2"): {
        "window": {
            "use_sliding_window": True,
            "sliding_window": 6,
            "layer_types": ["full_attention", "sliding_attention"],
        }
    },
    ("causal", "stablelm"): {"normed": {"qk_layernorm": True}},
    ("masked", "big_bird"): {"whole": _WHOLE},
    ("masked", "deberta"): {"disentangled": _DISENTANGLED},
    ("masked", "deberta-v2"): {
        "disentangled": _DISENTANGLED
        | {"position_buckets": 4, "norm_rel_ebd": "layer_norm", "share_att_key": True}
    },
    ("masked", "esm"): {"rotary": {"position_embedding_type": "rotary"}},
    ("masked", "funnel"): {"factorized": {"attention_type": "factorized"}},
    ("masked", "nystromformer"): {"landmarks": {"num_landmarks": 4, "segment_means_seq_len": 12}},
    ("seq2seq", "bigbird_pegasus"): {"whole": _WHOLE},
    ("seq2seq", "longt5"): {
        "global": {"encoder_attention_type": "transient-global", "global_block_size": 4}
    },
}
