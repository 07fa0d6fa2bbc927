"""A built-in model ready for use: reads a text into tokens, runs one recorded pass.

Joins weights, tokenizers and decoding; the closed form and its check are elsewhere
(`attention.py`, `tracing.py`). Knows nothing of the screen.
"""

import threading

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model_runtime.attention import AttentionRecord
from model_runtime.builtin.decoding import greedy
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, SPECIALS, UNK_ID
from model_runtime.builtin.transformer import Transformer
from model_runtime.builtin.weights import Weights
from model_runtime.recording import OwnAttention, Pass
from model_runtime.tokens import tokens_of, written_tokens
from model_runtime.types import ModelInfo, OpensAt, Reading, StackName, Token

Arrays = dict[str, NDArray[np.float32]]


class BuiltinModel:
    """One of the models in `builtin/models`, behind a lock: one forward pass at a time."""

    def __init__(self, ref: str, loaded: Weights) -> None:
        self._model: Transformer = loaded.model
        self._source = loaded.source_tokenizer
        self._target = loaded.target_tokenizer
        for tokenizer in (self._source, self._target):
            if tokenizer:
                # "[EOS]" typed by a user is five characters, not the end of the text.
                tokenizer.encode_special_tokens = True
        self._lock = threading.Lock()
        config = loaded.model.config
        stacks: dict[str, tuple[StackName, ...]] = {
            "encoder": ("encoder",),
            "decoder": ("decoder",),
            "encoder-decoder": ("encoder", "decoder", "cross"),
        }
        self.info = ModelInfo(
            ref=ref,
            name=ref.removeprefix("builtin:"),
            family=config.topology,
            stacks=stacks[config.topology],
            n_layers=config.n_layers,
            n_heads=config.n_heads,
            n_kv_heads=config.n_heads,
            d_model=config.d_model,
            d_head=config.d_head,
            context_length=config.context_length,
            n_parameters=loaded.facts["parameters"],
            licence=loaded.facts["licence"],
            cards=loaded.cards,
            examples=tuple(loaded.facts["examples"]),
            opens_at=OpensAt(**loaded.facts["opens_at"]),
        )

    def read(self, text: str, target_text: str | None) -> Reading:
        """Tokens of the text and of the target; with no target the model writes its own."""
        assert self._source is not None
        source, left_out = self._cut(self._source, text)
        if target_text is not None:
            target, target_left_out = self._cut(self._target, target_text)
            return Reading(source, target, False, left_out, target_left_out)
        with self._lock:
            ids = greedy(
                self._model,
                [token.id for token in source],
                self.info.context_length,
                bos=BOS_ID,
                eos=EOS_ID,
            )
        written = written_tokens(ids, self._target, frozenset(range(len(SPECIALS))))
        return Reading(source, written, True, left_out, unfinished=ids[-1] != EOS_ID)

    def run(self, reading: Reading) -> Pass:
        """The one forward pass, everything in it recorded."""
        arrays: Arrays = {}

        def record(name: str, value: torch.Tensor) -> None:
            array = value.detach().numpy()
            # The one sequence of the batch. Masks and tables have no batch axis to drop.
            arrays[name] = array[0] if value.dim() >= 3 and value.shape[0] == 1 else array

        source = torch.tensor([[token.id for token in reading.source]])
        target = torch.tensor([[token.id for token in reading.target[:-1]]])
        with self._lock, torch.no_grad():
            memory = self._model.encode(source, record=record)
            logits = self._model.logits(self._model.decode(target, memory, record=record), record)
        attentions = tuple(
            self._taken(arrays, stack, layer)
            for stack in self.info.stacks
            for layer in range(self.info.n_layers)
        )
        arrays.pop("logits")
        return Pass(attentions, arrays, logits[0].numpy())

    def _taken(self, arrays: Arrays, stack: StackName, layer: int) -> OwnAttention:
        """Take one module's attention out of the recorded arrays."""
        owner = "encoder" if stack == "encoder" else "decoder"
        place = f"{owner}.{layer}.{'cross' if stack == 'cross' else 'attn'}"
        q, k, v, pattern, z = (
            arrays.pop(f"{place}.{name}") for name in ("q", "k", "v", "pattern", "z")
        )
        del arrays[f"{place}.scores"]  # q·kᵀ·scale + bias again, and n² of it
        mask = arrays.pop(f"{place}.mask", None)
        record = AttentionRecord(
            stack=stack,
            layer=layer,
            q=q,
            k=k,
            v=v,
            scale=self.info.d_head**-0.5,
            bias=arrays.pop(f"{place}.bias", None),
            mask=None if mask is None else mask[None].astype(bool),
        )
        return OwnAttention(record, pattern, z)

    def _cut(self, tokenizer: Tokenizer, text: str) -> tuple[tuple[Token, ...], int]:
        """Tokens of a text, cut to the context but always closed by its special tokens,
        and how many were left out."""
        tokens = tokens_of(tokenizer.encode(text), text, UNK_ID)
        room = self.info.context_length
        if len(tokens) <= room:
            return tokens, 0
        last = tokens[-1]
        closing = Token(room - 1, last.id, last.text, None, None, is_special=True)
        return (*tokens[: room - 1], closing), len(tokens) - room
