"""What the textbook example is sent, and that its scripts fit together."""

import re
from pathlib import Path

import pytest

from model_runtime import textbook as reference
from tests.viz.reading import read_frame
from viz import textbook
from viz.components import textbook as component
from viz.theme import component_theme

FOLDER = Path(component.__file__).parent
SOURCES = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.js")}


def sent(asked="", say=lambda text: text):
    header, body = read_frame(textbook.payload(asked, say))
    assert body == b""  # the numbers are the browser's own
    return header


def test_the_browser_is_told_all_that_it_cannot_know():
    header = sent("4x2")
    assert (header["asked"], header["parameter"]) == ("4x2", "ex")
    assert header["opens"] == {"positions": 5, "dimensions": 3}
    assert header["limits"]["positions"] == 8
    assert header["limits"]["dimensions"] == 6
    assert header["limits"]["largest"] == 1e9
    assert header["script"] == reference.SCRIPT
    assert header["theme"] == component_theme()
    assert header["strings"] == component.STRINGS


def test_every_text_is_spoken_in_the_asked_language():
    strings = sent(say=lambda text: f"<{text}>")["strings"]
    assert strings == {key: f"<{text}>" for key, text in component.STRINGS.items()}


@pytest.mark.parametrize(
    "asked", ["</script><script>alert(1)</script>", "\ud800", "\0", "5x3q1_2_3k", "猫"]
)
def test_what_the_address_says_travels_to_the_letter(asked):
    assert sent(asked)["asked"] == asked


def test_an_endless_address_is_cut_and_stays_too_long():
    header = sent("1" * 1_000_000)
    assert len(header["asked"]) == header["limits"]["asked"] + 1


def test_the_longest_example_that_can_be_written_fits_the_limit():
    cells = reference.MOST_POSITIONS * reference.MOST_DIMENSIONS * 3
    longest_cell = 24 + 1  # numbers.js, and a separator
    assert len("8x6m") + cells * longest_cell <= textbook.LONGEST_ASKED


def test_the_payload_is_small():
    assert len(textbook.payload("", lambda text: text)) < 16 * 1024


# Texts whose keys the browser puts together.
PUT_TOGETHER = ("mask.", "about.", "axes.", "cell.", "bad.")


def test_every_text_is_used_and_every_used_text_is_there():
    script = "\n".join(SOURCES.values())
    quoted = set(re.findall(r'"([a-z_.]+)"', script))
    for key in component.STRINGS:
        assert key in quoted or key.startswith(PUT_TOGETHER), key
    for key in re.findall(r'\bt\("([^"]+)"\)', script):
        assert key in component.STRINGS, key
    for name in (*"qkv", *(field for field in reference.Worked.__dataclass_fields__)):
        assert f"about.{name}" in component.STRINGS


def test_the_steps_have_the_names_of_the_reference():
    (listed,) = re.findall(r"RESULTS = \[(.*)\];", SOURCES["attend.js"])
    assert re.findall(r'"(\w+)"', listed) == list(reference.Worked.__dataclass_fields__)
