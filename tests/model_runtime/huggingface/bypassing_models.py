"""Tiny random models of families whose files compute attention without transformers' interface."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import transformers
from torch import nn


@dataclass(frozen=True)
class Bypassing:
    """How to make one, and how many softmax attentions a pass of it has."""

    n_calls: int
    sizes: dict[str, Any] = field(default_factory=dict)
    config: str = ""  # the kind of configuration, if it is not the name itself
    auto: str = "AutoModelForCausalLM"


_GPT = {"n_layer": 2, "n_head": 4, "n_embd": 32}
_BERT = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 32,
    "intermediate_size": 40,
    "max_position_embeddings": 64,
}
_RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 2}
BYPASSING = {
    "bloom": Bypassing(2, _GPT | {"hidden_size": 32}),
    "falcon": Bypassing(2, _BERT),
    "falcon with alibi": Bypassing(2, _BERT | {"alibi": True}, "falcon"),
    "gpt_neo": Bypassing(
        2,
        {
            "num_layers": 2,
            "num_heads": 4,
            "hidden_size": 32,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 4,
        },
    ),
    "gptj": Bypassing(2, _GPT | {"rotary_dim": 4}),
    "mpt": Bypassing(2, {"n_layers": 2, "n_heads": 4, "d_model": 32}),
    "openai-gpt": Bypassing(2, _GPT),
    "xlm": Bypassing(2, {"emb_dim": 32, "n_layers": 2, "n_heads": 4}, auto="AutoModelForMaskedLM"),
    "xlnet": Bypassing(2, {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 40}),
    "deberta": Bypassing(2, _BERT | _RELATIVE, auto="AutoModelForMaskedLM"),
    "deberta-v2": Bypassing(
        2,
        _BERT | _RELATIVE | {"position_buckets": 4, "share_att_key": True},
        auto="AutoModelForMaskedLM",
    ),
}


@cache
def bypassing_model(kind: str) -> transformers.PreTrainedModel:
    """A model of a kind, the same each time; its heads differ visibly."""
    how = BYPASSING[kind]
    config = transformers.AutoConfig.for_model(how.config or kind, vocab_size=99, **how.sizes)
    torch.manual_seed(0)
    auto = getattr(transformers, how.auto)
    model = auto.from_config(config, attn_implementation="eager").eval()
    for name, parameter in model.named_parameters():
        is_gain = parameter.dim() == 1 and name.endswith("weight")
        nn.init.normal_(parameter, mean=float(is_gain), std=0.2)
    return model.requires_grad_(False)


def inputs_for(model: transformers.PreTrainedModel, padded: bool) -> dict[str, torch.Tensor]:
    """Two texts; if padded, the second one is shorter."""
    ids = torch.randint(3, 99, (2, 11), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    if padded:
        ids[1, 7:] = 0
        mask[1, 7:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def returned_patterns(kind: str, output: Any) -> list[torch.Tensor]:
    """The patterns [batch, head, n_q, n_k] that a model returned, in the order of its calls."""
    return list(output.attentions)
