"""The self-check of a checkpoint: a short probe, recorded and compared with the model's own.

Decides what of a model can be shown, and how it is best recorded. Knows no tokenizer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from model_runtime.attention import AttentionRecord
from model_runtime.errors import N_
from model_runtime.huggingface.calls import AttentionCall
from model_runtime.huggingface.places import Place, places, stack_of
from model_runtime.huggingface.recorder import Implementation, Recorded, record, without_cache
from model_runtime.recording import OwnAttention
from model_runtime.types import Remark, SelfCheck

EXACT = 1e-5
SAME_LOGITS = 1e-3  # of two ways to compute the same in 32 bits, through all layers

NO_SOFTMAX = N_(
    "{architecture} computes no attention by a softmax over the tokens, so there are no shares to "
    "show."
)
NOT_SHOWN = N_("Not shown ({where}): {why}")
TOO_FAR = N_("recomputed from what was recorded, it differs from the model's own by up to {error}")
NOT_TOKENS = N_("it looks at {found} keys that are not one each for {tokens} tokens")
NOT_QUERIES = N_("its {found} queries are not one each for {tokens} tokens")
IMPRECISE = N_(
    "Shown as recomputed ({where}): it agrees with the model's own to {error}, which is how far "
    "32 bits round here."
)


ELSEWHERE = -1  # the layer of attention that is not shown and goes by no number


@dataclass(frozen=True)
class Plan:
    """How a model is recorded: what was found once holds for every text."""

    following: bool  # some attention bypasses the interface
    long: Implementation  # for texts too long to make every pattern
    shown: frozenset[Place]  # the attention that is exact


@dataclass(frozen=True, eq=False)
class Probed:
    """What the probe found."""

    plan: Plan
    result: SelfCheck
    attentions: tuple[OwnAttention, ...]  # those shown
    is_two_sided: bool  # a query may look at later keys
    logits_shape: tuple[int, ...]  # without the batch axis; () for a model without a head
    cell_bytes: float  # memory of biases and masks for each (query, key), all layers together


def probe(model: PreTrainedModel, inputs: Mapping[str, Any], family: str) -> Probed:
    """Run `model` on a few tokens, unrecorded and recorded, and compare.

    `family` is "encoder", "decoder" or "encoder-decoder". Raises what the model raises.
    """
    plain = logits_of(run_unrecorded(model, inputs))
    recorded = record(model, inputs, "eager")
    sorted_out = sort_out(recorded, inputs, family)
    imprecise: dict[Place, float] = {}
    too_far: dict[Place, float] = {}
    shown: dict[Place, OwnAttention] = {}
    worst_pattern = worst_z = 0.0
    for place, own in sorted_out.shown.items():
        pattern, z = own.errors()
        error = float(np.maximum(pattern, z))
        if not error <= max(EXACT, rounding(own.record)):  # NaN is no agreement either
            too_far[place] = error
            continue
        if error > EXACT:
            imprecise[place] = error
        worst_pattern, worst_z = max(worst_pattern, pattern), max(worst_z, z)
        shown[place] = own
    remarks = reasons(sorted_out.hidden)
    if too_far:
        why = Remark(TOO_FAR, {"error": _worst(too_far)})
        remarks.append(Remark(NOT_SHOWN, {"where": _where(too_far), "why": why}))
    if imprecise:
        values = {"where": _where(imprecise), "error": _worst(imprecise)}
        remarks.append(Remark(IMPRECISE, values))
    if not recorded.calls:
        remarks.append(Remark(NO_SOFTMAX, {"architecture": type(model).__name__}))
    plan = Plan(
        following=recorded.bypassed,
        long=_long(model, inputs, recorded, plain),
        shown=frozenset(shown),
    )
    worst_logits = _difference(logits_of(recorded.output), plain)
    return Probed(
        plan,
        SelfCheck(worst_pattern, worst_z, worst_logits, tuple(remarks)),
        tuple(shown.values()),
        is_two_sided=any(
            _looks_ahead(own) for own in shown.values() if own.record.stack != "cross"
        ),
        logits_shape=() if plain is None else tuple(plain.shape[1:]),
        cell_bytes=_cell_bytes([own.record for own in shown.values()]),
    )


def _cell_bytes(records: Iterable[AttentionRecord]) -> float:
    """What grows with n²: biases and masks, where layers share one only once."""
    found: dict[int, float] = {}
    for taken in records:
        for array in (taken.bias, taken.mask):
            if array is not None:
                n_maps = array.shape[0] if array.strides[0] else 1
                where = int(array.__array_interface__["data"][0])
                found[where] = float(array.itemsize * n_maps)
    return sum(found.values())


@dataclass(frozen=True, eq=False)
class SortedOut:
    """The attention of one pass by its place: what can be shown, and why the rest cannot."""

    shown: dict[Place, OwnAttention]
    hidden: dict[Place, Remark]


def sort_out(recorded: Recorded, inputs: Mapping[str, Any], family: str) -> SortedOut:
    """Find each call's place, and whether its keys are the tokens."""
    whys = [_why_not(call, inputs, family) for call in recorded.calls]
    # What is not shown takes no number from what is: prophetnet's modules make two calls each.
    shown = [call for call, why in zip(recorded.calls, whys, strict=True) if why is None]
    hidden = [call for call, why in zip(recorded.calls, whys, strict=True) if why is not None]
    found = {p: call.own(p.stack, p.layer) for p, call in _placed(shown, family)}
    missing: dict[Place, Remark] = {}
    for (place, _), why in zip(
        _placed(hidden, family), (why for why in whys if why is not None), strict=True
    ):
        # Where calls are numbered in their order, both kinds begin at 0: then only what is shown
        # goes by its number.
        missing[Place(place.stack, ELSEWHERE) if place in found else place] = why
    return SortedOut(found, missing)


