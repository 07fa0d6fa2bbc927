"""A model as it writes: its weights are read in 16 bits, as its file has them. The same numbers.

Knows how products are computed; neither what is written nor when (`decoding.py`, `writing.py`).
"""

from typing import Any

import torch
from torch import Tensor, nn

from model_runtime.builtin.copies import with_the_same_weights
from model_runtime.builtin.transformer import Transformer


class HalvedLinear(nn.Module):
    """`nn.Linear` whose weights are kept in 16 bits, widened as they are multiplied, and added up
    in 32. For few rows nearly all of a product is the reading of its weights."""

    def __init__(self, linear: nn.Linear) -> None:
        """The same weights; 16 bits are to hold them exactly."""
        super().__init__()
        bias = None if linear.bias is None else linear.bias.detach()
        self._packed: Any = torch.ops.quantized.linear_prepack_fp16(linear.weight.detach(), bias)

    def forward(self, x: Tensor) -> Tensor:
        """[..., D_in] → [..., D_out], in 32 bits."""
        return torch.as_tensor(torch.ops.quantized.linear_dynamic_fp16(x, self._packed))


def halved(model: Transformer) -> Transformer:
    """A copy to write with, whose products read half as much memory; all else is shared. The model
    itself where 16 bits do not hold its weights, or this processor has no such product."""
    linears = [part for part in model.modules() if isinstance(part, nn.Linear)]
    if not has_products() or not all(_is_exact(linear.weight) for linear in linears):
        return model
    copy = with_the_same_weights(model)
    for owner in list(copy.modules()):
        for name, part in owner.named_children():
            if isinstance(part, nn.Linear):
                setattr(owner, name, HalvedLinear(part))
    return copy


def has_products() -> bool:
    """Whether torch multiplies rows of 32 bits by weights of 16 here: by FBGEMM, on x86."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def _is_exact(weight: Tensor) -> bool:
    return bool((weight.half().float() == weight).all())
