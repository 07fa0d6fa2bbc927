"""Names and values as a small table of HTML; tokens as a plain list.

Text in, text out, every piece of it escaped. Knows neither what it says nor the language.
"""

from collections.abc import Iterable
from pathlib import Path

from model_runtime.types import Token
from viz.labels import in_html

STYLE = Path(__file__).parent / "facts.css"


def table(facts: Iterable[tuple[str, str]]) -> str:
    """A row a fact: its name, its value. Wants the rules of STYLE on the page."""
    rows = "".join(
        f'<tr><th scope="row">{in_html(name)}</th><td><bdi>{in_html(value)}</bdi></td></tr>'
        for name, value in facts
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def token_list(tokens: Iterable[Token], label: str) -> str:
    """The tokens in their order, each with its position; special ones are quiet. Wants the
    rules of STYLE on the page."""
    items = "".join(
        f"<li{' class=special' if token.is_special else ''}>"
        f'<span class="position">{token.position}</span><bdi>{in_html(token.text)}</bdi></li>'
        for token in tokens
    )
    return f'<ol class="tokens" aria-label="{in_html(label)}">{items}</ol>'
