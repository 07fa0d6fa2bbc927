"""What an opened checkpoint is, in words: a line under its name, and a table of facts.

The checkpoint's own texts are shown to the letter. Knows what is known of a model; draws nothing.
"""

from babel.numbers import format_compact_decimal

from model_runtime.types import ModelInfo, Predicts
from shell import language, show
from shell.language import _, ngettext
from viz.labels import in_markdown


def summary(info: ModelInfo) -> str:
    """Architecture, size and what it predicts, as Markdown on one line."""
    size = _("{layers} layers × {heads} heads").format(layers=info.n_layers, heads=info.n_heads)
    said = [in_markdown(info.architecture)]
    if info.n_heads:
        said.append(size)
    said.append(_("{count} parameters").format(count=compact(info.n_parameters)))
    return " · ".join((*said, predicts(info)))


def predicts(info: ModelInfo) -> str:
    """What a row of its logits says."""
    said: dict[Predicts, str] = {
        "tokens": _("predicts the next token") if info.writes else _("predicts each token"),
        "token labels": _("gives each token a label"),
        "text labels": _("gives the text a label"),
        "answer span": _("finds where an answer begins and ends"),
        "nothing": _("predicts nothing: it has no head"),
    }
    return said[info.predicts]


def compact(count: int) -> str:
    """124 M, as the language writes it."""
    return format_compact_decimal(count, locale=language.current(), fraction_digits=1)


def facts(info: ModelInfo) -> list[tuple[str, str]]:
    """What the card of a checkpoint says, as plain text: (name, value)."""
    from model_runtime.huggingface.references import parse  # huggingface_hub takes its time

    source = parse(info.ref)
    found = [(_("architecture"), info.architecture), (_("what it does"), predicts(info))]
    if info.n_heads:
        found += [
            (_("layers"), show.number(info.n_layers)),
            (_("heads in each layer"), _heads(info)),
            (_("width of a head"), show.number(info.d_head)),
        ]
    found += [
        (_("width of the residual stream"), show.number(info.d_model)),
        (_("longest text"), _tokens(info.context_length)),
        (_("parameters"), show.number(info.n_parameters)),
        (_("weights computed in"), _("32 bits")),
        (_("licence"), info.licence or _("not said")),
        (_("opened from"), source.name),
    ]
    if source.kind == "hub":
        revision = source.revision or _("the latest when it was opened")
        found.append((_("revision"), revision))
    return found


def _heads(info: ModelInfo) -> str:
    if info.n_kv_heads == info.n_heads:
        return show.number(info.n_heads)
    return ngettext(
        "{heads}, which share {n} key and value head",
        "{heads}, which share {n} key and value heads",
        info.n_kv_heads,
    ).format(heads=info.n_heads, n=info.n_kv_heads)


def _tokens(count: int) -> str:
    return ngettext("{n} token", "{n} tokens", count).format(n=show.number(count))
