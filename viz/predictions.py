"""What a model predicts at each position: its likeliest tokens, as a table and as CSV.

A trace in, text out; tokens reach HTML through `labels` only. Knows neither the session nor
the language it speaks: sentences go through the `say` it is given.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from model_runtime.measures import Guess, guess_of, likeliest
from model_runtime.types import MASK, ModelInfo, Token, Trace
from viz import theme
from viz.attention_map import Say
from viz.labels import in_csv, in_html
from viz.marked import N_

STYLE = Path(__file__).parent / "predictions.css"
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
HINT = N_("Type [MASK] in place of a word, and see what the model would put there.")
OWN = N_("Under the line, the model writes on by itself.")
LAST = N_("These are the last {most} of {all} positions; the CSV has all of them.")
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
    following: Token | None  # what comes next; None in an encoder, which sees it already
    guesses: tuple[Guess, ...]
    real: Guess | None  # what the model says of `following`
    is_own: bool  # the model chose `following` itself, going on from a text


def fills_blanks(info: ModelInfo) -> bool:
    """Whether a model fills blanks: an encoder that knows [MASK]."""
    return info.family == "encoder" and MASK in info.vocabulary


def has_blank(trace: Trace) -> bool:
    """Whether there is a blank to fill."""
    return fills_blanks(trace.info) and any(token.text == MASK for token in trace.reading.source)


def is_the_point(trace: Trace) -> bool:
    """Whether predicting is what the model is shown for, so that the table is open at first."""
    return trace.info.family == "decoder" or has_blank(trace)


def rows(trace: Trace, last: int | None = None) -> list[Row]:
    """The positions that predict, or the `last` of them. Of an encoder's, those with a blank;
    all, if it has none."""
    reading = trace.reading
    if trace.info.family == "encoder":
        tokens = reading.source
        if has_blank(trace):
            tokens = tuple(token for token in tokens if token.text == MASK)
        following: tuple[Token, ...] = ()
    else:
        tokens, following = reading.target[:-1], reading.target[1:]
    starts_own = reading.n_given if reading.target_is_own and reading.n_given else len(tokens) + 1
    found = []
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
    """How many positions predict."""
    if trace.info.family != "encoder":
        return len(trace.reading.target) - 1
    masks = sum(token.text == MASK for token in trace.reading.source)
    return masks if has_blank(trace) else len(trace.reading.source)


def table(trace: Trace, say: Say) -> str:
    """The rows as HTML, at most the last MOST_ROWS. Wants the rules of STYLE on the page."""
    shown = rows(trace, MOST_ROWS)
    writes = shown[0].following is not None
    beyond = any(row.real and row.real.rank > N_GUESSES for row in shown)
    heads = [say(READ_AND_NEXT if writes else READ), *map(str, range(1, N_GUESSES + 1))]
    if beyond:
        heads.append(say(ELSE))
    head = "".join(f'<th scope="col">{in_html(text)}</th>' for text in heads)
    body = "".join(_row(row, trace.info.vocabulary, beyond, say) for row in shown)
    said = " ".join(in_html(sentence) for sentence in _caption(trace, shown, say))
    return (
        f'<div class="predictions" role="region" tabindex="0" aria-label="{in_html(say(TITLE))}" '
        f'style="{_colours()}"><table><caption><span>{said}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def as_csv(trace: Trace) -> bytes:
    """All rows, a line a guess: 9 digits, and 1 at what comes next. What comes next has a line
    of its own if it is not among the guesses. Starts with a byte order mark, for Excel."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["position", "token read", "rank", "predicted", "share", "comes next"])
    for row in rows(trace):
        more = (row.real,) if row.real and row.real.rank > N_GUESSES else ()
        for guess in (*row.guesses, *more):
            writer.writerow([
                row.token.position,
                in_csv(row.token.text),
                guess.rank,
                in_csv(_name(trace.info.vocabulary, guess.id)),
                f"{guess.share:.9g}",
                "1" if guess == row.real else "",
            ])  # fmt: skip
    return out.getvalue().encode("utf-8-sig", "replace")


def _caption(trace: Trace, shown: list[Row], say: Say) -> list[str]:
    """What the table shows, and what it leaves out: a sentence each."""
    kind = NEXT if shown[0].following else IN_BLANKS if has_blank(trace) else AT_TOKENS
    sentences = [say(kind).format(n=f"{len(trace.info.vocabulary):,}")]
    if any(row.is_own for row in shown) and not all(row.is_own for row in shown):
        sentences.append(say(OWN))
    if fills_blanks(trace.info) and not has_blank(trace):
        sentences.append(say(HINT))
    if n_rows(trace) > len(shown):
        sentences.append(say(LAST).format(most=len(shown), all=n_rows(trace)))
    return sentences


def _row(row: Row, vocabulary: tuple[str, ...], beyond: bool, say: Say) -> str:
    read = f"<bdi>{in_html(row.token.text)}</bdi>"
    if row.following:
        read += f'<span class="to">→</span><bdi>{in_html(row.following.text)}</bdi>'
    cells = "".join(_cell(guess, vocabulary, row.real, say) for guess in row.guesses)
    if row.real and row.real.rank > N_GUESSES:
        cells += _cell(row.real, vocabulary, row.real, say)
    elif beyond:
        cells += "<td></td>"
    kind = ' class="own"' if row.is_own else ""
    position = f'<span class="position">{row.token.position}</span>'
    return f'<tr{kind}><th scope="row">{position}{read}</th>{cells}</tr>'


def _cell(guess: Guess, vocabulary: tuple[str, ...], real: Guess | None, say: Say) -> str:
    name = in_html(_name(vocabulary, guess.id))
    rank = mark = ""
    if guess == real:
        mark = f'<span class="spoken"> ({in_html(say(COMES_NEXT))})</span>'
    if guess.rank > N_GUESSES:
        rank = f' · <span class="rank">{in_html(say(RANK).format(rank=guess.rank))}</span>'
    return (
        f'<td{" class=real" if mark else ""} title="{guess.share:.6g}">'
        f'<span class="guess"><bdi>{name}</bdi>{mark}</span>'
        f'<span class="share">{guess.share:.2f}{rank}</span>'
        f'<span class="bar" style="width: {100 * guess.share:.1f}%"></span></td>'
    )


def _name(vocabulary: tuple[str, ...], id_: int) -> str:
    name = vocabulary[id_]
    return name if name.strip() else "␣"


def _colours() -> str:
    """The palettes' colours as CSS variables that follow the page's light or dark scheme."""
    light, dark = theme.LIGHT, theme.DARK
    pairs = {
        "accent": (light["accent"], dark["accent"]),
        "bar": (light["sequential"][6], dark["sequential"][8]),
        "quiet": (light["quiet"], dark["quiet"]),
        "faint": (light["faint"], dark["faint"]),
        "ground": (light["ground"], dark["ground"]),
    }
    return "; ".join(f"--{name}: light-dark({a}, {b})" for name, (a, b) in pairs.items())
