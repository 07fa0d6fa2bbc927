"""One mistake as HTML: the wrong line, the number that gives it away, the matrices, the answers.

A Broken in, text out. Knows neither the session nor the language it speaks: sentences go through
the `say` it is given, and tokens reach HTML through `labels` only.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from model_runtime.breaking import N_GUESSES, Answer, Broken, Moved
from model_runtime.measures import Guess
from model_runtime.telltales import Telltale
from viz import broken_matrices, guesses, theme
from viz.attention_map import Say
from viz.broken_texts import CODE, NUMBERS, RIGHT, TITLES, WHAT, WHY_NOT, WRONG
from viz.colour_variables import SHARED, variables
from viz.labels import in_html
from viz.marked import N_
from viz.numerals import number

STYLE = Path(__file__).parent / "broken.css"

NUMBER = N_("the number that gives it away")
OF = N_("{n} of {most}")
EVERYWHERE = N_("The mistake is made in every layer of the model, on the same tokens.")
ONCE = N_("The mistake is made once, before the first layer, on the same tokens.")
ELSEWHERE = N_(
    "The attention that was chosen does not have this mistake, so the decoder’s own is shown."
)
DEEPER = N_("What comes in here is damaged already, by the mistake in what came before.")
STOPS = N_("It does not run. What PyTorch says:")
PREDICTS = N_("What position {position} predicts:")
COMES_NEXT = N_("comes next")
RANK = N_("rank {rank}")
CHANGED = N_(
    "Positions whose likeliest token is another now: {changed} of {n}. The answer moved by "
    "{bits} bits at each position on average (KL divergence)."
)
REAL = N_("The token that really comes next had a share of {right} on average and has {wrong} now.")
SURVIVES = N_(
    "The likeliest token is the same everywhere: a trained model can survive wrong numbers, "
    "which is why such a mistake goes unnoticed."
)


def html(broken: Broken, say: Say) -> str:
    """All that is shown of a mistake. Wants the rules of STYLE on the page."""
    if broken.why_not:
        return f'<p class="broken">{in_html(say(WHY_NOT[broken.why_not]))}</p>'
    what = f'<p class="what">{in_html(_what(broken, say))}</p>'
    parts = [what, _code(broken, say), _notes(broken, say), _telltales(broken, say)]
    if broken.error:
        parts.append(f"<p>{in_html(say(STOPS))}</p>")
        parts.append(f'<pre class="torch" tabindex="0">{in_html(broken.error)}</pre>')
    if broken.damaged:
        title, boxes, note = broken_matrices.matrices(broken, broken.damaged, say)
        parts.append(title + _sides(boxes, say) + note)
    if broken.right and broken.wrong and broken.moved:
        parts += [_answers(broken, broken.right, broken.wrong, say), _moved(broken.moved, say)]
    title = in_html(say(TITLES[broken.mistake]))
    return (
        f'<div class="broken" role="region" aria-label="{title}" '
        f'style="{_colours(broken)}">{"".join(parts)}</div>'
    )


def _key(texts: Mapping[str, object], broken: Broken) -> str:
    """The key of what is said of a mistake, which may differ by how the model does it right."""
    exact = f"{broken.mistake}.{broken.variant}"
    return exact if exact in texts else broken.mistake


def _what(broken: Broken, say: Say) -> str:
    info = broken.trace.info
    n_sublayers = info.n_layers * 2  # of the first stack, where one that does not run stops
    return say(WHAT[_key(WHAT, broken)]).format(
        d_head=info.d_head,
        d_model=info.d_model,
        root=f"{math.sqrt(info.d_head):.2f}",
        n=len(broken.trace.tokens(broken.place.stack)[0]),
        twice=2 * info.d_model,
        sublayers=n_sublayers,
        width=f"{info.d_model * 2**n_sublayers:,}",
    )


def _code(broken: Broken, say: Say) -> str:
    lines = CODE[_key(CODE, broken)]
    boxes = (f'<pre tabindex="0"><code>{_in_lines(text)}</code></pre>' for text in lines)
    return _sides(boxes, say)


def _in_lines(text: str) -> str:
    return "\n".join(map(in_html, text.split("\n")))


def _sides(boxes: Iterable[str], say: Say, kind: str = "") -> str:
    """Right and wrong beside each other, each under its name; `boxes` are HTML already."""
    right, wrong = boxes
    return (
        f'<div class="sides {kind}">'
        f'<div class="right"><div class="side">{in_html(say(RIGHT))}</div>{right}</div>'
        f'<div class="wrong"><div class="side">{in_html(say(WRONG))}</div>{wrong}</div></div>'
    )


def _notes(broken: Broken, say: Say) -> str:
    is_once = broken.variant in ("sinusoidal", "learned")
    notes = [say(ONCE if is_once else EVERYWHERE)] if not broken.error else []
    if not broken.error and broken.asked.stack != broken.place.stack:
        notes.append(say(ELSEWHERE))
    if not broken.error and (broken.place.layer or broken.place.stack == "cross"):
        notes.append(say(DEEPER))
    return f'<p class="note">{in_html(" ".join(notes))}</p>' if notes else ""


def _telltales(broken: Broken, say: Say) -> str:
    place = broken.place
    named = {"head": broken_matrices.head(broken), "key": place.key, "query": place.query}
    rows = "".join(
        f'<tr><th scope="row">'
        f"{in_html(say(NUMBERS[told.name]).format(**named))}"
        f"</th>{_value(told, told.right, say)}{_value(told, told.wrong, say)}</tr>"
        for told in broken.telltales
    )
    heads = "".join(f'<th scope="col">{in_html(say(t))}</th>' for t in (NUMBER, RIGHT, WRONG))
    return f'<table class="telltales"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _value(told: Telltale, value: float, say: Say) -> str:
    said = number(value)
    if told.most is not None:
        said = say(OF).format(n=f"{value:.0f}", most=told.most)
    elif told.name == "columns":
        said = f"{value:.0f}"
    return f'<td title="{value:.9g}">{in_html(said)}</td>'


def _answers(broken: Broken, right: Answer, wrong: Answer, say: Say) -> str:
    trace = broken.trace
    readers = trace.reading.target or trace.reading.source
    said = in_html(say(PREDICTS).format(position=broken.position))
    token = in_html(readers[broken.position].text)
    boxes = (
        f"<ol>{_guesses(answer, trace.info.vocabulary, say)}</ol>" for answer in (right, wrong)
    )
    return f"<p>{said} <bdi>{token}</bdi> → …</p>{_sides(boxes, say, 'answers')}"


def _guesses(answer: Answer, vocabulary: tuple[str, ...], say: Say) -> str:
    shown = list(answer.guesses)
    if answer.real and answer.real.rank > len(shown):
        shown.append(answer.real)
    return "".join(
        _guess(guess, guesses.named(vocabulary, guess.id), guess == answer.real, say)
        for guess in shown
    )


def _guess(guess: Guess, name: str, is_real: bool, say: Say) -> str:
    spoken = f'<span class="spoken"> ({in_html(say(COMES_NEXT))})</span>' if is_real else ""
    rank = ""
    if is_real and guess.rank > N_GUESSES:
        rank = " · " + in_html(say(RANK).format(rank=guess.rank))
    return (
        f'<li{" class=real" if is_real else ""} title="{guess.share:.6g}">'
        f"<span><bdi>{in_html(name)}</bdi>{spoken}</span><span>{guess.share:.2f}{rank}</span>"
        f'<span class="bar" style="width: {100 * guess.share:.1f}%"></span></li>'
    )


def _moved(moved: Moved, say: Say) -> str:
    said = [
        say(CHANGED).format(changed=moved.changed, n=moved.positions, bits=number(moved.divergence))
    ]
    if moved.real_right is not None and moved.real_wrong is not None:
        said.append(
            say(REAL).format(right=f"{moved.real_right:.2f}", wrong=f"{moved.real_wrong:.2f}")
        )
    if not moved.changed:
        said.append(say(SURVIVES))
    return f"<p>{in_html(' '.join(said))}</p>"


def _colours(broken: Broken) -> str:
    """The palettes' colours as CSS variables that follow the page's light or dark scheme."""
    light, dark = theme.LIGHT, theme.DARK
    pairs = {
        **SHARED,
        "hatch": (light["hatch"], dark["hatch"]),
        "hatch-ground": (light["hatch_ground"], dark["hatch_ground"]),
    }
    signed = broken.damaged is not None and broken.damaged.kind == "stream"
    a, b = (side["diverging" if signed else "sequential"] for side in (light, dark))
    for i, (bright, dim) in enumerate(zip(a, b, strict=True)):
        pairs[f"c{i}"] = (bright, dim)
        pairs[f"i{i}"] = (_ink(bright), _ink(dim))
    stops = ", ".join(f"var(--c{i})" for i in range(broken_matrices.N_COLOURS))
    return f"{variables(pairs)}; --stops: {stops}"


def _ink(ground: str) -> str:
    """Black or white, whichever is easier to read on a colour (WCAG 2, relative luminance)."""
    parts = (int(ground[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"
