"""A built-in model ready for use: reads a text into tokens, runs one recorded pass.

Joins weights, tokenizers and decoding; the closed form and its check are elsewhere
(`attention.py`, `tracing.py`). Knows nothing of the screen. Torch is read by what computes, so
that what is known of a model, and its kept first pass, can be shown before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tokenizers import Tokenizer

from model_runtime.attention import AttentionRecord
from model_runtime.breaking import WrongPass
from model_runtime.builtin import first_pass
from model_runtime.builtin.first_pass import FirstPass
from model_runtime.builtin.second_process import SECOND
from model_runtime.builtin.together import Together
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, SPECIALS, UNK_ID
from model_runtime.builtin.weights import Weights
from model_runtime.positions.encodings import Encoding
from model_runtime.positions.placing import Placing
from model_runtime.recording import OwnAttention, Pass
from model_runtime.steps.parts import Insides
from model_runtime.tokens import shown_piece, tokens_of, written_tokens
from model_runtime.turns import TURNS
from model_runtime.types import (
    MASK,
    Floats,
    ModelInfo,
    OpensAt,
    Reading,
    Request,
    StackName,
    Token,
)

if TYPE_CHECKING:
    from model_runtime.builtin.passes import Arrays
    from model_runtime.builtin.transformer import Transformer

# A full room's texts in one batch: what 32 targets take is little more than what one takes, and
# nobody waits for more than two batches.
MOST_TOGETHER = 32
_SPECIAL_IDS = frozenset(range(len(SPECIALS)))


class BuiltinModel:
    """One of the models in `builtin/models`. Texts that wait to be written are written together."""

    def __init__(self, ref: str, loaded: Weights, folder: Path | None = None) -> None:
        """`folder` is where the weights came from, if the `SECOND` may find them there."""
        self._loaded = loaded
        self._folder = folder
        self._first = first_pass.kept(folder) if folder and not loaded.is_loaded else None
        self._source = loaded.source_tokenizer
        self._target = loaded.target_tokenizer
        for tokenizer in (self._source, self._target):
            if tokenizer:
                # "[EOS]" typed by a user is five characters, not the end of the text.
                tokenizer.encode_special_tokens = True
        self._written_here = Together(self._write, MOST_TOGETHER)
        # Passes that came with a target from the second process, until `run` asks for them.
        self._came_with: WeakKeyDictionary[Reading, Arrays] = WeakKeyDictionary()
        self._writes_up_to: int = loaded.facts.get("writes_up_to", 1)
        pieces = [self._target.id_to_token(i) or "" for i in range(self._target.get_vocab_size())]
        self._spaced = any(piece.startswith("▁") for piece in pieces)
        config = loaded.config
        stacks: dict[str, tuple[StackName, ...]] = {
            "encoder": ("encoder",),
            "decoder": ("decoder",),
            "encoder-decoder": ("encoder", "decoder", "cross"),
        }
        vocabulary = tuple(_named(piece, self._spaced) for piece in pieces)
        fills_blanks = config.topology == "encoder" and MASK in vocabulary
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
            vocabulary=vocabulary,
            opens_at=OpensAt(**loaded.facts["opens_at"]),
            mask=MASK if fills_blanks else "",
        )

    def load(self) -> None:
        """Have the weights in memory, if they were not needed before."""
        self._loaded = replace(self._loaded, made=self._model)
        if self.info.family == "encoder-decoder":
            _ = self._writer  # made before somebody waits for it: 60 ms

    @property
    def _model(self) -> "Transformer":
        return self._loaded.model

    @cached_property
    def _writer(self) -> "Transformer":
        """The model as it writes targets."""
        from model_runtime.builtin.halved import halved

        return halved(self._model)

    @property
    def nbytes(self) -> int:
        """Memory held by the weights, in 32 bits."""
        return self.info.n_parameters * 4

    @property
    def insides(self) -> Insides:
        """The configuration, and the weights as they stand in memory: read-only, no copies."""
        weights = {name: tensor.numpy() for name, tensor in self._model.state_dict().items()}
        for array in weights.values():
            array.setflags(write=False)
        return Insides(self._model.config, MappingProxyType(weights))

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """What it tells positions by; tables are its own, read-only."""
        from model_runtime.builtin.found import encodings_of

        return encodings_of(self._model)

    def read(self, request: Request) -> Reading:
        """Tokens of the text and of the target; with no target the model writes its own.

        An encoder alone has no target. A decoder alone writes on: its target is the text and
        what follows it.
        """
        return self._read(request)

    def read_placed(self, request: Request, places: Placing) -> Reading:
        """The same, but what is written is written by a copy whose tokens are told `places`."""
        from model_runtime.builtin.placed import with_places

        return self._read(request, with_places(self._model, places))

    def _read(self, request: Request, copy: "Transformer | None" = None) -> Reading:
        text, target_text = request.text, request.target_text
        if self.info.family == "decoder":
            return self._read_on(text, target_text, copy)
        if self.info.family == "encoder":
            source, left_out = self._cut(self._target, text)
            return Reading(source, (), False, left_out)
        assert self._source is not None
        source, left_out = self._cut(self._source, text)
        if target_text is not None:
            target, target_left_out = self._cut(self._target, target_text)
            return Reading(source, target, False, left_out, target_left_out)
        source_ids, arrays = [token.id for token in source], None
        if copy is not None:
            from model_runtime.builtin.passes import written

            (ids,) = written(copy, [source_ids])
        elif first := self._first_of(source_ids):
            ids = first.target
        else:
            ids, arrays = self._written(source_ids)
        target = written_tokens(ids, self._target, _SPECIAL_IDS)
        reading = Reading(source, target, True, left_out, unfinished=ids[-1] != EOS_ID)
        if arrays:
            self._came_with[reading] = arrays
        return reading

    def _written(self, source_ids: list[int]) -> "tuple[list[int], Arrays | None]":
        """The target of a source: by the second process, with its pass; or here, with others who
        wait."""
        found = SECOND.written(self._folder, source_ids) if self._folder else None
        return found or (self._written_here.ask(source_ids), None)

    def _write(self, sources: Sequence[list[int]]) -> list[list[int]]:
        """A target for each source."""
        from model_runtime.builtin.passes import written

        with TURNS.taken():
            return written(self._writer, sources)

    def _first_of(self, source_ids: list[int]) -> FirstPass | None:
        """The pass that is kept, if it is of this source and the model itself is not there yet."""
        first = self._first
        return (
            first if first and not self._loaded.is_loaded and first.source == source_ids else None
        )

    def _read_on(
        self, text: str, target_text: str | None, copy: "Transformer | None" = None
    ) -> Reading:
        """The text without its end token, and the continuation: as typed, or the model's own."""
        from model_runtime.builtin.decoding import continued

        given, left_out = self._cut(self._target, text, closed=False)
        if target_text is not None:
            space = " " if self._spaced and not target_text[0].isspace() else ""
            whole = text + space + target_text
            both = tokens_of(self._target.encode(whole), whole, UNK_ID)
            room = self.info.context_length + 1  # the last token is only ever predicted
            n = next((t.position for t in both if t.span and t.span[1] > len(text)), len(both) - 1)
            return Reading(
                (),
                both[:room],
                False,
                left_out,
                max(0, len(both) - room - left_out),
                n_given=min(n, room),
            )
        model, so_far = copy or self._model, [t.id for t in given]
        ids = continued(model, so_far, self._writes_up_to, bos=BOS_ID, eos=EOS_ID)
        last = max((t.word for t in given if t.word is not None), default=-1)
        first = self._target.id_to_token(ids[len(given)]) or ""
        goes_on = self._spaced and first[:1].isalpha() and text[-1:].isalpha()  # sleep + ing
        written = written_tokens(
            ids[len(given) :],
            self._target,
            _SPECIAL_IDS,
            position=len(given),
            at=len(text),
            word=last if goes_on else last + 1,
        )
        return Reading((), (*given, *written), True, left_out, n_given=len(given))

    def run(self, reading: Reading) -> Pass:
        """The one forward pass, everything in it recorded."""
        arrays = self._came_with.pop(reading, None) or self._recorded(*ids_of(reading))
        attentions = tuple(
            self._taken(arrays, stack, layer)
            for stack in self.info.stacks
            for layer in range(self.info.n_layers)
        )
        return Pass(attentions, arrays, arrays.pop("logits"))

    def _recorded(self, source: list[int], target: list[int]) -> "Arrays":
        first = self._first_of(source)
        if first and first.target[:-1] == target:
            return first.arrays()
        found = SECOND.recorded(self._folder, source, target) if self._folder else None
        if found is None:
            from model_runtime.builtin.passes import recorded

            found = recorded(self._model, source, target)
        return found

    def keep_first_pass(self) -> None:
        """Run the first example, and keep its pass in the folder that the weights came from: for
        `weights.read`, and for the time until they are loaded."""
        from model_runtime.builtin.passes import recorded

        assert self._folder is not None
        reading = self.read(Request(self.info.ref, self.info.examples[0]))
        source, target = ids_of(reading)
        arrays = recorded(self._model, source, target)
        first_pass.keep(self._folder, source, [token.id for token in reading.target], arrays)

    def run_wrong(self, reading: Reading, mistake: str) -> WrongPass:
        """The same pass of a copy that makes one of `breaking.MISTAKES`; the model itself stays
        as it is, and so do its weights, which the copy shares. Raises KeyError."""
        from model_runtime.builtin.mistakes import with_mistake
        from model_runtime.builtin.passes import Recording

        source, target = ids_of(reading)
        recording = Recording(with_mistake(self._model, mistake))
        try:
            recording.read(source)
            recording.predict(target)
        except RuntimeError as error:  # shapes that do not fit
            return WrongPass(recording.arrays, str(error))
        return WrongPass(recording.arrays)

    def run_placed(self, reading: Reading, places: Placing) -> Mapping[str, Floats]:
        """The same pass of a copy whose tokens are told other positions: all that is recorded, by
        name, read-only. "encoder.0.attn.pattern" is [head, query, key]. Raises IndexError for a
        position that the model has no vector for."""
        from model_runtime.builtin.passes import recorded
        from model_runtime.builtin.placed import with_places

        arrays = recorded(with_places(self._model, places), *ids_of(reading))
        for array in arrays.values():
            array.setflags(write=False)
        return MappingProxyType(arrays)

    def _taken(self, arrays: "Arrays", stack: StackName, layer: int) -> OwnAttention:
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

    def _cut(
        self, tokenizer: Tokenizer, text: str, *, closed: bool = True
    ) -> tuple[tuple[Token, ...], int]:
        """Tokens of a text, cut to the context, and how many were left out. If `closed`, the
        special tokens that end a sequence always stand at the end; else they never do."""
        tokens = tokens_of(tokenizer.encode(text), text, UNK_ID)
        room = self.info.context_length
        if not closed:
            while len(tokens) > 1 and tokens[-1].is_special:
                tokens = tokens[:-1]
            return tokens[:room], max(0, len(tokens) - room)
        if len(tokens) <= room:
            return tokens, 0
        last = tokens[-1]
        if not last.is_special:
            return tokens[:room], len(tokens) - room
        closing = Token(room - 1, last.id, last.text, None, None, is_special=True)
        return (*tokens[: room - 1], closing), len(tokens) - room


def ids_of(reading: Reading) -> tuple[list[int], list[int]]:
    """What the encoder and what the decoder reads; the last token is only predicted."""
    return [token.id for token in reading.source], [token.id for token in reading.target[:-1]]


def _named(piece: str, spaced: bool) -> str:
    """A vocabulary entry as it is shown: where words begin with a space, a piece that
    continues one begins with ##."""
    text = shown_piece(piece)
    if spaced and not text.startswith(" ") and text[:1].isalpha():
        return f"##{text}"
    return text.strip() or text
