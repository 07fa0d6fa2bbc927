"""What a model computes when nobody records it: its logits, its patterns, how many there are.

Two sources that have nothing to do with recording: `output_attentions=True`, where the model
gives probabilities, and every softmax that torch is asked for. Knows nothing of records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from tests.architectures.building import logits_of

ATTENTIONS = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
# Without use_cache=False, blt asks for a number of layers that its configuration does not have,
# and fsmt leaves out the causal mask.
WITHOUT_CACHE = ("blt", "fsmt")


@dataclass(eq=False)
class Plain:
    """One pass that nobody recorded."""

    logits: Tensor
    softmaxes: list[Tensor]  # what every softmax over the last of three axes or more gave
    n_fused: int  # attentions that torch computed in one function
    attentions: list[Tensor] = field(default_factory=list)  # [text, head, query, key]


def run_plain(model: PreTrainedModel, inputs: Mapping[str, Any]) -> Plain:
    """Logits and softmaxes of a run as anybody would do it."""
    torch.manual_seed(0)  # hashes are drawn
    with torch.no_grad(), _Softmaxes() as seen:
        output = model(**inputs, **_settings(model))
    return Plain(logits_of(output), seen.found, seen.n_fused)


def own_attentions(model: PreTrainedModel, inputs: Mapping[str, Any]) -> list[Tensor]:
    """What `output_attentions=True` gives in an eager run, as far as these are probabilities."""
    torch.manual_seed(0)
    with torch.no_grad():
        output = model(**inputs, output_attentions=True, **_settings(model))
    given = [tensor for name in ATTENTIONS for tensor in _tensors(getattr(output, name, None))]
    return [tensor for tensor in given if tensor.dim() == 4 and _are_probabilities(tensor)]


def _settings(model: PreTrainedModel) -> dict[str, bool]:
    return {"use_cache": False} if model.config.model_type in WITHOUT_CACHE else {}


def _tensors(nested: Any) -> list[Tensor]:
    if isinstance(nested, Tensor):
        return [nested]
    if isinstance(nested, Sequence):
        return [tensor for part in nested for tensor in _tensors(part)]
    return []


def _are_probabilities(tensor: Tensor) -> bool:
    """A row sums to 1, or to less where a sink takes its share."""
    sums = tensor.sum(-1)
    return bool((tensor >= 0).all()) and bool((sums < 1 + 1e-4).all())


class _Softmaxes(TorchFunctionMode):
    """While open, keeps what every softmax over the last axis gave, and counts fused ones."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []
        self.n_fused = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name == "softmax" and out.dim() > 2:
            axis = kwargs["dim"] if "dim" in kwargs else args[1]
            if axis % out.dim() == out.dim() - 1:
                self.found.append(out.detach().clone())
        self.n_fused += name == "scaled_dot_product_attention"
        return out
