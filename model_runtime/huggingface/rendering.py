"""A chat template at work, in a process of its own: `python -I rendering.py`.

Templates come with checkpoints, so they are hostile. Jinja's sandbox keeps them from files and
code, this process's limits from taking all time and memory. Knows nothing of the rest.
"""

import json
import sys
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

SECONDS = 2
_MEMORY = 512 * 2**20  # bytes
_MOST_WRITTEN = 2**20  # characters


class Generation(Extension):
    """{% generation %}, which marks what an assistant said, and changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own way

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """What stands within."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Namespace(jinja2.utils.Namespace):
    """Variables that outlive a loop, without Python's own names."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"{name!r} cannot be set")
        super().__setitem__(name, value)


def _refuse(message: object) -> None:
    """How a template says that it cannot be used so."""
    raise jinja2.exceptions.TemplateError(str(message))


def _json(value: Any, ensure_ascii: bool = False, **choices: Any) -> str:
    """As it is: jinja2's own would write HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, **choices)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def rendered(template: str, values: dict[str, Any], contents: list[str]) -> list[str]:
    """A chat of one message, for each of the contents, as transformers would write it."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _json
    environment.globals |= {
        "raise_exception": _refuse,
        "strftime_now": _now,
        "namespace": Namespace,
    }
    compiled = environment.from_string(template)
    out = []
    for content in contents:
        messages = [{"role": "user", "content": content}]
        # `tools` and `documents` are given, for templates ask whether they are none.
        given = {"tools": None, "documents": None, "add_generation_prompt": True} | values
        text = compiled.render(messages=messages, **given)
        if len(text) > _MOST_WRITTEN + 4 * len(content):
            raise jinja2.exceptions.TemplateError("it writes too much")
        out.append(text)
    return out


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has none; the caller's own limit of time is left
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def main() -> None:
    """One question on standard input, one answer on standard output, both JSON."""
    _limit()
    question = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"rendered": rendered(**question)}
    except Exception as error:  # a template can go wrong in every way there is
        answer = {"error": f"{type(error).__name__}: {error}"[:200]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
