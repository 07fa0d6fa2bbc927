"""What a model predicts at each position: its likeliest tokens, as a table and as CSV.

A trace in, text out. Knows neither the session nor the language it speaks: sentences go
through the `say` it is given. What is predicted of a text as a whole is in `answers`.
"""

from dataclasses import dataclass

from model_runtime.measures import Guess, guess_of, likeliest
from model_runtime.types import MASK, ModelInfo, Token, Trace
from viz import answers, guesses
from viz.attention_map import Say
from viz.marked import N_

N_GUESSES = 5
MOST_ROWS = 64

NEXT = N_(
    "At each position: the tokens that the model holds most likely to come next, with their "
    "shares, the softmax of the logits over all {n} tokens it knows. What really comes next is "
    "marked."
)
IN_BLANKS = N_(
    "At each [MASK]: the tokens that the model holds most likely in its place, with their "
    "shares, the softmax of the logits over all {n} tokens it knows."
)
AT_TOKENS = N_(
    "At each position: the tokens that the model answers with, the likeliest first, with their "
    "shares, the softmax of the logits over all {n} tokens it knows."
)
AT_LABELS = N_(
    "At each token: the labels that the model gives it, the likeliest first, with their shares, "
    "the softmax of the logits over its {n} labels."
)
HINT = N_("Type [MASK] in place of a word, and see what the model would put there.")
OWN = N_("Under the line, the model writes on by itself.")
LAST = N_("These are the last {most} of {all} positions; the CSV has all of them.")
KEPT = N_("The text is long: of its {all} positions, predictions are kept of the last {kept}.")
TITLE = N_("What it predicts")
READ = N_("token")
READ_AND_NEXT = N_("token read → next token")
ELSE = N_("the next token, if none of these")
COMES_NEXT = N_("comes next")
RANK = N_("rank {rank}")


@dataclass(frozen=True)
class Row:
    """What one position predicts."""

    token: Token  # read at this position
    following: Token | None  # what comes next; None where the model does not predict that
    guesses: tuple[Guess, ...]
    real: Guess | None  # what the model says of `following`
    is_own: bool  # the model chose `following` itself, going on from a text


def predicts(trace: Trace) -> bool:
    """Whether there is anything to show: some models have no head, and predict nothing."""
    return trace.info.predicts != "nothing" and trace.logits.size > 0


def fills_blanks(info: ModelInfo) -> bool:
    """Whether a model fills blanks."""
    return bool(info.mask) and info.predicts == "tokens"


def hint(info: ModelInfo, say: Say) -> str:
    """How a blank is typed, for a model that fills blanks."""
    return say(HINT).replace(MASK, info.mask or MASK)


def has_blank(trace: Trace) -> bool:
    """Whether there is a blank to fill."""
    return fills_blanks(trace.info) and any(
        token.text == trace.info.mask for token in trace.reading.source
    )


def is_the_point(trace: Trace) -> bool:
    """Whether predicting is what the model is shown for, so that the table is open at first."""
    if trace.info.predicts != "tokens":
        return predicts(trace)
    return trace.info.family == "decoder" or has_blank(trace)


def rows(trace: Trace, last: int | None = None) -> list[Row]:
    """The positions that predict and whose logits are kept, or the `last` of them. Of an
    encoder's, those with a blank; all, if it has none."""
    reading = trace.reading
    following = reading.target[1:] if trace.info.writes else ()
    starts_own = len(reading.target) + 1
    if reading.target_is_own and reading.n_given:
        starts_own = reading.n_given
    found = []
    tokens = _kept(trace)
    for token in tokens[-last:] if last else tokens:
        logits = trace.logits_at(token.position)
        after = following[token.position] if following else None
        found.append(
            Row(
                token,
                after,
                likeliest(logits, N_GUESSES),
                guess_of(logits, after.id) if after else None,
                after is not None and after.position >= starts_own,
            )
        )
    return found


def n_rows(trace: Trace) -> int:
    """How many positions predict and have their logits kept."""
    return len(_kept(trace))


def n_shown(trace: Trace) -> int:
    """About how many rows `table` has, known without computing them."""
    whole = {"text labels": 1, "answer span": answers.N_ANSWERS}
    return whole.get(trace.info.predicts) or min(n_rows(trace), MOST_ROWS)


