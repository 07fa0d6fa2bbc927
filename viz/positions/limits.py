"""Which of the rows or columns that were asked for there are. Knows no view."""

from viz.attention_map import Say
from viz.marked import N_


def among(
    asked: tuple[int, ...], size: int, label: str, problems: list[str], say: Say
) -> tuple[int, ...]:
    """Those below `size`; where others were asked for, a sentence is added."""
    kept = tuple(one for one in asked if one < size)
    if len(kept) < len(asked):
        gone = ", ".join(str(one) for one in asked if one >= size)
        said = say(N_("{label}: there are {n}, counted from 0, so {gone} cannot be shown."))
        problems.append(said.format(label=label, n=size, gone=gone))
    return kept
