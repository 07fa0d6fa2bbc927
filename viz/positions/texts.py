"""The paragraphs and names of the page "Positions", as catalog keys.

Knows no numbers: they are filled in.
"""

from viz.marked import N_

# What a model's variant is called that is no point of its training; from the plainest.
KINDS = {
    "sinusoidal": N_("sinusoidal"),
    "learned": N_("learned"),
    "rotary": N_("rotary"),
    "alibi": N_("ALiBi"),
    "none": N_("none"),
}

PAPER = N_("Vaswani et al. 2017, “Attention Is All You Need”, §3.5")
BERT = N_("Devlin et al. 2019, “BERT”, §3")
ROFORMER = N_("Su et al. 2021, “RoFormer”, eq. 34")
ALIBI = N_("Press et al. 2022, “Train Short, Test Long”, §3")
T5 = N_("Raffel et al. 2020, “T5”, §2.1; transformers, modeling_t5.py")

BIAS = N_("bias")
MASKED = N_("masked")

CLOCKS = N_(
    "Every pair of dimensions is a clock: the first goes round once in 6.28 positions, the last "
    "hardly moves. Together they tell every position from every other."
)
ZIGZAG = N_(
    "Sines stand in even dimensions and cosines in odd ones, so the curves jump between the two."
)
LONGEST_WAVE = N_(
    "From 2π they grow by the same factor from pair to pair, and stop short of {base} · 2π: the "
    "last of {n} pairs goes round once in {last} positions."
)
DOT_OF_ODD = N_(
    "For an odd d the last sine has no cosine beside it, and its product depends on where the two "
    "positions are. Of all other pairs it depends on the distance alone."
)
DOT_IS_DISTANCE = N_(
    "For an even d the dot product depends on the distance alone: sin a · sin b + cos a · cos b = "
    "cos(a − b). Neighbours are alike, and the curve is the same to both sides."
)
SHIFT = N_(
    "To go k = {k} positions on is to turn each pair by a fixed angle: one matrix M, the same for "
    "every position. Largest |M · PE[p] − PE[p + k]| over all {n} positions: {error}."
)
ODD = N_(
    "d is odd: the last sine has no cosine beside it, so no matrix can shift it. It is left out "
    "here."
)
MISTAKE = N_(
    "The column’s own number is already 2i. Who writes 10000^(2 · column / d) doubles it: the "
    "waves grow twice as fast from pair to pair. The switch above shows both."
)

TABLE = N_(
    "This table is added to the token embeddings, a row a position. It was learned with all other "
    "weights; nobody told it what a position is."
)
TABLE_BY_FORMULA = N_(
    "This table is added to the token embeddings, a row a position. It is the formula’s, as the "
    "model holds it; nothing in it was learned."
)
COMPONENTS = N_(
    "The table’s rows seen from where they differ most: {shares} of their variance lies along the "
    "first three directions."
)
UNTRAINED = N_(
    "A row that no training text reached keeps what it started with, and looks like noise."
)
SIMILAR = N_("Each row and column is a position; on the diagonal a position meets itself.")
BY_DISTANCE = N_(
    "The mean over all pairs of positions at each distance; the band runs from the least to the "
    "most alike pair."
)

CIRCLE = N_(
    "One pair of a query and of a key: dashed before they are turned, solid after. Each turns by "
    "its position times the pair’s frequency."
)
SAME_DIFFERENCE = N_(
    "Move both by the same number of positions: both arrows turn on, the angle between them stays, "
    "and so does the score."
)
SCORES = N_(
    "q · k after turning, for a key at each distance behind the query. It is one curve, wherever "
    "the two stand."
)
ONES = N_("Here q and k are (1, 0, 1, 0, …): no model’s, but the same for every setting.")
ONES_OF_CHECKPOINT = N_(
    "Of a checkpoint, queries and keys are recorded after they were turned. So here q and k are "
    "(1, 0, 1, 0, …), turned by the model’s own frequencies."
)
OWN_VECTORS = N_(
    "Here q and k are the model’s own, before they are turned: {head}, query {query}, key {key}. "
    "At their true distance the curve is the q · k that was recorded: {recorded}."
)
SCALED = N_(
    "A model that reads longer texts than it was trained on turns slower: “{scaling}” changes the "
    "frequencies as the curve shows. The dotted line is the length that it was trained on: waves "
    "above it never came full circle in training."
)
NOT_SCALED = N_(
    "The frequencies are not scaled. The dotted line is the length that it was trained on: waves "
    "above it never came full circle in training."
)
CLOCKS_TURN = N_("A position turns pair 0 by {first} rad, and the last pair by {last} rad.")
DYNAMIC = N_(
    "Dynamic scaling depends on the length of the text, and changes nothing up to the length that "
    "the model was trained on. Here it is that of a text of {n} tokens."
)
SCALINGS = {
    "linear": N_("Chen et al. 2023, “Position Interpolation”: θ / factor"),
    "dynamic": N_(
        "NTK-aware scaling with the length of the text; transformers, modeling_rope_utils.py"
    ),
    "yarn": N_("Peng et al. 2023, “YaRN”, §3"),
    "llama3": N_("Llama 3.1; transformers, modeling_rope_utils.py"),
    "longrope": N_("Ding et al. 2024, “LongRoPE”"),
}

