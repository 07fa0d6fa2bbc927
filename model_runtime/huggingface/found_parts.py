"""The modules of a model that deal with text, each with what holds it and its configuration.

Leaves out towers for pictures and sound. Knows nothing of positions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from model_runtime.types import Floats

_OTHER_SENSES = re.compile(
    r"vision|visual|image|img_|pixel|video|audio|speech|acoustic|timestamp|diarization",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Part:
    """One module."""

    name: str  # dotted
    module: Any  # an nn.Module; its attributes are whatever its file gave it
    holder: Any  # the module that it is in; itself for the whole model
    config: Any  # of the nearest model around it

    @property
    def leaf(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]

    @property
    def made_by(self) -> str:
        """The class of the module; of one of torch's own, the class that holds it."""
        is_torchs = type(self.module).__module__.startswith("torch.")
        return type(self.holder if is_torchs else self.module).__name__

    def tensors(self) -> dict[str, Tensor]:
        """Its own parameters, buffers and plain tensors by name."""
        found: dict[str, Tensor] = dict(self.module.named_parameters(recurse=False))
        found |= dict(self.module.named_buffers(recurse=False))
        found |= {name: of for name, of in vars(self.module).items() if isinstance(of, Tensor)}
        return found

    def under(self, tensor: str) -> str:
        """The dotted name of one of its tensors."""
        return f"{self.name}.{tensor}" if self.name else tensor


def text_parts(model: PreTrainedModel) -> Iterator[Part]:
    """Every module for text, in the order in which the model lists them."""
    configs: dict[str, Any] = {}
    holders: dict[str, nn.Module] = {"": model}
    for name, module in model.named_modules():
        above = name.rpartition(".")[0] if name else ""
        own = getattr(module, "config", None)
        config = own if isinstance(own, PreTrainedConfig) else configs.get(above)
        configs[name], holders[name] = config, module
        if not _OTHER_SENSES.search(name) and _is_of_text(model.config, config, name):
            yield Part(name, module, holders.get(above, model), config)


def read_only(tensor: Tensor) -> Floats:
    """The numbers of a tensor as they stand in memory, where they are in 32 bits."""
    array: Floats = tensor.detach().to("cpu", torch.float32).numpy().view()
    array.setflags(write=False)
    return array


def _is_of_text(whole: Any, config: Any, name: str) -> bool:
    """Whether a module's configuration is of text: of a model that reads pictures as well, what
    lies outside of the part for text places no tokens."""
    if type(config) is type(whole):
        return not name or getattr(whole, "text_config", None) is None
    return not _OTHER_SENSES.search(getattr(config, "model_type", "") or "")
