"""Positions in a text: embedding, position and their sum, a pass without positions, five models.

From a trace and experiments to sections. Knows no model.
"""

from dataclasses import dataclass

import numpy as np

from model_runtime.positions.encodings import Values as Numbers
from model_runtime.positions.experiments import Without
from model_runtime.positions.five_ways import OneOfFive
from model_runtime.types import Floats, StackName
from viz.attention_map import STACKS, Say
from viz.charts import Axis, Chart, Line, Tone
from viz.heatmap import HeatMap, Side
from viz.marked import N_
from viz.positions import texts
from viz.positions.controls import Control
from viz.positions.sections import Section, Table

FORMULAS = (
    r"x = e_{\text{token}} + p_{\text{position}}",
    r"x = e_{\text{token}} + p_{\text{position}} + s_{\text{segment}}",
)
_MARK = {True: "✓", False: "✗", None: ""}
_TONES: tuple[Tone, ...] = (0.75, "accent", 0.2)


@dataclass(frozen=True, eq=False)
class Added:
    """What was added up for the first layer of a stack, in one pass."""

    stack: str  # as it is said
    tokens: tuple[str, ...]  # as shown; user text
    embedding: Floats  # [position, d_model]
    positions: Floats
    segments: Floats | None  # BERT's two texts
    error: float  # the largest |embedding + positions (+ segments) − what the model went on with|


def stack_control(stacks: tuple[StackName, ...], say: Say) -> tuple[Control, ...]:
    """Which stack, where there are two."""
    if len(stacks) < 2:
        return ()
    options = tuple((stack, say(STACKS[stack])) for stack in stacks)
    return (Control("stack", "choice", N_("stack"), stacks[0], options=options),)


def head_controls(
    n_layers: int, n_heads: int, layer: int, head: int, *, shuffles: bool, say: Say
) -> tuple[Control, ...]:
    """What is taken away, and whose pattern is shown."""
    seed = Control("seed", "number", N_("shuffle"), 1, 1, 99, help=texts.HELP_SEED)
    ways = ("removed", say(N_("removed"))), ("shuffled", say(N_("shuffled")))
    return (
        Control("how", "choice", N_("positions"), "removed", options=ways),
        *((seed,) if shuffles else ()),
        Control("layer", "number", N_("layer"), layer, 0, n_layers - 1),
        Control("head", "number", N_("head"), head, 0, n_heads - 1),
    )


def added(found: Added, say: Say) -> Section:
    """The sum that the first layer reads, and whose it is."""
    parts = [
        ("embedding", say(N_("Embedding of each token")), found.embedding),
        ("position", say(N_("Position")), found.positions),
    ]
    total = found.embedding.astype(np.float64) + found.positions
    if found.segments is not None:
        parts.append(("segment", say(N_("Segment: which of the two texts")), found.segments))
        total = total + found.segments
    parts.append(("sum", say(N_("The sum")), total.astype(np.float32)))
    limit = float(max(np.quantile(np.abs(part), 0.995) for _, _, part in parts)) or 1.0
    maps = tuple(
        HeatMap(
            f"sentence-{name}",
            title,
            part,
            Side(say(N_("token")), found.tokens),
            Side(say(N_("dimension"))),
            limit=limit,
        )
        for name, title, part in parts
    )
    names = (say(N_("embedding")), say(N_("position")), say(N_("segment")))
    shares = tuple(
        Line(name, _share(part, total), tone=tone)
        for name, (_, _, part), tone in zip(names, parts[:-1], _TONES, strict=False)
    )
    norms = tuple(
        Line(name, np.linalg.norm(part, axis=1), tone=tone)
        for name, (_, _, part), tone in zip(names, parts[:-1], _TONES, strict=False)
    )
    tokens = Axis(say(N_("token")), ticks=found.tokens)
    place = say(N_("What the first layer of the {stack} reads"))
    return Section(
        place.format(stack=found.stack),
        panels=(
            *maps,
            Chart(
                "sentence-shares",
                say(N_("Share of the sum")),
                tokens,
                Axis(say(N_("share"))),
                shares,
                bars=True,
                about=say(texts.SHARES),
            ),
            Chart(
                "sentence-norms",
                say(N_("Length of each")),
                tokens,
                Axis(say(N_("length"))),
                norms,
                bars=True,
            ),
        ),
        text=(
            say(texts.ADDED),
            say(texts.SUM_ERROR).format(error=f"{found.error:.1e}"),
        ),
        formulas=(FORMULAS[found.segments is not None],),
    )


