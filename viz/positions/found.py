"""What a model tells positions by, in a sentence each: what it is and where it was found.

Knows the kinds of encodings; neither a model nor the session.
"""

from collections.abc import Sequence

from model_runtime.positions.encodings import Encoding, Kind
from viz.attention_map import STACKS, Say
from viz.marked import N_

VIEW_OF: dict[Kind, str] = {
    "sinusoidal": "sinusoidal",
    "learned": "learned",
    "rotary": "rotary",
    "alibi": "relative",
    "buckets": "relative",
    "relative": "relative",
    "none": "order",
}

_SAID: dict[Kind, str] = {
    "sinusoidal": N_("sines and cosines, added to the embeddings"),
    "learned": N_("a learned table, added to the embeddings"),
    "rotary": N_("queries and keys are turned (rotary)"),
    "alibi": N_("a penalty on the scores that grows with distance (ALiBi)"),
    "buckets": N_("a learned bias on the scores for each bucket of distances"),
    "relative": N_("distances, told within the attention (relative)"),
    "none": N_("none was found; what order it knows comes from masks, recurrences or convolutions"),
}


def sentences(model: str, encodings: Sequence[Encoding], say: Say) -> list[str]:
    """One sentence for each way in which the model tells positions. `model` is its name."""
    several = len({stack for encoding in encodings for stack in encoding.stacks}) > 1
    return [_sentence(model, encoding, several, say) for encoding in encodings]


def _sentence(model: str, encoding: Encoding, several: bool, say: Say) -> str:
    what = say(_SAID[encoding.kind])
    if encoding.rotation and encoding.rotation.layers:
        what += say(N_(", in layers of {layers}")).format(layers=encoding.rotation.layers)
    if several and encoding.stacks:
        stacks = say(N_(" and ")).join(say(STACKS[stack]) for stack in encoding.stacks)
        model = say(N_("{model}, {stack}")).format(model=model, stack=stacks)
    if not encoding.where:
        return say(N_("{model}: {what}.")).format(model=model, what=what)
    return say(N_("{model}: {what}. Found at {where}, in {made_by}.")).format(
        model=model, what=what, where=encoding.where, made_by=encoding.made_by
    )


def of_kind(encodings: Sequence[Encoding], *kinds: Kind) -> list[Encoding]:
    """Those of some kinds, in their order."""
    return [encoding for encoding in encodings if encoding.kind in kinds]
