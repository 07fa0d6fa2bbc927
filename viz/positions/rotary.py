"""Rotary positions: a pair of a query and a key on the circle, frequencies, scores by distance.

From a rotation, two vectors and controls to sections. Knows no model.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from model_runtime.positions import rotary
from model_runtime.positions.encodings import RotarySettings, Rotation
from model_runtime.positions.encodings import Values as Numbers
from viz.attention_map import Say
from viz.charts import Axis, Chart, Line, Ruler, Tone
from viz.marked import N_
from viz.numerals import signed
from viz.positions import texts
from viz.positions.controls import Control, Values, read
from viz.positions.sections import Made, Section, Table, with_base
from viz.positions.turning import Turned, ones

MOST_AWAY, MOST_PAIRS = 4096, 128
SCALINGS_BY_HAND = ("default", "linear", "dynamic", "yarn", "llama3")
FORMULAS = (
    r"\begin{pmatrix} a_m \\ b_m \end{pmatrix} = "
    r"\begin{pmatrix} \cos m \theta_i & -\sin m \theta_i \\ \sin m \theta_i & \cos m \theta_i "
    r"\end{pmatrix} \begin{pmatrix} a \\ b \end{pmatrix}",
    r"\theta_i = BASE^{-2i/d}",
)


@dataclass(frozen=True, eq=False)
class Vectors:
    """A model's own queries and keys of one head, before they are turned."""

    q: Numbers  # [position, d_head]
    k: Numbers  # [position, d_head]
    layer: int
    head: int
    n_layers: int
    n_heads: int
    tokens: tuple[str, ...]  # as shown, by position; user text
    recorded: Numbers  # [query, key]: q·k after turning, as the model had them


@dataclass(frozen=True, eq=False)
class Own:
    """What the open model turns by, and its vectors where they were recorded."""

    rotation: Rotation
    where: str
    vectors: Vectors | None


def controls(own: Sequence[Own], asked: Mapping[str, str], say: Say) -> tuple[Control, ...]:
    """The controls of the rotation of a model that is asked for, or of one set by hand."""
    found: list[Control] = []
    if own:
        options = [(str(i), one.where) for i, one in enumerate(own)]
        found.append(
            Control(
                "how",
                "choice",
                N_("rotation"),
                "0",
                options=(*options, ("hand", say(N_("by hand")))),
            )
        )
    turning = chosen(own, read(found, asked, say)[0])
    vectors = turning.vectors if turning else None
    if turning is None:
        found += [
            Control("d", "number", N_("d_head"), 64, 2, 2 * MOST_PAIRS, help=texts.HELP_D_HEAD),
            Control("base", "number", N_("base"), 10_000, 1.01, 1_000_000, whole=False, log=True),
            Control(
                "scaling",
                "choice",
                N_("scaling"),
                "default",
                options=tuple((name, name) for name in SCALINGS_BY_HAND),
                help=texts.HELP_SCALING,
            ),
            Control(
                "factor", "number", N_("factor"), 4.0, 1, 64, whole=False, help=texts.HELP_FACTOR
            ),
            Control(
                "trained",
                "number",
                N_("trained on"),
                2048,
                2,
                32_768,
                log=True,
                help=texts.HELP_TRAINED,
            ),
        ]
    if vectors:
        found += [
            Control("layer", "number", N_("layer"), vectors.layer, 0, vectors.n_layers - 1),
            Control("head", "number", N_("head"), vectors.head, 0, vectors.n_heads - 1),
        ]
    last = len(vectors.tokens) - 1 if vectors else MOST_AWAY
    pairs = len(turning.rotation.frequencies) if turning else MOST_PAIRS
    return (
        *found,
        Control("i", "number", N_("pair i"), 0, 0, pairs - 1, help=texts.HELP_PAIR),
        Control("m", "number", N_("query at"), min(last, 5), 0, last),
        Control("k", "number", N_("key at"), min(last, 2), 0, last),
        Control("both", "number", N_("move both by"), 0, 0, MOST_AWAY),
        Control("n", "number", N_("distances"), 64, 1, MOST_AWAY, help=texts.HELP_DISTANCES),
    )


