"""Which of the rows or columns that were asked for there are. Knows no view."""

from viz.attention_map import Say
from viz.marked import N_
from viz.positions.controls import Values


def among(
    values: Values, name: str, size: int, label: str, problems: list[str], say: Say
) -> tuple[int, ...]:
    """Those of a list of numbers that are below `size`. Where the address asks for others, a
    sentence is added; what the view opens with is left out in silence."""
    asked = values.numbers(name)
    kept = tuple(one for one in asked if one < size)
    if len(kept) < len(asked) and values.is_asked(name):
        gone = ", ".join(str(one) for one in asked if one >= size)
        said = say(N_("{label}: there are {n}, counted from 0, so {gone} cannot be shown."))
        problems.append(said.format(label=label, n=size, gone=gone))
    return kept
