"""What is said of each step of a walk: its title, a sentence or two, the line of code, the paper.

English only, translated by whoever shows it. Knows no numbers; formulas are in `formulas.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from viz.marked import N_


@dataclass(frozen=True)
class StepText:
    """What is said of one step. `code` names a function or class of `transformer.py` and a piece
    of a statement in it; `paper` is the place in Vaswani et al. 2017."""

    title: str
    explain: str
    code: tuple[str, str] | None = None
    paper: str = ""


RECORDED = N_(
    "This model's weights are not taken apart here: shown is what its own module took in or "
    "gave out, as it was recorded."
)

# By the name of the step; after a dot, what it is in another section or another kind of model.
TEXTS: Mapping[str, StepText] = {
    "tokens": StepText(
        N_("text → tokens"),
        N_(
            "The tokenizer cuts the text into tokens: pieces that are in the model's "
            "vocabulary, each with a number of its own there."
        ),
    ),
    "tokens.decoder": StepText(
        N_("text → tokens"),
        N_(
            "What the decoder reads: a token to begin with, then the target, as it was typed or "
            "as the model wrote it. The last token of all is only ever predicted."
        ),
    ),
    "ids": StepText(
        N_("tokens → ids"),
        N_(
            "Each token becomes its number in the vocabulary. The number means nothing by "
            "itself: it says which row of the embedding table to take."
        ),
    ),
    "embedding": StepText(
        N_("embedding"),
        N_(
            "The row of that number in the embedding table is what the model has learned "
            "about the token. It is multiplied by √D, so that the positions added next do "
            "not drown it."
        ),
        ("Stack", "self.embedding(ids)"),
        "§3.4",
    ),
    "positions": StepText(
        N_("+ position"),
        N_(
            "A vector that depends on the position alone is added. Without it, the model "
            "could not tell in which order the tokens stand."
        ),
        ("Stack", "x = x + positions"),
        "§3.5",
    ),
    "resid": StepText(
        N_("residual stream"),
        N_(
            "Everything added up so far: the embedding, and what each layer before this one "
            "put in. A layer reads it and adds to it."
        ),
        ("Layer", 'record("resid_pre", x)'),
    ),
    "norm": StepText(
        N_("LayerNorm"),
        N_(
            "Each position is shifted to mean 0 and scaled to variance 1; then γ stretches "
            "it and β shifts it, both learned. How long the vector was no longer matters."
        ),
        ("Residual", "sublayer(self.norm(x))"),
    ),
    "norm.post": StepText(
        N_("LayerNorm"),
        N_(
            "After the addition, each position is shifted to mean 0 and scaled to variance "
            "1; then γ stretches it and β shifts it, both learned."
        ),
        ("Residual", "return self.norm("),
        "§3.1",
    ),
    "q_all": StepText(
        N_("· W_Q"),
        N_(
            "Times W_Q, what stands at a position becomes its query: what it looks for. All "
            "heads are computed at once, and each owns some of the columns."
        ),
        ("MultiHeadAttention", "self.w_q("),
        "§3.2.2",
    ),
    "k_all": StepText(
        N_("· W_K"),
        N_("Times W_K, the same vector becomes the key of its position: what it can be found by."),
        ("MultiHeadAttention", "self.w_k("),
        "§3.2.2",
    ),
    "k_all.cross": StepText(
        N_("· W_K"),
        N_(
            "The keys are made from what the encoder gives out, not from the decoder: what "
            "each source token can be found by."
        ),
        ("MultiHeadAttention", "self.w_k("),
        "§3.2.3",
    ),
    "v_all": StepText(
        N_("· W_V"),
        N_(
            "Times W_V, the same vector becomes the value of its position: what it hands "
            "over to those that look at it."
        ),
        ("MultiHeadAttention", "self.w_v("),
        "§3.2.2",
    ),
    "v_all.cross": StepText(
        N_("· W_V"),
        N_(
            "The values are made from what the encoder gives out, too: what each source "
            "token hands over to the target."
        ),
        ("MultiHeadAttention", "self.w_v("),
        "§3.2.3",
    ),
    "split": StepText(
        N_("split into heads"),
        N_(
            "Each head owns some columns of the query, the key and the value, and sees "
            "nothing of the others. These are the columns of the query that this head owns."
        ),
        ("MultiHeadAttention", "x.unflatten("),
        "§3.2.2",
    ),
    "rotate_q": StepText(
        N_("rotate the query"),
        N_(
            "Two numbers at a time are a point in a plane, which is turned by an angle that "
            "grows with the position. q·k then depends on how far apart both are, not on "
            "where they stand (Su et al. 2021, eq. 34)."
        ),
        ("rotate", "a * cos - b * sin"),
    ),
    "rotate_k": StepText(
        N_("rotate the key"),
        N_("The key is turned in the same way, by the angle of its own position."),
        ("rotate", "a * cos - b * sin"),
    ),
    "dot": StepText(
        N_("q·k"),
        N_(
            "The query of one position times the key of another, number by number, and "
            "added up: how well what is looked for fits what is there."
        ),
        ("attention", "q @ k.transpose("),
        "eq. 1",
    ),
    "scale": StepText(
        N_("÷ √d"),
        N_(
            "A sum of d products spreads about √d times as wide as a single one. Divided by "
            "√d, the scores stay close enough for softmax to share out."
        ),
        ("attention", "math.sqrt(q.shape[-1])"),
        "§3.2.1",
    ),
    "softcap": StepText(
        N_("soft cap"),
        N_("c·tanh(score / c) bends large scores down, so that none is larger than c."),
    ),
    "bias": StepText(
        N_("+ bias"),
        N_(
            "For each pair of positions a number is added to the score: in this way "
            "distance counts, without anything being added to the embedding."
        ),
        ("attention", "scores = scores + bias"),
    ),
    "mask": StepText(
        N_("mask"),
        N_(
            "What a query may not look at gets −∞ as its score, so that softmax gives it a "
            "share of exactly 0. In a decoder, that is every later token."
        ),
        ("attention", "masked_fill("),
        "§3.2.3",
    ),
    "softmax": StepText(
        N_("softmax"),
        N_(
            "exp makes every score positive, and dividing by the sum of the row makes "
            "shares that sum to 1. Taking off the row's largest score first changes no "
            "share; it only keeps exp from overflowing."
        ),
        ("attention", "allowed.softmax("),
        "eq. 1",
    ),
    "weigh": StepText(
        N_("Σ share · v"),
        N_(
            "Every value is multiplied by its share, and all are added up: this is what the "
            "head carries over to the query's position."
        ),
        ("attention", "pattern @ v"),
        "eq. 1",
    ),
    "heads": StepText(
        N_("concatenate heads"),
        N_("What the heads found is put side by side: as many columns as the residual stream has."),
        ("MultiHeadAttention", "z.transpose(1, 2).flatten(-2)"),
        "§3.2.2",
    ),
    "out": StepText(
        N_("· W_O"),
        N_(
            "W_O mixes what the heads found into one vector that can be added to the "
            "residual stream."
        ),
        ("MultiHeadAttention", "self.w_o("),
        "§3.2.2",
    ),
    "add_attn": StepText(
        N_("+ residual"),
        N_(
            "What the attention gives is added to the residual stream, and does not take "
            "its place: what was there before can still be read."
        ),
        ("Residual", "return x + self.dropout("),
        "§3.1",
    ),
    "add_attn.post": StepText(
        N_("+ residual"),
        N_(
            "What the attention gives is added to the residual stream, and does not take "
            "its place; then LayerNorm follows."
        ),
        ("Residual", "self.norm(x + self.dropout("),
        "§3.1",
    ),
    "ffn_norm": StepText(
        N_("LayerNorm"),
        N_("The same as before the attention, with a γ and a β of its own."),
        ("Residual", "sublayer(self.norm(x))"),
    ),
    "ffn_norm.post": StepText(
        N_("LayerNorm"),
        N_("The same as after the attention, with a γ and a β of its own."),
        ("Residual", "return self.norm("),
        "§3.1",
    ),
    "ffn_in": StepText(
        N_("· W_1 + b_1"),
        N_(
            "Now each position for itself, without a look at any other: it is multiplied "
            "into a wider vector."
        ),
        ("FeedForward", "self.w_in("),
        "eq. 2",
    ),
    "activation": StepText(
        N_("activation"),
        N_(
            "Number by number, what is negative is cut off or nearly so. Without this bend, "
            "both multiplications would be no more than one."
        ),
        ("FeedForward", "self.activation("),
        "eq. 2",
    ),
    "ffn_out": StepText(
        N_("· W_2 + b_2"),
        N_("The wide vector is multiplied back to the width of the residual stream."),
        ("FeedForward", "self.w_out("),
        "eq. 2",
    ),
    "add_ffn": StepText(
        N_("+ residual"),
        N_("What the feed-forward network gives is added to the residual stream."),
        ("Residual", "return x + self.dropout("),
        "§3.1",
    ),
    "add_ffn.post": StepText(
        N_("+ residual"),
        N_(
            "What the feed-forward network gives is added to the residual stream; then "
            "LayerNorm follows."
        ),
        ("Residual", "self.norm(x + self.dropout("),
        "§3.1",
    ),
    "next": StepText(
        N_("next layer"),
        N_(
            "This is what the next layer begins with: the same steps again, with weights of "
            "its own. After the last layer, it goes on to the end."
        ),
        ("Stack", "for number, layer in enumerate("),
    ),
    "final_norm": StepText(
        N_("final norm"),
        N_("A last LayerNorm after all layers."),
        ("Stack", "self.final_norm(x)"),
    ),
    "final_norm.encoder": StepText(
        N_("final norm"),
        N_(
            "A last LayerNorm. What comes out is what the encoder gives out: the decoder's "
            "cross-attention makes its keys and values from it."
        ),
        ("Stack", "self.final_norm(x)"),
    ),
    "unembed": StepText(
        N_("unembedding"),
        N_(
            "The vector times that of each token in the vocabulary: one number for every "
            "token, its logit. The larger, the better it fits here."
        ),
        ("Transformer", "self.unembedding(x)"),
        "§3.4",
    ),
    "probabilities": StepText(
        N_("probabilities"),
        N_(
            "softmax over the whole vocabulary. The likeliest tokens are shown; max and sum are "
            "over all of them, and so is log Z = max + log(sum)."
        ),
    ),
}


def text_of(name: str, *variants: str) -> StepText:
    """The text of a step, in the first of the variants that it has. Raises KeyError."""
    keys = [f"{name}.{variant}" for variant in variants if f"{name}.{variant}" in TEXTS]
    return TEXTS[keys[0] if keys else name]
