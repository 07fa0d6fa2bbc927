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


class NoSuchStep(HeadlightError):
    """A step that the walk through a pass does not have."""

    message = N_("There is no step “{step}” in this walk. Choose one from the bar of steps.")


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


class UnusableSettings(HeadlightError):
    """headlight.toml or the environment holds something that cannot be used."""

    message = N_(
        "The settings in {file} or in {prefix}… of the environment cannot be used: {problems}. "
        "Correct them and start again; the README lists all settings."
    )


# --- opening a checkpoint ------------------------------------------------------------------------


class UnreadableReference(HeadlightError):
    """What was typed is neither the name of a Hub model nor a path."""

    message = N_(
        "“{ref}” is no name of a model. Type a Hub model as organisation/name, if need be with "
        "@revision, or a folder beginning with / or ./ or ~/."
    )


class ModelNotFound(HeadlightError):
    """The Hub knows no such model, or keeps it private."""

    message = N_(
        "The Hub has no model “{ref}”, or keeps it private. Look for typing mistakes, capital "
        "letters included; the Hub's page of a model has its exact name."
    )


class RevisionNotFound(HeadlightError):
    """The Hub has the model, but not this branch, tag or commit."""

    message = N_(
        "The Hub's “{model}” has no revision “{revision}”. Leave @{revision} out to open the "
        "latest, or take a branch, a tag or a commit from the model's page."
    )


class Gated(HeadlightError):
    """Its authors want to be asked first."""

    message = N_(
        "“{ref}” is gated: its authors give it only to people who accept their terms. Accept "
        "them on the model's page, then let whoever runs Headlight set {setting}; or download "
        "the model yourself and open it as a local folder."
    )


class Offline(HeadlightError):
    """The Hub does not answer, and the model is not here yet."""

    message = N_(
        "The Hub cannot be reached ({why}), and “{ref}” has not been downloaded before. Try "
        "again when there is a network, or open a local folder or one of the built-in models."
    )


class HubOff(HeadlightError):
    """Whoever runs Headlight allows no Hub models."""

    message = N_(
        "“{ref}” would come from the Hub, which is switched off here. Open one of the built-in "
        "models or a local folder; whoever runs Headlight can allow the Hub with {setting}."
    )


class HubNotListed(HeadlightError):
    """Whoever runs Headlight allows only some Hub models."""

    message = N_(
        "“{ref}” is not among the Hub models allowed here: {allowed}. Open one of those, or ask "
        "whoever runs Headlight to add it to {setting}."
    )


class OutsideRoots(HeadlightError):
    """The path leads out of the folders that may be opened. Whether it exists is not said."""

    message = N_(
        "“{ref}” leads outside the folders that may be opened: {roots}. Put the checkpoint there, "
        "or let whoever runs Headlight add its folder to {setting}."
    )


class NotFoundHere(HeadlightError):
    """There is nothing at the path."""

    message = N_("There is no folder “{ref}”. These checkpoints are here: {known}.")


class NotAFolder(HeadlightError):
    """The path is one of a file."""

    message = N_("“{ref}” is a file. A checkpoint is a folder; open the one that it lies in.")


class NotACheckpoint(HeadlightError):
    """A folder without config.json."""

    message = N_(
        "“{ref}” is no checkpoint: it has no config.json. Open the folder that save_pretrained "
        "wrote; this one has {found}."
    )


class NoSafetensors(HeadlightError):
    """Its weights are kept in another format, of which some can run code when opened."""

    message = N_(
        "“{ref}” has no model.safetensors, the only format that is opened, for others can run "
        "code. There is {found}. Load the model once with transformers and save_pretrained it, "
        "or look for a revision with safetensors."
    )


class CustomCode(HeadlightError):
    """The model is written in Python files of its own, which are never run."""

    message = N_(
        "“{ref}” ({model_type}) brings Python code of its own, which is never run here. Open a "
        "model that transformers {version} knows; for many there is a version with “-hf” in its "
        "name."
    )


