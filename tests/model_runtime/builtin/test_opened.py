"""A built-in model of any topology, opened: what it reads, writes, records and lets be checked.

Knows tiny random models only; the shipped ones are in `test_shipped.py`.
"""

import itertools
import math

import numpy as np
import pytest
import torch

from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from model_runtime.tracing import trace
from model_runtime.types import SPACE, Request
from model_runtime.views import Look, View
from tests.model_runtime.builtin import tiny
from tests.model_runtime.reference import NASTY, pattern_in_loops

MODELS = {topology: tiny.opened(topology) for topology in tiny.TOPOLOGIES}
SENTENCE = "The cat is playing."
LONG = "The cat is playing cards. " * 400  # ten thousand characters
HOSTILE = (
    "a",
    "ZZZZ QQQ",
    "[EOS]",
    "[BOS] [PAD] cat [UNK]",
    "🍎",
    "👨\u200d👩\u200d👧",
    "你好，世界！",
    "½ ﬁsh e\u0301",
    " \u200b ",
    "\0\x07",
    "<b>cat</b>",
    "catΩ" * 8,
)


@pytest.fixture(params=tiny.TOPOLOGIES)
def topology(request):
    return request.param


@pytest.fixture
def model(topology):
    return MODELS[topology][0]


@pytest.fixture
def inside(topology):
    return MODELS[topology][1]


@torch.no_grad()
def logits_directly(inside, reading):
    """Logits of the Transformer itself for the ids of a reading; nobody watches."""
    source = torch.tensor([[t.id for t in reading.source]])
    target = torch.tensor([[t.id for t in reading.target[:-1]]])
    x = inside.encode(source) if inside.encoder is not None else None
    if inside.decoder is not None:
        x = inside.decode(target, x)
    return inside.logits(x)[0].numpy()


@torch.no_grad()
def written_step_by_step(inside, ids, n):
    """`ids` and n likeliest tokens after them, one full pass for each; the last one beyond the
    context is never read."""
    ids = list(ids)
    for _ in range(min(n, inside.config.context_length + 1 - len(ids))):
        scores = inside.logits(inside.decode(torch.tensor([ids])))[0, -1].numpy().copy()
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -np.inf
        ids.append(int(scores.argmax()))
        if ids[-1] == EOS_ID:
            break
    return ids


def ids_of(tokens):
    return [token.id for token in tokens]


def shown(tokens):
    return [token.text for token in tokens]


# --- any topology ----------------------------------------------------------------------------


def test_a_model_says_what_it_is(model, inside, topology):
    info, config = model.info, inside.config
    assert info.family == topology
    assert (
        info.stacks
        == {
            "encoder-decoder": ("encoder", "decoder", "cross"),
            "encoder": ("encoder",),
            "decoder": ("decoder",),
        }[topology]
    )
    assert (info.ref, info.name) == ("builtin:tiny", "tiny")
    assert (info.n_layers, info.n_heads, info.n_kv_heads) == (2, 2, 2)
    assert (info.d_model, info.d_head, info.context_length) == (16, 8, config.context_length)
    assert info.opens_at.stack in info.stacks
    assert info.n_parameters == sum(p.numel() for p in inside.parameters())


def test_there_is_a_name_for_each_logit(model, inside):
    names = model.info.vocabulary
    assert len(names) == inside.config.target_vocab_size
    assert len(names) == trace(model, SENTENCE).logits.shape[1]
    assert names[:4] == ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
    assert all(names)


def test_where_pieces_begin_with_a_space_those_that_do_not_are_named_so():
    names = set(MODELS["decoder"][0].info.vocabulary)
    assert {"The", "cat", "##a", ",", " "} <= names
    assert "[MASK]" in MODELS["encoder"][0].info.vocabulary
    assert not any(name.startswith("##") for name in MODELS["encoder-decoder"][0].info.vocabulary)


