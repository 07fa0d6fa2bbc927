"""A text as a user's message: what a checkpoint's chat template makes of it.

Asks `rendering.py`, in a process of its own, for templates are hostile. Knows no tokens.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runtime.errors import N_, HeadlightError
from model_runtime.huggingface import rendering

# A text that nobody types, to see what a template writes before and after any text.
_PROBE = "\ue000\ue123\ue000"
_SLACK = 5  # seconds, for the process to start


class UnusableChatTemplate(HeadlightError):
    """The checkpoint's chat template fails, or takes too much time or memory."""

    message = N_(
        "The chat template of this model cannot be used: {why}. Read the text as it is, without "
        "the chat, or open another model."
    )


@dataclass(frozen=True)
class Chat:
    """A message within all that a template writes around it."""

    whole: str
    start: int  # where in `whole` the user's text begins; -1 where it is not found
    skipped: int  # characters of the user's text before that, which the template left out
    length: int  # characters of the user's text that are there


def template_of(tokenizer: Any) -> str | None:
    """The template for a chat without tools; None if there is none."""
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    return template or None


def as_message(tokenizer: Any, text: str) -> Chat:
    """The chat of one message, ready for the answer. Raises UnusableChatTemplate."""
    whole, probed = _rendered(tokenizer, [text, _PROBE])
    before, found, after = probed.partition(_PROBE)
    if found and whole.startswith(before) and whole.endswith(after):
        body = whole[len(before) : len(whole) - len(after)]
        if body and body in text:
            return Chat(whole, len(before), text.index(body), len(body))
    body = text.strip()
    start = whole.rfind(body)
    return Chat(whole, start, text.index(body), len(body) if start >= 0 else 0)


def _rendered(tokenizer: Any, contents: list[str]) -> list[str]:
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    question = {"template": template_of(tokenizer), "values": special, "contents": contents}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(Path(rendering.__file__))],
            input=json.dumps(question).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=rendering.SECONDS + _SLACK,
            check=True,
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):  # stopped for its time or memory
        raise UnusableChatTemplate(why="it takes too much time or memory") from None
    if "error" in answer:
        raise UnusableChatTemplate(why=answer["error"])
    found: list[str] = answer["rendered"]
    return found
