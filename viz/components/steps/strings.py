"""Every English text of the steps component. Knows no language but English.

``{name}`` places are filled in the browser. Wordings avoid plurals, so one form serves any number.
"""

from viz.marked import N_

STRINGS: dict[str, str] = {
    # Translators: the language tag of this catalog (BCP 47), such as zh-Hans
    "lang": N_("en"),
    "component": N_("One pass, step by step"),
    # pickers
    "stack": N_("stack"),
    "layer": N_("layer"),
    "head": N_("head"),
    "query": N_("query"),
    "key": N_("key"),
    "token.tip": N_("{text} · position {position}"),
    "token.special": N_("special token"),
    "token.unknown": N_("unknown to the vocabulary"),
    "token.bytes": N_("bytes of a character"),
    "tokens.around": N_("tokens {from} to {to} of {n}"),
    "digits": N_("digits"),
    "digits.full": N_("full"),
    "digits.help": N_("How many decimals the numbers have"),
    "export": N_("export"),
    "export.csv": N_("numbers, CSV"),
    "export.py": N_("NumPy script"),
    # stepper
    "steps": N_("steps"),
    "step.first": N_("first step"),
    "step.back": N_("back"),
    "step.on": N_("on"),
    "step.last": N_("last step"),
    "step.play": N_("play"),
    "step.pause": N_("pause"),
    "step.count": N_("step {n} of {all}"),
    "step.missing": N_("{title}: {why}"),
    # words
    "code": N_("where this is in the code"),
    "code.lines": N_("transformer.py, line {n}"),
    "paper": N_("in the paper: {place}"),
    "paper.source": N_("Vaswani et al. 2017, “Attention Is All You Need”"),
    "paper.where": N_("where this is in the paper"),
    "is.not in this model": N_("not in this model"),
    "is.not recorded": N_("not recorded from this model"),
    "why.not in this model": N_("not in this model: {title}"),
    "why.not recorded": N_("not recorded from this model: {title}"),
    # matrices
    "matrix.aria": N_("{symbol}, {rows} rows and {cols} columns"),
    "result.aria": N_(
        "Result {symbol}, {rows} rows and {cols} columns. Arrow keys move the cell, Enter pins it."
    ),
    "range": N_("{low} … {high}"),
    "range.shown": N_("of the numbers shown"),
    "gap": N_("… {n} more"),
    "gap.open": N_("{n} columns are left out here. Click to see those in the middle."),
    "gap.terms": N_(
        "{n} are left out here. What they add to the sum is told in the arithmetic."
    ),
    "gap.rows": N_("{n} rows are left out here. Choose another token to see those beside it."),
    "gap.cols": N_("{n} columns are left out here."),
    # arithmetic
    "cell.hint": N_("Point at a cell of the result to see where it comes from; click to pin it."),
    "cell.unpin": N_("unpin"),
    "cell.own": N_("the model's own: {value}"),
    "cell.masked": N_("This query may not attend to this key, so −∞ takes the score's place."),
    "cell.visible": N_("This query may attend to this key, so its score stays as it is."),
    "cell.gone": N_("masked, so exp(−∞) = 0: no share"),
    "cell.copied": N_("The same number, from column {n} of {symbol}."),
    "cell.copied_head": N_("The same number, from column {n} of {head}."),
    "cell.recorded": N_("This number was recorded as it is; nothing is computed here."),
    "cell.looked_up": N_("The number of this token in the vocabulary; nothing is computed here."),
    "cell.sink": N_("of this query's row, the sink takes {value}"),
    "cell.log_z": N_("log of the sum over the whole vocabulary: {value}"),
    "term.index": N_("dimension"),
    "term.token": N_("token"),
    "term.product": N_("product"),
    "term.sum": N_("running sum"),
    "term.others": N_("the other {n} terms"),
    "term.folded": N_("The {shown} largest of {all} terms are written out."),
    "part.factor": N_("factor"),
    "part.mean": N_("mean"),
    "part.variance": N_("variance"),
    "part.epsilon": N_("ε"),
    "part.spread": N_("√(variance + ε)"),
    "part.normalised": N_("normalised"),
    "part.cos": N_("cos of the angle"),
    "part.sin": N_("sin of the angle"),
    "part.score": N_("score"),
    "part.row_max": N_("row max"),
    "part.difference": N_("score − row max"),
    "part.row_sum": N_("row sum"),
    "part.share": N_("share"),
    "part.probability": N_("probability"),
    "part.exp": N_("exp of it"),
    "part.phi": N_("Φ: how likely a standard normal number is below it"),
    # loading
    "loading": N_("fetching the step"),
    "failed": N_("This step did not arrive; the one before it is shown."),
    "retry": N_("try again"),
    "gone": N_("This recording is no longer kept. Reloading makes it again."),
    "reload": N_("reload"),
}
"""Key → English text; sent as ``{key: translate(text)}``."""
