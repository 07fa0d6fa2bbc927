"""A checkpoint ready for use: reads a text into tokens, runs one recorded pass.

Joins finding, loading, reading, recording and the self-check. Knows nothing of the screen.
"""

import inspect
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig

from model_runtime.errors import (
    Corrupt,
    HeadlightError,
    ModelFailed,
    NoEmbedding,
    NothingRead,
)
from model_runtime.huggingface.checking import logits_of, probe, reasons, sort_out
from model_runtime.huggingface.configs import CONFIG, in_one_line
from model_runtime.huggingface.describing import described
from model_runtime.huggingface.finding import Found, find
from model_runtime.huggingface.found import encodings_of
from model_runtime.huggingface.loading import Loaded, load
from model_runtime.huggingface.memory import MOST_LOGITS, ensure_trace_fits, weights_bytes
from model_runtime.huggingface.places import placed_stacks, stream_names
from model_runtime.huggingface.reading import Reader
from model_runtime.huggingface.recorder import Recorded, record
from model_runtime.huggingface.references import parse
from model_runtime.huggingface.sharing import shared
from model_runtime.positions.encodings import Encoding
from model_runtime.recording import LONG, Pass, Progress, Report, RoomFor
from model_runtime.settings import settings
from model_runtime.types import Reading, Request, Token

PROBE = "The cat sleeps, and 猫 dreams."
MOST_WRITTEN = 64  # tokens of a target that the model writes itself


def open_checkpoint(ref: str, report: Report, room_for: RoomFor) -> "Checkpoint":
    """Find, load and check what `ref` names. Raises a `HeadlightError`."""
    report(Progress("looking"))
    found = find(parse(ref), report)
    room_for(weights_bytes(found.folder, found.ref))
    report(Progress("loading"))
    loaded = load(found, report)
    report(Progress("checking"))
    return Checkpoint(ref, found, loaded)


