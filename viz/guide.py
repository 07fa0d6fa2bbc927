"""How to read the Attention page, for someone who sees its words for the first time.

Knows what the shown attention is made of; neither a model nor the language it speaks.
"""

from collections.abc import Collection

from model_runtime.attention import AttentionRecord
from model_runtime.types import StackName, Trace
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
NEARBY_ENCODER = N_(
    "This model is an **encoder** alone: every token looks to the left and to the right."
)
DECODER = N_(
    "This model is a **decoder** alone: every token looks at itself and at what stands before "
    "it, and what comes later is masked. A row names the token that is read and the one that is "
    "predicted from it: The→cat."
)
SILENT_DECODER = N_(
    "This model is a **decoder** alone: every token looks at itself and at what stands before "
    "it, and what comes later is masked."
)
NEARBY = N_(
    "In some layers a token looks at its neighbourhood only, a **window**; what lies outside it "
    "is masked."
)
SINKS = N_(
    "A part of every row may go to no token at all, but to a learned **sink**: the shares of a "
    "row then sum to less than 1."
)
CAPPED = N_(
    "Scores are **soft-capped**, that is pressed smoothly below a largest value, before softmax "
    "is taken of them."
)
BIASED = N_(
    "To q·k a **bias** is added that depends on how far apart two tokens stand; the tooltip names "
    "it."
)
HYBRID = N_(
    "Layers that are missing in the grid have no attention: they mix the tokens in another way."
)
PAIR = N_("A thin line divides the first text from the second.")
KEYS = N_("Keys: arrows choose a head or walk over the map, Enter pins a row, Esc lets go.")


def how_to_read(stacks: Collection[StackName], say: Say, trace: Trace | None = None) -> str:
    """The list as Markdown, for a model with these stacks; with a trace, also what is special
    about its attention."""
    special = [] if trace is None else _special(trace)
    there = THREE_STACKS
    if "cross" not in stacks:
        there = _one_stack(stacks, trace, special)
    sentences = (QUERIES, SHARES, HEADS, there, *special, KEYS)
    return "\n".join(f"- {say(text)}" for text in sentences)


def _one_stack(stacks: Collection[StackName], trace: Trace | None, special: list[str]) -> str:
    if "decoder" in stacks:
        silent = trace is not None and trace.predicted("decoder") is None
        return SILENT_DECODER if silent else DECODER
    return NEARBY_ENCODER if NEARBY in special else ENCODER


def _special(trace: Trace) -> list[str]:
    """What is not so in every Transformer."""
    records = trace.records
    tokens = (*trace.reading.source, *trace.reading.target)
    found = {
        NEARBY: any(map(_hides_much, records)),
        CAPPED: any(record.softcap is not None for record in records),
        BIASED: any(record.bias is not None for record in records),
        SINKS: any(record.sinks is not None for record in records),
        HYBRID: any(
            trace.layers(stack) != tuple(range(len(trace.layers(stack))))
            for stack in trace.info.stacks
        ),
        PAIR: len({token.part for token in tokens}) > 1,
    }
    return [sentence for sentence, is_so in found.items() if is_so]


def _hides_much(record: AttentionRecord) -> bool:
    """Whether a layer hides more than what comes later: the last token of a causal mask sees
    all that there is, and so do all tokens where nothing is masked."""
    if record.mask is None:
        return False
    ends = record.mask[:, [-1]] if record.stack == "decoder" else record.mask[:, [0, -1]]
    return not ends.all()
