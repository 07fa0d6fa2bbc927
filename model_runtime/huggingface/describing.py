"""What is known of an opened checkpoint: its sizes, its examples, where it opens.

Sizes come from what the probe recorded, not from config names, which differ by family.
Knows no text but the examples, and runs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from model_runtime.attention import AttentionRecord
from model_runtime.huggingface.checking import Probed
from model_runtime.huggingface.finding import Found
from model_runtime.huggingface.loading import Loaded
from model_runtime.huggingface.reading import Reader
from model_runtime.recording import OwnAttention
from model_runtime.types import ModelInfo, OpensAt, Predicts, StackName

_STACKS: tuple[StackName, ...] = ("encoder", "decoder", "cross")
_EXAMPLES = {
    "decoder": (
        "When Mary and John went to the store, John gave a drink to",
        "The keys to the cabinet are on the table, and the cabinet",
        "猫在床上睡觉，因为它",
        "one two three one two three one two",
    ),
    "encoder": (
        "The animal did not cross the street because it was too tired.",
        "The bank of the river was closed by the bank.",
        "动物没有过马路，因为它太累了。",
    ),
    "encoder-decoder": (
        "The animal did not cross the street because it was too tired.",
        "translate English to German: The house is small.",
        "猫在床上睡觉，因为它很累。",
    ),
}
_BLANK = "The capital of France is {mask}."


def described(
    ref: str, family: str, found: Found, loaded: Loaded, probed: Probed, reader: Reader
) -> ModelInfo:
    """Everything about the model that the pages ask for before a text is traced."""
    model, config = loaded.model, loaded.model.config
    records = [own.record for own in probed.attentions]
    predicts = loaded.predicts if probed.logits_shape else "nothing"
    mask = _mask(loaded) if family == "encoder" and predicts == "tokens" else ""
    examples = _EXAMPLES[family]
    if mask:
        examples = (_BLANK.format(mask=mask), *examples)
    return ModelInfo(
        ref=ref,
        name=found.name,
        family=family,
        stacks=tuple(s for s in _STACKS if any(record.stack == s for record in records)),
        n_layers=max((record.layer for record in records), default=-1) + 1,
        n_heads=max((record.n_heads for record in records), default=0),
        n_kv_heads=max((record.k.shape[0] for record in records), default=0),
        d_model=int(getattr(config, "hidden_size", 0) or getattr(config, "d_model", 0)),
        d_head=max((record.q.shape[-1] for record in records), default=0),
        context_length=loaded.context_length,
        n_parameters=model.num_parameters(),
        licence=found.licence,
        cards={},
        examples=examples,
        vocabulary=_vocabulary(predicts, loaded, probed, reader),
        opens_at=_opens_at(probed.attentions),
        architecture=type(model).__name__,
        predicts=predicts,
        mask=mask,
        takes_pair=family == "encoder" and reader.takes_pair,
        has_chat=family == "decoder" and reader.has_chat,
        self_check=replace(probed.result, remarks=(*loaded.remarks, *probed.result.remarks)),
    )


def _mask(loaded: Loaded) -> str:
    """How a blank is typed; "" where the tokenizer has none, or one that the model lacks."""
    id_ = loaded.tokenizer.mask_token_id
    if id_ is None or id_ >= (loaded.n_embeddings or id_ + 1):
        return ""
    return str(loaded.tokenizer.mask_token)


def _vocabulary(
    predicts: Predicts, loaded: Loaded, probed: Probed, reader: Reader
) -> tuple[str, ...]:
    """The names of what logits are given for."""
    if predicts == "tokens":
        return reader.vocabulary(probed.logits_shape[-1])
    if predicts in ("token labels", "text labels"):
        labels: Mapping[Any, str] = loaded.model.config.id2label or {}
        return tuple(str(labels[i]) for i in sorted(labels))
    return ()


def _opens_at(attentions: Sequence[OwnAttention]) -> OpensAt:
    """The sharpest head of the last stack: cross-attention tells more than what leads to it."""
    recorded = {own.record.stack for own in attentions}
    stacks: list[StackName] = [stack for stack in _STACKS if stack in recorded]
    stack: StackName = stacks[-1] if stacks else "encoder"
    sharpness = {
        OpensAt(stack, own.record.layer, head): _sharpness(own.record, head)
        for own in attentions
        if own.record.stack == stack
        for head in range(own.record.n_heads)
    }
    return max(sharpness, key=sharpness.__getitem__, default=OpensAt(stack, 0, 0))


def _sharpness(record: AttentionRecord, head: int) -> float:
    """A row's largest share, on average: 0…1. The first token does not count, where heads rest
    that have nothing to do, nor does the query's own."""
    pattern = record.pattern(head)
    if record.stack != "cross":
        np.fill_diagonal(pattern, 0.0)
    return float(pattern[:, 1:].max(axis=-1, initial=0.0).mean())
