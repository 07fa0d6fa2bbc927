"""One step of a pass: its operands, its result, and the rule that makes one of the other.

Values only. Knows neither how they are found (`walk.py`) nor how they are drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.builtin.config import TransformerConfig
from model_runtime.types import StackName, Token

Values = NDArray[np.float64]

NOT_HERE = "not in this model"
NOT_RECORDED = "not recorded"

# What makes the result of the operands; i counts its rows and j its columns.
Rule = Literal[
    "tokens",  # the text, cut into tokens: no numbers yet
    "given",  # as it was recorded; nothing is computed here
    "matmul",  # C[i,j] = Σ_k A[i,k]·B[k,j] (+ b[0,j]); `rest` holds the terms folded away
    "add",  # C[i,j] = A[i,j] + B[i,j]
    "scale",  # C[i,j] = A[i,j] · numbers["factor"]
    "norm",  # C[i,j] = (A[i,j] − mean[i,0]) / √(variance[i,0] + numbers["epsilon"]) · γ[0,j] + β[…]
    "rotate",  # pair p = j // 2 turned: C[i,2p] = a·cos − b·sin, C[i,2p+1] = a·sin + b·cos
    "columns",  # C[i,j] = A[i, numbers["first"] + j]: one head's columns
    "heads",  # C[i,j] = z of head j // d_head: heads side by side
    "softcap",  # C[i,j] = c·tanh(A[i,j] / c), c = numbers["softcap"]
    "mask",  # C[i,j] = A[i,j] where visible, else −∞
    "softmax",  # C[i,j] = exp(A[i,j] − max[i,0]) / sum[i,0]
    "relu",  # C[i,j] = max(0, A[i,j])
    "gelu",  # C[i,j] = A[i,j] · Φ(A[i,j])
    "missing",  # this model has no such step, or it was not recorded: `why` says which
]


@dataclass(frozen=True)
class Place:
    """What is looked at: one cell of one head, over `trace.tokens(stack)`."""

    stack: StackName
    layer: int
    head: int
    query: int
    key: int


@dataclass(frozen=True)
class Insides:
    """What a built-in model is made of; of a checkpoint nobody knows."""

    config: TransformerConfig
    weights: Mapping[str, NDArray[np.float32]]  # by the names of transformer.py


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a matrix: which there are, and which of them are here."""

    kind: Literal["token", "dimension", "vocabulary", "single"]
    size: int  # how many there are
    kept: tuple[int, ...]  # the true indices of those that are here, ascending
    labels: tuple[str, ...] = ()  # of those that are here; tokens are user text, so hostile


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers with a name, whole or folded; what is left out is known by the axes."""

    symbol: str  # as in the formula: "x", "W_Q", "q"
    values: Values  # [rows kept, columns kept]; −∞ only where masked
    rows: Axis
    cols: Axis
    source: str = ""  # the recorded array or weight that it is: "decoder.0.attn.input"


@dataclass(frozen=True, eq=False)
class Step:
    """One step with everything that is needed to compute its result by hand."""

    section: StackName  # which part of the model it is in
    name: str  # one of `walk.NAMES`: "embedding", "dot", "softmax", …
    rule: Rule
    operands: Mapping[str, Matrix]  # by the letter that the rule gives it: "A", "B", "b", "γ", …
    result: Matrix | None  # None where the rule is "tokens" or "missing"
    cell: tuple[int, int] = (0, 0)  # the cell of the result worth a look: true (row, column)
    numbers: Mapping[str, float] = field(default_factory=dict)
    rest: Values | None = None  # as the result: the sum of the terms of a matmul not kept
    tokens: tuple[Token, ...] = ()  # for the rules "tokens" and "given" ids
    why: str = ""  # of a missing step: "not in this model" or "not recorded"