def chosen(own: Sequence[Own], values: Values) -> Own | None:
    """The rotation that is looked at; None where it is set by hand."""
    how = values.choice("how") if own else "hand"
    return None if how == "hand" else own[int(how)]


def by_hand(values: Values) -> Rotation:
    """The rotation that the controls describe; a dynamic one as at its longest text."""
    d = values.whole("d") - values.whole("d") % 2
    settings = RotarySettings(
        d_rotated=d,
        base=values.number("base"),
        scaling=values.choice("scaling"),
        factor=values.number("factor"),
        original_length=values.whole("trained"),
    )
    length = round(settings.original_length * settings.factor)
    found = rotary.frequencies(settings, length).astype(np.float32)
    return Rotation(settings, found, "neighbours", rotary.attention_factor(settings))


def sections(own: Own | None, values: Values, say: Say) -> Made:
    """The sections of a model's own rotation, or of one set by hand (None); what does not fit."""
    rotation = own.rotation if own else by_hand(values)
    vectors = own.vectors if own else None
    problems: list[str] = []
    frequencies = rotation.frequencies.astype(np.float64)
    pair, m, k = values.whole("i"), values.whole("m"), values.whole("k")
    if pair >= len(frequencies):
        said = say(N_("There are {n} pairs, counted from 0, so {pair} cannot be shown."))
        problems.append(said.format(n=len(frequencies), pair=pair))
        pair = 0
    if vectors:
        q, key = vectors.q[m], vectors.k[k]
    else:
        q = key = ones(2 * len(frequencies), rotation)
    turned = Turned(rotation, frequencies, q, key, m, k)
    return [
        partial(_circle, turned, pair, values.whole("both"), own, say),
        partial(_frequencies, rotation, frequencies, say),
        partial(_scores, turned, values.whole("n"), say),
    ], problems


def _circle(turned: Turned, pair: int, both: int, own: Own | None, say: Say) -> Section:
    m, k = turned.at_query + both, turned.at_key + both
    arrows: tuple[tuple[str, tuple[float, float], Tone, bool], ...] = (
        (say(N_("query, not turned")), turned.pair(turned.q, None, pair), "accent", True),
        (say(N_("query at {n}")).format(n=m), turned.pair(turned.q, m, pair), "accent", False),
        (say(N_("key, not turned")), turned.pair(turned.k, None, pair), "ink", True),
        (say(N_("key at {n}")).format(n=k), turned.pair(turned.k, k, pair), "ink", False),
    )
    lines = tuple(
        Line(name, np.array([0.0, y]), np.array([0.0, x]), tone=tone, dashed=dashed, ends=True)
        for name, (x, y), tone, dashed in arrows
    )
    reach = 1.15 * (max(math.hypot(x, y) for _, (x, y), _, _ in arrows) or 1.0)
    moves = dict.fromkeys((0, both, 1, 10, 100))
    rows = tuple(
        (
            str(turned.at_query + by),
            str(turned.at_key + by),
            signed(turned.at_query - turned.at_key, 0),
            signed(turned.score(by), 4),
            signed(turned.part(by, pair), 4),
        )
        for by in moves
    )
    if own and own.vectors:
        vectors = own.vectors
        said = say(texts.OWN_VECTORS).format(
            head=f"L{vectors.layer} H{vectors.head}",
            query=f"{turned.at_query} “{vectors.tokens[turned.at_query]}”",
            key=f"{turned.at_key} “{vectors.tokens[turned.at_key]}”",
            recorded=signed(vectors.recorded[turned.at_query, turned.at_key], 4),
        )
    else:
        said = say(texts.ONES if own is None else texts.ONES_OF_CHECKPOINT)
    first, second = turned.dimensions(pair)
    turn = math.degrees(float(turned.frequencies[pair]))
    return Section(
        say(N_("Turning")),
        panels=(
            Chart(
                "rotary-circle",
                say(N_("Pair {n}: {angle}° a position")).format(n=pair, angle=f"{turn:.4g}"),
                Axis(say(N_("dimension {n}")).format(n=first), range=(-reach, reach)),
                Axis(say(N_("dimension {n}")).format(n=second), range=(-reach, reach)),
                lines,
                square=True,
                about=say(texts.CIRCLE),
            ),
            Table(
                "rotary-moved",
                say(N_("The score depends on the difference only")),
                (
                    say(N_("query at")),
                    say(N_("key at")),
                    say(N_("difference")),
                    say(N_("q · k, all pairs")),
                    say(N_("of it, pair {n}")).format(n=pair),
                ),
                rows,
                about=say(texts.SAME_DIFFERENCE),
            ),
        ),
        text=(said,),
        formulas=with_base(turned.rotation.settings.base, FORMULAS),
        source=say(texts.ROFORMER),
    )


