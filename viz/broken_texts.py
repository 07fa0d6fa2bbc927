"""What is said of each mistake: its name, what it is, the right line of code and the wrong one.

English only, translated by whoever shows it. Knows no trace.
"""

from collections.abc import Mapping

from model_runtime.breaking import WhyNot
from model_runtime.telltales import Number
from viz.marked import N_

RIGHT = N_("right")
WRONG = N_("wrong")

TITLES: Mapping[str, str] = {
    "no_root": N_("no √d"),
    "root_of_model": N_("√d_model instead of √d_head"),
    "mask_after": N_("mask after softmax"),
    "wrong_axis": N_("softmax over the wrong axis"),
    "reshaped_heads": N_("heads split without transposing"),
    "no_projection": N_("input split instead of projected"),
    "no_positions": N_("no positions"),
    "no_residual": N_("no residual connection"),
    "concatenated": N_("concatenated instead of added"),
    "other_norm": N_("LayerNorm on the wrong side"),
}

# By mistake, or by mistake and how the model does it right.
WHAT: Mapping[str, str] = {
    "no_root": N_(
        "A score is a sum of {d_head} products, and the more products, the wider the sums spread. "
        "Here nothing takes that back: every score is √{d_head} = {root} times too large, so "
        "softmax gives nearly the whole row to one key."
    ),
    "root_of_model": N_(
        "The scores are divided by √{d_model}, the width of the whole model, but q·k has one "
        "head's {d_head} products only. The scores come too close to each other, and softmax "
        "spreads the row too evenly."
    ),
    "mask_after": N_(
        "Softmax shares out each row over all keys, also those that are masked, and only then "
        "are these set to 0. What they were given is lost, so the rows no longer sum to 1, and "
        "tokens that nobody may see still decide how much is left."
    ),
    "wrong_axis": N_(
        "Softmax runs down the columns: the queries compete for each key, where the keys should "
        "compete for each query. Every column sums to 1, and a row to anything."
    ),
    "reshaped_heads": N_(
        "The numbers are cut into heads in the order in which they lie in memory, and never "
        "transposed. A head no longer has its own columns of every token: it has all columns of "
        "a few tokens. All shapes fit, so nothing complains."
    ),
    "no_projection": N_(
        "Each head takes its {d_head} columns of what comes in as they are. So a token's key and "
        "value are the same numbers, where W_Q, W_K and W_V should make three different things, "
        "each of all {d_model} columns."
    ),
    "no_positions.sinusoidal": N_(
        "No position is added to the embedding. A token is the same vector wherever it stands."
    ),
    "no_positions.learned": N_(
        "No position is added to the embedding. A token is the same vector wherever it stands."
    ),
    "no_positions.rotary": N_(
        "Queries and keys are not turned by their positions. A score is the same however far "
        "apart the two tokens are."
    ),
    "no_positions.alibi": N_(
        "No penalty for distance is added to the scores. A score is the same however far apart "
        "the two tokens are."
    ),
    "no_residual": N_(
        "What attention and feed-forward compute replaces the residual stream, where it should "
        "be added to it. What the token was is gone after the first of them."
    ),
    "concatenated": N_(
        "Some explanations say that a sublayer’s output is put beside what it read. "
        "[{n} × {d_model}] beside [{n} × {d_model}] is [{n} × {twice}], but all that follows "
        "expects {d_model} columns, so it does not run. And each sublayer would double the "
        "width: after the {sublayers} of this stack it would be {width}."
    ),
    "other_norm.pre": N_(
        "This model was trained with LayerNorm before each sublayer. Here it stands after the "
        "addition, so it also shrinks what the residual stream has gathered so far."
    ),
    "other_norm.post": N_(
        "This model was trained with LayerNorm after each addition. Here it stands before the "
        "sublayer, so nothing keeps the residual stream from growing."
    ),
}

_SCORES = "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])"
_ADDED = ("x = x + positions", "# x = x + positions")
_PRE = "return x + self.dropout(sublayer(self.norm(x)))"
_POST = "return self.norm(x + self.dropout(sublayer(x)))"

