"""The texts that models learn from: sentence pairs and English sentences, read and sorted.

Knows the files of the data; nothing of models or the screen.
"""

import random
import re
import unicodedata
import zlib
from pathlib import Path

from tokenizers import Tokenizer

from model_runtime.builtin.batching import Example
from model_runtime.builtin.classroom import fit_for_class
from model_runtime.builtin.tokenization import SPECIALS, UNK_ID

# Misprints in a few dozen rows of the source: 着 for 著 in two common words.
MISPRINTS = {"着名": "著名", "显着": "显著"}
# A sentence of a story ends after . ! or ?, with the quote that closes, before a capital.
SENTENCE_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["']))(?<!Mr\.)(?<!Mrs\.)\s+(?=["']?[A-Z])""")
LONGEST = 200  # characters; longer sentences do not fit a screen, nor a small model


def read_pairs(path: Path, *, filtered: bool) -> list[tuple[str, str]]:
    """(English, Chinese) per line of a tab-separated file, NFKC, known misprints mended.

    `filtered` drops what `fit_for_class` refuses: on for training, off for test sets,
    whose figures must be comparable. Raises FileNotFoundError if there is no such file.
    """
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        english, chinese = unicodedata.normalize("NFKC", line).split("\t")[:2]
        for wrong, right in MISPRINTS.items():
            chinese = chinese.replace(wrong, right)
        if not filtered or fit_for_class(english, chinese):
            pairs.append((english, chinese))
    return pairs


def joined(pairs: list[tuple[str, str]], share: float, rng: random.Random) -> list[tuple[str, str]]:
    """The pairs, a share of them followed by a second one, so that two sentences are known."""
    out = []
    for source, target in pairs:
        if rng.random() < share:
            more_source, more_target = rng.choice(pairs)
            # Tokenizers of Chinese drop the space.
            source, target = f"{source} {more_source}", f"{target} {more_target}"
        out.append((source, target))
    return out


def encoded(
    pairs: list[tuple[str, str]],
    source: Tokenizer,
    target: Tokenizer,
    *,
    unknown_share: float = 0.0,
    rng: random.Random | None = None,
) -> list[Example]:
    """Token ids of each pair. `unknown_share` of the source ids become [UNK], so that the
    model has met it and a character it never saw does not derail a sentence."""
    sources = [e.ids for e in source.encode_batch([english for english, _ in pairs])]
    targets = [e.ids for e in target.encode_batch([chinese for _, chinese in pairs])]
    if unknown_share and rng:
        sources = [
            [UNK_ID if i >= len(SPECIALS) and rng.random() < unknown_share else i for i in ids]
            for ids in sources
        ]
    return list(zip(sources, targets, strict=True))


def read_english(folder: Path) -> tuple[list[str], list[str]]:
    """(for training, held out): the different sentences of sentences.txt and stories.txt.

    Only those fit for a classroom, of at most LONGEST characters, with all quotes closed.
    One in fifty is held out, chosen by its letters alone, so that no two spellings of one
    sentence are parted.
    Raises FileNotFoundError.
    """
    sentences = (folder / "sentences.txt").read_text(encoding="utf-8").splitlines()
    for paragraph in (folder / "stories.txt").read_text(encoding="utf-8").splitlines():
        sentences += SENTENCE_END.split(paragraph)
    kept: dict[str, str] = {}
    for sentence in sentences:
        sentence = unicodedata.normalize("NFKC", sentence).strip()
        whole = 0 < len(sentence) <= LONGEST and sentence.count('"') % 2 == 0
        if whole and fit_for_class(sentence):
            kept.setdefault(letters_of(sentence), sentence)
    training = [text for key, text in kept.items() if not is_held_out(key, 50)]
    return training, [text for key, text in kept.items() if is_held_out(key, 50)]


def letters_of(sentence: str) -> str:
    """What two spellings of one sentence share: its letters and digits, in lower case."""
    return "".join(c for c in sentence.lower() if c.isalnum())


def is_held_out(key: str, one_in: int) -> bool:
    """Whether what goes by this key is kept for testing: decided by the key itself, so that
    no training run, now or later, can meet it."""
    return zlib.crc32(key.encode("utf-8")) % one_in == 0
