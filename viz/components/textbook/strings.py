"""Every English text of the textbook component. Knows no language but English.

``{name}`` places are filled in the browser. Wordings avoid plurals, so one form serves any number.
"""

from viz.marked import N_

STRINGS: dict[str, str] = {
    # Translators: the language tag of this catalog (BCP 47), such as zh-Hans
    "lang": N_("en"),
    "component": N_("Attention computed by hand"),
    # what is so about the numbers that are shown
    "fact.one": N_("There is one key, so it gets the whole share: 1."),
    "fact.equal": N_(
        "All {n} keys are equal, so every score is {score}, and equal keys share equally: each "
        "gets 1 ÷ {n} = {share}."
    ),
    "fact.keys": N_(
        "All {n} keys are equal, so the scores of a row are equal, and equal keys share equally: "
        "each gets 1 ÷ {n} = {share}."
    ),
    "fact.keys_masked": N_(
        "All keys are equal, so those that a query may see share equally; it sees those up to its "
        "own position."
    ),
    "fact.queries": N_("All queries are equal, so all rows of the pattern are equal."),
    "fact.values": N_("All values are equal, so z is that value, whatever the shares: z = v."),
    "invite": N_("Change any number of q, k or v: everything that follows changes with it."),
    "counted": N_("Positions and dimensions are counted from 0."),
    "address": N_(
        "The example in the address could not be read, so the one from the start is shown."
    ),
    # controls
    "positions": N_("positions"),
    "dimensions": N_("dimensions (d_k)"),
    "dimensions.help": N_("How many numbers each query, key and value has"),
    "mask": N_("mask"),
    "mask.none": N_("none"),
    "mask.causal": N_("causal"),
    "mask.causal.help": N_("A query sees its own position and those before it."),
    "numbers": N_("numbers"),
    "numbers.default": N_("equal rows"),
    "numbers.stands": N_("one key stands out"),
    "numbers.stands.help": N_("All rows are equal, but the key of position {row} is doubled."),
    "numbers.random": N_("random"),
    "numbers.random.help": N_("Tenths from −1 to 1; the same seed gives the same numbers."),
    "seed": N_("seed"),
    "reset": N_("reset"),
    "reset.help": N_("Numbers, sizes and mask as at the start"),
    "digits": N_("digits"),
    "digits.full": N_("full"),
    "copy": N_("copy as NumPy"),
    "copied": N_("Copied: a script that computes the same."),
    "copy_failed": N_("This browser does not let the page copy. Download the script instead."),
    "download.py": N_("NumPy script"),
    "download.csv": N_("CSV table"),
    "download": N_("download"),
    # matrices
    "row_max": N_("row max"),
    "row_sum": N_("row sum"),
    "shares": N_("shares"),
    "about.q": N_("the queries"),
    "about.k": N_("the keys"),
    "about.v": N_("the values"),
    "about.dot": N_("every query times every key"),
    "about.scaled": N_("the scores"),
    "about.masked": N_("−∞ takes the score of every later key"),
    "about.unmasked": N_("no mask: the scores stay"),
    "about.row_max": N_("largest score"),
    "about.exp": N_("exp(score − row max)"),
    "about.row_sum": N_("sum of exp"),
    "about.shares": N_("exp ÷ row sum; each row sums to 1"),
    "about.z": N_("shares · v"),
    "axes.input": N_("row: position · column: dimension"),
    "axes.pair": N_("row: query · column: key"),
    "axes.row": N_("row: query"),
    "axes.z": N_("row: query · column: dimension"),
    # cells, for screen readers and above the arithmetic
    "cell.input": N_("{matrix}, position {row}, dimension {col}"),
    "cell.pair": N_("{matrix}, query {row}, key {col}"),
    "cell.row": N_("{matrix}, query {row}"),
    "cell.z": N_("{matrix}, query {row}, dimension {col}"),
    "cell.is": N_("{cell}: {value}"),
    # a number that cannot be used
    "bad.number": N_(
        "“{typed}” is no number, so {value} stays in use. Write it like 0.5, 0,5, 1/3 or 2e-4."
    ),
    "bad.large": N_(
        "“{typed}” is too large, so {value} stays in use. The largest number is {most}."
    ),
    "bad.zero": N_("Nothing can be divided by 0, so {value} stays in use."),
    # the arithmetic
    "hint": N_("Point at a result to see its arithmetic here; click to pin it."),
    "unpin": N_("unpin"),
    "rounded": N_("written with {digits} decimals, computed with all"),
    "why.masked": N_("key {col} comes after query {row}, so it is masked: {score} becomes −∞"),
    "why.visible": N_("key {col} does not come after query {row}, so {score} stays"),
    "why.no_mask": N_("there is no mask, so {score} stays"),
    "keys": N_("keyboard"),
    "keys.help": N_(
        "Tab and the arrow keys go from cell to cell. Alt with ↑ or ↓ changes a number by 0.1. "
        "Enter pins a result, Esc unpins it."
    ),
}
"""Key → English text."""
