"""How to read the Attention page, for someone who sees its words for the first time.

Knows the stacks that there are; neither a model nor the language it speaks.
"""

from collections.abc import Collection

from model_runtime.types import StackName
from viz.attention_map import Say
from viz.marked import N_

QUERIES = N_(
    "Every token asks (its **query**) and offers an answer (its **key**). How well a query and a "
    "key fit is their **score**, q·k divided by √d."
)
SHARES = N_(
    "Softmax turns the scores of a row into **shares** (attention weights) that sum to 1. The "
    "head then mixes the tokens' values in these shares."
)
HEADS = N_(
    "A model has layers, counted from L0 at the bottom, and several **heads** in each: L2 H0 is "
    "the first head of the third layer."
)
THREE_STACKS = N_(
    "**Encoder** heads look at the source text, **decoder** heads at what is written so far "
    "(what comes later is masked), and **cross** heads from what is being written back at the "
    "source."
)
ENCODER = N_(
    "This model is an **encoder** alone: every token looks at the whole text, to the left and to "
    "the right, and no cell is masked."
)
DECODER = N_(
    "This model is a **decoder** alone: every token looks at itself and at what stands before "
    "it, and what comes later is masked. A row names the token that is read and the one that is "
    "predicted from it: The→cat."
)
KEYS = N_("Keys: arrows choose a head or walk over the map, Enter pins a row, Esc lets go.")


def how_to_read(stacks: Collection[StackName], say: Say) -> str:
    """The list as Markdown, for a model with these stacks."""
    there = THREE_STACKS
    if "cross" not in stacks:
        there = DECODER if "decoder" in stacks else ENCODER
    return "\n".join(f"- {say(text)}" for text in (QUERIES, SHARES, HEADS, there, KEYS))
