"""The values that everything else is computed from: models, tokens, one recorded pass.

Frozen, numpy only, no batch axis, no model inside. Knows neither torch nor the screen.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from model_runtime.attention import AttentionRecord
from model_runtime.errors import NoSuchHead

SPACE = "␣"  # how a token is shown that is nothing but white space
MASK = "[MASK]"  # how a blank is typed, for a model that fills blanks
StackName = Literal["encoder", "decoder", "cross"]
# What a row of logits is over: the vocabulary, the labels of one token or of the whole text,
# the beginning and the end of an answer, or nothing, for the model has no head.
Predicts = Literal["tokens", "token labels", "text labels", "answer span", "nothing"]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class OpensAt:
    """The head that is shown first: one that is worth a newcomer's look."""

    stack: StackName
    layer: int
    head: int


@dataclass(frozen=True)
class Remark:
    """A sentence on a model, for people: an English catalog key, and what fills its {places};
    a value may be a Remark itself."""

    message: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class SelfCheck:
    """What a short probe found when a checkpoint was opened: largest absolute differences."""

    pattern: float  # recomputed patterns, to the model's own
    z: float  # recomputed head outputs, to the model's own
    logits: float  # of a recorded run, to those of an unrecorded one
    remarks: tuple[Remark, ...] = ()  # what cannot be shown exactly, or at all, and why


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model without running it."""

    ref: str  # how it is opened: "builtin:translator", "org/name@revision", "/a/folder"
    name: str
    family: str  # "encoder-decoder", "encoder" or "decoder"
    stacks: tuple[StackName, ...]  # those with attention to show, in reading order
    n_layers: int  # of each stack; the most, where stacks differ
    n_heads: int  # of each layer; the most, where layers differ
    n_kv_heads: int  # fewer than n_heads under grouped-query attention
    d_model: int
    d_head: int
    context_length: int  # the most tokens in one sequence
    n_parameters: int
    licence: str  # of the weights and of the data they come from
    cards: Mapping[str, str]  # Markdown, for people, by language; "en" is always there
    examples: tuple[str, ...]  # texts that show it well; the first is traced at the start
    vocabulary: tuple[str, ...]  # the tokens that logits are given for, by id, as shown
    opens_at: OpensAt
    architecture: str = ""  # the checkpoint's own class: "LlamaForCausalLM"
    predicts: Predicts = "tokens"
    mask: str = ""  # how a blank is typed; empty: fills none
    takes_pair: bool = False  # whether it can read two texts as one sequence
    has_chat: bool = False  # whether its tokenizer brings a chat template
    self_check: SelfCheck | None = None  # None: checked with every text alone

    @property
    def writes(self) -> bool:
        """Whether each row of a decoder predicts the token after it."""
        return self.family != "encoder" and self.predicts == "tokens"


@dataclass(frozen=True)
class Token:
    """One token of a sequence, and where it stands in the text."""

    position: int
    id: int
    text: str  # as shown; user text, so hostile
    span: tuple[int, int] | None  # characters of the text that it covers; None if it adds none
    word: int | None  # tokens of one word share this number; None for special tokens
    is_special: bool = False
    is_unknown: bool = False  # outside the vocabulary: the model sees one and the same [UNK]
    is_byte_piece: bool = False  # some bytes of a character only; `text` names them: 🍎⟨F0⟩
    part: int = 0  # 1 in the second text of a pair, where spans count into that text


@dataclass(frozen=True)
class Request:
    """What was asked for; equal requests give equal traces."""

    ref: str
    text: str
    target_text: str | None = None  # None: the model writes its own
    pair_text: str | None = None  # a second text, read after the first in one sequence
    chat: bool = False  # the text as a user's message, through the model's chat template


@dataclass(frozen=True)
class Reading:
    """A request as a model reads it: token by token, cut to the context."""

    source: tuple[Token, ...]  # what the encoder reads; empty without an encoder
    target: tuple[Token, ...]  # the decoder's tokens, first to last; empty without a decoder
    target_is_own: bool  # written by the model itself, greedily
    left_out: int = 0  # tokens of the text that did not fit
    target_left_out: int = 0
    unfinished: bool = False  # the model was still writing when the context was full
    n_given: int = 0  # a decoder alone: target tokens that the text gave; the rest goes on from it
    segments: tuple[int, ...] = ()  # token type ids of the text, for a model that reads them


@dataclass(frozen=True, eq=False)
class Trace:
    """One recorded forward pass. Everything on screen is computed from it."""

    request: Request
    info: ModelInfo
    reading: Reading
    records: tuple[AttentionRecord, ...]
    intermediates: Mapping[str, Floats]  # "decoder.0.resid_pre" [position, d_model], …
    logits: Floats  # [position, vocabulary], of the positions from `logits_start` on
    check: float  # the largest |recomputed − the model's own| over all patterns and z
    logits_start: int = 0  # > 0 where a text is so long that only the last rows are kept
    checked_rows: int | None = None  # query rows per head that `check` is over; None: all
    remarks: tuple[Remark, ...] = ()  # what cannot be shown of this text, and why

    def logits_at(self, position: int) -> Floats:
        """[vocabulary], what one position predicts. Raises IndexError where it is not kept."""
        row = position - self.logits_start
        if not 0 <= row < len(self.logits):
            raise IndexError(f"no logits are kept of position {position}")
        return np.asarray(self.logits[row])

    def layers(self, stack: StackName) -> tuple[int, ...]:
        """The layers of a stack that have attention to show, in order; of a hybrid, not all."""
        return tuple(record.layer for record in self.records if record.stack == stack)

    def n_heads(self, stack: StackName) -> int:
        """The most heads that a layer of a stack has."""
        return max((r.n_heads for r in self.records if r.stack == stack), default=0)

    def tokens(self, stack: StackName) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
        """(query tokens, key tokens) of a stack. A decoder that writes reads all target
        tokens but the last, which is only ever predicted."""
        source, target = self.reading.source, self.reading.target
        if self.info.writes:
            target = target[:-1]
        if stack == "encoder":
            return source, source
        return (target, target) if stack == "decoder" else (target, source)

    def predicted(self, stack: StackName) -> tuple[Token, ...] | None:
        """The token that each query row predicts, or None for rows that predict none."""
        return self.reading.target[1:] if stack != "encoder" and self.info.writes else None

    def record(self, stack: StackName, layer: int) -> AttentionRecord:
        """The attention of one layer. Raises NoSuchHead."""
        for record in self.records:
            if record.stack == stack and record.layer == layer:
                return record
        raise NoSuchHead(model=self.info.name, stack=stack, layer=layer, head=0)

    @property
    def target_text(self) -> str:
        """The target as text: as typed, or what the model wrote, without special tokens. A
        decoder alone writes on from the text."""
        if not self.reading.target_is_own:
            return self.request.target_text or ""
        text = ""
        at = None
        for token in self.reading.target[self.reading.n_given :]:
            if token.span is None or (token.is_byte_piece and at == token.span[1]):
                continue  # of the pieces of one character, the first says it
            start, end = token.span
            text += " " * (start - (start if at is None else at))
            # A token of white space goes by a name, and a byte piece names its byte: 🍎⟨F0⟩.
            text += " " * (end - start) if token.text.startswith(SPACE) else _named(token)
            at = end
        return text

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays; what layers share counts once."""
        arrays: list[NDArray[Any]] = [*self.intermediates.values(), self.logits]
        for record in self.records:
            arrays += [a for a in record.arrays if a is not None]
        return sum({(_address(array), _held(array)): _held(array) for array in arrays}.values())


def _named(token: Token) -> str:
    return token.text.partition("⟨")[0] if token.is_byte_piece else token.text


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _held(array: NDArray[Any]) -> int:
    """Bytes in memory: an axis along which one value is repeated takes no room."""
    if 0 not in array.strides:
        return array.nbytes
    steps = zip(array.shape, array.strides, strict=True)
    return array.itemsize * math.prod(n for n, step in steps if step)
