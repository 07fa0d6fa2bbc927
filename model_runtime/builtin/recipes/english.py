"""The two models of English text: one writes the next token, one fills blanks.

Knows sentences and two configurations; the loop is in `training.py`.
"""

import json
import random
from pathlib import Path
from typing import Literal

import torch
from tokenizers import AddedToken, Tokenizer

from model_runtime.builtin import corpus, tokenization, weights
from model_runtime.builtin.batching import Example, batches
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.lineup import LINEUP
from model_runtime.builtin.recipes.making import Making, make
from model_runtime.builtin.tokenization import PAD_ID, SPECIALS, UNK_ID
from model_runtime.builtin.training import Schedule
from model_runtime.builtin.transformer import Transformer
from model_runtime.types import MASK

LICENCE = "Apache-2.0; trained on Tatoeba sentences, CC BY 2.0 FR, and public-domain books"
VOCABULARY = 6000
BATCH_TOKENS = 4096
UNKNOWN_SHARE = 0.003  # tokens made [UNK] in training, so that the model has met it
BLANK_SHARE = 0.2  # tokens asked for; BERT asks for 15 %, a small corpus can give more


def blanks(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """An encoder that fills [MASK] from both sides, as BERT does, on the same sentences.

    `data` holds sentences.txt and stories.txt. Of the tokens asked for, 80 % are masked,
    10 % replaced by another and 10 % left as they are (Devlin et al. 2019, §3.1).
    """
    training, held_out = corpus.read_english(data)
    tokenizer = tokenization.english_pieces(training, VOCABULARY)
    # The space before a mask belongs to it: the token it hides begins with that space.
    tokenizer.add_tokens([AddedToken(MASK, lstrip=True, normalized=False)])

    def examples(sentences: list[str], rng: random.Random) -> list[Example]:
        n = tokenizer.get_vocab_size()
        return [blanked(e.ids, n, rng) for e in tokenizer.encode_batch(sentences)]

    asked = random.Random(0)
    dev = [example for _ in range(3) for example in examples(held_out, asked)]
    make(
        folder,
        Making(
            config=_config("encoder", tokenizer, dropout=0.1),
            source=None,
            target=tokenizer,
            epoch=lambda rng: list(batches(examples(training, rng), BATCH_TOKENS, rng)),
            dev=list(batches(dev, BATCH_TOKENS, asked)),
            schedule=Schedule(
                epochs=epochs or 20, learning_rate=2e-3, warmup_steps=400, label_smoothing=0.0
            ),
            facts=LINEUP["blanks"] | {"licence": LICENCE, "training_sentences": len(training)},
        ),
        device,
    )


def writer(data: Path, folder: Path, device: torch.device, epochs: int | None) -> None:
    """A decoder that predicts the next token of an English sentence, as GPT does.

    `data` holds sentences.txt and stories.txt. Sentences are learned one by one: streams
    that run across them gave blurry heads. It begins with the weights and tokens of
    `blanks`, which looks at single neighbours; from scratch, no head of so small a writer
    does (`docs/decisions/0010`).
    """
    training, held_out = corpus.read_english(data)
    filler = weights.load(weights.MODELS / "blanks")
    tokenizer = without_mask(filler.target_tokenizer)

    def examples(sentences: list[str], rng: random.Random | None) -> list[Example]:
        return [
            ([], some_unknown(encoding.ids, rng) if rng else encoding.ids)
            for encoding in tokenizer.encode_batch(sentences)
        ]

    make(
        folder,
        Making(
            config=_config("decoder", tokenizer, dropout=0.15),
            source=None,
            target=tokenizer,
            epoch=lambda rng: list(batches(examples(training, rng), BATCH_TOKENS, rng)),
            dev=list(batches(examples(held_out, None), BATCH_TOKENS, random.Random(0))),
            schedule=Schedule(
                epochs=epochs or 10, learning_rate=1e-3, warmup_steps=200, label_smoothing=0.0
            ),
            facts=LINEUP["writer"]
            | {"licence": LICENCE, "training_sentences": len(training), "writes_up_to": 12},
            begin=lambda model: begin_with(model, filler.model),
        ),
        device,
    )


def _config(
    topology: Literal["encoder", "decoder"], tokenizer: Tokenizer, dropout: float
) -> TransformerConfig:
    """Four layers, six heads, 3 million parameters; learned positions, as BERT and GPT-2."""
    size = tokenizer.get_vocab_size()
    return TransformerConfig(
        topology=topology,
        source_vocab_size=size if topology == "encoder" else 0,
        target_vocab_size=size,
        context_length=128,
        d_model=192,
        n_heads=6,
        d_ff=768,
        n_layers=4,
        positions="learned",
        activation="gelu",
        dropout=dropout,
    )


def without_mask(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, to which [MASK] is text like any other."""
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = [t for t in described["added_tokens"] if t["content"] != MASK]
    return Tokenizer.from_str(json.dumps(described))


def begin_with(decoder: Transformer, encoder: Transformer) -> None:
    """Give a decoder the weights of an encoder of the same shape. The decoder may know fewer
    tokens: the first of the encoder's."""
    taken = {
        name.replace("encoder.", "decoder.", 1): value
        for name, value in encoder.state_dict().items()
    }
    for name in ("decoder.embedding.weight", "unembedding.weight"):
        taken[name] = taken[name][: decoder.config.target_vocab_size]
    decoder.load_state_dict(taken)


def some_unknown(ids: list[int], rng: random.Random) -> list[int]:
    """The ids, a few of them [UNK]."""
    return [UNK_ID if i >= len(SPECIALS) and rng.random() < UNKNOWN_SHARE else i for i in ids]


def blanked(ids: list[int], vocab_size: int, rng: random.Random) -> Example:
    """(what the model reads, what it is asked): the token where one is asked, else [PAD].

    The mask is the last token of the vocabulary. Every sentence is asked one token at least.
    """
    real = [n for n, i in enumerate(ids) if i >= len(SPECIALS)]
    asked = {n for n in real if rng.random() < BLANK_SHARE}
    if real and not asked:
        asked = {rng.choice(real)}
    read = some_unknown(ids, rng)
    for n in asked:
        chance = rng.random()
        if chance < 0.8:
            read[n] = vocab_size - 1
        elif chance < 0.9:
            read[n] = rng.randrange(len(SPECIALS), vocab_size - 1)
        else:
            read[n] = ids[n]
    return read, [i if n in asked else PAD_ID for n, i in enumerate(ids)]