class UnknownArchitecture(HeadlightError):
    """A model_type that this version of transformers does not have."""

    message = N_(
        "“{ref}” is of a kind, “{model_type}”, that transformers {version} does not know. Open "
        "another model, or try a newer Headlight."
    )


class NotATextModel(HeadlightError):
    """A model of pictures, sounds or the like."""

    message = N_(
        "“{ref}” ({model_type}) is no model that reads text alone, which is what Headlight "
        "shows. Open a text model: an encoder, a decoder or an encoder–decoder."
    )


class Quantised(HeadlightError):
    """Weights stored in a few bits, which need packages and kernels that are not here."""

    message = N_(
        "The weights of “{ref}” are quantised ({method}), so what it computes is not what its "
        "numbers say. Open the model that it was made from, in 16 or 32 bits."
    )


class TooLarge(HeadlightError):
    """The weights do not fit into the memory that models may take."""

    message = N_(
        "“{ref}” needs {needed} of memory in 32 bits, and models may take {budget} here: one of "
        "up to {parameters} million parameters fits. Open a smaller one, or let whoever runs "
        "Headlight raise {setting}."
    )


class TooLargeToDownload(HeadlightError):
    """The files do not fit into the room on disk that Hub models may take."""

    message = N_(
        "Downloading “{ref}” takes {needed} of disk, and {free} is left of the {budget} that Hub "
        "models may take here. Open a smaller one, or let whoever runs Headlight raise {setting} "
        "or delete models that are no longer needed."
    )


class CannotBeKept(HeadlightError):
    """The folder for downloads cannot be written: read-only, not ours, or the disk is full."""

    message = N_(
        "“{ref}” cannot be downloaded: {folder} cannot be written to ({why}). What was downloaded "
        "before, local folders and the built-in models can still be opened. Whoever runs Headlight "
        "can make room there, or name another folder with {setting}."
    )


class TextTooLargeForMemory(HeadlightError):
    """Recording this text would take more memory than all traces may take."""

    message = N_(
        "Recording {tokens} tokens takes {needed}, and recordings may take {budget} here: texts "
        "of up to {most} tokens fit. Shorten the text above, or let whoever runs Headlight raise "
        "{setting}."
    )


class Corrupt(HeadlightError):
    """A file of the checkpoint is damaged."""

    message = N_(
        "“{file}” of “{ref}” is damaged: {why}. Copy or download the checkpoint again, and "
        "compare the size of the file with the original's."
    )


class WrongWeights(HeadlightError):
    """The weights are not those of the model that config.json describes."""

    message = N_(
        "The weights of “{ref}” do not fit its config.json: {what}. What is missing would be "
        "made up at random, so the model is not opened. Check that both files are from the same "
        "model."
    )


class NoTokenizer(HeadlightError):
    """A model without the files that turn text into its tokens."""

    message = N_(
        "“{ref}” has no tokenizer that can be opened ({why}). Save the tokenizer into the same "
        "folder with its own save_pretrained, then open the folder again."
    )


class NothingRead(HeadlightError):
    """A text of which the tokenizer makes no token at all."""

    message = N_(
        "{model} reads nothing in this text: its tokenizer drops every character of it. Type "
        "something else, such as a word."
    )


class NoEmbedding(HeadlightError):
    """A token that was added to the tokenizer, but not to the model."""

    message = N_(
        "{model} has no embedding for “{token}”: its tokenizer counts it as token {id}, and the "
        "model knows {n} tokens, from 0 on. Leave it out of the text, or save a model whose "
        "embeddings were resized to its tokenizer."
    )


class ModelFailed(HeadlightError):
    """The model itself raised an error: some cannot run on one token, some not at all."""

    message = N_(
        "“{ref}” failed while it ran, with “{why}”. Try a longer text, or another model: nothing "
        "of this text can be shown."
    )
