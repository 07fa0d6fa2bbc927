"""Streamlit's own words: those that it has, and what is said in their place."""

import re
from pathlib import Path

import pytest
import streamlit

from viz.components.tools import borrowed

SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"


@pytest.fixture(scope="module")
def streamlits():
    """All of its scripts."""
    return "\n".join(path.read_text("utf-8") for path in sorted(SCRIPTS.glob("*.js")))


# These are put together there.
PIECES = {
    "Press Enter to apply": ["Press Enter to ", "`apply`"],
    "{n} option available.": [" option`", " available."],
    "{n} options available.": [" options`", " available."],
}


@pytest.mark.parametrize("theirs", borrowed.WORDS)
def test_streamlit_has_each_of_the_words(streamlits, theirs):
    for piece in PIECES.get(theirs) or re.split(r"\{\w+\}", theirs):
        assert piece in streamlits


def test_in_english_only_what_is_meant_for_programmers_is_said_otherwise():
    said = [theirs for theirs, _ours in borrowed.told(lambda text: text)]
    assert sorted(word.split()[0].strip("^$") for word in said) == [
        "Connection",
        "Is",
        "Streamlit",
        "streamlit",
    ]


def test_a_text_becomes_a_pattern_of_the_whole_of_it_with_named_groups():
    found = dict(borrowed.told(lambda text: f"<{text}>"))
    (add,) = [theirs for theirs in found if "Add" in theirs]
    assert add == "^Add: (?<text>.*)$"
    assert found[add] == "<Add: {text}>"
    (available,) = [theirs for theirs in found if "option available" in theirs]
    assert available == r"^(?<n>.*) option available\.$"
