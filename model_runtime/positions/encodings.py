"""What a model has to tell positions by: what kind it is, where it was found, its own numbers.

Frozen values, numpy only. Knows neither how they are found (`builtin/found.py`,
`huggingface/found.py`) nor what is made of them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.types import Floats, StackName

Values = NDArray[np.float64]

Kind = Literal[
    "sinusoidal",  # a table of sines and cosines, added to the embeddings
    "learned",  # a table that was trained, added to the embeddings
    "rotary",  # queries and keys are turned, pair by pair
    "alibi",  # a penalty per head that grows with distance, added to the scores
    "buckets",  # a trained bias per head and bucket of distances, added to the scores
    "relative",  # another way to tell distances (deberta, xlnet): seen in the scores alone
    "none",  # nothing was found
]

# Which dimensions turn together: 2p and 2p+1, or p and p + pairs.
Pairing = Literal["neighbours", "halves"]

# What transformers calls `rope_type`; any other name is kept as the config has it.
SCALINGS = ("default", "linear", "dynamic", "yarn", "llama3", "longrope")


@dataclass(frozen=True)
class RotarySettings:
    """How frequencies are made; what a scaling does not use keeps its default."""

    d_rotated: int  # dimensions of a head that are turned: twice the number of pairs
    base: float = 10000.0
    scaling: str = "default"
    factor: float = 1.0  # how many times longer than it was trained for
    original_length: int = 0  # the context that it was trained for
    low_freq_factor: float = 1.0  # llama3
    high_freq_factor: float = 4.0  # llama3
    beta_fast: float = 32.0  # yarn
    beta_slow: float = 1.0  # yarn
    truncate: bool = True  # yarn: whether the bounds of the ramp are made whole numbers
    attention_factor: float | None = None  # yarn, longrope: None: by the formula
    mscale: float | None = None  # yarn, as deepseek uses it
    mscale_all_dim: float | None = None
    short_factor: tuple[float, ...] = ()  # longrope, one a pair
    long_factor: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Rotation:
    """A model's own rotation of queries and keys."""

    settings: RotarySettings
    frequencies: Floats  # [pair], radians per position: the model's own
    pairing: Pairing
    attention_factor: float = 1.0  # what sines and cosines are multiplied by
    layers: str = ""  # of a model that turns some layers otherwise: which these are


@dataclass(frozen=True, eq=False)
class Buckets:
    """A trained bias per bucket of distances."""

    table: Floats  # [bucket, head]
    both_ways: bool  # whether keys after the query have buckets of their own
    max_distance: int  # all distances from here on share the last bucket


@dataclass(frozen=True, eq=False)
class Encoding:
    """One way in which a model tells positions; it may have several, and one for each stack."""

    kind: Kind
    stacks: tuple[StackName, ...]  # whose tokens it places: "encoder", "decoder"
    where: str  # "bert.embeddings.position_embeddings.weight", "config.alibi", …; "" for none
    made_by: str  # the class that holds it: "BertEmbeddings", "LlamaRotaryEmbedding", "Stack"
    table: Floats | None = None  # [position, d_model]; row 0 is what the first token gets
    rotation: Rotation | None = None
    slopes: Floats | None = None  # [head], of alibi
    buckets: Buckets | None = None