# (right, as in transformer.py; wrong), by the keys of WHAT or with how the model does it right.
CODE: Mapping[str, tuple[str, str]] = {
    "no_root": (_SCORES, "scores = q @ k.transpose(-2, -1)"),
    "root_of_model": (_SCORES, "scores = q @ k.transpose(-2, -1) / math.sqrt(d_model)"),
    "mask_after": (
        "allowed = scores.masked_fill(~mask, -torch.inf)\npattern = allowed.softmax(dim=-1)",
        "pattern = scores.softmax(dim=-1)\npattern = pattern.masked_fill(~mask, 0.0)",
    ),
    "wrong_axis": ("pattern = allowed.softmax(dim=-1)", "pattern = allowed.softmax(dim=-2)"),
    "reshaped_heads": (
        "return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)",
        "return x.reshape(len(x), self.n_heads, x.shape[1], -1)",
    ),
    "no_projection": (
        "q = self.split_heads(self.w_q(queries_from))\n"
        "k = self.split_heads(self.w_k(keys_from))\n"
        "v = self.split_heads(self.w_v(keys_from))",
        "q = self.split_heads(queries_from)\n"
        "k = self.split_heads(keys_from)\n"
        "v = self.split_heads(keys_from)",
    ),
    "no_positions.sinusoidal": _ADDED,
    "no_positions.learned": _ADDED,
    "no_positions.rotary": ("q, k = rotate(q), rotate(k)", "# q, k = rotate(q), rotate(k)"),
    "no_positions.alibi": ("scores = scores + bias", "# scores = scores + bias"),
    "no_residual.pre": (_PRE, "return self.dropout(sublayer(self.norm(x)))"),
    "no_residual.post": (_POST, "return self.norm(self.dropout(sublayer(x)))"),
    "concatenated.pre": (
        _PRE,
        "return torch.cat([x, self.dropout(sublayer(self.norm(x)))], dim=-1)",
    ),
    "concatenated.post": (
        _POST,
        "return self.norm(torch.cat([x, self.dropout(sublayer(x))], dim=-1))",
    ),
    "other_norm.pre": (_PRE, _POST),
    "other_norm.post": (_POST, _PRE),
}

NUMBERS: Mapping[Number, str] = {
    "score variance": N_("Variance of the scores of {head}"),
    "entropy": N_("Entropy of {head}, mean over its rows, in bits"),
    "least row sum": N_("Smallest sum of a row of {head}"),
    "furthest row sum": N_("Sum of a row of {head}: the one that is furthest from 1"),
    "column sum": N_("Sum of the column of key {key} in {head}"),
    "own rows": N_("Rows of k of {head} that hold their own token’s numbers"),
    "asymmetry": N_(
        "Largest difference between a score of {head} and the same the other way round"
    ),
    "own columns": N_("Largest difference between q of {head} and its columns of the input"),
    "position length": N_("Length of what position {query} adds to the embedding"),
    "position turn": N_("Furthest that a position turns a q of {head}"),
    "position bias": N_("Largest penalty for distance in {head}"),
    "likeness": N_("Likeness (cosine) of the residual stream before and after this sublayer"),
    "columns": N_("Columns of the residual stream after the first sublayer"),
    "stream variance": N_(
        "Variance of a token’s numbers in the residual stream after this sublayer"
    ),
}

WHY_NOT: Mapping[WhyNot, str] = {
    "no mask": N_(
        "Not applicable: this model has no mask. Every token may look at every other, so it "
        "makes no difference when the mask is applied."
    ),
    "no positions": N_(
        "Not applicable: this model was trained without positions, so there are none to leave out."
    ),
    "one head": N_(
        "Not applicable: this model has one head in each layer, so d_model and d_head are the "
        "same and nothing is split."
    ),
    "one token": N_(
        "Not applicable: there is one token only, and it gives itself its whole share in any "
        "case. Type a longer text."
    ),
}
