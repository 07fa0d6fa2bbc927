"""Numbers in tables: as long as they need to be, with a minus sign where they are negative."""

import pytest

from viz.numerals import number, signed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.0000"),
        (-1e-9, "0.0000"),
        (1, "1.0000"),
        (-0.5, "−0.5000"),
        (12.345, "12.35"),
        (214.69, "214.7"),
    ],
)
def test_a_number_is_as_long_as_it_needs_to_be(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(-3, 0, "−3"), (3, 0, "3"), (-0.04, 1, "0.0"), (-0.05001, 1, "−0.1"), (-1, 4, "−1.0000")],
)
def test_a_minus_sign_stands_before_what_is_negative_as_it_is_shown(value, digits, shown):
    assert signed(value, digits) == shown
