"""Small tokenizers of every kind, learned from a few sentences of English and Chinese.

Each is the class that transformers itself uses for a family. Knows no models.
"""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    BartTokenizer,
    BertGenerationTokenizer,
    BertTokenizer,
    ByT5Tokenizer,
    DebertaV2Tokenizer,
    GemmaTokenizer,
    GPT2Tokenizer,
    LlamaTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    T5Tokenizer,
)

SENTENCES = (
    "The cat sat on the mat, and the dog slept under the table.",
    "The animal did not cross the street because it was too tired.",
    "When Mary and John went to the store, John gave a drink to Mary.",
    "Translate English to German: the house is small, the cats are playing.",
    "for i in range(10):\n    print(i)  # 0 1 2 3 4 5 6 7 8 9",
    "The capital of France is Paris. Don't you know that?",
    "the cat sat on the mat; the cat is sleeping on the bed",
    "猫在床上睡觉，因为它很累。",
    "动物没有过马路，因为它太累了。",
    "我看见两只猫和一只狗。",
)
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def wordpieces() -> BertTokenizer:
    """BERT's: lower case, no accents, ## continues a word."""
    return BertTokenizer(vocab=dict(_wordpiece_vocabulary()))


def roberta() -> RobertaTokenizer:
    """RoBERTa's: bytes, with <s> and </s> around, spans without the space before."""
    vocab, merges = _byte_pairs(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    return RobertaTokenizer(vocab=dict(vocab), merges=list(merges))


def bart() -> BartTokenizer:
    """BART's, which is RoBERTa's."""
    vocab, merges = _byte_pairs(("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    return BartTokenizer(vocab=dict(vocab), merges=list(merges))


def gpt2() -> GPT2Tokenizer:
    """GPT-2's: bytes, nothing around, spans with the space before."""
    vocab, merges = _byte_pairs(("<|endoftext|>",))
    return GPT2Tokenizer(vocab=dict(vocab), merges=list(merges))


def bloom() -> PreTrainedTokenizerFast:
    """Bloom's: bytes, in an order of its own, spans with the space before."""
    return _fast_bytes(("<unk>", "<s>", "</s>", "<pad>"), unk="<unk>", bos="<s>", eos="</s>")


def falcon() -> PreTrainedTokenizerFast:
    """Falcon's: bytes, digits alone, one special token."""
    tokenizer = _fast_bytes(("<|endoftext|>",), eos="<|endoftext|>")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    return tokenizer


def llama(chat_template: str | None = None) -> LlamaTokenizer:
    """Llama's: ▁ for spaces, <s> before, and bytes for what the vocabulary lacks."""
    vocab, merges = _piece_pairs(("<unk>", "<s>", "</s>"))
    tokenizer = LlamaTokenizer(vocab=dict(vocab), merges=list(merges), add_bos_token=True)
    if chat_template is not None:
        tokenizer.add_special_tokens({"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]})
        tokenizer.chat_template = chat_template
    return tokenizer


def gemma() -> GemmaTokenizer:
    """Gemma's: ▁ for spaces, but none before the text, and bytes for what is missing."""
    vocab, merges = _piece_pairs(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))
    return GemmaTokenizer(vocab=dict(vocab), merges=list(merges), add_bos_token=True)


def t5() -> T5Tokenizer:
    """T5's: the likeliest pieces, </s> at the end, sentinels behind the vocabulary."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *_unigrams()]
    sentinels = [(f"<extra_id_{i}>", 0.0) for i in (3, 2, 1, 0)]
    return T5Tokenizer(vocab=[*pieces, *sentinels], extra_ids=4)


def deberta() -> DebertaV2Tokenizer:
    """DeBERTa-v2's: the likeliest pieces, [CLS] and [SEP] around."""
    specials = [(name, 0.0) for name in ("[PAD]", "[CLS]", "[SEP]", "[UNK]")]
    return DebertaV2Tokenizer(vocab=[*specials, *_unigrams(), ("[MASK]", 0.0)])


def byt5() -> ByT5Tokenizer:
    """ByT5's: the bytes themselves, without spans."""
    return ByT5Tokenizer(extra_ids=4)


def slow_pieces(folder: Path) -> BertGenerationTokenizer:
    """One that only the sentencepiece library can read, without spans; its model in `folder`."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4),
        model_writer=model,
        vocab_size=128,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        minloglevel=2,
        num_threads=1,
    )
    path = folder / "spiece.model"
    path.write_bytes(model.getvalue())
    return BertGenerationTokenizer(vocab_file=str(path))


# --- what they learn -------------------------------------------------------------------------


# The library's WordPiece and Unigram trainers find another vocabulary each time; its trainer of
# pairs finds the same, and their pieces serve.


@cache
def _wordpiece_vocabulary() -> tuple[tuple[str, int], ...]:
    lower = tuple(sentence.lower() for sentence in SENTENCES)
    pairs, _ = _piece_pairs((), lower)
    pieces = [piece for piece, id_ in pairs if id_ > 255 and "\n" not in piece]
    words = [piece.removeprefix("▁") for piece in pieces if piece.startswith("▁")]
    parts = [piece for piece in pieces if not piece.startswith("▁")]
    letters = [part for part in parts if len(part) == 1]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    names += [word for word in words if word and word not in letters]
    names += [f"##{part}" for part in parts]
    return tuple((name, id_) for id_, name in enumerate(names))


# (entry, id) by id, and what is joined into one, first to last
Pairs = tuple[tuple[tuple[str, int], ...], tuple[Any, ...]]


@cache
def _byte_pairs(specials: tuple[str, ...]) -> Pairs:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + len(specials) + 120,
        special_tokens=list(specials),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator(SENTENCES * 4, trainer)
    return _learned(learner)


@cache
def _piece_pairs(specials: tuple[str, ...], texts: tuple[str, ...] = SENTENCES) -> Pairs:
    learner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + len(specials) + 200,
        special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    learner.train_from_iterator(texts * 4, trainer)
    return _learned(learner)


@cache
def _unigrams() -> tuple[tuple[str, float], ...]:
    """Pieces and how likely they are: the earlier learned, the likelier."""
    vocab, _ = _piece_pairs(("<unk>",))
    pieces = [piece for piece, id_ in vocab if id_ > 256]
    return tuple((piece, -2.0 - 0.02 * place) for place, piece in enumerate(pieces))


def _learned(learner: Tokenizer) -> Pairs:
    pairs = json.loads(learner.to_str())["model"]["merges"]
    return _by_id(learner.get_vocab()), tuple((first, second) for first, second in pairs)


def _by_id(vocab: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(vocab.items(), key=lambda entry: entry[1]))


def _fast_bytes(
    specials: tuple[str, ...], unk: str | None = None, bos: str | None = None, eos: str = ""
) -> PreTrainedTokenizerFast:
    vocab, merges = _byte_pairs(specials)
    tokenizer = Tokenizer(models.BPE(dict(vocab), list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=unk, bos_token=bos, eos_token=eos
    )
