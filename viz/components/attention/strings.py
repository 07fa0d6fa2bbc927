"""Every English text of the attention component. Knows no language but English.

``{name}`` places are filled in the browser. Wordings avoid plurals, so one form serves any number.
"""

from viz.marked import N_

STRINGS: dict[str, str] = {
    # Translators: the language tag of this catalog (BCP 47), such as zh-Hans
    "lang": N_("en"),
    # bar
    "component": N_("Attention of every layer and head"),
    "stack": N_("stack"),
    "view": N_("view"),
    "view.map": N_("map"),
    "view.lines": N_("lines"),
    "view.both": N_("both"),
    "colour": N_("colour"),
    "colour.linear": N_("linear"),
    "colour.log": N_("log"),
    "colour.row": N_("per row"),
    "colour.linear.help": N_("Colour follows the share from 0 to 1."),
    "colour.log.help": N_("Colour follows the logarithm of the share, from 0.001 to 1."),
    "colour.row.help": N_("Colour runs from 0 to the largest share of each row."),
    "export": N_("export"),
    "export.csv": N_("numbers, CSV"),
    "export.npz": N_("numbers, NumPy (.npz)"),
    "export.png": N_("picture, PNG"),
    "export.svg": N_("picture, SVG"),
    "export.large": N_(
        "A map of so many tokens is kept as .npz: q, k and v, from which every share follows."
    ),
    "readout.hint": N_("point at a cell; click to pin its row"),
    "readout.unpin": N_("unpin"),
    "readout.steps": N_("step by step"),
    "readout.steps.help": N_("Where the numbers of this cell come from"),
    # grid
    "grid": N_("all heads"),
    "grid.caption": N_("row = layer, column = head"),
    "grid.sampled": N_("drawn from {some} of {all} queries"),
    "mean": N_("mean"),
    # map
    "map": N_("map"),
    "map.aria": N_(
        "Attention map of {head}. Row: query. Column: key. Arrow keys move, Enter pins the row."
    ),
    "map.sums": N_("each row sums to 1"),
    "map.sink": N_("the rest of each row goes to the sink ({share} on average)"),
    "map.pooled": N_(
        "One pixel shows more than one cell: the largest share among them, which is also the "
        "cell that the pointer names."
    ),
    "map.grain": N_(
        "The picture shows the largest share of every {n} × {n} cells; the pointer names that cell."
    ),
    "map.closer": N_("larger"),
    "map.farther": N_("smaller"),
    "map.thinned": N_("Not every token is labelled; the pointer names them all."),
    "map.enlarge": N_("enlarge"),
    "map.fit": N_("fit"),
    "map.masked": N_("masked"),
    "map.one_token": N_("One token: its share with itself is 1."),
    "legend": N_("share"),
    "legend.row_max": N_("row max"),
    "legend.clipped": N_("0.001 or less"),
    # lines
    "lines": N_("lines"),
    "lines.queries": N_("queries"),
    "lines.keys": N_("keys"),
    "lines.thinned": N_("Shares under {share} are not drawn."),
    "lines.large": N_(
        "Of so many tokens, the lines of one query are drawn: point at it or pin it."
    ),
    "lines.own": N_("point at a token to see only its lines"),
    # cell
    "cell.query": N_("query"),
    "cell.key": N_("key"),
    "cell.dot": N_("q·k"),
    "cell.scale": N_("× scale"),
    "cell.scaled": N_("q·k × scale"),
    "cell.softcap": N_("soft-capped at {cap}"),
    "cell.bias": N_("+ bias"),
    "cell.score": N_("= score"),
    "cell.max": N_("row max"),
    "cell.exp": N_("exp(score − row max)"),
    "cell.gone": N_("Nothing is left in this row: the one key it could attend to is not shown."),
    "cell.sum": N_("÷ row sum"),
    "cell.share": N_("share"),
    "cell.sink": N_("the rest goes to the sink"),
    "cell.outside": N_("share outside the map"),
    "cell.coming": N_("How it came about is being fetched."),
    "cell.missing": N_("How it came about did not arrive."),
    "cell.masked": N_(
        "masked: this query may not attend to this key, so −∞ takes the score's place"
    ),
    "cell.rough": N_("rounded; the exact numbers are on their way"),
    "cell.largest": N_("the largest of {n} × {n} cells around; the row did not arrive"),
    "cell.largest.coming": N_("the largest of {n} × {n} cells around; the row is on its way"),
    "cell.position": N_("position {index}"),
    "token.special": N_("special token"),
    "token.unknown": N_("unknown to the vocabulary"),
    "token.bytes": N_("bytes of a character"),
    "no_score": N_("This share is computed from several cells, so it has no score of its own."),
    # said to those who hear the page
    "spoken.row": N_("Row {n} of {all}, “{token}”: most on {first}, then {others}."),
    "spoken.row.one": N_("Row {n} of {all}, “{token}”: on {first}."),
    "spoken.row.none": N_("Row {n} of {all}, “{token}”: on no key that is shown."),
    # Translators: the shares of the row are still being fetched
    "spoken.row.coming": N_("Row {n} of {all}, “{token}”."),
    "spoken.col": N_("Key {n} of {all}, “{token}”: most from {first}, then {others}."),
    "spoken.col.one": N_("Key {n} of {all}, “{token}”: from {first}."),
    "spoken.col.none": N_("Key {n} of {all}, “{token}”: no query looks at it."),
    "spoken.col.alone": N_("Key {n} of {all}, “{token}”."),
    # Translators: a token and its share, as part of a sentence
    "spoken.share": N_("“{token}” {share}"),
    # Translators: what stands between two of these, with a space where one belongs
    "spoken.comma": N_(", "),
    # Translators: the cell that the keyboard is at
    "spoken.cell": N_("Here: {share}."),
    "spoken.pinned": N_("Pinned. {row}"),
    "spoken.unpinned": N_("No row is pinned."),
    # loading
    "loading": N_("fetching exact numbers"),
    "failed": N_("The exact numbers of {head} did not arrive; the picture shows rounded shares."),
    "retry": N_("try again"),
    # measures
    "measures": N_("measures of {head}"),
    "measures.whole": N_("measured on all tokens, whatever is hidden or merged"),
    "measures.sampled": N_("measured on {some} of {all} queries, chosen at random"),
    "measure.entropy": N_("entropy {value} bits"),
    "measure.entropy_share": N_("({value} of max)"),
    "measure.distance": N_("mean distance {value}"),
    "measure.first": N_("first {value}"),
    "measure.previous": N_("previous {value}"),
    "measure.own": N_("own {value}"),
    "measure.sink": N_("sink {value}"),
    "measure.entropy.help": N_(
        "How spread out a row is: −Σ share × log2(share), averaged over the queries. "
        "0 bits: all on one key."
    ),
    "measure.entropy_share.help": N_(
        "Entropy divided by the largest it could be: log2 of the keys each query may attend to."
    ),
    "measure.distance.help": N_(
        "How far a query looks, in positions: |query − key| weighted by the share."
    ),
    "measure.first.help": N_("Average share that goes to the first key."),
    "measure.previous.help": N_("Average share that goes to the position just before the query."),
    "measure.own.help": N_("Average share that goes to the query's own position."),
    "measure.sink.help": N_(
        "Average share that goes to no token: a learned sink takes it, so the row sums to less "
        "than 1."
    ),
    # table twin
    "table": N_("the same as a table"),
    "table.caption": N_("{head}, {stack}: share of each key in each query's row"),
    "table.corner": N_("query ↓ key →"),
    "table.masked": N_("masked"),
    "table.sink": N_("sink"),
    "table.large": N_("The table shows the first {rows} queries and {cols} keys."),
    "table.limited": N_(
        "The table shows the first {rows} queries and {cols} keys; the CSV export has all."
    ),
}
"""Key → English text; pass ``{key: translate(text)}`` to :func:`pack` as ``strings``."""