def test_only_the_stacks_that_there_are_are_recorded(model, inside):
    found = trace(model, SENTENCE)
    places = [(record.stack, record.layer) for record in found.records]
    assert places == list(itertools.product(model.info.stacks, range(2)))
    owners = {name.split(".")[0] for name in found.intermediates}
    assert owners == {o for o in ("encoder", "decoder") if getattr(inside, o) is not None}


def test_logits_equal_the_model_called_directly(model, inside):
    found = trace(model, SENTENCE)
    expected = logits_directly(inside, found.reading)
    assert found.logits.shape == expected.shape
    np.testing.assert_allclose(found.logits, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("text", [SENTENCE, LONG, *HOSTILE, *NASTY], ids=lambda t: ascii(t[:15]))
def test_any_text_is_traced_and_checks_itself(model, inside, text):
    found = trace(model, text)
    assert found.check <= 1e-5
    np.testing.assert_allclose(
        found.logits, logits_directly(inside, found.reading), rtol=0, atol=1e-6
    )
    for stack in model.info.stacks:
        queries, keys = found.tokens(stack)
        for layer in range(2):
            record = found.record(stack, layer)
            assert record.q.shape == (2, len(queries), 8)
            assert record.k.shape == (2, len(keys), 8)
            assert record.visible(0).shape == (len(queries), len(keys))
        assert len(queries) <= model.info.context_length
        assert len(keys) <= model.info.context_length


@pytest.mark.parametrize("text", [SENTENCE, *HOSTILE], ids=lambda t: ascii(t[:15]))
def test_positions_count_from_zero_through_what_is_given_and_what_is_written(model, text):
    reading = trace(model, text).reading
    for tokens in (reading.source, reading.target):
        assert [token.position for token in tokens] == list(range(len(tokens)))


def test_the_text_itself_is_read_wherever_it_goes(model, topology):
    reading = trace(model, SENTENCE).reading
    tokens = reading.target[: reading.n_given] if topology == "decoder" else reading.source
    covered = "".join(SENTENCE[slice(*token.span)] for token in tokens if token.span)
    assert covered == SENTENCE.replace(" ", "")
    assert ids_of(reading.source if topology != "decoder" else reading.target)


def test_special_tokens_typed_by_hand_are_text(model, topology):
    reading = trace(model, "[EOS] cat [PAD]").reading
    tokens = reading.target[: reading.n_given] if topology == "decoder" else reading.source
    typed = [token for token in tokens if not token.is_special]
    assert not {PAD_ID, BOS_ID, EOS_ID} & set(ids_of(typed))
    end = 0 if topology == "decoder" else 1
    start = 0 if topology == "encoder-decoder" else 1
    assert len(tokens) == len(typed) + start + end
    spans = dict.fromkeys(token.span for token in typed)  # a space and its letter share one
    covered = "".join("[EOS] cat [PAD]"[slice(*span)] for span in spans if span)
    assert covered.replace(" ", "") == "[EOS]cat[PAD]"


def test_what_does_not_fit_is_left_out_and_counted(model, topology):
    found = trace(model, LONG)
    context, reading = model.info.context_length, found.reading
    tokens = reading.target[: reading.n_given] if topology == "decoder" else reading.source
    assert len(tokens) == context
    given = tiny.tokenizers_of(topology)[0] or tiny.tokenizers_of(topology)[1]
    n_ids = len(given.encode(LONG).ids) - (1 if topology == "decoder" else 0)  # no end token
    assert reading.left_out == n_ids - context
    assert tokens[-1].is_special == (topology != "decoder")
    assert found.check <= 1e-5


def test_equal_texts_give_equal_readings_and_numbers(model):
    one, other = trace(model, SENTENCE), trace(model, SENTENCE)
    assert one.reading == other.reading
    np.testing.assert_array_equal(one.logits, other.logits)


def test_rows_predict_in_a_decoder_only(model, topology):
    found = trace(model, SENTENCE)
    for stack in model.info.stacks:
        predicted = found.predicted(stack)
        if stack == "encoder":
            assert predicted is None
        else:
            queries = found.tokens(stack)[0]
            assert predicted == found.reading.target[1:]
            assert [q.position + 1 for q in queries] == [t.position for t in predicted]
    assert len(found.logits) == len(found.tokens(model.info.stacks[-1])[0])


def test_a_stack_that_is_not_there_has_no_tokens():
    assert trace(MODELS["encoder"][0], SENTENCE).tokens("decoder") == ((), ())
    assert trace(MODELS["decoder"][0], SENTENCE).tokens("encoder") == ((), ())


def test_every_view_has_one_cell_for_each_row_and_column(model):
    found = trace(model, SENTENCE)
    for stack, words, specials in itertools.product(model.info.stacks, (0, 1), (0, 1)):
        look = Look(found, stack, View(words=bool(words), specials=bool(specials)))
        shape = (len(look.rows), len(look.columns))
        assert look.map(look.places[0]).pattern.shape == look.mask(look.places[0]).shape == shape


# --- an encoder alone ------------------------------------------------------------------------


def test_an_encoder_alone_has_no_target_whatever_is_typed_as_one():
    model = MODELS["encoder"][0]
    for target in (None, "The cat"):
        reading = trace(model, SENTENCE, target).reading
        assert (reading.target, reading.target_is_own, reading.n_given) == ((), False, 0)
        assert not reading.unfinished


def test_an_encoder_alone_reads_a_mask_as_one_word():
    found = trace(MODELS["encoder"][0], "The [MASK] is playing.")
    texts = shown(found.reading.source)
    assert texts[:4] == ["[BOS]", "The", "[MASK]", "is"]
    mask = found.reading.source[2]
    assert mask.id == len(found.info.vocabulary) - 1
    assert not mask.is_special and not mask.is_unknown
    assert found.reading.source[1].word != mask.word != found.reading.source[3].word


def test_every_row_of_an_encoder_sees_every_key():
    found = trace(MODELS["encoder"][0], SENTENCE)
    assert found.record("encoder", 1).visible(1).all()


# --- a decoder alone -------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SENTENCE, "The", *HOSTILE], ids=lambda t: ascii(t[:15]))
@pytest.mark.parametrize("seed", range(3))
def test_a_decoder_writes_on_the_likeliest_token_each_time(text, seed):
    model, inside = tiny.opened("decoder", seed=seed)
    reading = trace(model, text).reading
    assert reading.target_is_own
    assert reading.source == ()
    given = ids_of(reading.target[: reading.n_given])
    assert given[0] == BOS_ID and EOS_ID not in given
    assert ids_of(reading.target) == written_step_by_step(inside, given, 6)


def test_a_decoder_writes_no_more_than_it_is_made_for():
    for n in (1, 3):
        model, _ = tiny.opened("decoder", writes_up_to=n)
        reading = trace(model, SENTENCE).reading
        assert 1 <= len(reading.target) - reading.n_given <= n


def test_a_decoder_does_not_end_what_it_was_given():
    reading = trace(MODELS["decoder"][0], SENTENCE).reading
    given = reading.target[: reading.n_given]
    assert [token.is_special for token in given] == [True] + [False] * (len(given) - 1)


def test_a_full_context_still_predicts_one_token():
    model, inside = MODELS["decoder"]
    reading = trace(model, LONG).reading
    context = model.info.context_length
    assert (reading.n_given, len(reading.target)) == (context, context + 1)
    given = ids_of(reading.target[:context])
    assert ids_of(reading.target) == written_step_by_step(inside, given, 1)


def test_what_is_written_stands_after_the_text():
    model, _ = MODELS["decoder"]
    found = trace(model, SENTENCE)
    at = len(SENTENCE)
    for token in found.reading.target[found.reading.n_given :]:
        if token.span is not None:
            assert token.span[0] >= at
            assert token.span[1] - token.span[0] == len(token.text.replace(SPACE, " "))
            at = token.span[1]


def some_writer():
    """A model whose continuation has pieces in it, not the end alone."""
    for seed in range(50):
        model, _ = tiny.opened("decoder", seed=seed)
        reading = trace(model, SENTENCE).reading
        if len([t for t in reading.target[reading.n_given :] if t.span]) >= 3:
            return model
    raise AssertionError("no seed writes three pieces")


def test_the_continuation_as_text_is_what_the_tokenizer_joins():
    model = some_writer()
    found = trace(model, SENTENCE)
    ids = [t.id for t in found.reading.target if not t.is_special]
    assert f"{SENTENCE}{found.target_text}".strip() or ids
    joined = tiny.pieces().decode(ids)
    without_gap = (SENTENCE + found.target_text).replace(" ", "")
    assert without_gap == joined.replace(" ", "")


def test_a_typed_continuation_takes_the_place_of_the_models_own():
    model, inside = MODELS["decoder"]
    found = trace(model, "The cat", "is playing.")
    reading = found.reading
    assert not reading.target_is_own
    assert shown(reading.target[: reading.n_given]) == ["[BOS]", "The", "cat"]
    expected = tiny.pieces().encode("The cat is playing.").ids
    assert ids_of(reading.target) == expected
    assert reading.target[-1].id == EOS_ID
    assert found.target_text == "is playing."
    np.testing.assert_allclose(found.logits, logits_directly(inside, reading), rtol=0, atol=1e-6)


@pytest.mark.parametrize("target", ["is", " is", "\tis"])
def test_a_typed_continuation_is_a_new_word_with_or_without_the_space(target):
    reading = trace(MODELS["decoder"][0], "The cat", target).reading
    assert shown(reading.target) == ["[BOS]", "The", "cat", "is", "[EOS]"]
    assert reading.n_given == 3
    assert len({token.word for token in reading.target[1:-1]}) == 3


def test_where_letters_are_tokens_a_typed_continuation_follows_at_once():
    model, _ = tiny.opened("decoder", target=tiny.letters())
    reading = trace(model, "abc", "de").reading
    assert shown(reading.target) == ["[BOS]", "a", "b", "c", "d", "e"]
    assert (reading.n_given, reading.target_is_own) == (4, False)


def test_a_typed_continuation_that_does_not_fit_is_left_out_and_counted():
    model = MODELS["decoder"][0]
    reading = trace(model, "The", "the " * 100).reading
    room = model.info.context_length + 1  # the last token is only ever predicted
    n_ids = len(tiny.pieces().encode("The " + "the " * 100).ids)
    assert len(reading.target) in (room, room - 1)
    assert reading.left_out == 0
    assert reading.n_given == 2
    assert 0 <= n_ids - len(reading.target) - reading.target_left_out <= 1  # whether [EOS] counts


def test_a_text_that_fills_the_context_leaves_no_room_for_a_typed_continuation():
    model = MODELS["decoder"][0]
    found = trace(model, LONG, "The cat")
    reading = found.reading
    assert found.check <= 1e-5
    assert len(reading.target) <= model.info.context_length + 1
    assert len(found.logits) == len(reading.target) - 1
    assert reading.left_out > 0
    assert reading.target_left_out > 0
    assert reading.n_given <= len(reading.target)
    # What stands in the target came from the text; nothing of it is the continuation.
    written = [t for t in reading.target[reading.n_given :] if not t.is_special]
    assert written == []


@pytest.mark.parametrize("target", HOSTILE, ids=lambda t: ascii(t[:15]))
def test_any_typed_continuation_is_traced(target):
    found = trace(MODELS["decoder"][0], "The cat", target)
    assert found.check <= 1e-5
    assert 1 <= found.reading.n_given < len(found.reading.target)


def test_a_decoder_that_has_no_end_token_writes_on_as_well():
    model, inside = tiny.opened("decoder", target=tiny.letters())
    reading = trace(model, "abcab").reading
    assert shown(reading.target[:6]) == ["[BOS]", *"abcab"]
    assert reading.n_given == 6
    assert ids_of(reading.target) == written_step_by_step(inside, ids_of(reading.target[:6]), 6)


def test_a_word_that_was_given_and_a_word_that_was_written_are_two():
    model = some_writer()
    for text in ("The", "The cat", SENTENCE):
        reading = trace(model, text).reading
        given = reading.target[reading.n_given - 1]
        written = reading.target[reading.n_given]
        if written.span is not None and written.span[0] > len(text):  # a space between them
            assert given.word != written.word


# --- all five ways to know a position --------------------------------------------------------

EVERY_KIND = list(itertools.product(tiny.TOPOLOGIES, tiny.POSITIONS))


@pytest.mark.parametrize(("topology", "positions"), EVERY_KIND)
def test_recorded_queries_and_keys_reproduce_the_models_pattern(topology, positions):
    model, _ = tiny.opened(topology, positions=positions)
    assert trace(model, SENTENCE).check <= 1e-5
    for own in model.run(model.read(Request(model.info.ref, SENTENCE))).attentions:
        assert own.pattern is not None
        for head in range(2):
            ours = pattern_in_loops(own.record, head)
            np.testing.assert_allclose(ours, own.pattern[head], rtol=0, atol=1e-5)
            np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=0, atol=1e-9)


