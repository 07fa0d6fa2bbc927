"""What is said of each step: every step has words, a formula with its part lit, and true lines."""

import re
from xml.etree import ElementTree

import pytest

from model_runtime import catalog
from model_runtime.builtin.transformer import MultiHeadAttention
from model_runtime.steps import source, walk
from model_runtime.steps.walk import StepRef
from model_runtime.tracing import trace
from viz import formulas, told
from viz.step_texts import RECORDED, TEXTS, text_of
from viz.step_variants import EXPLAINED

MATHML = "{http://www.w3.org/1998/Math/MathML}"


@pytest.mark.parametrize("name", walk.NAMES)
def test_each_step_lights_one_part_of_its_formula(name):
    markup = formulas.of_step(name)
    root = ElementTree.fromstring(f"<all>{markup}</all>")
    assert {node.tag for node in root} == {f"{MATHML}math"}
    assert [node.get("class") for node in root.iter() if node.get("class")] == ["lit"]
    assert "".join(next(n for n in root.iter() if n.get("class")).itertext()).strip()
    assert not re.search(r"script|href|src|on\w+=|\\", markup)


def test_the_part_that_is_lit_is_what_the_step_computes():
    lit = re.search(r'<mrow class="lit">(.*?)</mrow>', formulas.of_step("weigh"))
    assert lit and "pattern" in lit[1] and "<mi>v</mi>" in lit[1]


def test_no_formula_has_a_step_that_there_is_not():
    with pytest.raises(KeyError):
        formulas.of_step("magic")


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_of_a_step_and_plain(key):
    text = TEXTS[key]
    name = key.partition(".")[0]
    assert name in walk.NAMES
    assert len(text.title) <= 24 and text.explain.endswith(".")
    assert not re.search(r"[<>*`$]", text.title + text.explain)


def test_every_step_has_a_text():
    assert {text_of(name).title for name in walk.NAMES}


CODE = [text.code for text in TEXTS.values() if text.code]


@pytest.mark.parametrize(("name", "needle"), CODE)
def test_the_lines_of_code_are_those_of_the_file(name, needle):
    found = source.excerpt(name, needle)
    lines = source.whole().splitlines()
    shown = lines[found.first - 1 : found.first - 1 + len(found.lines)]
    assert [line.strip() for line in shown] == [line.strip() for line in found.lines]
    assert needle in "\n".join(found.lines)


def refs(ref, text):
    made = trace(catalog.open_model(ref), text)
    stack = made.info.opens_at
    place = walk.settled(made, stack.stack, stack.layer, stack.head, 0, None)
    insides = catalog.open_model(ref).insides
    assert insides
    return walk.outline(made, place, insides), insides.config


def test_where_keys_come_from_differs_in_cross_attention():
    outline, config = refs("builtin:translator", "A dog.")
    said = told.texts(outline, config, str)
    assert "encoder" in said["cross.k_all"].explain and "encoder" not in said["k_all"].explain
    assert "encoder" in said["encoder.final_norm"].explain
    assert "cross.dot" not in said  # nothing of its own to say: it goes by its name


def test_the_words_are_of_the_order_of_the_norms_whatever_was_walked_before():
    outline, config = refs("builtin:translator", "A dog.")
    once = told.texts(outline, config, str)
    assert told.texts([*outline, *outline, *outline], config, str) == once
    assert "After the addition" not in once["norm"].explain
    assert "W_U" not in once["encoder.final_norm"].formula.replace("<mi>", "")
    assert once["encoder.final_norm"].formula != once["final_norm"].formula


def test_an_encoder_alone_gives_nothing_to_a_decoder():
    outline, config = refs("builtin:blanks", "A dog.")
    said = told.texts(outline, config, str)
    assert "encoder.final_norm" not in said
    assert "decoder" not in said["final_norm"].explain


def test_a_checkpoint_is_taken_at_its_word_and_shows_no_code_of_ours():
    outline = [StepRef("decoder", name) for name in walk.NAMES]
    said = told.texts(outline, None, str)
    assert not any(step.code or step.code_link for step in said.values())
    assert RECORDED in said["ffn_in"].explain and RECORDED not in said["dot"].explain


