"""The words of the field, for readers who meet them in another language than English.

Catalog keys, as papers and libraries write them. Knows no page and no session.
"""

from viz.attention_map import Say
from viz.marked import N_

TERMS = (
    N_("attention"),
    N_("self-attention"),
    N_("cross-attention"),
    N_("attention head"),
    N_("head"),
    N_("layer"),
    N_("query"),
    N_("key"),
    N_("value"),
    N_("score"),
    N_("attention pattern"),
    N_("share"),
    N_("sink"),
    N_("scale"),
    N_("bias"),
    N_("mask"),
    N_("token"),
    N_("position"),
    N_("positional encoding"),
    N_("embedding"),
    N_("unembedding"),
    N_("encoder"),
    N_("decoder"),
    N_("residual connection"),
    N_("residual stream"),
    N_("layer normalization"),
    N_("normalization"),
    N_("feed-forward network"),
    N_("activation function"),
    N_("projection"),
    N_("dot product"),
    N_("cosine"),
    N_("entropy"),
    N_("wavelength"),
    N_("probability"),
    N_("training step"),
    N_("parameter"),
    N_("checkpoint"),
    N_("special token"),
)


def told(say: Say) -> list[list[str]]:
    """Every term in the language of `say` with its English, the longest first, so that a part of
    a word is not taken for the word. Empty where `say` speaks English."""
    pairs = [[say(term), term] for term in TERMS]
    return sorted((p for p in pairs if p[0] != p[1]), key=lambda pair: -len(pair[0]))
