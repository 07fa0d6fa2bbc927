"""config.json: read with suspicion, and matched with the class of transformers that fits it.

Decides what of a checkpoint can be opened before any weights are. Knows no tokenizer.
"""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import transformers
from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto as auto

from model_runtime.errors import (
    Corrupt,
    CustomCode,
    HeadlightError,
    NotACheckpoint,
    NotATextModel,
    Quantised,
    UnknownArchitecture,
)
from model_runtime.huggingface.memory import listed
from model_runtime.types import Predicts

Family = Literal["encoder-decoder", "encoder", "decoder"]
CONFIG = "config.json"
_LONGEST = 2**23  # bytes; the longest known have lists of labels, and a tenth of this
# What some config classes make lists of, before anything could be checked against the weights.
_MOST = ((re.compile("layer|block|attention_types"), 10_000), (re.compile("label"), 1_000_000))
_MOST_OF_ALL = 2**53

# Heads in the order in which they are looked for. A name may be in several mappings: BART's
# class stands among the masked ones, XLM's among the causal ones too.
_HEADS: tuple[tuple[Any, Predicts], ...] = (
    (auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING, "tokens"),
    (auto.MODEL_FOR_MASKED_LM_MAPPING, "tokens"),
    (auto.MODEL_FOR_CAUSAL_LM_MAPPING, "tokens"),
    (auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, "text labels"),
    (auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, "token labels"),
    (auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING, "answer span"),
    (auto.MODEL_FOR_TEXT_ENCODING_MAPPING, "nothing"),
    (auto.MODEL_MAPPING, "nothing"),
)


@dataclass(frozen=True)
class Choice:
    """A class of transformers, and what its outputs are."""

    model_class: type[PreTrainedModel]
    family: Family
    predicts: Predicts


def read_config(folder: Path, ref: str) -> PreTrainedConfig:
    """The config of a checkpoint of text. Raises a HeadlightError: the file is missing or
    damaged, its model needs code that is not here, or is no text model, or is quantised."""
    raw = _read(folder, ref)
    for key, value in _numbers(raw):
        most = next((most for name, most in _MOST if name.search(key)), _MOST_OF_ALL)
        if abs(value) > most:
            raise Corrupt(ref=ref, file=CONFIG, why=f"its {key} is over {most:,}")
    _ensure_known(raw, ref)
    for part in (raw, *(value for value in raw.values() if isinstance(value, dict))):
        if quantised := part.get("quantization_config") or part.get("compression_config"):
            method = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
            raise Quantised(ref=ref, method=method or "?")
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # every class checks its values in its own way
        why = in_one_line(error)
    else:
        # Options that would take other weights, or other code, than what was checked.
        for name in ("transformers_weights", "fusion_config"):
            config.__dict__.pop(name, None)
        config.return_dict = True  # a model that answers in tuples does not say what is what
        return config
    raise Corrupt(ref=ref, file=CONFIG, why=why)


def _read(folder: Path, ref: str) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise NotACheckpoint(ref=ref, found=listed(folder))
    try:
        if path.stat().st_size > _LONGEST:
            raise ValueError("it is far too long")
        raw = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        why = in_one_line(error)
    else:
        if isinstance(raw, dict) and "configuration_files" not in raw:
            return raw
        # transformers would take that file instead, which nobody has checked.
        why = "it names another file in its place" if raw else "it is no list of names and values"
    raise Corrupt(ref=ref, file=CONFIG, why=why)


def _numbers(value: object, key: str = "") -> Iterator[tuple[str, float]]:
    """All numbers in a config, at any depth, with the name they stand under."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _numbers(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part, key)
    elif isinstance(value, int | float) and value == value and not isinstance(value, bool):
        yield key, value


def _ensure_known(raw: dict[str, Any], ref: str) -> None:
    """Raise CustomCode or UnknownArchitecture for a model that transformers does not have."""
    kind = raw.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING:
        return
    error: type[HeadlightError] = CustomCode if raw.get("auto_map") else UnknownArchitecture
    raise error(ref=ref, model_type=kind or "?", version=transformers.__version__)


def choose(config: PreTrainedConfig, ref: str) -> Choice:
    """The class that the checkpoint names, if it is one of text; where it names none, the one
    that predicts tokens; else the base model. Raises NotATextModel."""
    names = [name for name in config.architectures or () if isinstance(name, str)]
    for name in names:
        for model_class, predicts in _candidates(config):
            if model_class.__name__ == name:
                return _checked(model_class, predicts, config, ref)
    named = [getattr(transformers, name, None) for name in names]
    if any(inspect.isclass(found) and not _reads_text(found) for found in named):
        raise NotATextModel(ref=ref, model_type=config.model_type)
    tokens = [found for found in _candidates(config) if found[1] == "tokens"]
    if _is_decoder(config) and len(tokens) > 1:
        tokens.reverse()  # a BERT that was told to write
    # Trained with several heads, of which one predicts tokens: BertForPreTraining.
    several = any(re.search("ForPreTraining|LMHead|DoubleHeads", name) for name in names)
    if tokens and (several or not names):
        return _checked(*tokens[0], config, ref)
    return base(config, ref)


def base(config: PreTrainedConfig, ref: str) -> Choice:
    """The model without a head. Raises NotATextModel."""
    found = [model_class for model_class, head in _candidates(config) if head == "nothing"]
    if not found:
        raise NotATextModel(ref=ref, model_type=config.model_type)
    return _checked(found[-1], "nothing", config, ref)


def _candidates(config: PreTrainedConfig) -> Iterator[tuple[type[PreTrainedModel], Predicts]]:
    """All classes that go with a config, with what they predict."""
    for mapping, predicts in _HEADS:
        if type(config) in mapping:
            found = mapping[type(config)]
            for model_class in found if isinstance(found, tuple) else (found,):
                yield model_class, predicts


def _checked(
    model_class: type[PreTrainedModel], predicts: Predicts, config: PreTrainedConfig, ref: str
) -> Choice:
    if not _reads_text(model_class):
        raise NotATextModel(ref=ref, model_type=config.model_type)
    return Choice(model_class, _family(model_class, predicts, config), predicts)


def _reads_text(model_class: Any) -> bool:
    """Whether text alone is enough: those that write may take pictures, and do without."""
    kinds = getattr(model_class, "input_modalities", "text")
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    name = model_class.__name__
    if name in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        is_text = "text" in kinds
    elif name in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.values():
        is_text = "text" in kinds and "audio" not in kinds
    else:
        is_text = kinds == {"text"}
    return is_text and getattr(model_class, "main_input_name", "") == "input_ids"


def _family(
    model_class: type[PreTrainedModel], predicts: Predicts, config: PreTrainedConfig
) -> Family:
    """By what it takes, not by its config: T5's encoder alone has the config of T5."""
    if "decoder_input_ids" in inspect.signature(model_class.forward).parameters:
        return "encoder-decoder"
    if predicts == "tokens":
        masked = model_class.__name__ in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
        return "encoder" if masked else "decoder"
    masked = type(config) in auto.MODEL_FOR_MASKED_LM_MAPPING
    causal = type(config) in auto.MODEL_FOR_CAUSAL_LM_MAPPING
    return "decoder" if _is_decoder(config) or (causal and not masked) else "encoder"


def _is_decoder(config: PreTrainedConfig) -> bool:
    """Whether a model that could be either was told to write."""
    return bool(getattr(config, "is_decoder", False))


def in_one_line(error: BaseException) -> str:
    """What an error says, short enough to stand within a sentence."""
    return " ".join(str(error).split())[:200].rstrip(" .:") or type(error).__name__