def _kept(trace: Trace) -> tuple[Token, ...]:
    start = trace.logits_start
    tokens = answers.readers(trace)[start : start + len(trace.logits)]
    blanks = tuple(token for token in tokens if token.text == trace.info.mask)
    return blanks if blanks and fills_blanks(trace.info) else tokens


def table(trace: Trace, say: Say) -> guesses.Table:
    """What is predicted, of many positions at the last MOST_ROWS. Wants a trace that `predicts`."""
    if trace.info.predicts == "text labels":
        return answers.labels_table(trace, say(TITLE), say)
    if trace.info.predicts == "answer span":
        return answers.spans_table(trace, say(TITLE), say)
    shown = rows(trace, MOST_ROWS)
    beyond = any(row.real and row.real.rank > N_GUESSES for row in shown)
    writes = any(row.following for row in shown)
    n_guesses = max(len(row.guesses) for row in shown)
    heads = [say(READ_AND_NEXT if writes else READ), *map(str, range(1, n_guesses + 1))]
    if beyond:
        heads.append(say(ELSE))
    body = (_line(row, trace.info.vocabulary, beyond, say) for row in shown)
    return guesses.table(say(TITLE), _caption(trace, shown, say), heads, body)


def as_csv(trace: Trace) -> bytes:
    """All rows, a line a guess: 9 digits, and 1 at what comes next. What comes next has a line
    of its own if it is not among the guesses. Starts with a byte order mark, for Excel."""
    if trace.info.predicts == "text labels":
        return answers.labels_csv(trace)
    if trace.info.predicts == "answer span":
        return answers.spans_csv(trace)
    lines = []
    for row in rows(trace):
        more = (row.real,) if row.real and row.real.rank > N_GUESSES else ()
        for guess in (*row.guesses, *more):
            name = guesses.named(trace.info.vocabulary, guess.id)
            is_next = "1" if guess == row.real else ""
            place = (row.token.position, row.token.text)
            lines.append((*place, guess.rank, name, guess.share, is_next))
    heads = ("position", "token read", "rank", "predicted", "share", "comes next")
    return guesses.as_csv(heads, lines)


def _caption(trace: Trace, shown: list[Row], say: Say) -> list[str]:
    """What the table shows, and what it leaves out: a sentence each."""
    filled = fills_blanks(trace.info) and shown[0].token.text == trace.info.mask
    kind = NEXT if shown[0].following else IN_BLANKS if filled else AT_TOKENS
    if trace.info.predicts == "token labels":
        kind = AT_LABELS
    said = say(kind).format(n=f"{len(trace.info.vocabulary):,}")
    sentences = [said.replace(MASK, trace.info.mask or MASK)]
    if any(row.is_own for row in shown) and not all(row.is_own for row in shown):
        sentences.append(say(OWN))
    if fills_blanks(trace.info) and not has_blank(trace):
        sentences.append(hint(trace.info, say))
    if n_rows(trace) > len(shown):
        sentences.append(say(LAST).format(most=len(shown), all=n_rows(trace)))
    if trace.logits_start:
        n_all = len(answers.readers(trace))
        sentences.append(say(KEPT).format(all=n_all, kept=n_all - trace.logits_start))
    return sentences


def _line(row: Row, vocabulary: tuple[str, ...], beyond: bool, say: Say) -> guesses.Line:
    cells = [_cell(guess, vocabulary, row.real, say) for guess in row.guesses]
    if row.real and row.real.rank > N_GUESSES:
        cells.append(_cell(row.real, vocabulary, row.real, say))
    elif beyond:
        cells.append(guesses.Cell())
    following = row.following.text if row.following else None
    place, read = row.token.position, row.token.text
    return guesses.line(place, read, cells, following=following, is_own=row.is_own)


def _cell(guess: Guess, vocabulary: tuple[str, ...], real: Guess | None, say: Say) -> guesses.Cell:
    return guesses.guess(
        guesses.named(vocabulary, guess.id),
        guess.share,
        mark=say(COMES_NEXT) if guess == real else "",
        beside=say(RANK).format(rank=guess.rank) if guess.rank > N_GUESSES else "",
    )
