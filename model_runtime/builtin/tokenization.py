"""Tokenizers of the built-in models: how they are trained and what they treat as one token.

Wraps the `tokenizers` library. Knows neither models nor the screen.
"""

from collections.abc import Iterable

from tokenizers import (
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

PAD, UNK, BOS, EOS = "[PAD]", "[UNK]", "[BOS]", "[EOS]"
SPECIALS = [PAD, UNK, BOS, EOS]
PAD_ID, UNK_ID, BOS_ID, EOS_ID = range(4)

# NFKC makes every punctuation mark narrow; Chinese is printed with wide ones.
FULL_WIDTH = {",": "，", "?": "？", "!": "！", ":": "：", ";": "；"}

# A word with its apostrophes, one digit, or one other visible character.
WORD = r"\p{L}+(?:'\p{L}+)*|\p{N}|[^\s\p{L}\p{N}]"


def english_subwords(sentences: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train lower-case byte-pair encoding that never crosses a word; unknown = [UNK].

    A piece that continues a word starts with ## in the vocabulary, so that "a part" and
    "apart" stay different. A sequence ends in [EOS]. Sennrich et al. 2016.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNK, continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFD(),
            normalizers.StripAccents(),
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace("’", "'"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=SPECIALS,
        limit_alphabet=64,
        continuing_subword_prefix="##",
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}", special_tokens=[(EOS, EOS_ID)]
    )
    return tokenizer


def characters(sentences: Iterable[str]) -> Tokenizer:
    """One token a character, white space dropped, Chinese punctuation; unseen ones are [UNK].

    A sequence stands between [BOS] and [EOS].
    """
    tokenizer = Tokenizer(models.WordLevel(vocab={UNK: UNK_ID}, unk_token=UNK))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), *(normalizers.Replace(a, b) for a, b in FULL_WIDTH.items())]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\S"), behavior="removed", invert=True)
    trainer = trainers.WordLevelTrainer(special_tokens=SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}", special_tokens=[(BOS, BOS_ID), (EOS, EOS_ID)]
    )
    return tokenizer
