"""Lines of the model's source: found by what they say, with the numbers that they have."""

import pytest

from model_runtime.builtin import transformer
from model_runtime.steps import source


def test_a_line_is_found_by_a_piece_of_it_without_its_indent():
    found = source.excerpt("attention", "pattern @ v")
    assert found.lines[0].startswith("z = pattern @ v")
    assert found.lines[0] in source.whole().splitlines()[found.first - 1]


def test_a_statement_of_several_lines_comes_whole():
    found = source.excerpt("Stack", "for number, layer in enumerate(")
    assert found.lines[0].startswith("for") and found.lines[1].startswith("    x = layer(")


def test_the_file_is_the_one_that_the_models_are_made_of():
    assert str(source.FILE) == transformer.__file__


@pytest.mark.parametrize(
    ("name", "needle"), [("attention", "magic"), ("magic", "x"), ("Layer", "record(")]
)
def test_what_is_not_there_once_is_not_guessed(name, needle):
    with pytest.raises(LookupError):
        source.excerpt(name, needle)
