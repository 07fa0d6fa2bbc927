"""What can be opened: in which order, by which name, and what is said of it before."""

import pytest

from model_runtime import catalog
from model_runtime.builtin import weights
from model_runtime.builtin.lineup import LINEUP
from model_runtime.catalog import DEFAULT, entries, entry, open_model, references
from model_runtime.errors import HeadlightError, UnknownModel
from tests.model_runtime.reference import NASTY

FAMILIES = ("encoder-decoder", "encoder", "decoder")


def test_everything_that_ships_has_one_entry():
    assert sorted(references()) == sorted(f"builtin:{name}" for name in weights.names())
    assert references() == tuple(e.ref for e in entries())


def test_the_default_comes_first_then_what_is_easiest_to_read():
    assert references()[0] == DEFAULT == "builtin:translator"
    names = list(dict.fromkeys(e.name for e in entries()))
    known = "translator zh-en writer blanks dates reversal addition induction positions".split()
    assert [name for name in known if name in names] == [n for n in names if n in known]
    assert all(name in known for name in names)


def test_a_model_stands_before_its_variants_and_these_in_order():
    for name in {e.name for e in entries()}:
        variants = [e.variant for e in entries() if e.name == name]
        assert variants == sorted(variants)
        together = [e.name == name for e in entries()]
        assert "".join("x" if here else " " for here in together).split() == ["x" * len(variants)]


def test_a_name_nobody_ordered_comes_last(monkeypatch):
    found = [
        "zzz",
        "aaa@x",
        "aaa",
        "positions@none",
        "translator",
        "addition",
        "addition@0600",
        "addition@0000",
    ]
    monkeypatch.setattr(weights, "names", lambda: found)

    def made(full):
        name, _, variant = full.partition("@")
        return catalog.Entry(f"builtin:{full}", name, variant, "", "", {}, ())

    monkeypatch.setattr(catalog, "_entry", made)
    # What the cache holds is the real line-up; this asks the function beneath it.
    assert [e.ref.removeprefix("builtin:") for e in entries.__wrapped__()] == [
        "translator", "addition", "addition@0000", "addition@0600", "positions@none", "aaa",
        "aaa@x", "zzz",
    ]  # fmt: skip


@pytest.mark.parametrize("ref", references())
def test_an_entry_is_found_by_its_reference(ref):
    found = entry(ref)
    assert found.ref == ref
    name, _, variant = ref.removeprefix("builtin:").partition("@")
    assert (found.name, found.variant) == (name, variant)
    assert found.family in FAMILIES


@pytest.mark.parametrize("ref", references())
def test_an_entry_says_in_both_languages_what_the_model_is(ref):
    found = entry(ref)
    for language in ("en", "zh"):
        line = found.summary[language]
        assert line.strip() and "\n" not in line
    assert found.summary["en"] != found.summary["zh"]
    assert any("\u4e00" <= character <= "\u9fff" for character in found.summary["zh"])
    assert found.reads in {line["reads"] for line in LINEUP.values()}


@pytest.mark.parametrize("ref", references())
def test_an_entry_has_examples_to_try(ref):
    examples = entry(ref).examples
    assert examples and all(text.strip() for text in examples)
    assert len(set(examples)) == len(examples)


def test_no_two_variants_of_a_model_are_said_to_be_the_same():
    for name in {e.name for e in entries()}:
        lines = [e.summary["en"] for e in entries() if e.name == name]
        assert len(set(lines)) == len(lines), name


@pytest.mark.parametrize(
    "ref",
    ["builtin:", "builtin:nothing", "builtin:addition@9999", "builtin:@", "builtin:positions",
     "builtin:../models/translator", "builtin:addition@../translator",
     *(f"builtin:{nasty}" for nasty in NASTY[:6])],
)  # fmt: skip
def test_an_unknown_reference_is_answered_with_all_that_there_are(ref):
    for ask in (entry, open_model):
        with pytest.raises(UnknownModel) as raised:
            ask(ref)
        assert raised.value.values == {"ref": ref, "known": ", ".join(references())}


@pytest.mark.parametrize("ref", ["", "BUILTIN:translator", "a b", *NASTY[:6]])
def test_what_can_be_no_model_at_all_is_refused_before_anything_is_asked(ref):
    with pytest.raises(HeadlightError):
        open_model(ref)
    with pytest.raises(UnknownModel):
        entry(ref)


def test_asking_again_reads_no_file_again(monkeypatch):
    entries()
    monkeypatch.setattr(weights, "names", lambda: pytest.fail("read again"))
    assert entries() is entries()


def test_the_summary_of_the_line_up_is_the_one_of_the_facts():
    for found in entries():
        if not found.variant:
            assert found.summary == LINEUP[found.name]["summary"]
            assert found.examples == tuple(LINEUP[found.name]["examples"])
        assert found.reads == LINEUP[found.name]["reads"]
