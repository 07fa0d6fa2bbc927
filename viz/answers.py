"""What a model predicts of a whole text: its labels, or where in it an answer stands.

A trace in, text out. Knows neither the session nor the language it speaks: sentences go
through the `say` it is given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_runtime.measures import likeliest, shares_of
from model_runtime.types import Token, Trace
from viz import guesses
from viz.attention_map import Say
from viz.marked import N_

N_ANSWERS = 5
LONGEST_ANSWER = 30  # tokens

OF_TEXT = N_(
    "The labels that the model gives the whole text, the likeliest first, with their shares, the "
    "softmax of the logits over its {n} labels."
)
ONE_NUMBER = N_("The model gives the whole text one number, which is no share of anything.")
THE_TEXT = N_("the whole text")
ANSWERS = N_(
    "The likeliest answers of at most {most} tokens: how likely an answer begins at its first "
    "token, times how likely it ends at its last; each is a softmax of the logits over all "
    "positions."
)
NO_ANSWER = N_("That there is no answer is said at the first token: {share}.")
ANSWER = N_("answer")
SHARE = N_("begins × ends")
BEGINS = N_("begins")
ENDS = N_("ends")


@dataclass(frozen=True)
class Span:
    """A stretch of the text as an answer."""

    first: Token
    last: Token
    text: str  # as it stands in what was read; user text, so hostile
    begins: float  # share of the first token among all as the beginning, 0…1
    ends: float  # share of the last token among all as the end, 0…1

    @property
    def share(self) -> float:
        """How likely both are at once."""
        return self.begins * self.ends


def readers(trace: Trace) -> tuple[Token, ...]:
    """The tokens that logits are given at, by position."""
    if trace.info.family == "encoder":
        return trace.reading.source
    return trace.reading.target[:-1] if trace.info.writes else trace.reading.target


def spans(trace: Trace, most: int = N_ANSWERS) -> list[Span]:
    """The likeliest answers, the likeliest first. Of a pair of texts the first is the
    question, and answers are sought in the second."""
    tokens = readers(trace)
    begins, ends = (shares_of(trace.logits[:, side]) for side in (0, 1))
    part = max((token.part for token in tokens), default=0)
    n = min(len(tokens), len(begins))
    possible = np.array([t.span is not None and t.part == part for t in tokens[:n]], dtype=bool)
    found: list[tuple[float, int, int]] = []
    for length in range(min(LONGEST_ANSWER, n)):
        both: NDArray[np.float64] = begins[: n - length] * ends[length:n]
        there = np.flatnonzero(possible[: n - length] & possible[length:])
        best = there[np.argsort(-both[there], kind="stable")[:most]]
        found += [(float(both[i]), int(i), int(i) + length) for i in best]
    found.sort(key=lambda one: (-one[0], one[1:]))
    return [
        Span(
            tokens[i],
            tokens[j],
            _between(trace, tokens[i : j + 1]),
            float(begins[i]),
            float(ends[j]),
        )
        for _, i, j in found[:most]
    ]


def _between(trace: Trace, tokens: tuple[Token, ...]) -> str:
    """The text from the first to the last of some tokens."""
    request = trace.request
    text = (request.pair_text or "") if tokens[0].part else request.text
    first, last = tokens[0].span, tokens[-1].span
    between = text[first[0] : last[1]] if first and last else ""
    return between or "".join(token.text for token in tokens)


def no_answer(trace: Trace) -> float | None:
    """How likely the model holds that there is no answer; None where it cannot say so."""
    tokens = readers(trace)
    if not tokens or not tokens[0].is_special:
        return None
    begins, ends = (float(shares_of(trace.logits[:, side])[0]) for side in (0, 1))
    return begins * ends


def spans_table(trace: Trace, title: str, say: Say) -> guesses.Table:
    """The likeliest answers."""
    caption = [say(ANSWERS).format(most=LONGEST_ANSWER)]
    none = no_answer(trace)
    if none is not None:
        caption.append(say(NO_ANSWER).format(share=f"{none:.2f}"))
    rows = []
    for span in spans(trace):
        places = f"{span.first.position}–{span.last.position}"
        cells = [
            guesses.Cell(share=span.share),
            guesses.guess(span.first.text, span.begins),
            guesses.guess(span.last.text, span.ends),
        ]
        rows.append(guesses.line(places, span.text, cells))
    heads = [say(ANSWER), say(SHARE), say(BEGINS), say(ENDS)]
    return guesses.table(title, caption, heads, rows)


def spans_csv(trace: Trace) -> bytes:
    """The likeliest answers, a line each."""
    heads = ("first position", "last position", "answer", "share", "begins", "ends")
    return guesses.as_csv(
        heads,
        [
            (s.first.position, s.last.position, s.text, s.share, s.begins, s.ends)
            for s in spans(trace)
        ],
    )


def labels_table(trace: Trace, title: str, say: Say) -> guesses.Table:
    """The labels of the whole text; of a model that gives it a number, the number."""
    names, logits = trace.info.vocabulary, trace.logits[-1]
    text = say(THE_TEXT)
    if len(logits) == 1:
        value = guesses.line("", text, [guesses.Cell(said=f"{logits[0]:.4g}")])
        return guesses.table(title, [say(ONE_NUMBER)], ["", guesses.named(names, 0)], [value])
    found = likeliest(logits, N_ANSWERS)
    cells = [guesses.guess(guesses.named(names, one.id), one.share) for one in found]
    heads = ["", *map(str, range(1, len(cells) + 1))]
    caption = [say(OF_TEXT).format(n=f"{len(logits):,}")]
    return guesses.table(title, caption, heads, [guesses.line("", text, cells)])


def labels_csv(trace: Trace) -> bytes:
    """All labels of the whole text, a line each; a single one with its logit alone."""
    names, logits = trace.info.vocabulary, trace.logits[-1]
    if len(logits) == 1:
        return guesses.as_csv(("label", "number"), [(guesses.named(names, 0), float(logits[0]))])
    found = likeliest(logits, len(logits))
    return guesses.as_csv(
        ("rank", "label", "share"),
        [(one.rank, guesses.named(names, one.id), one.share) for one in found],
    )
