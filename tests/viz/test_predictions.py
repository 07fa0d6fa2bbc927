"""The table of predictions holds the softmax of the trace's logits, and nothing of it is live."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from model_runtime.types import Reading
from tests.model_runtime.reference import NASTY, made_trace, tokens, traced
from viz import predictions
from viz.labels import visible

SENTENCE = "The cat is sleeping on the bed."
VOCABULARY = (*"abcdefgh", "[MASK]", " ")


def made(
    family,
    source=(),
    target=(),
    *,
    seed=0,
    n_given=0,
    own=True,
    vocabulary=VOCABULARY,
    predicts="tokens",
    mask="[MASK]",
):
    """A trace of a family with random logits; ids of tokens are places in the vocabulary."""
    known = {text: i for i, text in enumerate(vocabulary)}

    def numbered(texts):
        return tuple(replace(t, id=known.get(t.text, 0)) for t in tokens(*texts))

    trace = made_trace(tokens("a", "[EOS]"), tokens("[BOS]", "b", "[EOS]"))
    read, written = numbered(source), numbered(target)
    n = len(read) if family == "encoder" else len(written) - 1
    logits = np.random.default_rng(seed).normal(0, 3, (n, len(vocabulary)))
    return replace(
        trace,
        info=replace(
            trace.info, family=family, vocabulary=vocabulary, predicts=predicts, mask=mask
        ),
        reading=Reading(read, written, target_is_own=own, n_given=n_given),
        logits=logits.astype(np.float32),
    )


def shares(trace, position):
    """Torch's softmax of one position's logits."""
    return torch.softmax(torch.from_numpy(trace.logits[position].copy()).double(), dim=-1).numpy()


def cells(table):
    """(row header, [(token, share, is marked)]) of each row of a table, in a reader's words."""
    found = []
    for line in table.lines:
        after = "" if line.following is None else f"→{line.following}"
        guesses = [
            (
                one.name,
                f"{one.share:.2f}" + (f" · {one.beside}" if one.beside else ""),
                bool(one.mark),
            )
            for one in line.cells
            if one.share is not None
        ]
        found.append((f"{line.place}{line.read}{after}", guesses))
    return found


def test_a_row_holds_the_five_likeliest_and_their_shares():
    trace = traced(SENTENCE)
    rows = cells(predictions.table(trace, str))
    assert len(rows) == len(trace.reading.target) - 1 == predictions.n_rows(trace)
    for position, (name, guesses) in enumerate(rows):
        true = shares(trace, position)
        best = sorted(range(len(true)), key=lambda i: -true[i])[:5]
        assert [guess[0] for guess in guesses[:5]] == [trace.info.vocabulary[i] for i in best]
        assert [guess[1] for guess in guesses[:5]] == [f"{true[i]:.2f}" for i in best]
        read, after = trace.reading.target[position : position + 2]
        assert name == f"{position}{read.text}→{after.text}"


def test_what_really_comes_next_is_marked_or_said_with_its_rank():
    trace = made("decoder", target=("a", "b", "c", "d", "e"), n_given=2)
    for row, (_, guesses) in zip(
        predictions.rows(trace), cells(predictions.table(trace, str)), strict=True
    ):
        assert row.following and row.real
        true = shares(trace, row.token.position)
        rank = int((true > true[row.following.id]).sum()) + 1
        marked = [guess for guess in guesses if guess[2]]
        said = f"{true[row.following.id]:.2f}" + (f" · rank {rank}" if rank > 5 else "")
        assert marked == [(row.following.text, said, True)]
        assert row.real.rank == rank


def test_the_line_is_where_the_model_writes_on_by_itself():
    trace = made("decoder", target=("a", "b", "c", "d", "e"), n_given=3)
    assert [row.is_own for row in predictions.rows(trace)] == [False, False, True, True]
    assert predictions.OWN in predictions.table(trace, str).caption
    typed = made("decoder", target=("a", "b", "c", "d", "e"), n_given=3, own=False)
    assert not any(row.is_own for row in predictions.rows(typed))
    assert predictions.OWN not in predictions.table(typed, str).caption
    assert not any(row.is_own for row in predictions.rows(traced(SENTENCE)))


