"""A trace says what the model did: checked, frozen, and the same each time."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from model_runtime import catalog
from model_runtime.attention import AttentionRecord
from model_runtime.builtin import weights
from model_runtime.builtin.tokenization import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from model_runtime.errors import HeadlightError, NoSuchHead, NothingToTrace, TextTooLong
from model_runtime.recording import OwnAttention
from model_runtime.tracing import MAX_CHARACTERS, trace
from tests.model_runtime.reference import (
    NASTY,
    made_trace,
    naughty_strings,
    tokens,
    traced,
    translator,
)

LONG = "a " * 2000  # a letter alone is always one token
TARGETS = ["猫。", "not Chinese at all", "½ 猫\0😀", "[EOS]", "猫" * 500, "<b>"]
SENTENCE = "The cat is sleeping on the bed."


@pytest.mark.parametrize("text", [*NASTY, LONG])
def test_recomputed_equals_the_models_own(text):
    assert traced(text).check <= 1e-5


@pytest.mark.parametrize("text", naughty_strings(), ids=lambda text: ascii(text[:20]))
def test_recomputed_equals_the_models_own_for_any_text_on_either_side(text):
    found = trace(translator(), text, text)
    assert found.check <= 1e-5
    assert found.request.text == found.request.target_text == text


@pytest.mark.parametrize("target", TARGETS)
def test_recomputed_equals_the_models_own_for_any_target(target):
    assert traced(SENTENCE, target).check <= 1e-5
    assert not traced(SENTENCE, target).reading.target_is_own


def test_the_check_finds_a_number_that_is_off():
    q = np.ones((1, 1, 1), dtype=np.float32)
    record = AttentionRecord("encoder", 0, q, q, q, 1.0)
    assert OwnAttention(record, q, q).error() == 0
    assert OwnAttention(record, q, q * 0.5).error() == 0.5
    assert OwnAttention(record, q * 0.75, q).error() == 0.25
    assert OwnAttention(record, None, q * 0.5).errors() == (0, 0.5)


def test_large_outputs_are_compared_in_units_of_the_largest():
    q = np.ones((1, 1, 1), dtype=np.float32)
    record = AttentionRecord("encoder", 0, q, q, q * 100, 1.0)
    assert OwnAttention(record, q, q * 200).error() == 0.5


def test_only_the_rows_that_are_asked_for_are_compared():
    q = np.ones((1, 4, 1), dtype=np.float32)
    record = AttentionRecord("encoder", 0, q, q, q, 1.0)
    off = q.copy()
    off[0, 3] = 0
    own = OwnAttention(record, None, off)
    assert own.error() == 1 and own.error(slice(0, 3)) == 0 and own.error(slice(1, 4, 2)) == 1


def test_the_check_does_not_pass_over_what_is_not_a_number():
    q = np.ones((1, 1, 1), dtype=np.float32)
    record = AttentionRecord("encoder", 0, q, q, q, 1.0)
    assert not OwnAttention(record, q * np.nan, q).error() <= 1e-5


@pytest.mark.parametrize("blank", ["", " ", "\n\t \r", "\u3000", "\u00a0\u2003"])
def test_a_blank_text_is_nothing_to_trace(blank):
    with pytest.raises(NothingToTrace):
        trace(translator(), blank)


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_with_a_blank_target_the_model_writes_its_own(blank):
    own = trace(translator(), SENTENCE, blank)
    assert own.request.target_text is None
    assert own.reading.target_is_own
    assert own.reading == traced(SENTENCE).reading


def test_a_text_beyond_the_limit_is_refused_and_one_at_it_is_not():
    with pytest.raises(TextTooLong) as raised:
        trace(translator(), "a" * (MAX_CHARACTERS + 1))
    assert raised.value.values == {"characters": MAX_CHARACTERS + 1, "most": MAX_CHARACTERS}
    with pytest.raises(TextTooLong):
        trace(translator(), "a", "猫" * (MAX_CHARACTERS + 1))
    assert trace(translator(), "a " * (MAX_CHARACTERS // 2)).reading.left_out > 0


@pytest.mark.parametrize("text", ["\ud800", "a cat \udfff here"])
@pytest.mark.parametrize("place", ["text", "target"])
def test_half_a_surrogate_pair_is_traced_or_refused_in_a_sentence(text, place):
    try:
        found = trace(translator(), *((text,) if place == "text" else ("cat", text)))
    except HeadlightError as error:
        assert str(error)
    else:
        assert found.check <= 1e-5


def test_what_does_not_fit_is_left_out_and_counted():
    context = translator().info.context_length
    reading = traced(LONG).reading
    assert len(reading.source) == context
    assert reading.left_out == 2000 - (context - 1)
    assert reading.source[-1].is_special and reading.source[-1].position == context - 1
    assert [t.is_special for t in reading.source].count(True) == 1


def test_a_target_that_does_not_fit_is_left_out_and_counted():
    context = translator().info.context_length
    reading = traced(SENTENCE, "猫" * 500).reading
    assert len(reading.target) == context
    assert reading.target_left_out == 500 - (context - 2)
    assert (reading.target[0].id, reading.target[-1].id) == (BOS_ID, EOS_ID)


def test_a_text_that_just_fits_loses_nothing():
    context = translator().info.context_length
    assert traced("a " * (context - 1), "猫").reading.left_out == 0
    assert traced("a " * context, "猫").reading.left_out == 1


@pytest.mark.parametrize("text", [SENTENCE, *NASTY[:6], LONG])
def test_its_own_target_is_the_likeliest_token_at_every_step(text):
    found = traced(text)
    allowed = found.logits.copy()
    allowed[:, [PAD_ID, UNK_ID, BOS_ID]] = -np.inf
    target = found.reading.target
    assert target[0].id == BOS_ID
    assert [t.id for t in target[1:]] == allowed.argmax(axis=1).tolist()
    assert found.reading.unfinished == (target[-1].id != EOS_ID)


def test_logits_equal_a_pass_that_nobody_watches():
    found, model = traced(SENTENCE), weights.load(weights.MODELS / "translator").model
    source = torch.tensor([[t.id for t in found.reading.source]])
    target = torch.tensor([[t.id for t in found.reading.target[:-1]]])
    with torch.no_grad():
        logits = model.logits(model.decode(target, model.encode(source)))[0].numpy()
    np.testing.assert_array_equal(found.logits, logits)


def arrays_of(found):
    for record in found.records:
        for field in dataclasses.fields(record):
            value = getattr(record, field.name)
            if isinstance(value, np.ndarray):
                yield value
    yield from found.intermediates.values()
    yield found.logits


def test_no_array_can_be_written_to():
    found = traced(SENTENCE)
    for array in arrays_of(found):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        found.intermediates["new"] = found.logits  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.check = 0.0  # type: ignore[misc]


@pytest.mark.parametrize("text", [SENTENCE, "a", "½"])
def test_tokens_are_as_many_as_rows_and_columns(text):
    found = traced(text)
    for stack in found.info.stacks:
        queries, keys = found.tokens(stack)
        for layer in range(found.info.n_layers):
            record = found.record(stack, layer)
            assert (record.stack, record.layer) == (stack, layer)
            assert record.q.shape == (found.info.n_heads, len(queries), found.info.d_head)
            assert record.k.shape == (found.info.n_kv_heads, len(keys), found.info.d_head)
            assert record.visible(0).shape == (len(queries), len(keys))
    assert len(found.logits) == len(found.tokens("decoder")[0])
    assert len(found.records) == len(found.info.stacks) * found.info.n_layers


def test_a_row_predicts_the_token_after_its_own():
    found = traced(SENTENCE)
    for stack in ("decoder", "cross"):
        queries, predicted = found.tokens(stack)[0], found.predicted(stack) or ()
        assert [t.position + 1 for t in queries] == [t.position for t in predicted]
        assert predicted == found.reading.target[1:]
    assert found.predicted("encoder") is None


def test_a_decoder_never_looks_ahead_and_the_others_look_everywhere():
    found = traced(SENTENCE)
    n = len(found.tokens("decoder")[0])
    np.testing.assert_array_equal(found.record("decoder", 1).visible(2), np.tri(n, dtype=bool))
    assert found.record("encoder", 0).visible(0).all()
    assert found.record("cross", 2).visible(0).all()


@pytest.mark.parametrize(("stack", "layer"), [("encoder", 99), ("cross", -1), ("none", 0)])
def test_a_layer_that_is_not_there_is_said(stack, layer):
    with pytest.raises(NoSuchHead):
        traced(SENTENCE).record(stack, layer)


def test_the_target_as_text_has_no_special_tokens():
    assert traced(SENTENCE, "猫在床上。").target_text == "猫在床上。"
    assert "[" not in traced(SENTENCE).target_text


def test_what_a_decoder_wrote_is_the_text_after_what_it_was_given():
    made = made_trace(tokens("a"), tokens("[BOS]", "Once", "upon", "a", "time", ".", "[EOS]"))
    spans = (None, (0, 4), (5, 9), (10, 11), (12, 16), (16, 17), None)
    target = tuple(
        dataclasses.replace(token, span=span)
        for token, span in zip(made.reading.target, spans, strict=True)
    )
    for n_given, text in ((0, "Once upon a time."), (2, "upon a time."), (5, "."), (6, "")):
        reading = dataclasses.replace(made.reading, target=target, n_given=n_given)
        assert dataclasses.replace(made, reading=reading).target_text == text


def test_memory_is_the_sum_of_all_arrays_and_what_layers_share_counts_once():
    found = traced(SENTENCE)
    different: list[np.ndarray] = []
    for array in arrays_of(found):
        if not any(np.shares_memory(array, other) for other in different):
            different.append(array)
    assert len(different) < len(list(arrays_of(found)))
    assert found.nbytes == sum(array.nbytes for array in different)


def test_what_is_repeated_along_an_axis_takes_the_room_of_one():
    made = made_trace(tokens("a", "b"), tokens("[BOS]", "c", "[EOS]"))
    one = np.zeros((1, 1), dtype=np.float32)
    wide = np.broadcast_to(one, (5, 100))
    with_wide = dataclasses.replace(made, intermediates={"decoder.0.resid_pre": wide})
    without = dataclasses.replace(made, intermediates={})
    assert with_wide.nbytes == without.nbytes + 4


def same_numbers(one, other):
    assert one.reading == other.reading and one.check == other.check
    for ours, theirs in zip(arrays_of(one), arrays_of(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_requests_give_equal_numbers():
    same_numbers(traced(SENTENCE), trace(translator(), SENTENCE))


def test_traces_made_at_once_equal_traces_made_one_after_the_other():
    texts = [SENTENCE, "I like tea.", "½ <b>", "No."] * 3
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda text: trace(translator(), text), texts))
    for text, found in zip(texts, at_once, strict=True):
        same_numbers(found, traced(text))


def test_what_is_kept_grows_with_the_text_and_never_with_its_square():
    model = catalog.open_model("builtin:writer")
    kept = {}
    for words in (10, 20, 40):
        found = trace(model, " ".join(["cat"] * words))
        kept[len(found.tokens("decoder")[0])] = found.nbytes
    short, middle, long = kept
    slope = (kept[middle] - kept[short]) / (middle - short)
    assert (kept[long] - kept[middle]) / (long - middle) == pytest.approx(slope, rel=0.01)
    # Of a token: queries, keys, values, the residual stream and what is between, in 3 layers.
    assert slope <= 80_000
