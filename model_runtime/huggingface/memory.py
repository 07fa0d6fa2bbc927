"""How much memory a checkpoint and a recorded text take, said before either is there.

Reads the headers of safetensors files and a config; opens no weights and knows no tokenizer.
"""

import json
import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model_runtime.errors import (
    Corrupt,
    NoSafetensors,
    Quantised,
    TextTooLargeForMemory,
    TooLarge,
)
from model_runtime.recording import LONG
from model_runtime.settings import PREFIX

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
FLOAT32 = 4  # bytes; every model is computed in 32 bits, whatever its weights are stored in
_LONGEST_HEADER = 100_000_000  # bytes; what the format itself allows
# Bits of one value, by the format's own names; safetensors 0.8.
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4}
_BITS |= {"F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8}
_BITS |= {"U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32}
_BITS |= {"U64": 64, "I64": 64, "F64": 64, "C64": 64}
# A vocabulary of 50,000 takes 200 KB a position, so of a long text only the last positions keep
# their logits: 64 of such a vocabulary, and more of a smaller one.
MOST_LOGITS = 64 * 50_000
_SHORT = ("F4", "F6", "F8")
_MOST_TOKENS = 2**22  # longer than any context, for a budget that knows no bounds


@dataclass(frozen=True)
class Weights:
    """What the headers of a checkpoint's files say."""

    n_values: int
    n_tensors: int


def weights_bytes(folder: Path, ref: str = "") -> int:
    """Memory that the weights in a folder take once they are loaded, in 32 bits. Raises
    NoSafetensors and Corrupt, which call it `ref`, else by the folder's name."""
    return weights_in(folder, ref).n_values * FLOAT32


def weights_in(folder: Path, ref: str = "") -> Weights:
    """The number of values and tensors, from the headers alone. Raises like `weights_bytes`."""
    ref = ref or folder.name
    tensors = [
        count for name in weight_files(folder, ref) for count in _tensors(folder / name, ref)
    ]
    return Weights(sum(tensors), len(tensors))


def weight_files(folder: Path, ref: str) -> tuple[str, ...]:
    """The files that hold the weights: one, or those that an index names. Raises
    NoSafetensors, and Corrupt if the index is damaged or leads out of the folder."""
    # Shards of a distributed run, which transformers would take instead of all others.
    shards = sorted(path.name for path in folder.glob("shard-*.safetensors"))
    if not shards and (folder / WEIGHTS).is_file():
        return (WEIGHTS,)
    if shards or not (folder / INDEX).is_file():
        raise NoSafetensors(ref=ref, found=listed(folder))
    try:
        named = json.loads((folder / INDEX).read_text("utf-8"))["weight_map"].values()
        files = tuple(sorted(set(named)))
    except (ValueError, OSError, KeyError, TypeError, AttributeError, RecursionError):
        raise Corrupt(ref=ref, file=INDEX, why="it does not list the files") from None
    for name in files:
        # A path would reach files that nobody meant to open.
        if not isinstance(name, str) or Path(name).name != name or "\\" in name:
            raise Corrupt(ref=ref, file=INDEX, why=f"it names “{name}”, which is no file name")
        if not (folder / name).is_file():
            raise Corrupt(ref=ref, file=name, why="it is missing")
    return files


def listed(folder: Path, most: int = 8) -> str:
    """The files of a folder, to be named in a sentence."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    more = f", … ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "nothing"


def _tensors(path: Path, ref: str) -> list[int]:
    """The number of values of each tensor in a file. Raises Corrupt.

    The format: 8 bytes with the length of a JSON header, the header, the values.
    """
    corrupt = partial(Corrupt, ref=ref, file=path.name)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
                raise corrupt(why=f"its header would take {length} bytes of {size}")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        counts = [_n_values(entry) for entry in header.values()]
        _ensure_plain(header, ref)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (ValueError, OSError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise corrupt(why="its header cannot be read") from None
    if 8 + length + end != size:
        raise corrupt(why=f"it has {size} bytes where its header speaks of {8 + length + end}")
    return counts


def _ensure_plain(header: dict[str, Any], ref: str) -> None:
    """Raise Quantised for matrices of whole numbers, or of very short ones: what they stand for
    is told by scales beside them. Masks of old checkpoints are whole numbers, too."""
    for name, entry in header.items():
        kind, n_axes = entry["dtype"], len(entry["shape"])
        if n_axes > 1 and name.endswith("weight") and (kind[:1] in "IU" or kind[:2] in _SHORT):
            raise Quantised(ref=ref, method=kind)


def _n_values(entry: dict[str, Any]) -> int:
    """The values of one tensor. Raises ValueError if shape and place do not agree."""
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if not all(isinstance(n, int) and n >= 0 for n in (*shape, begin, end)):
        raise ValueError("a negative size")
    count = math.prod(shape)
    if (end - begin) * 8 != count * _BITS[entry["dtype"]]:
        raise ValueError("shape and size differ")
    return count


def ensure_weights_fit(needed: int, budget: int, ref: str) -> None:
    """Raise TooLarge, with what would fit, if weights of `needed` bytes do not."""
    if needed > budget:
        raise TooLarge(
            ref=ref,
            needed=in_words(needed),
            budget=in_words(budget),
            parameters=f"{budget / FLOAT32 / 1e6:,.0f}",
            setting=f"{PREFIX}MEMORY",
        )


def trace_bytes(config: Any, n_tokens: int, cell_bytes: float = 1.0) -> int:
    """Memory that recording `n_tokens` takes, about: q, k, v and z of every head, the residual
    stream before and after attention and FFN, masks and biases, and logits: of a long text only
    the last.

    `config` is a transformers config; `cell_bytes` is what masks and biases take for each pair
    of tokens. An encoder–decoder counts as if both texts were as long.
    """
    text = config.get_text_config()
    d_model = _size(text, "hidden_size", "d_model")
    n_heads = max(1, _size(text, "num_attention_heads", "encoder_attention_heads"))
    n_kv_heads = _size(text, "num_key_value_heads") or n_heads
    d_head = _size(text, "head_dim", "d_kv") or d_model // n_heads
    n_layers = _size(text, "num_hidden_layers", "encoder_layers")
    n_attentions = n_layers
    if config.is_encoder_decoder:
        n_decoder_layers = _size(text, "num_decoder_layers", "decoder_layers") or n_layers
        n_layers += n_decoder_layers
        n_attentions += 2 * n_decoder_layers  # the decoder's own, and what looks at the encoder
    heads = n_attentions * d_head * (2 * n_heads + 2 * n_kv_heads)  # q and z; k and v
    stream = 3 * n_layers * d_model
    vocabulary = _size(text, "vocab_size")
    logits = min(n_tokens * vocabulary, max(MOST_LOGITS, LONG * vocabulary))
    cells = int(n_tokens**2 * cell_bytes)
    return n_tokens * (heads + stream) * FLOAT32 + cells + logits * FLOAT32


def most_tokens(config: Any, budget: int, cell_bytes: float = 1.0) -> int:
    """The longest text whose trace takes at most `budget` bytes."""
    taken = partial(trace_bytes, config, cell_bytes=cell_bytes)
    return bisect_right(range(_MOST_TOKENS), budget, key=taken) - 1


def ensure_trace_fits(config: Any, n_tokens: int, budget: int, cell_bytes: float = 1.0) -> None:
    """Raise TextTooLargeForMemory, with what would fit, if recording `n_tokens` takes more than
    `budget` bytes."""
    needed = trace_bytes(config, n_tokens, cell_bytes)
    if needed > budget:
        raise TextTooLargeForMemory(
            tokens=n_tokens,
            needed=in_words(needed),
            budget=in_words(budget),
            most=most_tokens(config, budget, cell_bytes),
            setting=f"{PREFIX}TRACE_MEMORY",
        )


def _size(config: Any, *names: str) -> int:
    """The first of these sizes that a config has; of sizes by layer the largest; else 0."""
    for name in names:
        value = getattr(config, name, None)
        if isinstance(value, list | tuple) and value:
            value = max(value)
        if isinstance(value, int) and value > 0:
            return value
    return 0


def in_words(count: int) -> str:
    """Bytes as people read them, in the units that the settings are written in."""
    size, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1000:
            break
        size, unit = size / 1024, larger
    return f"{size:,.0f} {unit}" if size >= 100 or unit == "bytes" else f"{size:.1f} {unit}"