def test_an_encoder_fills_its_blanks_and_no_other_place():
    trace = made("encoder", ("a", "[MASK]", "b", "[MASK]", "c"))
    trace = replace(trace, reading=replace(trace.reading, source=plain(trace.reading.source)))
    assert [row.token.position for row in predictions.rows(trace)] == [1, 3]
    assert predictions.is_the_point(trace) and predictions.n_rows(trace) == 2
    for position, (name, guesses) in zip((1, 3), cells(predictions.table(trace, str)), strict=True):
        assert name == f"{position}[MASK]"
        best = sorted(shares(trace, position), reverse=True)[:5]
        assert [guess[1] for guess in guesses] == [f"{share:.2f}" for share in best]
        assert not any(marked for *_, marked in guesses)


def plain(found):
    """A typed [MASK] is no special token."""
    return tuple(replace(token, is_special=False) for token in found)


def test_without_a_blank_all_rows_are_there_and_how_to_type_one():
    trace = made("encoder", ("a", "b", "c"))
    assert len(cells(predictions.table(trace, str))) == 3
    assert predictions.HINT in predictions.table(trace, str).caption
    assert not predictions.is_the_point(trace)
    other = made("encoder", ("a", "b", "c"), mask="")
    assert predictions.HINT not in predictions.table(other, str).caption


@pytest.mark.parametrize("mask", ["<mask>", "{n}", "<|m|>", "[MASK]"])
def test_a_blank_is_typed_as_the_model_types_it(mask):
    trace = made("encoder", ("a", mask, "b"), vocabulary=(*"abcdefgh", mask), mask=mask)
    assert predictions.fills_blanks(trace.info) and predictions.has_blank(trace)
    assert [row.token.position for row in predictions.rows(trace)] == [1]
    assert f"At each {mask}: " in predictions.table(trace, str).caption
    without = made("encoder", ("a", "b"), mask=mask)
    assert predictions.hint(without.info, str).startswith(f"Type {mask} in place")
    assert predictions.hint(without.info, str) in predictions.table(without, str).caption


def test_of_a_long_text_only_the_rows_that_were_kept_are_there_and_that_is_said():
    whole = made("decoder", target=("a", "b", "c", "d", "e", "f"), n_given=5)
    kept = replace(whole, logits=whole.logits[3:], logits_start=3)
    assert predictions.rows(kept) == predictions.rows(whole)[3:]
    assert predictions.n_rows(kept) == 2
    said = predictions.table(kept, str).caption
    assert predictions.KEPT.format(all=5, kept=2) in said
    assert predictions.KEPT[:20] not in predictions.table(whole, str).caption
    positions = {line.split(",")[0] for line in predictions.as_csv(kept).decode().splitlines()[1:]}
    assert positions == {"3", "4"}


def test_a_blank_before_the_kept_rows_is_not_filled():
    whole = made("encoder", ("[MASK]", "a", "b", "c"))
    kept = replace(whole, logits=whole.logits[2:], logits_start=2)
    assert [row.token.position for row in predictions.rows(kept)] == [2, 3]
    assert predictions.AT_TOKENS.format(n="10") in predictions.table(kept, str).caption


@pytest.mark.parametrize("family", ["encoder", "decoder"])
def test_labels_of_tokens_stand_beside_every_token(family):
    texts, names = ("a", "b", "c"), ("O", "B-PER", "<i>")
    trace = made(family, texts, (*texts, "d"), vocabulary=names, predicts="token labels", mask="")
    # A decoder that writes nothing reads all of its tokens.
    trace = replace(trace, reading=replace(trace.reading, target=trace.reading.target[:3]))
    found = cells(predictions.table(trace, str))
    assert [name for name, _ in found] == ["0a", "1b", "2c"]
    for position, (_, guesses) in enumerate(found):
        true = shares(trace, position)
        best = sorted(range(3), key=lambda i: -true[i])
        assert [guess[0] for guess in guesses] == [names[i] for i in best]
        assert not any(marked for *_, marked in guesses)
    assert predictions.is_the_point(trace)
    assert predictions.AT_LABELS.format(n=3) in predictions.table(trace, str).caption


def test_a_model_without_a_head_predicts_nothing():
    trace = made("encoder", ("a", "b"), predicts="nothing")
    nothing = replace(trace, logits=np.zeros((0, 0), np.float32))
    assert not predictions.predicts(nothing) and not predictions.is_the_point(nothing)
    assert predictions.predicts(made("encoder", ("a", "b")))


