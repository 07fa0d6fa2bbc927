"""Streamlit's own words, said in the language of the page: Streamlit has no catalogs.

Knows its English words to the letter (a test finds them in its scripts) and nothing of where they
stand.
"""

import re

from viz.attention_map import Say
from viz.marked import N_

# What Streamlit writes, and what the page says in its place. {} is taken over.
WORDS = {
    "Press Enter to apply": N_("Press Enter to apply"),
    "Skip to main content": N_("Skip to main content"),
    "Choose or add an option": N_("Choose or add an option"),
    "No results": N_("No results"),
    "{n} option available.": N_("{n} option available."),
    "{n} options available.": N_("{n} options available."),
    "Add: {text}": N_("Add: {text}"),
    "Open": N_("Open"),
    "Close": N_("Close"),
    "Dismiss": N_("Dismiss"),
    "Help": N_("Help"),
    "Help for {name}": N_("Help for {name}"),
    "Copy to clipboard": N_("Copy to clipboard"),
    # Of a page that has lost its server. Streamlit speaks to whoever wrote the script.
    "Connection error": N_("Headlight does not answer"),
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your "
    "terminal:": N_(
        "What is on the page stays, and goes on as soon as Headlight is back. If it was stopped, "
        "start it again in its folder:"
    ),
    "streamlit run yourscript.py": "make run",
    "Streamlit server is not responding. Are you connected to the internet?": N_(
        "What is on the page stays, and goes on as soon as Headlight is back. Is this device still "
        "in its network?"
    ),
}
_HOLE = re.compile(r"\{(\w+)\}")


def told(say: Say) -> list[list[str]]:
    """Of each text that is said otherwise: a regular expression, in the browser's syntax and for
    the whole of it, and what is said, with the names of the groups in braces."""
    found = []
    for theirs, ours in WORDS.items():
        if say(ours) == theirs:
            continue
        parts = _HOLE.split(theirs)
        exact = [re.sub(r"([\\^$.*+?()[\]{}|/])", r"\\\1", part) for part in parts[::2]]
        holes = [f"(?<{name}>.*)" for name in parts[1::2]]
        pattern = "".join(a + b for a, b in zip(exact, [*holes, ""], strict=True))
        found.append([f"^{pattern}$", say(ours)])
    return found
