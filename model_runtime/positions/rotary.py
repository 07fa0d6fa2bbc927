"""Rotary positions: how fast each pair of dimensions turns, under every scaling, and what turns.

RoFormer (Su et al. 2021) and the scalings of transformers' `modeling_rope_utils.py`, in 64 bits.
Knows neither a model nor the screen.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_runtime.positions.encodings import Pairing, RotarySettings, Values

Vectors = NDArray[np.floating]  # 32 bits as models have them, or 64


# ── How fast ─────────────────────────────────────────────────────────────────────────


def frequencies(settings: RotarySettings, length: int = 0) -> Values:
    """How far each pair turns per position, in radians. Returns [d_rotated // 2].

    `length` is the number of tokens of the sequence: "dynamic" and "longrope" turn long ones
    otherwise. Raises ValueError for an unknown scaling and for settings without a meaning.
    """
    _check(settings)
    return _SCALED[settings.scaling](settings, length)


def attention_factor(settings: RotarySettings) -> float:
    """What sines and cosines are multiplied by, so that scores keep their size; 1 where the
    scaling has none.

    YaRN (Peng et al. 2023), §3.4: 0.1·ln(factor) + 1, and deepseek's ratio of two such; longrope
    as transformers and Phi-3 have it: √(1 + ln(factor) / ln(original_length)). Raises ValueError
    as `frequencies` does.
    """
    _check(settings)
    if settings.scaling not in ("yarn", "longrope"):
        return 1.0
    if settings.attention_factor is not None:
        return settings.attention_factor
    factor = settings.factor
    if factor <= 1:
        return 1.0
    if settings.scaling == "longrope":
        return math.sqrt(1 + math.log(factor) / math.log(settings.original_length))
    if settings.mscale and settings.mscale_all_dim:
        growth = 0.1 * math.log(factor)
        return (settings.mscale * growth + 1) / (settings.mscale_all_dim * growth + 1)
    return 0.1 * math.log(factor) + 1


def _default(settings: RotarySettings, length: int) -> Values:
    """RoFormer, §3.2.2: base^(−2p/d)."""
    even = np.arange(0, settings.d_rotated, 2)
    return 1.0 / settings.base ** (even / settings.d_rotated)


def _linear(settings: RotarySettings, length: int) -> Values:
    """Position Interpolation (Chen et al. 2023): every position divided by the factor."""
    return _default(settings, length) / settings.factor


def _dynamic(settings: RotarySettings, length: int) -> Values:
    """NTK-aware, dynamic: beyond the trained length the base grows, so that the slowest pair is
    interpolated and the fastest stays. YaRN, §3.1 and §3.3."""
    longer = max(length, settings.original_length) / settings.original_length
    growth = settings.factor * longer - (settings.factor - 1)
    # base' = base · growth^(d/(d−2)), taken to the power −2p/d: so written, d = 2 works too.
    pairs = np.arange(settings.d_rotated // 2)
    return _default(settings, length) / growth ** (pairs / max(1, len(pairs) - 1))


def _yarn(settings: RotarySettings, length: int) -> Values:
    """YaRN (Peng et al. 2023), §3.2 "NTK-by-parts": pairs that turn often within the trained
    length stay, those that never turn once are interpolated, a ramp lies between them."""
    d, plain = settings.d_rotated, _default(settings, length)

    def dimension(turns: float) -> float:
        """Where a pair turns so many times within the trained length."""
        per_turn = settings.original_length / (turns * 2 * math.pi)
        return d * math.log(per_turn) / (2 * math.log(settings.base))

    low, high = dimension(settings.beta_fast), dimension(settings.beta_slow)
    if settings.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, d - 1)
    width = high - low or 0.001  # transformers' own way out of a division by zero
    ramp = np.clip((np.arange(d // 2) - low) / width, 0.0, 1.0)
    return plain / settings.factor * ramp + plain * (1 - ramp)


def _llama3(settings: RotarySettings, length: int) -> Values:
    """Llama 3.1: as YaRN, with the ramp over wavelengths (transformers, `llama3`)."""
    plain = _default(settings, length)
    low, high = settings.low_freq_factor, settings.high_freq_factor
    turns = settings.original_length * plain / (2 * math.pi)  # within the trained length
    smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return (1 - smooth) * plain / settings.factor + smooth * plain


def _longrope(settings: RotarySettings, length: int) -> Values:
    """LongRoPE (Ding et al. 2024): a factor for each pair, found by search; others for
    sequences beyond the trained length."""
    long = length > settings.original_length
    factors = np.array(settings.long_factor if long else settings.short_factor)
    return _default(settings, length) / factors


_SCALED: dict[str, Callable[[RotarySettings, int], Values]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "yarn": _yarn,
    "llama3": _llama3,
    "longrope": _longrope,
}


def _check(settings: RotarySettings) -> None:
    """Raises ValueError for what has no formula or would divide by zero."""
    scaling, pairs = settings.scaling, settings.d_rotated // 2
    if scaling not in _SCALED:
        raise ValueError(f"there is no formula for the scaling {scaling!r}")
    if settings.d_rotated < 2 or settings.d_rotated % 2:
        raise ValueError(f"pairs are turned, and {settings.d_rotated} dimensions make none")
    if not 0 < settings.base < math.inf:
        raise ValueError(f"the base must be a number over 0, not {settings.base}")
    if scaling != "default" and not 0 < settings.factor < math.inf:
        raise ValueError(f"the factor must be a number over 0, not {settings.factor}")
    if scaling in ("dynamic", "yarn", "llama3", "longrope") and settings.original_length < 2:
        raise ValueError(f"{scaling} needs the length that the model was trained for")
    if scaling == "yarn" and settings.base == 1:
        raise ValueError("yarn needs a base that is not 1, where all pairs turn alike")
    if scaling == "yarn" and not (settings.beta_fast > 0 and settings.beta_slow > 0):
        raise ValueError("the betas of yarn must be over 0")
    if scaling == "llama3" and not settings.low_freq_factor < settings.high_freq_factor:
        raise ValueError("the low factor of llama3 must be under its high factor")
    if scaling == "longrope":
        for factors in (settings.short_factor, settings.long_factor):
            if len(factors) != pairs or not all(0 < factor < math.inf for factor in factors):
                raise ValueError(f"longrope needs a factor over 0 for each of {pairs} pairs")


# ── What is turned ───────────────────────────────────────────────────────────────────


def rotated(
    vectors: Vectors,
    positions: ArrayLike,
    frequencies: Vectors,
    pairing: Pairing = "neighbours",
) -> Values:
    """Turn pair p of each vector by position·frequency[p]. RoFormer, eq. 34.

    `vectors` [..., d] at `positions` [...], which are spread over each other as numpy does it:
    one vector at many positions becomes [position, d]. Dimensions from 2·pairs on stay as they
    are. Lengths never change. Raises ValueError for an unknown pairing and for vectors that
    have fewer than 2·pairs dimensions.
    """
    pairs, d = len(frequencies), vectors.shape[-1] if vectors.ndim else 0
    if d < 2 * pairs:
        raise ValueError(f"{pairs} pairs need {2 * pairs} dimensions, and there are {d}")
    first, second = pair_slices(pairs, pairing)
    angle = np.asarray(positions, dtype=np.float64)[..., None] * frequencies
    sin, cos = np.sin(angle), np.cos(angle)
    shape = np.broadcast_shapes(vectors.shape[:-1], angle.shape[:-1])
    turned = np.array(np.broadcast_to(vectors, (*shape, d)), dtype=np.float64)
    a, b = vectors[..., first], vectors[..., second]
    turned[..., first] = a * cos - b * sin
    turned[..., second] = a * sin + b * cos
    return turned


def score(
    q: Vectors,
    k: Vectors,
    at_query: float,
    at_key: float,
    frequencies: Vectors,
    pairing: Pairing = "neighbours",
) -> float:
    """Dot product of one query [d] and one key [d], both turned at their positions.

    Not yet multiplied by the scale. Raises ValueError as `rotated` does.
    """
    turned_q = rotated(q, at_query, frequencies, pairing)
    return float(turned_q @ rotated(k, at_key, frequencies, pairing))


def scores_by_distance(
    q: Vectors,
    k: Vectors,
    distances: ArrayLike,
    frequencies: Vectors,
    pairing: Pairing = "neighbours",
) -> Values:
    """The same for a query so far after its key, [distance]; before it where negative.

    The key stands at 0, and may: turning both by the same angle changes no dot product, so
    a score depends on the difference of their positions alone. Raises ValueError as `rotated`.
    """
    return rotated(q, np.asarray(distances), frequencies, pairing) @ k


def pair_slices(pairs: int, pairing: Pairing) -> tuple[slice, slice]:
    """Where the first and the second number of each pair stand in a vector. Raises ValueError
    for an unknown pairing."""
    if pairing == "neighbours":
        return slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    if pairing == "halves":
        return slice(0, pairs), slice(pairs, 2 * pairs)
    raise ValueError(f"pairs are neighbours or halves, not {pairing!r}")