def test_an_id_that_no_token_has_is_named_by_its_number():
    trace = made("decoder", target=("a", "b"))
    wide = np.zeros((1, 14), np.float32)
    wide[0, 13] = 9
    assert cells(predictions.table(replace(trace, logits=wide), str))[0][1][0][0] == "⟨13⟩"


@pytest.mark.parametrize(
    ("family", "point"), [("decoder", True), ("encoder", False), ("encoder-decoder", False)]
)
def test_the_table_is_open_at_first_where_predicting_is_the_point(family, point):
    assert predictions.is_the_point(made(family, ("a", "b"), ("a", "b"))) == point


@pytest.mark.parametrize(("n", "shown"), [(64, 64), (65, 64), (100, 64)])
def test_of_many_positions_the_last_are_shown_and_that_is_said(n, shown):
    trace = made("decoder", target=("a",) * (n + 1))
    rows = cells(predictions.table(trace, str))
    assert len(rows) == shown == predictions.n_shown(trace)
    assert rows[-1][0].startswith(str(n - 1))
    said = predictions.table(trace, str).caption
    assert (predictions.LAST.format(most=64, all=n) in said) == (n > shown)
    lines = predictions.as_csv(trace).decode("utf-8-sig").splitlines()
    assert {int(line.split(",")[0]) for line in lines[1:]} == set(range(n))


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_token_is_seen_and_arrives_as_it_is(text):
    nasty = (text, f"{text}'\"&", "<b>", "[MASK]", "x", "y")
    table = predictions.table(made("decoder", target=nasty[:4], vocabulary=nasty), str)
    told = json.loads(table.as_json())
    assert [line["read"] for line in told["lines"]] == [visible(t) for t in nasty[:3]]
    names = {cell["name"] for line in told["lines"] for cell in line["cells"]}
    assert visible(text) in names or not text.strip()
    assert not re.search(r"[\x00-\x1f]", "".join(names))


def test_header_cells_and_a_caption_say_what_the_numbers_are():
    table = predictions.table(traced(SENTENCE), str)
    assert len(table.lines) == predictions.n_rows(traced(SENTENCE))
    assert all(len(line.cells) == len(table.heads) - 1 for line in table.lines)
    assert f"{len(traced(SENTENCE).info.vocabulary):,}" in table.caption


def test_every_sentence_goes_through_the_language():
    for trace in (traced(SENTENCE), made("encoder", ("a", "b")), made("decoder", (), ("a",) * 99)):
        caption = predictions.table(trace, lambda text: f"«{text}»").caption
        assert re.sub("«[^»]*»", "", caption).strip() == ""


def test_a_share_that_is_no_number_is_none():
    trace = made("decoder", target=("a", "b"))
    trace.logits.setflags(write=True)
    trace.logits[0] = np.nan
    told = json.loads(predictions.table(trace, str).as_json())
    assert {cell["share"] for cell in told["lines"][0]["cells"]} == {None}


def test_a_space_can_be_seen():
    trace = made("decoder", target=("a", "b"))
    trace.logits.setflags(write=True)
    trace.logits[0] = [0] * 9 + [40]
    assert cells(predictions.table(trace, str))[0][1][0] == ("␣", "1.00", False)


def test_the_csv_holds_full_digits_and_no_formulas():
    trace = made("decoder", target=("=1+1", "b", "c"), vocabulary=("=1+1", *"bcdefghij"))
    lines = list(csv.DictReader(io.StringIO(predictions.as_csv(trace).decode("utf-8-sig"))))
    assert {line["token read"] for line in lines} == {"'=1+1", "b"}
    for line in lines:
        true = shares(trace, int(line["position"]))
        id_ = trace.info.vocabulary.index(line["predicted"].removeprefix("'"))
        assert float(line["share"]) == pytest.approx(true[id_], rel=1e-8)
        assert int(line["rank"]) == int((true > true[id_]).sum()) + 1
        after = trace.reading.target[int(line["position"]) + 1]
        assert line["comes next"] == ("1" if id_ == after.id else "")
    marked = [line for line in lines if line["comes next"]]
    assert len(marked) == 2
