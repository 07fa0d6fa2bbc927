"""The models in the picker: one line each, variants in their order."""

import pytest

from model_runtime import catalog
from shell import lineup

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
