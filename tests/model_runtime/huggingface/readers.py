"""Readers of the tiny checkpoints' tokenizers, and texts that are hard to read.

Knows no models.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import AutoTokenizer

from model_runtime.huggingface.reading import Reader
from tests.model_runtime.huggingface.checkpoints import FAMILIES
from tests.model_runtime.reference import NASTY

ROOM = 512
# Those whose tokenizers differ; the rest shares one with these.
TOKENIZERS = (
    "bert", "roberta", "deberta-v2", "gpt2", "llama", "gemma2", "bloom", "falcon", "t5", "byt5",
    "bart", "bert-generation",
)  # fmt: skip
# They have every byte, and drop nothing: what is read can be written again.
WHOLE = ("roberta", "gpt2", "llama", "gemma2", "bloom", "falcon", "byt5", "bart")
TEXTS = (
    "The cat sat on the mat.",
    "a",
    "猫在床上睡觉，因为它很累。",
    "🍎 👨\u200d👩\u200d👧 🏳️\u200d🌈 🇨🇳",
    "Cafe\u0301 te\u0323\u0302t é",
    "for i in range(10):\n\tprint(i)  # 0\n\n",
    "  two  spaces, and one at the end ",
    "مرحبا بالعالم",
    "½ ﬁ ㎏ Ⅷ ﬃ",
    " \n",
    *NASTY,
)


def kind_of(family: str) -> str:
    model = FAMILIES[family].model
    if "ConditionalGeneration" in model:
        return "encoder-decoder"
    return "decoder" if any(n in model for n in ("Causal", "LMHead", "Decoder")) else "encoder"


@cache
def tokenizer_of(family):
    """The family's tokenizer as it is after it was saved and opened again."""
    with TemporaryDirectory() as folder:
        made = FAMILIES[family].tokenizer
        tokenizer = made(Path(folder)) if family == "bert-generation" else made()
        tokenizer.save_pretrained(folder)
        return AutoTokenizer.from_pretrained(folder)


@cache
def reader(family, room=ROOM):
    return Reader(tokenizer_of(family), kind_of(family), room)


def read(family, text, **more):
    return reader(family).tokens(text, **more)[0]


def shown(tokens):
    return [token.text for token in tokens]
