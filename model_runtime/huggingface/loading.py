"""From a folder that was found to a model and its tokenizer, ready to be run.

Every weight comes from the checkpoint, or the checkpoint is refused. Runs nothing and records
nothing; knows neither texts nor the screen.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from model_runtime.errors import N_, Corrupt, HeadlightError, NoTokenizer, WrongWeights
from model_runtime.huggingface.configs import (
    Choice,
    Family,
    base,
    choose,
    in_one_line,
    read_config,
)
from model_runtime.huggingface.finding import Found
from model_runtime.huggingface.memory import (
    FLOAT32,
    WEIGHTS,
    ensure_weights_fit,
    weights_in,
)
from model_runtime.recording import Progress, Report
from model_runtime.settings import settings
from model_runtime.types import Predicts, Remark

# What is wrong with a checkpoint is said in an error; the rest would fill the server's log.
transformers_logging.set_verbosity(logging.ERROR)
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

NO_HEAD = N_(
    "The weights of what {architecture} predicts with are not in the checkpoint, so only what "
    "comes before is shown; made-up weights would make made-up predictions."
)
UNUSED = N_(
    "The files hold weights of layers that the model of this config.json does not have, such as "
    "{name} ({n} in all). They are not used; the config may be that of another model."
)
_NAMED = 3  # weights named in a sentence
# Values and tensors of a model for each in its files: embeddings that are kept once may be used
# in four places, and some layers again and again. More is a config of another model.
_MOST_PER_STORED, _MOST_MORE = 8, 2**20
# What configs call the most positions that a model was trained on.
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
# What a vocabulary may be kept in, whatever the class calls its files.
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "tekken.json")
_TICK = 2**25  # bytes between two reports


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in evaluation mode, in 32 bits, on the CPU, and its tokenizer."""

    model: PreTrainedModel
    tokenizer: Any  # a PreTrainedTokenizerBase, which has no common typed interface
    family: Family
    predicts: Predicts
    context_length: int  # tokens; the model's own, or fewer where the settings say so
    remarks: tuple[Remark, ...]  # what is not there, and why

    @property
    def config(self) -> PreTrainedConfig:
        """The model's config."""
        return self.model.config

    @property
    def n_embeddings(self) -> int:
        """How many tokens the model knows; 0 of one that does not say."""
        return getattr(self.model.get_input_embeddings(), "num_embeddings", 0)


def load(found: Found, report: Report) -> Loaded:
    """Open the checkpoint in a folder. `report` hears how many bytes of it are loaded.

    Raises a HeadlightError, after which nothing of the model is in memory.
    """
    config = read_config(found.folder, found.ref)
    choice = choose(config, found.ref)
    tokenizer = _tokenizer(found, config)
    remarks: tuple[Remark, ...] = ()
    unused: list[str] = []
    opened = _opened(found, config, choice, report, unused)
    if isinstance(opened, _Refused) and opened.only_head:
        # A config may promise a head that was never saved.
        remarks = (Remark(NO_HEAD, {"architecture": choice.model_class.__name__}),)
        choice = base(config, found.ref)
        opened = _opened(found, config, choice, report, unused)
    if isinstance(opened, _Refused):
        raise opened.error
    _ensure_fits_vocabulary(tokenizer, opened, found.ref)
    if unused:
        remarks += (Remark(UNUSED, {"name": unused[0], "n": len(unused)}),)
    return Loaded(
        model=opened,
        tokenizer=tokenizer,
        family=choice.family,
        predicts=choice.predicts,
        context_length=_context_length(opened, tokenizer),
        remarks=remarks,
    )


# --- the model -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Refused:
    """Why a model was not opened. Returned, not raised: an error on its way holds on to all
    that it came through, half a model included."""

    error: HeadlightError
    only_head: bool = False  # all else is there


# transformers swaps functions of its classes for the time that it builds a model. Two at once
# would swap back in the wrong order, and no weights would be tied from then on.
_building = threading.Lock()


def _opened(
    found: Found, config: PreTrainedConfig, choice: Choice, report: Report, unused: list[str]
) -> PreTrainedModel | _Refused:
    """The model with every one of its weights from the files; weights of layers that it does
    not have are added to `unused`."""
    watching = _watch.set(_Watch(found, report))
    try:
        with _building:
            loaded: Any = choice.model_class.from_pretrained(
                found.folder,
                config=config,
                dtype=torch.float32,
                attn_implementation="eager",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # they are refused below, with their names
                output_loading_info=True,
            )
    except HeadlightError as error:
        return _Refused(error.with_traceback(None))
    except (SafetensorError, OSError) as error:
        return _Refused(Corrupt(ref=found.ref, file=WEIGHTS, why=in_one_line(error)))
    except Exception as error:  # each class finds its own faults with a config
        return _Refused(WrongWeights(ref=found.ref, what=in_one_line(error)))
    finally:
        _watch.reset(watching)
    model: PreTrainedModel = loaded[0]
    info: dict[str, Any] = loaded[1]  # what was missing or had another shape
    sizes = [
        f"{name} is {_by(there)}, not {_by(due)}" for name, there, due in info["mismatched_keys"]
    ]
    missing = [name for name in info["missing_keys"] if not _is_spare(name, choice)]
    if not sizes and not missing:
        model.requires_grad_(False)
        model.eval()  # type: ignore[no-untyped-call]
        unused.extend(name for name in info["unexpected_keys"] if _is_of_a_layer(name))
        return model
    what = [*sorted(sizes), *(f"{name} is missing" for name in sorted(missing))]
    more = f", … ({len(what)})" if len(what) > _NAMED else ""
    wrong = WrongWeights(ref=found.ref, what=", ".join(what[:_NAMED]) + more)
    return _Refused(wrong, not sizes and _is_head(missing, model))


