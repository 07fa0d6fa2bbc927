"""The marker that lets Babel find translatable text. Knows nothing about languages."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "extract, do not translate yet"
    """Return ``text`` unchanged; Babel extracts the literal, gettext translates it later."""
    return text
