"""What is said of the steps of a walk, in the reader's language: texts, formulas, lines of code.

Joins `step_texts.py`, `formulas.py` and the source. Knows no numbers and no session.
"""

from collections.abc import Iterable

from model_runtime.builtin.config import TransformerConfig
from model_runtime.steps import source
from model_runtime.steps.walk import StepRef
from viz import formulas
from viz.attention_map import Say
from viz.step_texts import RECORDED, StepText, text_of
from viz.steps import Told

SOURCE = "api/source/transformer.py"  # where the file can be read, relative to a page


def texts(refs: Iterable[StepRef], config: TransformerConfig | None, say: Say) -> dict[str, Told]:
    """What is said of the steps, by name; by id ("cross.k_all") where a section has words of its
    own. `config` is None for a checkpoint, whose code is not that of the project."""
    refs = tuple(refs)
    norm = config.norm if config else ""
    crosses = any(ref.section == "cross" for ref in refs)
    found: dict[str, Told] = {}
    for ref in refs:
        usual = text_of(ref.name, norm)
        here = text_of(ref.name, ref.section if crosses else "", norm)
        key = ref.name if here is usual else ref.id
        if key not in found:
            found[key] = _told(ref.name, here, config, say)
    return found


def _told(name: str, text: StepText, config: TransformerConfig | None, say: Say) -> Told:
    lines: tuple[str, ...] = ()
    at, link = 0, ""
    explain = say(text.explain)
    if config is None and name in _TAKEN_AS_RECORDED:
        explain = f"{explain} {say(RECORDED)}"
    if config and text.code:
        found = source.excerpt(*text.code)
        lines, at, link = found.lines, found.first, f"{SOURCE}#L{found.first}"
    return Told(
        title=say(text.title),
        explain=explain,
        formula=formulas.of_step(name),
        code=lines,
        code_at=at,
        code_link=link,
        paper=text.paper,
    )


# Of a checkpoint, the attention itself is computed; around it, modules are taken at their word.
_TAKEN_AS_RECORDED = frozenset(
    "resid norm v_all split out ffn_norm ffn_in activation ffn_out next final_norm".split()
)
