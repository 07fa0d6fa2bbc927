"""Tiny models of transformers with random weights, for tests that need no tokenizer."""

from functools import cache

import torch
import transformers
from torch import nn
from transformers import PreTrainedModel

SIZES = {
    "llama": {"num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "bert": {},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 4},
    "gemma2": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "gpt_oss": {"num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 4},
    "t5": {"d_model": 32, "d_ff": 40, "num_layers": 2, "num_heads": 4, "d_kv": 8},
    "albert": {"embedding_size": 16},
    "mamba": {"state_size": 4},
    "bloom": {"n_layer": 2, "n_head": 4},
}
_COMMON = {
    "vocab_size": 99,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_HEADS = {"bert": "MASKED_LM", "albert": "MASKED_LM", "t5": "SEQ_TO_SEQ_CAUSAL_LM"}
IDS = torch.tensor([[5, 17, 3, 42, 8, 61, 5, 17, 90]])


@cache
def random_model(kind: str) -> PreTrainedModel:
    """A model of a kind, the same each time; its heads differ visibly."""
    config = transformers.AutoConfig.for_model(kind, **(_COMMON | SIZES[kind]))
    torch.manual_seed(0)
    auto = {
        "MASKED_LM": transformers.AutoModelForMaskedLM,
        "SEQ_TO_SEQ_CAUSAL_LM": transformers.AutoModelForSeq2SeqLM,
    }.get(_HEADS.get(kind, ""), transformers.AutoModelForCausalLM)
    model = auto.from_config(config, attn_implementation="eager").eval()
    for name, parameter in model.named_parameters():
        is_gain = parameter.dim() == 1 and name.endswith("weight")
        nn.init.normal_(parameter, mean=float(is_gain), std=0.3)
    return model.requires_grad_(False)


def inputs_of(kind: str) -> dict[str, torch.Tensor]:
    """A few tokens; on both sides of an encoder–decoder."""
    return {"input_ids": IDS} | ({"decoder_input_ids": IDS[:, :5]} if kind == "t5" else {})