def test_code_links_lead_to_the_line():
    outline, config = refs("builtin:induction", "a b c a b")
    step = told.texts(outline, config, str)["split"]
    assert step.code_link == f"{told.SOURCE}#L{step.code_at}"
    assert "unflatten" in step.code[0] and hasattr(MultiHeadAttention, "split_heads")


def with_missing(order, missing=()):
    return [
        StepRef("encoder", name, "not in this model" if name in missing else "") for name in order
    ]


def test_a_checkpoint_that_normalises_after_the_addition_is_said_to():
    after = [name for name in walk.NAMES if name not in ("norm", "ffn_norm")]
    after.insert(after.index("add_attn") + 1, "norm")
    after.insert(after.index("add_ffn") + 1, "ffn_norm")
    before = told.texts(with_missing(walk.NAMES), None, str)
    said = told.texts(with_missing(after), None, str)
    assert "LayerNorm follows" in said["add_attn"].explain
    assert "LayerNorm follows" not in before["add_attn"].explain


def test_nothing_is_claimed_of_a_checkpoints_own_modules():
    said = told.texts(with_missing(walk.NAMES), None, str)
    assert "√D" not in said["embedding"].explain and "variance 1" not in said["norm"].explain
    assert not said["ffn_in"].formula and said["softmax"].formula


@pytest.mark.parametrize(
    ("name", "sign"),
    [("softcap", "tanh"), ("bias", "bias"), ("mask", "mask"), ("scale", "<mfrac>")],
)
def test_a_formula_has_no_step_that_the_model_has_not(name, sign):
    assert sign in told.texts(with_missing(walk.NAMES), None, str)["dot"].formula
    assert sign not in told.texts(with_missing(walk.NAMES, [name]), None, str)["dot"].formula


def test_queries_are_turned_only_where_they_are():
    outline, config = refs("builtin:writer", "A dog.")
    assert "<mi>R</mi>" not in told.texts(outline, config, str)["q_all"].formula
    outline, config = refs("builtin:induction", "a b c a b")
    said = told.texts(outline, config, str)
    assert "<mi>R</mi>" in said["q_all"].formula
    assert "turned" in said["positions"].explain and "added next" not in said["embedding"].explain


@pytest.mark.parametrize(
    ("ref", "text", "adds"),
    [("builtin:writer", "A dog.", True), ("builtin:induction", "a b c a b", False)],
)
def test_positions_are_added_in_the_formula_only_where_they_are(ref, text, adds):
    outline, config = refs(ref, text)
    said = told.texts(outline, config, str)
    for name in ("tokens", "ids", "embedding"):
        assert (">P</mi>" in said[name].formula) == adds
        assert "<msqrt>" in said[name].formula


def test_no_formula_says_how_a_checkpoint_makes_its_first_vectors():
    outline = with_missing(walk.NAMES, ("embedding", "positions"))
    said = told.texts(outline, None, str)
    for name in ("tokens", "ids"):
        assert "id" in said[name].formula and "<msqrt>" not in said[name].formula
        assert said[name].formula.count("<math") == 1
    assert not said["embedding"].formula and not said["positions"].formula


def test_of_a_checkpoints_heads_and_shares_only_what_is_computed_from_records_is_written():
    """No W_O, which may have a bias, and no LayerNorm, which may be RMSNorm."""
    said = told.texts(with_missing(walk.NAMES), None, str)
    assert ">z</mi>" in said["heads"].formula and "W" not in said["heads"].formula
    assert "logits" in said["probabilities"].formula
    assert "LayerNorm" not in said["probabilities"].formula
    assert not said["v_all"].formula and not said["resid"].formula
    outline, config = refs("builtin:induction", "a b c a b")
    own = told.texts(outline, config, str)
    assert "W" in own["heads"].formula and "LayerNorm" in own["probabilities"].formula


@pytest.mark.parametrize("text", EXPLAINED.values())
def test_what_is_said_otherwise_is_plain(text):
    assert text.endswith(".") and not re.search(r"[<>*`$]", text)


@pytest.mark.parametrize("key", EXPLAINED)
def test_what_is_said_otherwise_is_of_a_step_and_differs(key):
    name, _, variant = key.partition(".")
    assert variant in ("rotary", "alibi", "none", "recorded")
    assert EXPLAINED[key] != text_of(name).explain