def _frequencies(rotation: Rotation, frequencies: Numbers, say: Say) -> Section:
    settings = rotation.settings
    plain = rotary.frequencies(RotarySettings(2 * len(frequencies), settings.base))
    scaled = not np.allclose(plain, frequencies, rtol=1e-4)
    lines = [Line(say(N_("as it is used")), _waves(frequencies), tone=0.8)]
    if scaled:
        lines.append(Line(say(N_("not scaled")), _waves(plain), tone="quiet", dashed=True))
    rulers: tuple[Ruler, ...] = ()
    if settings.original_length:
        said = say(N_("trained on {n}")).format(n=settings.original_length)
        rulers = (Ruler(settings.original_length, said, "y"),)
    first, last = (f"{frequencies[i]:.3g}" for i in (0, -1))
    text = [say(texts.CLOCKS_TURN).format(first=first, last=last)]
    if scaled:
        text.append(say(texts.SCALED).format(scaling=settings.scaling))
        if settings.scaling == "dynamic":
            longest = round(settings.original_length * settings.factor)
            text.append(say(texts.DYNAMIC).format(n=longest))
    elif rulers:
        text.append(say(texts.NOT_SCALED))
    if rotation.attention_factor != 1.0:
        said = say(N_("Sines and cosines are multiplied by {factor} as well."))
        text.append(said.format(factor=f"{rotation.attention_factor:.6g}"))
    return Section(
        say(N_("Frequencies")),
        panels=(
            Chart(
                "rotary-wavelengths",
                say(N_("Positions until a pair has gone round once")),
                Axis(say(N_("pair i"))),
                Axis(say(N_("positions")), log=True),
                tuple(lines),
                rulers=rulers,
            ),
        ),
        text=tuple(text),
        formulas=(r"\lambda_i = 2 \pi / \theta_i",),
        source=say(texts.SCALINGS[settings.scaling]) if settings.scaling in texts.SCALINGS else "",
    )


def _waves(frequencies: Numbers) -> Numbers:
    """Wavelengths; of a pair that does not turn, none."""
    return np.divide(
        2 * math.pi, frequencies, out=np.full(len(frequencies), np.nan), where=frequencies > 0
    )


def _scores(turned: Turned, n: int, say: Say) -> Section:
    distances = np.arange(n + 1)
    rulers: tuple[Ruler, ...] = ()
    here = turned.at_query - turned.at_key
    if 0 <= here <= n:
        rulers = (Ruler(here, say(N_("here: {n}")).format(n=here), "x"),)
    return Section(
        say(N_("Score by distance")),
        panels=(
            Chart(
                "rotary-scores",
                "q · k",
                Axis(say(N_("positions that the key stands before the query"))),
                Axis("q · k"),
                (Line("q · k", turned.scores(distances), distances, tone=0.8),),
                rulers=rulers,
                about=say(texts.SCORES),
            ),
        ),
        formulas=(r"q_m \cdot k_n = q^{\mathsf{T}} R_{n - m} \, k",),
        source=say(texts.ROFORMER),
    )
