"""What can go wrong, said so that a person knows what to do next.

Each error is an English sentence with named places, translated and filled in by
whoever shows it. Knows neither the screen nor the language.
"""


def N_(text: str) -> str:
    """Mark a sentence for the translation catalogs; returns it unchanged."""
    return text


class HeadlightError(Exception):
    """The base of every error that is shown to a user.

    `message` is the English sentence (a catalog key) and `values` fills its {places}.
    """

    message = ""

    def __init__(self, **values: object) -> None:
        super().__init__(self.message.format(**values))
        self.values = values


class NothingToTrace(HeadlightError):
    """The text is empty, or holds nothing but white space."""

    message = N_("There is no text yet. Type one above, or pick an example.")


class TextTooLong(HeadlightError):
    """More characters than anyone reads token by token."""

    message = N_(
        "The text has {characters} characters, and {most} is the most that is read. "
        "Shorten it above; nothing of it is lost."
    )


class UnknownModel(HeadlightError):
    """The reference names no model that can be opened."""

    message = N_("There is no model called “{ref}”. These can be opened: {known}.")


class NoSuchHead(HeadlightError):
    """A stack, layer or head that the model does not have."""

    message = N_("{model} has no {stack} L{layer} H{head}.")


class ModelsBusy(HeadlightError):
    """Every model that could make room is at work for somebody."""

    message = N_(
        "There is no memory for {ref} right now, for others are at work with the models that "
        "are open. Try again in a moment; your text stays where it is."
    )


class Unforeseen(HeadlightError):
    """Something that is a fault of Headlight's own; its details are in the log."""

    message = N_(
        "Something went wrong that Headlight did not foresee ({kind}). Your text is still in "
        "the box above; try another one, or reload. The server's log has the details."
    )
