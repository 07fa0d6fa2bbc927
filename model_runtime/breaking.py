"""broken(model, trace, mistake) → what one mistake does to a pass: a matrix, a number, the answer.

Sets the recorded pass beside the same pass of a model that makes the mistake. Knows neither how
the mistake is made (`builtin/mistakes.py`) nor how it is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from model_runtime.measures import Guess, guess_of, likeliest, shares_of
from model_runtime.steps.parts import Insides, Place, Values
from model_runtime.telltales import Damaged, Number, Sides, Telltale
from model_runtime.types import Floats, ModelInfo, Reading, Trace

MISTAKES = (
    "no_root",  # q·k is not divided by √d_head
    "root_of_model",  # it is divided by √d_model
    "mask_after",  # masked shares are set to 0 after softmax, not scores to −∞ before it
    "wrong_axis",  # softmax over the queries
    "reshaped_heads",  # heads split by a reshape alone, without transposing
    "no_projection",  # heads are columns of the input; no W_Q, W_K, W_V
    "no_positions",
    "no_residual",
    "concatenated",  # beside the residual stream, not added to it: does not run
    "other_norm",  # LayerNorm after the addition instead of before the sublayer, or the reverse
)
N_GUESSES = 5

# Why a mistake makes no difference, so that there is nothing to see.
WhyNot = Literal["", "no mask", "no positions", "one head", "one token"]


@dataclass(frozen=True, eq=False)
class WrongPass:
    """All that a pass with a mistake recorded, by name, up to where it stopped."""

    arrays: Mapping[str, Floats]
    error: str = ""  # what torch said when it could not go on


@runtime_checkable
class Breakable(Protocol):
    """A model that can be run with a mistake: one whose parts are known."""

    info: ModelInfo

    @property
    def insides(self) -> Insides:
        """Its configuration and weights."""

    def run_wrong(self, reading: Reading, mistake: str) -> WrongPass:
        """The pass with one of MISTAKES."""


@dataclass(frozen=True)
class Answer:
    """What one position predicts."""

    guesses: tuple[Guess, ...]  # the N_GUESSES likeliest
    real: Guess | None  # the token that really comes next, where the model predicts that


@dataclass(frozen=True)
class Moved:
    """How far the whole answer moved, over all positions."""

    positions: int
    changed: int  # positions whose likeliest token is another
    divergence: float  # Σ right·log2(right / wrong), bits, mean over positions; 0: the same
    real_right: float | None  # mean share of the token that really comes next
    real_wrong: float | None


@dataclass(frozen=True, eq=False)
class Broken:
    """One mistake in one pass. Where `why_not` says that it makes no difference there is nothing
    below it; where `error` is given there is no answer."""

    trace: Trace
    mistake: str
    variant: str  # how this model does it right: "sinusoidal", "rotary", "pre", …; or ""
    asked: Place
    place: Place  # what is shown: another head where the mistake cannot be seen in the one asked
    why_not: WhyNot = ""
    error: str = ""
    telltales: tuple[Telltale, ...] = ()  # the plainest first
    damaged: Damaged | None = None
    position: int = 0  # what predicts the answers
    right: Answer | None = None
    wrong: Answer | None = None
    moved: Moved | None = None


def broken(model: Breakable, trace: Trace, mistake: str, place: Place) -> Broken:
    """Run `model` on the tokens of `trace` once more, with one of MISTAKES in every layer.

    `place` is the head, query and key that are looked at. Raises KeyError for an unknown
    mistake, NoSuchHead or IndexError for a place that is not there.
    """
    if mistake not in MISTAKES:
        raise KeyError(mistake)
    _check(trace, place)
    insides = model.insides
    variant = ""
    if mistake == "no_positions":
        variant = insides.config.positions
    elif mistake in ("no_residual", "concatenated", "other_norm"):
        variant = insides.config.norm
    if why := why_not(insides, trace, mistake):
        return Broken(trace, mistake, variant, place, place, why)
    asked, place = place, _shown(trace, mistake, variant, place)
    run = model.run_wrong(trace.reading, mistake)
    sides = Sides(trace, insides, run.arrays, place)
    tells = tuple(sides.telltale(name) for name in _numbers(mistake, variant, place))
    found = Broken(trace, mistake, variant, asked, place, error=run.error, telltales=tells)
    if run.error:
        return found
    logits = run.arrays["logits"]
    # A decoder reads all of what its encoder made: the first token that it writes, as an example.
    position = 0 if place.stack == "encoder" and trace.reading.target else place.query
    streams = mistake in ("no_residual", "other_norm")
    return replace(
        found,
        damaged=sides.stream() if streams else sides.pattern(),
        position=position,
        right=_answer(trace, trace.logits, position),
        wrong=_answer(trace, logits, position),
        moved=moved_by(trace, logits),
    )


def why_not(insides: Insides, trace: Trace, mistake: str) -> WhyNot:
    """Why a mistake makes no difference to this model or to this text; "" if it makes one."""
    config = insides.config
    alone = all(r.q.shape[1] == r.k.shape[1] == 1 for r in trace.records)
    if mistake in ("root_of_model", "reshaped_heads") and config.n_heads == 1:
        return "one head"
    if mistake in ("no_root", "root_of_model", "wrong_axis", "reshaped_heads") and alone:
        return "one token"
    if mistake == "mask_after":
        n_queries = [r.q.shape[1] for r in trace.records if r.stack == "decoder"]
        return "no mask" if not n_queries else "one token" if max(n_queries) == 1 else ""
    if mistake == "no_positions":
        if config.positions == "none":
            return "no positions"
        # What depends on distances sees none in a single token.
        lengths = [r.q.shape[1] for r in trace.records if r.stack != "cross"]
        return "one token" if config.positions in ("rotary", "alibi") and max(lengths) == 1 else ""
    return ""


def _check(trace: Trace, place: Place) -> None:
    record = trace.record(place.stack, place.layer)
    record.kv_head(place.head)  # raises IndexError
    if not (0 <= place.query < record.q.shape[1] and 0 <= place.key < record.k.shape[1]):
        raise IndexError(f"query {place.query} and key {place.key} of {record.stack}")


def _shown(trace: Trace, mistake: str, variant: str, place: Place) -> Place:
    """The place asked for, or another where the mistake cannot be seen there: the first of all
    for one that stops the pass, the decoder's own attention for one that only that has."""
    if mistake == "concatenated":
        return Place(trace.info.stacks[0], 0, place.head, 0, 0)
    masks = mistake == "mask_after" and place.stack != "decoder" and trace.layers("decoder")
    distances = variant in ("rotary", "alibi") and place.stack == "cross"
    if not (masks or distances):
        return place
    query = place.query if place.stack == "cross" else len(trace.tokens("decoder")[0]) - 1
    return replace(place, stack="decoder", query=query, key=min(place.key, query))


