"""The models in the picker: one line each, variants in their order."""

import pytest

from model_runtime import catalog
from shell import lineup
from tests.shell.conftest import SENTENCES

pytestmark = pytest.mark.usefixtures("line_up")


def refs(name):
    return [entry.ref.removeprefix("builtin:") for entry in lineup.variants(name)]


def test_there_is_one_line_a_model_and_the_default_is_first():
    assert lineup.names()[0] == "translator"
    assert sorted(lineup.names()) == ["fills", "grows", "kinds", "translator", "writes"]


def test_points_of_training_come_in_their_order_and_the_finished_model_last():
    assert refs("grows") == ["grows@0000", "grows@0050", "grows@1200", "grows"]
    assert lineup.are_snapshots(lineup.variants("grows"))
    assert lineup.opening("grows").ref == "builtin:grows"


def test_other_variants_come_from_the_plainest_and_the_first_one_opens():
    assert refs("kinds") == ["kinds@rotary", "kinds@alibi", "kinds@none"]
    assert not lineup.are_snapshots(lineup.variants("kinds"))
    assert lineup.opening("kinds").ref == "builtin:kinds@rotary"


def test_variants_are_named_in_a_few_letters():
    def named(name):
        return [lineup.variant_name(entry, str) for entry in lineup.variants(name)]

    assert named("grows") == ["0", "50", "1,200", "finished"]
    assert named("kinds") == ["rotary", "ALiBi", "none"]


def test_the_examples_are_those_of_all_models():
    assert {"12+34", "abcab", "A dog."} <= lineup.examples()
    assert set(catalog.entry(catalog.DEFAULT).examples) <= lineup.examples()


@pytest.mark.parametrize("name", ["grows@0050", "builtin:grows@0050"])
def test_a_model_goes_by_its_reference_with_and_without_what_all_begin_with(name):
    assert lineup.called(name) == catalog.entry("builtin:grows@0050")


def test_a_name_stands_for_what_opens_first_and_only_a_whole_one():
    assert lineup.called("kinds") == catalog.entry("builtin:kinds@rotary")
    for none in ("", "kind", "Kinds", "org/kinds", "builtin:kinds"):
        assert lineup.called(none) is None


def test_what_was_typed_may_be_the_beginning_of_one_name():
    assert lineup.begins("GRO") == catalog.entry("builtin:grows")
    for none in ("", "x", "growsome", "w/"):
        assert lineup.begins(none) is None


def opened(name):
    entry = catalog.entry(f"builtin:{name}")
    return lineup.Opened(entry.ref, name, entry.family, entry.reads, frozenset(entry.examples))


CHECKPOINT = lineup.Opened("org/name", "name", "decoder", "", frozenset({"one two"}))


@pytest.mark.parametrize(
    ("example", "before", "after", "expected"),
    [
        (SENTENCES[0], "translator", "writes", True),
        (SENTENCES[0], "translator", "grows", False),
        ("The [MASK] sleeps.", "fills", "writes", False),
        ("12+34", "grows", None, True),
        (SENTENCES[0], None, "writes", True),
        (SENTENCES[0], None, "grows", False),
        ("one two", None, "writes", False),
        ("one two", None, None, True),
        ("The [MASK] sleeps.", "fills", None, False),
    ],
)
def test_an_example_goes_along_where_it_is_read(example, before, after, expected):
    known = [opened(name) if name else CHECKPOINT for name in (before, after)]
    assert lineup.goes_along(example, *known) is expected