ALIBI_TEXT = N_(
    "Nothing is added to the embeddings. From each score, slope · distance is taken off: some "
    "heads see only their neighbours, others the whole text."
)
BUCKETS_TEXT = N_(
    "Every distance falls into a bucket, small ones into one of their own, large ones together, "
    "and each head has learned one number for each bucket. From {far} on all distances share one."
)
BIAS_MATRIX = N_("What was added to the scores of this text, as it was recorded.")
BIAS_OF_DISTANCE = N_(
    "Here the bias depends on the distance alone: over all pairs at one distance it differs by "
    "{spread} at most."
)
BIAS_OF_DISTANCE_AND_ROW = N_(
    "The whole of a row is raised or lowered as well, which softmax does not see: a number that "
    "all scores of a row have in common changes no share. Less what each row adds to its own "
    "token, as it is drawn here, the bias depends on the distance alone: it differs by {spread} at "
    "most."
)
BIAS_OF_MORE = N_(
    "Here the bias depends on more than the distance: at one distance it differs by up to "
    "{spread}. The curve is the mean, the band runs from the least to the most."
)

ORDER = N_(
    "The same tokens once in order and once shuffled; special tokens stay where they are. The "
    "rows that come out are put back in order and compared."
)
ORDER_ENCODER = N_(
    "Without positions, attention sees a set: every token gets the same row wherever it stands, "
    "up to rounding."
)
ORDER_OWN = N_("With the model’s own positions the rows differ: a word is another elsewhere.")
ORDER_NEVER = N_("This model has no positions, so there is nothing else to compare with.")
ORDER_DECODER = N_(
    "A decoder is not blind even without positions: the causal mask hides what comes later, so "
    "each token sees another set, and the rows differ."
)

ADDED = N_(
    "What the first layer reads is a sum: the token’s embedding and its position’s row, and where "
    "a model tells two texts apart, a segment. All are shown in one colour scale."
)
SHARES = N_(
    "How much of the sum x is whose: e · x / |x|², p · x / |x|², and so on. Together they make up "
    "1; one can be negative where it pulls the other way."
)
REMOVED = N_(
    "The same pass once more, with no position told to any token of any stack. All weights stay."
)
SHUFFLED = N_(
    "The same pass once more, with each token of the {stack} told the position of another. All "
    "weights stay."
)
CHANGED = N_(
    "{changed} of {n} predictions changed. Over all of them, probabilities moved by {bits} bits on "
    "average (the Kullback–Leibler divergence)."
)
FIVE = N_(
    "Five tiny models, alike but for their positions, were trained to name the letter before each "
    "letter. Without positions that is a guess."
)

HELP_D = N_("dimensions of the table")
HELP_LENGTH = N_("positions 0 to length − 1")
HELP_BASE = N_("10000 in the paper: the last pairs turn that much slower than the first")
HELP_DIMS = N_("which curves are drawn; a click on the map adds one, or takes it away")
HELP_AT = N_("which positions are drawn; distances are counted from the first of them")
HELP_WRONG = N_("the exponent doubled: the number of the column is taken for i, and it is 2i")
HELP_D_HEAD = N_("dimensions that are turned, two by two")
HELP_SCALING = N_("how a model is stretched to texts longer than those it was trained on")
HELP_FACTOR = N_("how many times longer")
HELP_TRAINED = N_("tokens in a training text")
HELP_PAIR = N_("which two dimensions the circle shows")
HELP_DISTANCES = N_("how far the curve of scores goes")
HELP_HEAD = N_("whose matrix is shown")
HELP_BOTH = N_("keys after the query have buckets of their own, as in an encoder")
HELP_SEED = N_("another number, another order")

CLIPPED = N_("The strongest colours begin at ±{limit}: one value in 200 is beyond.")
SUM_ERROR = N_(
    "The sum of what is shown differs from what the model went on with by {error} at most."
)
NOT_ADDED = N_("{model} adds nothing to its embeddings, so there is no sum to take apart.")
NOT_RECORDED = N_(
    "What {model} added to its embeddings was not recorded of this text: texts of more than {n} "
    "tokens keep their attention alone, and some models mix their embeddings otherwise."
)
BUILTIN_ONLY = N_(
    "Only a built-in model can be run with other positions than its own: what would have to be "
    "changed for that differs from checkpoint to checkpoint."
)
EXAMPLE_TEXT = N_("They read the letters a to z, so this is an example and not your text.")
NO_TABLE = N_("{model} has no table of positions. What is shown is that of {other}.")
NO_ROTATION = N_("{model} does not turn its queries and keys. Here a rotation is set by hand.")
NO_BIAS = N_("{model} adds no bias for distances. Here one is set by hand.")
EXAMPLE_ORDER = N_(
    "A checkpoint cannot be run with other positions than its own. What is shown is {other}, a "
    "model without positions, with an example."
)
OPEN_OTHER = N_("open {other}")
