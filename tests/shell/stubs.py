"""Checkpoints that need no files: words for tokens, random numbers for what the model computed.

    opened_as(monkeypatch, {"org/writes": stub("org/writes", family="decoder")})

What opening and showing make of them is tested here; what transformers computes is not.
"""

from dataclasses import replace

import numpy as np

from model_runtime.errors import UnknownModel
from model_runtime.recording import OwnAttention, Pass
from model_runtime.types import ModelInfo, OpensAt, Reading, Remark, SelfCheck, StackName, Token
from shell import cache
from shell.models import ModelStore
from tests.model_runtime.reference import made_record

VOCABULARY = ("the", "cat", "sleeps", "<b>", "**x**")
CHECK = SelfCheck(pattern=3e-7, z=2e-6, logits=0.0)
NO_SOFTMAX = Remark("{architecture} has no softmax *attention*.", {"architecture": "My_Mamba"})


class Stub:
    """A model that reads words; answers everything with numbers that mean nothing."""

    nbytes = 1
    insides = None
    encodings = ()

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def read(self, request):
        text = f"<user> {request.text}" if request.chat else request.text
        source = words(text) + words(request.pair_text or "", len(text.split()))
        if self.info.family == "encoder":
            return Reading(source, (), False)
        if self.info.family == "decoder":
            more = words(request.target_text or "on", len(source))
            return Reading((), source + more, request.target_text is None, n_given=len(source))
        target = words(request.target_text or "my own target")
        return Reading(source, target, request.target_text is None)

    def run(self, reading):
        n_q, n_k = len(reading.target) - self.info.writes, len(reading.source)
        shapes = {"encoder": (n_k, n_k), "decoder": (n_q, n_q), "cross": (n_q, n_k)}
        records = [
            made_record(stack, layer, *shapes[stack])
            for stack in self.info.stacks
            for layer in range(self.info.n_layers)
        ]
        rows = n_k if self.info.family == "encoder" else n_q
        return Pass(
            attentions=tuple(own(record) for record in records),
            intermediates={},
            logits=np.zeros((rows, len(self.info.vocabulary)), np.float32),
        )


def own(record):
    """A record beside its own results: a model that agrees."""
    heads = range(record.n_heads)
    return OwnAttention(record, None, np.stack([record.z(head) for head in heads]))


def words(text, start=0):
    """A token a word."""
    return tuple(
        Token(start + i, i % len(VOCABULARY), word, (0, 1), start + i)
        for i, word in enumerate(text.split())
    )


def stub(ref, **changed):
    """A checkpoint: a decoder of two layers, unless `changed` says otherwise."""
    family = changed.get("family", "decoder")
    stacks: tuple[StackName, ...] = ("encoder", "decoder", "cross")
    if family != "encoder-decoder":
        stacks = tuple(stack for stack in stacks if stack == family)
    info = ModelInfo(
        ref=ref,
        name=ref,
        family=family,
        stacks=stacks,
        n_layers=2,
        n_heads=2,
        n_kv_heads=1,
        d_model=8,
        d_head=4,
        context_length=64,
        n_parameters=124_439_808,
        licence="[mit](http://x.y)",
        cards={},
        examples=(f"an example of {family}", "another one"),
        vocabulary=VOCABULARY,
        opens_at=OpensAt(stacks[-1], 1, 1),
        architecture="My_<b>_Model",
        self_check=CHECK,
    )
    return Stub(replace(info, **changed))


def opened_as(monkeypatch, models):
    """These are all that there is to open, beside the built-in models that are named in them.
    A value may be an exception. Returns the references that were opened, in order."""
    asked = []
    real = cache.MODELS._open

    def open_model(ref, report, room_for):
        if ref.startswith("builtin:"):
            return real(ref, report, room_for)
        asked.append(ref)
        found = models.get(ref, UnknownModel(ref=ref, known="nothing"))
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(cache, "MODELS", ModelStore(open_model, 10**12))
    return asked