@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
def test_rotary_queries_and_keys_are_recorded_before_and_after_they_are_turned(topology):
    model, _ = tiny.opened(topology, positions="rotary")
    found = trace(model, SENTENCE)
    for record in found.records:
        place = f"{'encoder' if record.stack == 'encoder' else 'decoder'}.{record.layer}"
        if record.stack == "cross":
            assert f"{place}.cross.q_unrotated" not in found.intermediates
            continue
        for name, turned in (("q", record.q), ("k", record.k)):
            plain = found.intermediates[f"{place}.attn.{name}_unrotated"]
            n, d_head = plain.shape[1:]
            for at, pair in np.ndindex(n, d_head // 2):
                angle = at / 10000 ** (2 * pair / d_head)
                turn = complex(math.cos(angle), math.sin(angle))
                was = plain[:, at, 2 * pair] + 1j * plain[:, at, 2 * pair + 1]
                now = turned[:, at, 2 * pair] + 1j * turned[:, at, 2 * pair + 1]
                np.testing.assert_allclose(now, was * turn, rtol=0, atol=1e-5)


@pytest.mark.parametrize("topology", tiny.TOPOLOGIES)
@pytest.mark.parametrize("positions", tiny.POSITIONS)
def test_alibi_alone_records_a_bias_and_it_grows_with_the_distance(topology, positions):
    model, _ = tiny.opened(topology, positions=positions)
    for record in trace(model, SENTENCE).records:
        if positions != "alibi" or record.stack == "cross":
            assert record.bias is None
            continue
        assert record.bias is not None
        query, key = np.indices(record.bias.shape[1:])
        for head, slope in enumerate((2.0**-4, 2.0**-8)):  # two heads: 2^(-8/2), 2^(-16/2)
            np.testing.assert_allclose(
                record.bias[head], -slope * np.abs(query - key), rtol=0, atol=1e-7
            )


@pytest.mark.parametrize(("topology", "positions"), EVERY_KIND)
def test_position_vectors_are_recorded_where_they_are_added(topology, positions):
    model, inside = tiny.opened(topology, positions=positions)
    found = trace(model, SENTENCE)
    for owner in ("encoder", "decoder"):
        if getattr(inside, owner) is None:
            continue
        is_added = positions in ("sinusoidal", "learned")
        assert (f"{owner}.positions" in found.intermediates) == is_added
        added = found.intermediates.get(f"{owner}.positions", 0.0)
        start = found.intermediates[f"{owner}.embedding"] + added
        np.testing.assert_allclose(
            found.intermediates[f"{owner}.0.resid_pre"], start, rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("n_heads", [1, 4])
def test_other_sizes_check_themselves_too(topology, norm, n_heads):
    model, _ = tiny.opened(topology, norm=norm, n_heads=n_heads, tie_unembedding=False)
    assert trace(model, SENTENCE).check <= 1e-5