class Checkpoint:
    """A model of transformers, behind a lock: one forward pass at a time."""

    def __init__(self, ref: str, found: Found, loaded: Loaded) -> None:
        self._model = loaded.model
        self._ref = ref
        self._n_embeddings = loaded.n_embeddings
        self._lock = threading.Lock()
        self._encodings: tuple[Encoding, ...] = ()
        # DistilBERT comes with BERT's tokenizer, but knows no segments.
        parameters = inspect.signature(self._model.forward).parameters
        knows_several = getattr(loaded.config, "type_vocab_size", 2) > 1
        self._reads_segments = "token_type_ids" in parameters and knows_several
        self._keeps_few_logits = "logits_to_keep" in parameters
        self._family = loaded.family
        self._writes = loaded.family != "encoder" and loaded.predicts == "tokens"
        if self._writes:
            self._model.generation_config = _plainly_greedy(self._model.generation_config)
        self._reader = self._reader_of(loaded)
        with self._own_failures():
            probed = probe(self._model, self._inputs(self._to_probe()), self._family)
        if self._family == "decoder" and probed.is_two_sided:
            # Counted among the models that write, but every token sees the whole text (xlnet).
            self._family, self._writes = "encoder", False
            self._reader = self._reader_of(loaded)
            probed = probe(self._model, self._inputs(self._to_probe()), self._family)
        self._plan, self._cell_bytes = probed.plan, max(1.0, probed.cell_bytes)
        self.info = described(ref, self._family, found, loaded, probed, self._reader)
        self._config = loaded.config
        self._n_predicted = probed.logits_shape[-1] if probed.logits_shape else 1

    def _reader_of(self, loaded: Loaded) -> Reader:
        return Reader(loaded.tokenizer, self._family, loaded.context_length, writes=self._writes)

    @property
    def nbytes(self) -> int:
        """Memory held by the weights, and by the tables that the model makes itself."""
        held = (*self._model.parameters(), *self._model.buffers())
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in held}
        return sum(storages.values())

    @property
    def insides(self) -> None:
        """Nobody knows what the parts of a model file mean; its steps come from the recording."""
        return None

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """What it tells positions by, as far as its modules say; looked for once."""
        with self._lock:  # a module is asked what it does with a vector
            if not self._encodings:
                self._encodings = encodings_of(self._model, self._family)
            return self._encodings

    def read(self, request: Request) -> Reading:
        """Tokens of the texts. An encoder–decoder with no target writes its own, greedily; a
        decoder alone goes on by one token, which is the recorded pass's own. Raises NothingRead,
        NoEmbedding, and what the tokenizer raises."""
        reading = self._read(request)
        self._ensure_embedded(reading.target)
        return reading

    def _ensure_embedded(self, tokens: tuple[Token, ...]) -> None:
        """Raise NoEmbedding for a token that was added to the tokenizer and not to the model."""
        for token in tokens:
            if self._n_embeddings and token.id >= self._n_embeddings:
                raise NoEmbedding(
                    model=self.info.name, token=token.text, id=token.id, n=self._n_embeddings
                )

    def _read(self, request: Request) -> Reading:
        source, left_out, segments = self._reader.tokens(
            request.text, request.pair_text, chat=request.chat
        )
        if not source:
            raise NothingRead(model=self.info.name)
        self._ensure_embedded(source)
        if self._family == "encoder":
            return Reading(source, (), False, left_out, segments=segments)
        if self._family == "decoder":
            return self._read_on(request, source, left_out)
        if not self._writes:
            # What such models read by themselves: the source once more, one step later.
            return Reading(source, (self._start(), *_moved(source[:-1], 1)), False, left_out)
        if request.target_text is not None:
            target, target_left_out, _ = self._reader.tokens(request.target_text, as_target=True)
            target = (self._start(), *_moved(target, 1))
            return Reading(source, target, False, left_out, target_left_out)
        ids = self._written(source)
        written = self._reader.written(ids[1:], position=1)
        unfinished = ids[-1] not in self._ends()
        return Reading(source, (self._start(), *written), True, left_out, unfinished=unfinished)

    def _read_on(self, request: Request, given: tuple[Token, ...], left_out: int) -> Reading:
        """The text, and the continuation as typed; the model's own is added by the pass."""
        if request.target_text is None or not self._writes:
            return Reading((), given, self._writes, left_out, n_given=len(given))
        both, n_given, more_left_out = self._reader.continued(
            request.text, request.target_text, chat=request.chat
        )
        return Reading((), both, False, left_out, more_left_out - left_out, n_given=n_given)

    def run(self, reading: Reading) -> Pass:
        """The one forward pass, everything in it recorded that the self-check found exact.
        Raises TextTooLargeForMemory."""
        inputs = self._inputs(reading)
        longest = max(len(reading.source), len(reading.target))
        memory = settings().trace_memory
        ensure_trace_fits(self._config, longest, memory, self._cell_bytes)
        n_rows = inputs.get("decoder_input_ids", inputs["input_ids"]).shape[1]
        is_long = max(n_rows, inputs["input_ids"].shape[1]) > LONG
        n_logits = self._n_logits(n_rows) if is_long else n_rows
        extra = {"logits_to_keep": n_logits} if self._keeps_few_logits else {}
        work = self.info.n_parameters * (len(reading.source) + len(reading.target))
        with self._lock, self._own_failures(), shared(work):
            recorded = record(
                self._model,
                inputs | extra,
                self._plan.long if is_long else "eager",
                following=self._plan.following,
                kept="residual" if is_long else "all",
            )
        sorted_out = sort_out(recorded, inputs, self._family)
        # What the self-check could show, and this text cannot.
        missing = self._plan.shown - sorted_out.shown.keys()
        hidden = {p: why for p, why in sorted_out.hidden.items() if p in missing}
        logits = self._logits(recorded, n_logits)
        return Pass(
            tuple(own for place, own in sorted_out.shown.items() if place in self._plan.shown),
            self._beside(recorded),
            logits,
            logits_start=n_rows - len(logits) if self.info.predicts == "tokens" else 0,
            reading=self._with_next(reading, logits),
            remarks=tuple(reasons(hidden)),
        )

    @contextmanager
    def _own_failures(self) -> Iterator[None]:
        """Say of what goes wrong inside the model that it does: some cannot read one token."""
        try:
            yield
        except HeadlightError:
            raise
        except Exception as error:
            why = in_one_line(error)
        else:
            return
        raise ModelFailed(ref=self._ref, why=why)

    def _with_next(self, reading: Reading, logits: NDArray[np.float32]) -> Reading | None:
        """A decoder's reading with the token that it holds likeliest to come next."""
        if not (self._family == "decoder" and reading.target_is_own):
            return None
        words = [token.word for token in reading.target if token.word is not None]
        ends = [token.span[1] for token in reading.target if token.span]
        (written,) = self._reader.written(
            [int(logits[-1].argmax())],
            position=len(reading.target),
            at=max(ends, default=0),
            word=max(words, default=-1) + 1,
        )
        return replace(reading, target=(*reading.target, written))

    def _n_logits(self, n_rows: int) -> int:
        """How many positions of a long text keep their logits, counted from the last."""
        if self.info.predicts != "tokens":
            return n_rows
        return min(n_rows, max(1, MOST_LOGITS // self._n_predicted))

    def _logits(self, recorded: Recorded, most: int) -> NDArray[np.float32]:
        """[position, n], the last `most` positions; [0, 0] of a model without a head."""
        found = logits_of(recorded.output)
        if found is None:
            return np.zeros((0, 0), dtype=np.float32)
        rows = found[0]
        if len(rows) > most:
            rows = rows[-most:].clone()  # or all of them would stay in memory
        return rows.float().numpy()

    def _beside(self, recorded: Recorded) -> dict[str, NDArray[np.float32]]:
        """The residual stream, and what each stack's begins with: "encoder.positions"."""
        found = self._stream(recorded)
        stacks = {name.split(".")[0] for name in found}
        for embedded in recorded.embedded:
            stack = placed_stacks(embedded.module, self._family)[0]
            if stack in stacks:
                parts = embedded.parts.items()
                found |= {f"{stack}.{name}": of[0].float().numpy() for name, of in parts}
        return found

    def _stream(self, recorded: Recorded) -> dict[str, NDArray[np.float32]]:
        """The residual stream under the glossary's names: "decoder.0.resid_pre"."""
        names = stream_names(recorded.stream, self._family)
        n_layers = {name.split(".")[0]: 0 for name in names.values()}
        for name in names.values():
            stack, layer, _ = name.split(".", 2)
            n_layers[stack] = max(n_layers[stack], int(layer) + 1)
        # Where one layer holds several attentions (albert's groups), its number is none of theirs.
        uneven = {
            place.stack for place in self._plan.shown if place.layer >= n_layers.get(place.stack, 0)
        }
        names = {spot: name for spot, name in names.items() if name.split(".")[0] not in uneven}
        return {name: recorded.stream[spot][0].float().numpy() for spot, name in names.items()}

    def _to_probe(self) -> Reading:
        """A few tokens for the self-check; an encoder–decoder reads them on both sides."""
        tokens, _, segments = self._reader.tokens(PROBE)
        if self._family == "decoder":
            return Reading((), tokens, self._writes)
        target = (self._start(), *_moved(tokens, 1)) if self._family == "encoder-decoder" else ()
        return Reading(tokens, target, False, segments=segments)

    def _start(self) -> Token:
        """What a decoder begins with."""
        config, writing = self._model.config, self._model.generation_config
        named = [getattr(writing, "decoder_start_token_id", None)] if self._writes else []
        named += [getattr(config, f"{name}_token_id", None) for name in ("decoder_start", "bos")]
        id_ = next((found for found in named if found is not None), None)
        if id_ is None or not 0 <= id_ < (self._n_embeddings or id_ + 1):
            why = f"it says that a text begins with token {id_}, of {self._n_embeddings}"
            raise Corrupt(ref=self._ref, file=CONFIG, why=why)
        return self._reader.special(int(id_))

    def _ends(self) -> frozenset[int]:
        """What a text may end with: by the tokenizer, and by the settings for writing."""
        ends = self._model.generation_config.eos_token_id
        more = ends if isinstance(ends, list) else [ends]
        return self._reader.end_ids | frozenset(id_ for id_ in more if id_ is not None)

    def _written(self, source: tuple[Token, ...]) -> list[int]:
        """The ids of a target that the model writes itself, the likeliest token each time."""
        room = min(MOST_WRITTEN, self.info.context_length - 1)
        with self._lock, self._own_failures(), torch.no_grad():
            model: Any = self._model
            ids = model.generate(_ids(source), do_sample=False, num_beams=1, max_new_tokens=room)
        return [int(id_) for id_ in ids[0]]

    def _inputs(self, reading: Reading) -> dict[str, Any]:
        """What the model is called with: the one sequence, or both."""
        if self._family == "encoder-decoder":
            read = reading.target[:-1] if self._writes else reading.target
            return {"input_ids": _ids(reading.source), "decoder_input_ids": _ids(read)}
        if self._family == "decoder":
            own = reading.target_is_own or not self._writes
            return {"input_ids": _ids(reading.target if own else reading.target[:-1])}
        inputs = {"input_ids": _ids(reading.source)}
        if reading.segments and self._reads_segments:
            inputs["token_type_ids"] = torch.tensor([reading.segments])
        return inputs


def _plainly_greedy(own: Any) -> GenerationConfig:
    """Which tokens begin and end a text, and nothing that would change the model's choice:
    no penalty for repeating, no least length, no tokens that are suppressed."""
    names = [f"{name}_token_id" for name in ("bos", "eos", "pad", "decoder_start", "forced_bos")]
    made: Any = GenerationConfig
    plain: GenerationConfig = made(**{name: getattr(own, name, None) for name in names})
    return plain


def _ids(tokens: Sequence[Token]) -> torch.Tensor:
    """[1, position]"""
    return torch.tensor([[token.id for token in tokens]])


def _moved(tokens: Sequence[Token], by: int) -> tuple[Token, ...]:
    """The same tokens, that many positions on."""
    return tuple(replace(token, position=token.position + by) for token in tokens)
