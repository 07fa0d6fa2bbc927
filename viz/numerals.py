"""Numbers as people read them, in tables and sentences; files for programs have hyphens.

Knows no language: both of ours write numbers alike.
"""


def number(value: float) -> str:
    """Four decimals, fewer where it is large."""
    return signed(value, 4 if abs(value) < 10 else 2 if abs(value) < 100 else 1)


def signed(value: float, digits: int) -> str:
    """So many decimals, and a minus sign; none before what is zero by rounding."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
