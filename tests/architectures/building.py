"""A tiny random model of an entry, and inputs for it: one text, and two of which one is padded.

Weights are drawn so that nothing is zero or one: a bias, a norm, a sink or a position term that
somebody forgets changes the numbers. Knows nothing of recording.
"""

import inspect
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from model_runtime.huggingface.recorder import Implementation
from tests.architectures.inputs import Inputs, completed, length_of
from tests.architectures.shrinking import Entry, tiny_config

LENGTH = 12  # tokens; longer than every sliding window (6)
TARGET_LENGTH = 7
PADDED_LENGTH = 8  # tokens of the shorter of two texts
ORDINARY_IDS = (10, 80)  # no special token of any tiny configuration lies between


def build(entry: Entry, implementation: Implementation = "eager") -> PreTrainedModel:
    """A random model on the CPU in 32 bits, in eval mode, the same each time, that computes its
    attention by `implementation`. Raises what transformers raises, ValueError where there is
    no such implementation."""
    model_class = getattr(transformers, entry.class_name)
    config = _for_class(tiny_config(entry), model_class)
    torch.manual_seed(0)
    model = model_class._from_config(config, attn_implementation=implementation).float().eval()
    _randomise(model)
    return model


def inputs_for(model: PreTrainedModel, entry: Entry) -> dict[str, Inputs]:
    """By name: "unpadded" is one text, "padded" two, the second shorter and filled up."""
    length = length_of(entry, LENGTH)
    return {
        "unpadded": _inputs(model, entry, [length]),
        "padded": _inputs(model, entry, [length, length * PADDED_LENGTH // LENGTH]),
    }


def _for_class(config: PreTrainedConfig, model_class: Any) -> PreTrainedConfig:
    """As `AutoModel.from_config` does it: of a model for pictures and text, the text part."""
    for name in config.sub_configs:
        part = getattr(config, name, None)
        if isinstance(part, PreTrainedConfig) and type(part) is model_class.config_class:
            return part
    return config


def _randomise(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)
            else:  # norms stay near 1, biases near 0, and none is the same as another
                parameter.add_(0.3 * noise)


def _inputs(model: PreTrainedModel, entry: Entry, lengths: list[int]) -> Inputs:
    names = inspect.signature(model.forward).parameters
    generator = torch.Generator().manual_seed(2)
    pad = getattr(model.config.get_text_config(), "pad_token_id", None) or 0
    inputs: Inputs = {}
    ids, mask = _ids(lengths, pad, generator)
    inputs["input_ids" if "input_ids" in names else "inputs"] = ids
    if len(lengths) > 1 and "attention_mask" in names:
        inputs["attention_mask"] = mask
    if "decoder_input_ids" in names:
        shorter = [TARGET_LENGTH - 2 * row for row in range(len(lengths))]
        inputs["decoder_input_ids"], mask = _ids(shorter, pad, generator)
        if len(lengths) > 1 and "decoder_attention_mask" in names:
            inputs["decoder_attention_mask"] = mask
    return completed(entry, model, inputs)


def _ids(lengths: list[int], pad: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(token ids, attention mask), [text, position], shorter texts filled up at the right."""
    shape = len(lengths), max(lengths)
    mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(*ORDINARY_IDS, shape, generator=generator)
    return torch.where(mask.bool(), ids, pad), mask


def logits_of(output: Any) -> Tensor:
    """What the model predicts, whatever it calls it."""
    for name in ("logits", "prediction_logits"):
        if getattr(output, name, None) is not None:
            return getattr(output, name)
    return output[0]