def _is_of_a_layer(name: str) -> bool:
    """A weight with a layer's number in its name; old files keep a mask or two beside them."""
    return name.endswith("weight") and any(part.isdigit() for part in name.split("."))


def _by(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _is_spare(name: str, choice: Choice) -> bool:
    """A pooler sums up a text for a head; where there is no head, nobody looks at it."""
    return choice.predicts == "nothing" and "pooler" in name.split(".")


def _is_head(missing: Iterable[str], model: PreTrainedModel) -> bool:
    """Whether everything that is missing comes after the base model, or in its pooler."""
    prefix = model.base_model_prefix
    if getattr(model, prefix, model) is model:
        return False  # it is the base model, or a family that keeps it under no name
    return all(not n.startswith(f"{prefix}.") or "pooler" in n.split(".") for n in missing)


class _Watch:
    """Hears of each weight twice: when a model says what it will need, and when it gets it."""

    def __init__(self, found: Found, report: Report) -> None:
        self._ref = found.ref
        self._report = report
        self._stored = weights_in(found.folder, found.ref)
        self._budget = settings().memory
        self._needed = self._n_values = self._n_tensors = 0
        self._done = self._said = 0

    def hear(self, tensor: Tensor, *, is_weight: bool) -> None:
        """Raises TooLarge or WrongWeights as soon as a config has asked for too much."""
        if not tensor.is_meta:
            self._done += tensor.numel() * FLOAT32
            self._say()
            return
        if is_weight:
            self._n_values += tensor.numel()
            self._n_tensors += 1
            self._compare()
        self._needed += tensor.numel() * FLOAT32
        ensure_weights_fit(self._needed, self._budget, self._ref)

    def _compare(self) -> None:
        stored = self._stored
        for what, asked, there in (
            ("values", self._n_values, stored.n_values),
            ("tensors", self._n_tensors, stored.n_tensors),
        ):
            if asked > _MOST_PER_STORED * there + _MOST_MORE:
                raise WrongWeights(
                    ref=self._ref, what=f"it asks for more than {asked:,} {what}, of {there:,}"
                )

    def _say(self) -> None:
        total = self._stored.n_values * FLOAT32
        if self._done - self._said >= _TICK:
            self._said = self._done
            self._report(Progress("loading", min(self._done, total), total))


_watch: ContextVar[_Watch | None] = ContextVar("_watch", default=None)


def _heard(module: nn.Module, name: str, tensor: Tensor | None) -> None:
    """Called by torch for everything that any module registers, in any thread."""
    watch = _watch.get()
    if watch and tensor is not None:
        watch.hear(tensor, is_weight=isinstance(tensor, nn.Parameter))


# Once and for good: to take them off again would disturb modules that other threads build.
register_module_parameter_registration_hook(_heard)
register_module_buffer_registration_hook(_heard)


# --- the tokenizer -------------------------------------------------------------------------------


def _tokenizer(found: Found, config: PreTrainedConfig) -> Any:
    """Raises NoTokenizer."""
    _ensure_own_files(found)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            found.folder, config=config, trust_remote_code=False, local_files_only=True
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # what goes wrong in Rust is no Exception
        why = in_one_line(error)
    else:
        # Without its files, many a class makes one that knows a few special tokens. Those of
        # bytes and of characters need none.
        files = {*tokenizer.vocab_files_names.values(), *_VOCABULARIES}
        if not tokenizer.vocab_files_names or any((found.folder / n).is_file() for n in files):
            return tokenizer
        why = "its files are missing"
    raise NoTokenizer(ref=found.ref, why=why)


def _ensure_own_files(found: Found) -> None:
    """Raise NoTokenizer if its settings lead to files that are not the checkpoint's own."""
    try:
        settings = json.loads((found.folder / "tokenizer_config.json").read_text("utf-8"))
        named = settings.get("fast_tokenizer_files", [])
        own = all(Path(name).name == name for name in named)
    except FileNotFoundError:
        return
    except (ValueError, OSError, TypeError, AttributeError, RecursionError):
        own = False
    if not own:
        raise NoTokenizer(ref=found.ref, why="its tokenizer_config.json is damaged")


def _ensure_fits_vocabulary(tokenizer: Any, model: PreTrainedModel, ref: str) -> None:
    """Raise NoTokenizer if it has tokens that the model has no embedding for."""
    embeddings = model.get_input_embeddings()
    rows = getattr(embeddings, "num_embeddings", None)
    if rows and tokenizer.vocab_size > rows:
        why = f"the one that is there has {tokenizer.vocab_size} tokens, the model {rows}"
        raise NoTokenizer(ref=ref, why=why)


# --- the context ---------------------------------------------------------------------------------


def _context_length(model: PreTrainedModel, tokenizer: Any) -> int:
    """The most tokens of one sequence: by the config, the tables of positions, the tokenizer
    and the settings."""
    text = model.config.get_text_config()
    limits = [settings().max_tokens, int(min(tokenizer.model_max_length, sys.maxsize))]
    limits += [
        getattr(text, name, 0) for name in _CONTEXT if isinstance(getattr(text, name, 0), int)
    ]
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name.split(".")[-1]:
            # RoBERTa counts from the padding on: 514 rows are 512 positions.
            padding = module.padding_idx
            limits.append(module.num_embeddings - (0 if padding is None else padding + 1))
    return min(limit for limit in limits if limit > 0)
