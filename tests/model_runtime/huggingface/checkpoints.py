"""Tiny checkpoints on disk, as people keep them: tokenizer and weights, one of each family.

Random but the same each time, and with heads that visibly differ. Knows nothing of Headlight.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from tests.model_runtime.huggingface import vocabularies

CONTEXT = 128
_POSITIONS = ("max_position_embeddings", "n_positions")
_USUAL = {
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
}
_GROUPED = _USUAL | {"num_key_value_heads": 2, "head_dim": 8}


@dataclass(frozen=True)
class Family:
    """How one is made."""

    config: str  # a class of transformers: "BertConfig"
    model: str  # "BertForMaskedLM"
    tokenizer: Callable[..., PreTrainedTokenizerBase]
    sizes: dict[str, Any] = field(default_factory=dict)
    more_ids: int = 0  # rows of the vocabulary that no token has, as in many real checkpoints


def _chatting() -> PreTrainedTokenizerBase:
    return vocabularies.llama(chat_template=vocabularies.CHATML)


_T5 = {"d_model": 32, "d_kv": 8, "d_ff": 40, "num_layers": 2, "num_heads": 4}
_LABELS = {0: "LABEL_A", 1: "LABEL_B", 2: "LABEL_C"}

FAMILIES: dict[str, Family] = {
    "bert": Family("BertConfig", "BertForMaskedLM", vocabularies.wordpieces, _USUAL),
    "roberta": Family(
        "RobertaConfig",
        "RobertaForMaskedLM",
        vocabularies.roberta,
        # Its positions begin behind the padding's id.
        _USUAL | {"max_position_embeddings": CONTEXT + 2, "type_vocab_size": 1},
    ),
    "deberta-v2": Family(
        "DebertaV2Config",
        "DebertaV2ForMaskedLM",
        vocabularies.deberta,
        _USUAL
        | {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 16,
            "position_biased_input": False,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
        },
    ),
    "gpt2": Family(
        "GPT2Config",
        "GPT2LMHeadModel",
        vocabularies.gpt2,
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT},
    ),
    "llama": Family("LlamaConfig", "LlamaForCausalLM", vocabularies.llama, _GROUPED),
    "llama-chat": Family("LlamaConfig", "LlamaForCausalLM", _chatting, _GROUPED),
    "mistral": Family(
        "MistralConfig", "MistralForCausalLM", vocabularies.llama, _GROUPED | {"sliding_window": 8}
    ),
    "gemma2": Family(
        "Gemma2Config",
        "Gemma2ForCausalLM",
        vocabularies.gemma,
        _GROUPED
        | {
            "sliding_window": 8,
            "query_pre_attn_scalar": 8,
            "attn_logit_softcapping": 2.0,
            "final_logit_softcapping": 30.0,
        },
    ),
    "bloom": Family(
        "BloomConfig",
        "BloomForCausalLM",
        vocabularies.bloom,
        {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    ),
    "falcon": Family(
        "FalconConfig",
        "FalconForCausalLM",
        vocabularies.falcon,
        {
            "hidden_size": 32,
            "ffn_hidden_size": 40,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "multi_query": True,
            "max_position_embeddings": CONTEXT,
        },
    ),
    "t5": Family("T5Config", "T5ForConditionalGeneration", vocabularies.t5, _T5, more_ids=5),
    "byt5": Family("T5Config", "T5ForConditionalGeneration", vocabularies.byt5, _T5, more_ids=7),
    "bart": Family(
        "BartConfig",
        "BartForConditionalGeneration",
        vocabularies.bart,
        {
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 40,
            "decoder_ffn_dim": 40,
            "max_position_embeddings": CONTEXT,
        },
    ),
    "electra-classifying": Family(
        "ElectraConfig",
        "ElectraForSequenceClassification",
        vocabularies.wordpieces,
        _USUAL | {"embedding_size": 16, "id2label": _LABELS},
    ),
    "bert-labelling": Family(
        "BertConfig",
        "BertForTokenClassification",
        vocabularies.wordpieces,
        _USUAL | {"id2label": _LABELS},
    ),
    "bert-answering": Family(
        "BertConfig", "BertForQuestionAnswering", vocabularies.wordpieces, _USUAL
    ),
    "bert-alone": Family("BertConfig", "BertModel", vocabularies.wordpieces, _USUAL),
    "bert-generation": Family(
        "BertGenerationConfig",
        "BertGenerationDecoder",
        vocabularies.slow_pieces,
        _USUAL | {"is_decoder": True},
    ),
    "mamba": Family(
        "MambaConfig",
        "MambaForCausalLM",
        vocabularies.gpt2,
        {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    ),
    "jamba": Family(
        "JambaConfig",
        "JambaForCausalLM",
        vocabularies.llama,
        _USUAL
        | {
            "num_key_value_heads": 2,
            "num_experts": 1,
            "num_experts_per_tok": 1,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "mamba_d_state": 4,
        },
    ),
}


def make(family: str, folder: Path, context: int = CONTEXT) -> Path:
    """Write the checkpoint of a family into `folder`, which is made, and return it. It reads
    `context` tokens at most."""
    folder.mkdir(parents=True, exist_ok=True)
    made = FAMILIES[family]
    needs_file = made.tokenizer is vocabularies.slow_pieces
    tokenizer = made.tokenizer(folder) if needs_file else made.tokenizer()
    tokenizer.model_max_length = context
    tokenizer.save_pretrained(folder)
    random_model(made, tokenizer, context - CONTEXT).save_pretrained(folder)
    return folder


def random_model(
    made: Family, tokenizer: PreTrainedTokenizerBase, more_positions: int = 0
) -> PreTrainedModel:
    """Weights from a fixed seed, so large that heads differ; the norms nearly as they were."""
    sizes = {
        name: size + more_positions if name in _POSITIONS else size
        for name, size in made.sizes.items()
    }
    config: PreTrainedConfig = getattr(transformers, made.config)(
        vocab_size=len(tokenizer) + made.more_ids, **_special_ids(tokenizer), **sizes
    )
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model: PreTrainedModel = getattr(transformers, made.model)(config).eval()
    spread = 0.15 if made.config == "T5Config" else 0.3  # T5 does not divide its scores
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif "mamba" not in name and "mixer" not in name:
                nn.init.normal_(parameter, std=spread)
    return model


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int | None]:
    """What every config is told, for the defaults are those of the full vocabularies."""
    pad = tokenizer.pad_token_id
    ids = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": pad,
    }
    if isinstance(tokenizer, transformers.T5Tokenizer | transformers.ByT5Tokenizer):
        ids["decoder_start_token_id"] = pad
    if isinstance(tokenizer, transformers.BartTokenizer):
        ids["decoder_start_token_id"] = tokenizer.eos_token_id
    return ids
