"""What is predicted of a whole text: labels, and answers by where they begin and end."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from model_runtime.types import Reading
from tests.model_runtime.reference import NASTY, made_trace, tokens
from tests.viz.test_predictions import cells
from viz import answers, predictions
from viz.labels import visible

TEXT = "It lives in the deep sea."
READ = ("[CLS]", *TEXT.split(), "[SEP]")


def made(predicts, logits, texts=READ, labels=(), **request):
    """An encoder's trace with these logits; words of TEXT have their spans."""
    at, read = 0, []
    for token in tokens(*texts):
        if token.is_special:
            read.append(token)
            continue
        start = TEXT.find(token.text, at)
        at = start + len(token.text)
        read.append(replace(token, span=(start, at)))
    trace = made_trace(tokens("a"), tokens("[BOS]", "b"))
    return replace(
        trace,
        info=replace(trace.info, family="encoder", predicts=predicts, vocabulary=labels),
        request=replace(trace.request, text=TEXT, **request),
        reading=Reading(tuple(read), (), False),
        logits=np.asarray(logits, dtype=np.float32),
    )


def lines(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_labels_of_a_text_are_one_row_of_shares():
    trace = made("text labels", [[0.0, 2.0, 1.0]], labels=("bad", "good", "so-so"))
    true = torch.softmax(torch.tensor([0.0, 2.0, 1.0]).double(), dim=-1)
    ((name, found),) = cells(predictions.table(trace, str))
    assert predictions.n_shown(trace) == 1
    assert name == answers.THE_TEXT
    assert found == [
        (n, f"{true[i]:.2f}", False) for i, n in ((1, "good"), (2, "so-so"), (0, "bad"))
    ]
    assert "3 labels" in predictions.table(trace, str).caption
    written = lines(predictions.as_csv(trace))
    assert [line["label"] for line in written] == ["good", "so-so", "bad"]
    assert float(written[0]["share"]) == pytest.approx(float(true[1]), rel=1e-8)


def test_a_single_label_is_a_number_and_no_share():
    trace = made("text labels", [[3.75]], labels=("LABEL_0",))
    table = predictions.table(trace, str)
    assert (table.heads, table.caption) == (("", "LABEL_0"), answers.ONE_NUMBER)
    ((value,),) = (line.cells for line in table.lines)
    assert (value.said, value.share) == ("3.75", None)
    assert lines(predictions.as_csv(trace)) == [{"label": "LABEL_0", "number": "3.75"}]


def in_loops(trace):
    """All spans by their share, the slow way: (share, first, last), the likeliest first."""
    begin, end = (
        torch.softmax(torch.from_numpy(trace.logits[:, i].copy()).double(), 0) for i in (0, 1)
    )
    read = trace.reading.source
    part = max(token.part for token in read)
    ok = [token.span is not None and token.part == part for token in read]
    found = [
        (float(begin[i] * end[j]), i, j)
        for i in range(len(read))
        for j in range(i, len(read))
        if ok[i] and ok[j]
    ]
    return sorted(found, reverse=True)


@pytest.mark.parametrize("seed", range(4))
def test_answers_are_the_likeliest_spans_and_stand_as_in_the_text(seed):
    trace = made("answer span", np.random.default_rng(seed).normal(0, 2, (8, 2)))
    for span, (share, first, last) in zip(answers.spans(trace), in_loops(trace), strict=False):
        assert (span.first.position, span.last.position) == (first, last)
        assert span.share == pytest.approx(share, rel=1e-12)
        assert span.text in TEXT and " " * (last - first > 0) in span.text
    assert len(answers.spans(trace)) == 5 == predictions.n_shown(trace)
    rows = cells(predictions.table(trace, str))
    assert [name.lstrip("0123456789– ") for name, _ in rows] == [
        s.text for s in answers.spans(trace)
    ]
    written = lines(predictions.as_csv(trace))
    assert [line["answer"] for line in written] == [span.text for span in answers.spans(trace)]


def test_that_there_is_no_answer_is_said_at_the_first_token():
    logits = np.zeros((8, 2))
    logits[0] = 20
    assert answers.no_answer(made("answer span", logits)) == pytest.approx(1, abs=1e-6)
    table = predictions.table(made("answer span", logits), str)
    assert answers.NO_ANSWER.format(share="1.00") in table.caption
    bare = made("answer span", np.zeros((6, 2)), texts=tuple(TEXT.split()))
    assert answers.no_answer(bare) is None


def test_of_a_pair_the_answer_is_in_the_second_text():
    trace = made("answer span", np.zeros((8, 2)), pair_text="A cat sleeps.")
    read = [replace(token, part=int(token.position > 4)) for token in trace.reading.source]
    read[5] = replace(read[5], text="A", span=(0, 1))
    read[6] = replace(read[6], text="cat", span=(2, 5))
    trace = replace(trace, reading=replace(trace.reading, source=tuple(read)))
    assert {span.text for span in answers.spans(trace)} == {"A", "cat", "A cat"}


def test_no_answer_is_longer_than_the_limit():
    texts = ("a",) * 80
    trace = made("answer span", np.zeros((80, 2)), texts=texts)
    trace.logits.setflags(write=True)
    trace.logits[0, 0] = trace.logits[79, 1] = 9
    found = answers.spans(trace)
    assert all(s.last.position - s.first.position < answers.LONGEST_ANSWER for s in found)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_labels_and_answers_stay_text(text):
    labelled = made("text labels", [[0.0, 1.0]], labels=(text, f"<b>{text}"))
    spanned = made("answer span", np.zeros((2, 2)), texts=(text, "b"))
    for trace in (labelled, spanned):
        told = json.loads(predictions.table(trace, str).as_json())
        names = [cell["name"] for line in told["lines"] for cell in line["cells"]]
        words = [*names, *(line["read"] for line in told["lines"])]
        assert not re.search(r"[\x00-\x1f]", "".join(words))
        assert visible(text) in words or not text.strip()
