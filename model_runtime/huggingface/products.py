"""Products of two activations, whatever they are written with: matmul, bmm, baddbmm, einsum.

Says which axis of a product is which, so that q·kᵀ and pattern·v can be told from each other
and put into one layout. Knows torch functions by name; not what a product is for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

MATMULS = {"matmul", "__matmul__", "bmm"}
_BATCH_AXES = "abcefgh"  # names for the leading axes of a matmul; n, m and d are the others


@dataclass(frozen=True, eq=False)
class Product:
    """left · right, with a letter for each axis, as in einsum."""

    left: Tensor
    right: Tensor
    left_axes: str
    right_axes: str
    out_axes: str
    alpha: float = 1.0
    plus: Tensor | None = None  # added to it by the same function
    plus_factor: float = 1.0

    def operand(self, lead: str, row: str, column: str, from_left: bool) -> Tensor:
        """One operand as [*lead, row, column]; a leading axis that it lacks has size 1."""
        tensor, axes = (self.left, self.left_axes) if from_left else (self.right, self.right_axes)
        present = [axis for axis in lead + row + column if axis in axes]
        tensor = tensor.permute([axes.index(axis) for axis in present])
        for i, axis in enumerate(lead):
            if axis not in axes:
                tensor = tensor.unsqueeze(i)
        return tensor


def product_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Product | None:
    """The product that a torch function computes, or None: it computes none, or one with a
    vector, or one that sums over no axis or over several."""
    if name in MATMULS and len(args) == 2:
        return _matmul(args[0], args[1])
    if name == "baddbmm":
        return _baddbmm(*args, **kwargs)
    if name == "einsum" and isinstance(args[0], str):
        operands = args[1] if len(args) == 2 and isinstance(args[1], tuple | list) else args[1:]
        return _einsum(args[0], *operands) if len(operands) == 2 else None
    return None


def _matmul(left: Tensor, right: Tensor) -> Product | None:
    if min(left.dim(), right.dim()) < 3:
        return None
    n = max(left.dim(), right.dim()) - 2
    lead = _BATCH_AXES[:n]
    return Product(
        left,
        right,
        lead[n + 2 - left.dim() :] + "nd",
        lead[n + 2 - right.dim() :] + "dm",
        lead + "nm",
    )


def _baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1.0,
    alpha: float = 1.0,
    out: Tensor | None = None,
) -> Product:
    plus = input if beta else None
    return Product(batch1, batch2, "and", "adm", "anm", alpha, plus, beta)


def _einsum(equation: str, left: Tensor, right: Tensor) -> Product | None:
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    left_axes, comma, right_axes = inputs.partition(",")
    if not (arrow and comma):
        return None
    left_axes, extra = _without_dots(left_axes, left.dim())
    right_axes, extra_right = _without_dots(right_axes, right.dim())
    out = out.replace("...", max(extra, extra_right, key=len))
    if any(len(set(axes)) < len(axes) for axes in (left_axes, right_axes, out)):
        return None
    if len(set(left_axes + right_axes) - set(out)) != 1:
        return None
    if not set(left_axes) & set(right_axes) - set(out):
        return None
    return Product(left, right, left_axes, right_axes, out)


def _without_dots(axes: str, dimensions: int) -> tuple[str, str]:
    """Axes with letters for the dots, and those letters."""
    letters = "ZYXWVU"[: dimensions - len(axes.replace("...", ""))][::-1] if "..." in axes else ""
    return axes.replace("...", letters), letters


def as_scores(product: Product) -> tuple[Tensor, Tensor] | None:
    """(q, k), [*lead, n_q, d] and [*lead, n_k, d], of a product [*lead, n_q, n_k]; None if
    its last two axes are not one of each operand, or if an operand is the same for every
    text, as one made of positions is."""
    row, column = product.out_axes[-2], product.out_axes[-1]
    lead = product.out_axes[:-2]
    rows_left = row in product.left_axes
    if (row in product.right_axes) == rows_left:
        return None
    if (column in product.left_axes) == rows_left or (column in product.right_axes) != rows_left:
        return None
    if lead[:1] not in product.left_axes or lead[:1] not in product.right_axes:
        return None
    (d,) = set(product.left_axes) & set(product.right_axes) - set(product.out_axes)
    q = product.operand(lead, row, d, from_left=rows_left)
    k = product.operand(lead, column, d, from_left=not rows_left)
    return q, k


@dataclass(frozen=True, eq=False)
class Mixture:
    """z = pattern · v: [*lead, n_q, n_k], [*lead, n_k, d_value], [*lead, n_q, d_value]."""

    pattern: Tensor
    v: Tensor
    z: Tensor


def as_mixture(product: Product, pattern_is_left: bool, out: Tensor) -> Mixture | None:
    """(pattern, v, z) of a product that sums over the last axis of the pattern; else None."""
    axes, others = product.left_axes, product.right_axes
    if not pattern_is_left:
        axes, others = others, axes
    lead, row, key = axes[:-2], axes[-2], axes[-1]
    value = [axis for axis in others if axis not in axes]
    if key in product.out_axes or row in others or len(value) != 1:
        return None
    pattern = product.left if pattern_is_left else product.right
    v = product.operand(lead, key, value[0], from_left=not pattern_is_left)
    order = [product.out_axes.index(axis) for axis in lead + row + value[0]]
    return Mixture(pattern, v, out.permute(order))
