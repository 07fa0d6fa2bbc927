"""What is said of the steps of a walk, in the reader's language: texts, formulas, lines of code.

Joins `step_texts.py`, `formulas.py` and the source. Knows no numbers and no session.
"""

from collections.abc import Iterable
from dataclasses import replace

from model_runtime.builtin.config import TransformerConfig
from model_runtime.steps import source
from model_runtime.steps.walk import StepRef
from viz import formulas
from viz.attention_map import Say
from viz.marked import N_
from viz.step_texts import RECORDED, StepText, text_of
from viz.step_variants import explained
from viz.steps import Told

SOURCE = "api/source/transformer.py"  # where the file can be read, relative to a page


def texts(refs: Iterable[StepRef], config: TransformerConfig | None, say: Say) -> dict[str, Told]:
    """What is said of the steps, by name; by id ("cross.k_all") where a section has words or a
    formula of its own. `config` is None for a checkpoint, whose code is not that of the project."""
    # The walks of several stacks go through the same sections.
    refs = tuple({ref.id: ref for ref in refs}.values())
    norm = "post" if _is_post(refs) else "pre"
    crosses = any(ref.section == "cross" for ref in refs)
    found: dict[str, Told] = {}
    for ref in refs:
        here = text_of(ref.name, ref.section if crosses else "", norm)
        lacks = frozenset(r.name for r in refs if r.missing and r.section == ref.section)
        told = _told(ref, here, lacks, config, say)
        if crosses and ref.id == "encoder.final_norm" and told.formula:
            told = replace(told, formula=formulas.of_step("final_norm.encoder"))
        key = ref.name if here is text_of(ref.name, norm) else ref.id
        # The first section has the name; another one whose formula is another has its id.
        if found.setdefault(key, told) != told:
            found[ref.id] = told
    return found


def _is_post(refs: tuple[StepRef, ...]) -> bool:
    """Whether LayerNorm follows the addition: the outline has the steps in their true order."""
    names = [ref.name for ref in refs if ref.section == refs[0].section]
    return "norm" in names and "norm" in names[names.index("add_attn") :]


def _told(
    ref: StepRef, text: StepText, lacks: frozenset[str], config: TransformerConfig | None, say: Say
) -> Told:
    name = ref.name
    lines: tuple[str, ...] = ()
    at, link = 0, ""
    explain = say(explained(name, config.positions if config else "recorded", text.explain))
    if config is None and name in _TAKEN_AS_RECORDED and not ref.missing:
        explain = f"{explain} {say(RECORDED)}"
    if config and text.code:
        found = source.excerpt(*text.code)
        lines, at, link = found.lines, found.first, f"{SOURCE}#L{found.first}"
    unknown = _UNKNOWN if config is None else frozenset()
    return Told(
        title=say(NORM if config is None and name in _NORMS else text.title),
        explain=explain,
        formula="" if name in unknown else formulas.of_step(name, lacks | unknown),
        code=lines,
        code_at=at,
        code_link=link,
        paper=text.paper,
    )


# Of a checkpoint: scaled or not, positions added or turned, RMSNorm or LayerNorm, gated or not,
# biases or none; no formula is sure.
_UNKNOWN = frozenset(
    "embedding positions resid norm q_all k_all v_all rotate_q rotate_k split out add_attn "
    "ffn_norm ffn_in activation ffn_out add_ffn final_norm unembed".split()
)
_NORMS = frozenset(("norm", "ffn_norm"))
NORM = N_("norm")  # LayerNorm or RMSNorm

# Of a checkpoint, the attention itself is computed; around it, modules are taken at their word.
_TAKEN_AS_RECORDED = frozenset(
    "resid norm v_all split out ffn_norm ffn_in activation ffn_out next final_norm".split()
)
