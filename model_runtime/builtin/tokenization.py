"""Tokenizers of the built-in models: how they are trained and what they treat as one token.

Wraps the `tokenizers` library. Knows neither models nor the screen.
"""

from collections.abc import Iterable

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
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
# The same with the space before it, which is written ▁.
SPACED_WORD = r"▁?\p{L}+(?:'\p{L}+)*|▁?\p{N}|▁?[^\s\p{L}\p{N}▁]|▁"


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
    tokenizer.post_processor = between("", EOS)
    return tokenizer


def english_pieces(sentences: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train byte-pair encoding that keeps capitals and spaces: what it cuts it can join again.

    A piece that follows a space starts with ▁ (Kudo & Richardson 2018, SentencePiece); no
    piece crosses a word; unseen characters are [UNK]. A sequence stands between [BOS] and
    [EOS].
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace("’", "'"),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(left=False, right=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
            pre_tokenizers.Split(Regex(SPACED_WORD), behavior="isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=SPECIALS,
        limit_alphabet=100,
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = between(BOS, EOS)
    return tokenizer


def characters(sentences: Iterable[str], *, starts: bool = True) -> Tokenizer:
    """One token a character, white space dropped, Chinese punctuation; unseen ones are [UNK].

    A sequence ends in [EOS] and, if it `starts`, begins with [BOS], as a decoder's does.
    """
    tokenizer = Tokenizer(models.WordLevel(vocab={UNK: UNK_ID}, unk_token=UNK))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), *(normalizers.Replace(a, b) for a, b in FULL_WIDTH.items())]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\S"), behavior="removed", invert=True)
    trainer = trainers.WordLevelTrainer(special_tokens=SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = between(BOS if starts else "", EOS)
    return tokenizer


def symbols(alphabet: str, *, starts: bool, ends: bool) -> Tokenizer:
    """One token for each character of the alphabet, white space included; others are [UNK]."""
    vocabulary = {name: i for i, name in enumerate([*SPECIALS, *alphabet])}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=UNK))
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s|\S"), behavior="isolated")
    tokenizer.post_processor = between(BOS if starts else "", EOS if ends else "")
    return tokenizer


def between(first: str, last: str) -> processors.TemplateProcessing:
    """What puts special tokens before and after a sequence; "" for none."""
    ids = dict(zip(SPECIALS, range(len(SPECIALS)), strict=True))
    return processors.TemplateProcessing(
        single=f"{first} $A {last}".strip(),
        special_tokens=[(name, ids[name]) for name in (first, last) if name],
    )
