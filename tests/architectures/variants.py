"""Settings and inputs under which a kind of model computes its attention in another way.

The default configuration shows one way; checkpoints exist in these, too. Numbers only: what
such a text looks like is in `inputs.py`.
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
    ("causal", "bart"): {"cross": {}},
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
    ("masked", "longformer"): {"global": {}, "ragged": {}},
    ("masked", "nystromformer"): {"landmarks": {"num_landmarks": 4, "segment_means_seq_len": 12}},
    ("seq2seq", "bigbird_pegasus"): {"whole": _WHOLE},
    ("seq2seq", "led"): {"global": {}, "ragged": {}},
    ("seq2seq", "longt5"): {
        "ragged": {},
        "global": {"encoder_attention_type": "transient-global", "global_block_size": 4},
    },
    ("seq2seq", "pegasus_x"): {"ragged": {}},
}
