"""What is masked, what a rank is, and what counting alone would fill in."""

import random

import pytest
import torch
from tokenizers import AddedToken

from model_runtime.builtin import tokenization
from model_runtime.builtin.config import TransformerConfig
from model_runtime.builtin.evaluation import blanks
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID
from model_runtime.builtin.transformer import Transformer
from model_runtime.types import MASK


@pytest.fixture(scope="module")
def tokenizer():
    found = tokenization.english_pieces(["the cat sees the dog", "a dog sees a cat"] * 3, 40)
    found.add_tokens([AddedToken(MASK, lstrip=True, normalized=False)])
    return found


def ids_of(tokenizer, *sentences):
    return [encoding.ids for encoding in tokenizer.encode_batch(list(sentences))]


def test_one_token_in_five_is_masked_one_at_least_and_never_a_special_one():
    short, long = [BOS_ID, 9, EOS_ID], [BOS_ID, *range(10, 30), EOS_ID]
    for seed in range(20):
        (read, hidden), (longer, more) = blanks.masked([short, long], 99, random.Random(seed))
        assert hidden == {1: 9} and read == [BOS_ID, 99, EOS_ID]
        assert len(more) == 4 and [longer[n] for n in more] == [99] * 4
        assert all(long[n] == token for n, token in more.items())
        assert longer[0] == BOS_ID and longer[-1] == EOS_ID


def test_a_rank_is_how_many_tokens_are_held_likelier():
    torch.manual_seed(0)
    config = TransformerConfig(
        topology="encoder",
        source_vocab_size=12,
        target_vocab_size=12,
        context_length=8,
        d_model=8,
        n_heads=2,
        d_ff=8,
        n_layers=1,
    )
    model = Transformer(config).eval()
    ids = [BOS_ID, 11, 5, EOS_ID]
    with torch.no_grad():
        order = model.logits(model.encode(torch.tensor([ids])))[0, 1].argsort(descending=True)
    for rank in (0, 3, 11):
        assert blanks.model_ranks(model, ids, {1: int(order[rank])}) == [rank]


def test_top_1_and_top_5_count_ranks():
    assert blanks.ranked([0, 0, 3, 4, 5, 100, 1, 0]) == {"top_1": 0.375, "top_5": 0.75}


def test_the_unigram_guesses_the_commonest_and_the_bigram_what_follows(tokenizer):
    training = ids_of(tokenizer, *["the cat sees the dog"] * 8, *["a dog sees a cat"] * 4)
    mask = blanks.mask_id(tokenizer)
    read = ids_of(tokenizer, "the dog")[0]
    the, dog = read[1], read[2]
    scores = blanks.baselines(training, [([BOS_ID, mask, dog, EOS_ID], {1: the})], tokenizer)
    assert scores["unigram"]["top_1"] == 1.0  # "the" is the commonest token of all
    scores = blanks.baselines(training, [([BOS_ID, the, mask, EOS_ID], {2: dog})], tokenizer)
    assert scores["unigram"]["top_1"] == 0.0
    assert scores["both neighbours"]["top_1"] == 1.0  # "dog" follows "the" and ends a sentence


def test_a_masked_neighbour_says_nothing(tokenizer):
    training = ids_of(tokenizer, *["the cat sees the dog"] * 8)
    mask = blanks.mask_id(tokenizer)
    the = ids_of(tokenizer, "the")[0][1]
    question = ([BOS_ID, mask, mask, EOS_ID], {2: the})
    scores = blanks.baselines(training, [question], tokenizer)
    assert scores["bigram"] == scores["unigram"]


def test_a_tokenizer_without_a_mask_is_refused():
    with pytest.raises(ValueError, match=r"\[MASK\]"):
        blanks.mask_id(tokenization.symbols("ab", starts=True, ends=True))
