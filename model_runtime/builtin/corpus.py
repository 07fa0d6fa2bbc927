"""Sentence pairs for the translator: reading, the classroom filter, batches.

Knows the file format of the English–Chinese data; nothing of models or the screen.
"""

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from model_runtime.builtin.tokenization import PAD_ID, SPECIALS, UNK_ID

# A pair is left out if its English or its Chinese side matches. Stems, so that "kill"
# also drops "killed"; \b keeps "Sussex" and "skill". Neutral words for who people are
# (faiths, orientations, nations) stay in.
UNFIT_ENGLISH = re.compile(
    r"\b(sex(?!tant)|rap(e|ed|ist)\b|kill|murder|suicid|whore|slut|bitch|prostitut|brothel|fuck|"
    r"shit|bastard|asshole|arse|damn|naked|nude|porn|virgin|condom|penis|vagina|breast|boob|"
    r"erotic|orgasm|masturbat|undress|make love|making love|made love|slept with|sleep with me|"
    r"hitler|nazi|terroris|stab|strangl|behead|tortur|corpse|slaughter|massacre|execut(ed|ion)|"
    r"(hang|hanged|hung) (him|her|my|your)self|idiot|moron|retard|cocaine|heroin|marijuana|"
    r"gunshot|shot (him|her|me|you|tom|dead)|shoot (him|her|me|you|tom)|go to hell|"
    r"bloody|pee\b|poop|fart|lust)",
    re.IGNORECASE,
)
UNFIT_CHINESE = re.compile(
    "婊|他妈的|妈的|操你|我操|强奸|性交|性爱|性感|做爱|妓|嫖|屄|鸡巴|阴茎|阴道|裸体|色情|淫|"
    "自杀|杀死|杀了|杀人|谋杀|杀害|杀手|尸体|傻逼|白痴|混蛋|王八|狗屎|放屁|有屁|拉屎|毒品|海洛因|"
    "纳粹|希特勒|恐怖分子|恐怖主义"
)
# Misprints in a few dozen rows of the source: 着 for 著 in two common words.
MISPRINTS = {"着名": "著名", "显着": "显著"}


@dataclass(frozen=True)
class Batch:
    """Padded token ids of some pairs: lists of equal length, [PAD] at the end."""

    source: list[list[int]]
    target: list[list[int]]


def fit_for_class(english: str, chinese: str) -> bool:
    """True unless the pair speaks of sex, violence, drugs or swears, by the lists above."""
    return not (UNFIT_ENGLISH.search(english) or UNFIT_CHINESE.search(chinese))


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
    for english, chinese in pairs:
        if rng.random() < share:
            more_english, more_chinese = rng.choice(pairs)
            english, chinese = f"{english} {more_english}", chinese + more_chinese
        out.append((english, chinese))
    return out


def encoded(
    pairs: list[tuple[str, str]],
    source: Tokenizer,
    target: Tokenizer,
    *,
    unknown_share: float = 0.0,
    rng: random.Random | None = None,
) -> list[tuple[list[int], list[int]]]:
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


def batches(
    examples: list[tuple[list[int], list[int]]], max_tokens: int, rng: random.Random
) -> Iterator[Batch]:
    """Batches in random order, each of similar lengths and at most `max_tokens` per side."""
    order = sorted(
        range(len(examples)),
        key=lambda i: (len(examples[i][1]), len(examples[i][0]), rng.random()),
    )
    groups: list[list[int]] = []
    widest = 0
    for i in order:
        width = max(len(side) for side in examples[i])
        widest = max(widest, width)
        if not groups or widest * (len(groups[-1]) + 1) > max_tokens:
            groups.append([])
            widest = width
        groups[-1].append(i)
    rng.shuffle(groups)
    for group in groups:
        sides = zip(*(examples[i] for i in group), strict=True)
        source, target = (padded(list(side)) for side in sides)
        yield Batch(source, target)


def padded(sequences: list[list[int]]) -> list[list[int]]:
    """The sequences, each filled with [PAD] to the length of the longest."""
    width = max(map(len, sequences))
    return [ids + [PAD_ID] * (width - len(ids)) for ids in sequences]
