"""What is said otherwise of a step where the usual sentence would not be true of the model.

English only, translated by whoever shows it. Knows no numbers and no model.
"""

from collections.abc import Mapping

from viz.marked import N_

_NOT_DROWNED = N_(
    "The row of that number in the embedding table is what the model has learned about the "
    "token. It is multiplied by √D."
)

# By the name of the step; after a dot, how positions enter the model, or "recorded" for a
# checkpoint, of which it is not known what its modules do.
EXPLAINED: Mapping[str, str] = {
    "embedding.rotary": _NOT_DROWNED,
    "embedding.alibi": _NOT_DROWNED,
    "embedding.none": _NOT_DROWNED,
    "embedding.recorded": N_(
        "The row of that number in the embedding table is what the model has learned about the "
        "token."
    ),
    "positions.rotary": N_(
        "Nothing is added to the embedding here: in each layer, queries and keys are turned by "
        "an angle that grows with the position."
    ),
    "positions.alibi": N_(
        "Nothing is added to the embedding here: in each layer, a number that grows with the "
        "distance is taken off the scores."
    ),
    "positions.none": N_(
        "Nothing is added to the embedding here: this model is told nothing of positions."
    ),
    "positions.recorded": N_(
        "Many models add a vector that depends on the position alone; others turn queries and "
        "keys, or add to the scores."
    ),
    "norm.recorded": N_(
        "The vector of each position is brought to a common size, and each dimension is scaled "
        "by a learned number. LayerNorm takes off the mean before that, RMSNorm does not."
    ),
    "ffn_norm.recorded": N_("Once more, with learned numbers of its own."),
    "split.recorded": N_(
        "The query of this head as it enters the attention. Where a model turns its queries and "
        "keys, they have been turned already; several heads may share a key and a value."
    ),
    "next.recorded": N_("This is what the next layer begins with."),
    "heads.recorded": N_("What the heads found is put side by side."),
    "unembed.recorded": N_(
        "From the vector, one number is computed for everything that the model can answer, its "
        "logit. The larger, the better it fits here."
    ),
    "probabilities.recorded": N_(
        "softmax over everything that there are logits for. The likeliest are shown; max and sum "
        "are over all of them, and so is log Z = max + log(sum)."
    ),
}


def explained(name: str, variant: str, usual: str) -> str:
    """What is said of a step of this variant: the usual sentence, where it has no other."""
    return EXPLAINED.get(f"{name}.{variant}", usual)
