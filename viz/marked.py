"""The marker that lets Babel find translatable text. Knows nothing about languages."""


def N_(text: str) -> str:
    """Return ``text`` unchanged; Babel extracts the literal, gettext translates it later."""
    return text
