"""A tiny configuration of every kind of text model that transformers knows.

The default configuration made small by the names of its numbers, and what that way gets wrong,
by kind (`overrides.py`). Knows no model class and no weights.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto import modeling_auto

from tests.architectures.overrides import DEFAULT_PARTS, OVERRIDES
from tests.architectures.variants import VARIANTS

Task = Literal["causal", "masked", "seq2seq"]

VOCABULARY = 99
FIRST_SPECIAL = 90  # special tokens that would lie outside the vocabulary are numbered from here
MOST_LAYERS = 4

MAPPINGS: dict[Task, Mapping[str, Any]] = {
    "causal": modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    "masked": modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    "seq2seq": modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
}

# What a number becomes, by its name: the first that fits, and only if it was larger.
SIZES: tuple[tuple[str, int], ...] = (
    # Not sizes at all, or small by themselves.
    (r"(n|num_expert)_groups?|num_expert_group|n_groups", 2),
    (r"topk_group", 1),
    (r".*(factor|scale|seed|index|period|offset|interval|frequency|stride|mult|step|group)", -1),
    (r".*(vocab_size|codebook_size)(es)?", VOCABULARY),
    (r"type_vocab_size|task_type_vocab_size", 2),
    (r"(num_|kv_n_|num_global_|swa_num_)(key_value_|kv_)heads|kv_n_heads", 2),
    (r"(swa_)?head_dim|d_kv|d_head|kv_channels|attention_head_size|dim_head|attention_head_dim", 8),
    (r"qk_rope_head_dim|rotary_dim", 4),
    (r"qk_nope_head_dim|(linear_)?(key_|value_)?head_dim|global_head_dim|mamba_d_head", 8),
    (r"linear_(key|value)_head_dim|mamba_head_?dim|v_head_dim|index_head_dim", 8),
    (r"qk_head_dim", 12),
    (r".*(num_heads|_heads|n_heads|n_head|num_attention_heads)(_per_layer)?", 4),
    (r".*(num_layers|_layers|n_layers?|num_blocks|depth)", 2),
    (r"kv_lora_rank|q_lora_rank|.*rank", 16),
    (r".*(_per_tok|_per_token|topk|top_k|moe_k)", 2),
    (r".*(num|n)_(\w+_)?experts|zero_expert_num", 4),
    (r"(max_|n_)?(position|source_position|target_position|2d_position)\w*|.*positions?", 64),
    (r".*position_embeddings|max_seq_len|n_ctx|context_length|model_max_length", 64),
    (r".*(sliding_window|window_size)(_size)?|attention_window|local_attention", 6),
    (r".*(intermediate|ffn|ff|inner|mlp|feed_forward)_?\w*(size|dim)?", 48),
    (r"d_model|n_embd|dim|\w*hidden_size\w*|emb(edding)?_(dim|size)|embedding_size", 32),
    (r".*(hidden_dim|embed_dim|_dim|_size|channels)", 32),
)
# Scores of tiny models are near 1: the 50 of real ones would change nothing that can be seen.
SOFTCAPS = {"attn_logit_softcapping": 2.0}
# Numbers of a configuration that say how many layers it has.
LAYER_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


@dataclass(frozen=True)
class Entry:
    """One line of transformers' lists of text models."""

    task: Task
    model_type: str
    class_name: str
    variant: str = ""  # a way to compute that the default configuration does not show

    def __str__(self) -> str:
        return f"{self.task}/{self.model_type}" + (f" ({self.variant})" if self.variant else "")


def entries() -> Iterator[Entry]:
    """Every entry of the three lists, in the order of the lists."""
    for task, mapping in MAPPINGS.items():
        for model_type, class_name in mapping.items():
            yield Entry(task, model_type, class_name)


def variants() -> Iterator[Entry]:
    """The same models in settings that their default configuration does not show."""
    for (task, model_type), names in VARIANTS.items():
        for name in names:
            class_name = MAPPINGS[cast(Task, task)][model_type]
            yield Entry(cast(Task, task), model_type, class_name, name)


def tiny_config(entry: Entry) -> PreTrainedConfig:
    """A small configuration of a kind of model. Raises what transformers raises."""
    kind = entry.model_type
    wanted = OVERRIDES.get(kind, {}) | OVERRIDES.get(f"{entry.task}/{kind}", {})
    if entry.variant:
        wanted = wanted | VARIANTS[entry.task, kind][entry.variant]
    return shrunk(_default(kind), wanted)


def _default(model_type: str) -> PreTrainedConfig:
    parts: dict[str, Any] = {
        name: CONFIG_MAPPING[part](**numbers)
        for name, (part, numbers) in DEFAULT_PARTS.get(model_type, {}).items()
    }
    return CONFIG_MAPPING[model_type](**parts)


def shrunk(config: PreTrainedConfig, wanted: Mapping[str, Any]) -> PreTrainedConfig:
    """The same kind of configuration, small; `wanted` says what its numbers must be instead,
    with a mapping for each configuration inside."""
    chosen = _layers_to_keep(config)
    small: dict[str, Any] = {}
    specials = iter(range(FIRST_SPECIAL, VOCABULARY))
    for field in fields(config):
        name = field.name
        value = vars(config).get(config.attribute_map.get(name, name))
        if isinstance(value, PreTrainedConfig):
            small[name] = shrunk(value, wanted.get(name, {}))
        elif isinstance(value, list) and len(value) == _layer_count(config):
            small[name] = [value[i] for i in chosen]
        elif value is None or isinstance(value, bool) or field.default is None:
            continue  # or made from the others, when those are given
        elif name in LAYER_COUNTS:
            small[name] = len(chosen)
        elif name in SOFTCAPS:
            small[name] = SOFTCAPS[name]
        elif re.search(r"_token_(id|index)$|_index$", name) and isinstance(value, int):
            if value >= VOCABULARY:
                small[name] = next(specials)
        elif isinstance(value, int):
            small[name] = _size(name, value)
    if "kv_lora_rank" in small:  # one latent is spread over all heads
        small["num_key_value_heads"] = small["num_attention_heads"]
    given = {name: value for name, value in wanted.items() if not _is_inside(config, name)}
    return type(config)(**small | given)


def _is_inside(config: PreTrainedConfig, name: str) -> bool:
    return isinstance(vars(config).get(name), PreTrainedConfig)


def _size(name: str, value: int) -> int:
    for pattern, size in SIZES:
        if re.fullmatch(pattern, name):
            return value if size < 0 else min(value, size)
    return value


def _layer_count(config: PreTrainedConfig) -> int:
    counts = [vars(config).get(name) for name in LAYER_COUNTS]
    return next((count for count in counts if count is not None), 0)


def _layers_to_keep(config: PreTrainedConfig) -> list[int]:
    """Two layers, or as many (up to four) as there are kinds of layers in the default."""
    count = _layer_count(config)
    lists = [v for v in vars(config).values() if isinstance(v, list) and len(v) == count]
    kinds = [repr(kind) for kind in zip(*lists, strict=True)]
    first = sorted({kind: i for i, kind in reversed(list(enumerate(kinds)))}.values())
    chosen = first[:MOST_LAYERS]
    for i in range(count):
        if len(chosen) < 2 and i not in chosen:
            chosen.append(i)
    return sorted(chosen)