def _numbers(mistake: str, variant: str, place: Place) -> tuple[Number, ...]:
    """The numbers that give a mistake away, the plainest first."""
    if mistake == "no_projection" and place.stack == "cross":
        return ("own columns",)  # a score of one text's token with another's has no other way round
    return _GIVEN_AWAY_BY[variant if mistake == "no_positions" else mistake]


_GIVEN_AWAY_BY: Mapping[str, tuple[Number, ...]] = {
    "no_root": ("score variance", "entropy"),
    "root_of_model": ("entropy", "score variance"),
    "mask_after": ("least row sum",),
    "wrong_axis": ("furthest row sum", "column sum"),
    "reshaped_heads": ("own rows",),
    "no_projection": ("asymmetry",),
    "sinusoidal": ("position length",),
    "learned": ("position length",),
    "rotary": ("position turn",),
    "alibi": ("position bias",),
    "no_residual": ("likeness",),
    "concatenated": ("columns",),
    "other_norm": ("stream variance",),
}


def _answer(trace: Trace, logits: Floats, position: int) -> Answer:
    row = logits[position]
    after = trace.reading.target[position + 1] if trace.info.writes else None
    return Answer(likeliest(row, N_GUESSES), guess_of(row, after.id) if after else None)


def moved_by(trace: Trace, wrong: Floats) -> Moved:
    """How far other logits [position, vocabulary] for the same tokens are from the trace's own."""
    divergence, changed = 0.0, 0
    real: list[tuple[float, float]] = []
    for position, (row, other) in enumerate(zip(trace.logits, wrong, strict=True)):
        shares = shares_of(row)
        divergence += float(shares @ (_log2_shares(row) - _log2_shares(other)))
        changed += int(row.argmax() != other.argmax())
        if trace.info.writes:
            next_id = trace.reading.target[position + 1].id
            real.append((float(shares[next_id]), float(shares_of(other)[next_id])))
    n = len(wrong)
    before, after = np.mean(real, axis=0).tolist() if real else (None, None)
    # Rounding may leave a hair less than nothing.
    return Moved(n, changed, max(0.0, divergence / n), before, after)


def _log2_shares(logits: Floats) -> Values:
    """Logarithms of a softmax, finite however small a share is. [vocabulary], each ≤ 0."""
    wide = logits.astype(np.float64)
    top = wide.max()
    return np.asarray((wide - top - np.log(np.exp(wide - top).sum())) / np.log(2))