def _placed(calls: list[AttentionCall], family: str) -> list[tuple[Place, AttentionCall]]:
    return list(zip(places([call.module for call in calls], family), calls, strict=True))


def _why_not(call: AttentionCall, inputs: Mapping[str, Any], family: str) -> Remark | None:
    """Why a call cannot be shown, if it cannot: its queries and keys are to be the tokens."""
    if call.trouble:
        return Remark(call.trouble, {})
    n_encoder, n_decoder = _lengths(inputs)
    stack = stack_of(call.module, family)
    n_q = n_encoder if stack == "encoder" else n_decoder
    n_k = n_decoder if stack == "decoder" else n_encoder
    for what, found, due in (
        (NOT_QUERIES, call.q.shape[2], n_q),
        (NOT_TOKENS, call.k.shape[2], n_k),
    ):
        if found != due:
            return Remark(what, {"found": found, "tokens": due})
    return None


def reasons(hidden: Mapping[Place, Remark]) -> list[Remark]:
    """A sentence for each reason, whatever the number of layers that share it."""
    groups: dict[tuple[object, ...], list[Place]] = {}
    for place, why in hidden.items():
        groups.setdefault((why.message, *why.values.values()), []).append(place)
    return [
        Remark(NOT_SHOWN, {"where": _where(found), "why": hidden[found[0]]})
        for found in groups.values()
    ]


def rounding(record: AttentionRecord) -> float:
    """How far a share may be off because the model computed its scores in 32 bits: half a unit
    in the last place of the largest product |q||k|·scale, once for each term that is added."""
    q = np.linalg.norm(record.q, axis=-1).max(initial=0.0)
    k = np.linalg.norm(record.k, axis=-1).max(initial=0.0)
    return float(q * k * record.scale * np.finfo(np.float32).eps / 2 * np.sqrt(record.q.shape[-1]))


def run_unrecorded(model: PreTrainedModel, inputs: Mapping[str, Any]) -> Any:
    """The model's plain output."""
    with torch.no_grad():
        return model(**inputs, return_dict=True, **without_cache(model))


def logits_of(output: Any) -> Tensor | None:
    """The logits [batch, position, n], for an answer span [batch, position, 2]; or None of a
    model without a head. One row of labels for a whole text becomes one position."""
    if getattr(output, "start_logits", None) is not None:
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    found = getattr(output, "logits", None)
    if found is None:
        found = getattr(output, "prediction_logits", None)
    if found is None:
        return None
    return found[:, None] if found.dim() == 2 else found


def _long(
    model: PreTrainedModel, inputs: Mapping[str, Any], recorded: Recorded, plain: Tensor | None
) -> Implementation:
    """sdpa, which makes no patterns, if the model can and it comes to the same."""
    if recorded.bypassed or not model._supports_sdpa or not model._can_set_attn_implementation():
        return "eager"
    fast = record(model, inputs, "sdpa", following=False, kept="residual")
    same = len(fast.calls) == len(recorded.calls)
    for call, other in zip(fast.calls, recorded.calls, strict=False):
        same = same and _difference(call.z, other.z) <= EXACT
        same = same and call.own("encoder", 0).error() <= EXACT
    return "sdpa" if same and _difference(logits_of(fast.output), plain) <= SAME_LOGITS else "eager"


def _worst(errors: Mapping[Place, float]) -> str:
    return f"{np.max(list(errors.values())):.0e}"  # numpy's keeps NaN


def _where(found: Iterable[Place]) -> str:
    """decoder L0 L1 L2, cross L0; … for layers that go by no number of their own"""
    found = list(found)
    stacks = dict.fromkeys(place.stack for place in found)
    return ", ".join(
        " ".join(
            [stack]
            + [
                "…" if place.layer == ELSEWHERE else f"L{place.layer}"
                for place in found
                if place.stack == stack
            ]
        )
        for stack in stacks
    )


def _lengths(inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of (the encoder, the decoder), the same where there is but one."""
    n = inputs["input_ids"].shape[1]
    decoder = inputs.get("decoder_input_ids")
    return n, n if decoder is None else decoder.shape[1]


def _difference(ours: Tensor | None, own: Tensor | None) -> float:
    """The largest absolute difference; none where there is nothing to compare."""
    if ours is None or own is None:
        return 0.0
    if ours.shape != own.shape:
        return float("inf")
    return float((ours - own).abs().max()) if ours.numel() else 0.0


def _looks_ahead(own: OwnAttention) -> bool:
    """Whether some head gives a later key a share."""
    pattern = own.record.pattern(0)
    return bool((pattern.shape[0] > 1) and (pattern[0, 1:] > 0).any())