def _share(part: Floats, total: Numbers) -> Numbers:
    """part · sum / |sum|², of each row; nothing where the sum is nothing."""
    length = (total * total).sum(axis=1)
    along = (part.astype(np.float64) * total).sum(axis=1)
    return np.divide(along, length, out=np.full(len(total), np.nan), where=length > 0)


def not_added(model: str, why: str, say: Say) -> Section:
    """Where nothing is added to the embeddings, or it was not recorded."""
    return Section(
        say(N_("Embedding and position")),
        text=(why.format(model=model),),
    )


def without(found: Without, stack: str, layer: int, head: int, say: Say) -> Section:
    """The pass before and after."""
    title = say(N_("Positions removed or shuffled"))
    if found.why_not:
        said = {
            "no positions": N_("This model has no positions, so there are none to take away."),
            "one token": N_("One token has no other to change positions with."),
        }.get(found.why_not, N_("Nothing changes here."))
        return Section(title, text=(say(said),))
    trace = found.trace
    name = next(known for known in trace.info.stacks if known == stack)
    right, wrong = found.pattern(name, layer, head)
    queries, keys = trace.tokens(name)
    visible = trace.record(name, layer).visible(head)
    sides = (
        Side(say(N_("query")), tuple(token.text for token in queries)),
        Side(say(N_("key")), tuple(token.text for token in keys)),
    )
    maps = tuple(
        HeatMap(
            f"without-{kind}",
            say(N_("{place}: {state}")).format(place=f"L{layer} H{head}", state=said),
            np.where(visible, pattern, np.nan),
            *sides,
            limit=1.0,
            unsigned=True,
            hatched=say(texts.MASKED),
        )
        for kind, said, pattern in (
            ("before", say(N_("before")), right),
            ("after", say(N_("after")), wrong),
        )
    )
    stack_said = say(STACKS[found.stack])
    text = [
        say(texts.REMOVED)
        if found.how == "removed"
        else say(texts.SHUFFLED).format(stack=stack_said)
    ]
    if found.moved is not None:
        said = say(texts.CHANGED)
        moved = found.moved
        text.append(
            said.format(changed=moved.changed, n=moved.positions, bits=f"{moved.divergence:.3g}")
        )
    if found.rewritten is not None:
        said = say(N_("It wrote “{before}”, and now writes “{after}”."))
        more = "…" if found.unfinished else ""
        text.append(said.format(before=trace.target_text, after=found.rewritten + more))
    return Section(title, panels=(*maps, _predictions(found, say)), text=tuple(text))


def _predictions(found: Without, say: Say) -> Table:
    trace = found.trace
    stack = trace.info.stacks[-1] if "decoder" in trace.info.stacks else trace.info.stacks[0]
    tokens = trace.tokens("decoder" if stack == "cross" else stack)[0]
    vocabulary = trace.info.vocabulary
    rows = tuple(
        (
            f"{token.position} {token.text}",
            f"{vocabulary[one.before.id]} {one.before.share:.2f}",
            f"{vocabulary[one.after.id]} {one.after.share:.2f}",
        )
        for token, one in zip(tokens, found.predictions, strict=True)
    )
    return Table(
        "without-predictions",
        say(N_("The likeliest token at each position")),
        (say(N_("reads")), say(N_("before")), say(N_("after"))),
        rows,
    )


def five(found: tuple[OneOfFive, ...], typed: bool, say: Say) -> Section:
    """Five models that differ in their positions alone, on one text."""
    tokens = tuple(token.text for token in found[0].trace.reading.source)
    maps = tuple(
        HeatMap(
            f"five-{one.kind}",
            say(N_("{kind}: {share} right")).format(
                kind=say(texts.KINDS[one.kind]), share=f"{one.share_right:.0%}"
            ),
            one.trace.record("encoder", one.layer).pattern(one.head),
            Side(say(N_("query")), tokens),
            Side(say(N_("key")), tokens),
            limit=1.0,
            unsigned=True,
            about=say(N_("L{layer} H{head}: the head that looks most at the token before")).format(
                layer=one.layer, head=one.head
            ),
        )
        for one in found
    )
    vocabulary = found[0].trace.info.vocabulary
    rows = tuple(
        (
            say(texts.KINDS[one.kind]),
            *(
                f"{vocabulary[guess.id]} {_MARK[right]}".strip()
                for guess, right in zip(one.predicted, one.right, strict=True)
            ),
        )
        for one in found
    )
    table = Table(
        "five-predictions",
        say(N_("What each names as the token before")),
        (say(N_("model")), *tokens),
        rows,
    )
    text = [say(texts.FIVE)]
    if not typed:
        text.append(say(texts.EXAMPLE_TEXT))
    return Section(say(N_("Five ways, side by side")), panels=(table, *maps), text=tuple(text))
