"""Choices and the address: pure functions first, then whole runs of the frame."""

import itertools
from pathlib import Path
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from model_runtime import catalog
from model_runtime.errors import NothingToTrace
from model_runtime.views import Mean, View
from shell import address as address_of
from shell import cache
from tests.model_runtime.reference import NASTY, translator
from viz.labels import in_markdown

FRAME = Path(__file__).parents[2] / "shell" / "frame.py"
FIRST = catalog.entry(catalog.DEFAULT).examples[0]
ALL_VIEWS = [View(*v) for v in itertools.product(*[[True, False]] * 3, get_args(Mean))]


def opened(**parameters):
    """The first run of a visitor who comes with this address."""
    app = AppTest.from_file(str(FRAME), default_timeout=60)
    for key, value in parameters.items():
        app.query_params[key] = value
    return app.run()


def address(app):
    """The address's parameters, one value each."""
    return {k: v[-1] if isinstance(v, list) else v for k, v in app.query_params.items()}


def notices(app):
    return [info.value for info in app.info]


# ── Pure functions ───────────────────────────────────────────────────────────────────


def from_url(**url):
    return address_of.from_url(url, "en")


def test_an_empty_address_is_all_defaults():
    values, problems = from_url()
    assert problems == []
    assert values == {
        "model": catalog.DEFAULT, "text": FIRST, "target": "", "pair": "", "chat": False,
        "lang": "en", "specials": False, "first": False, "words": False, "mean": "none",
        "show": "walk", "mistake": "no_root",
    }  # fmt: skip


def test_a_valid_address_is_taken_over():
    url = {
        "model": catalog.DEFAULT, "text": "A cat.", "target": "猫", "pair": "A dog.", "chat": "1",
        "lang": "zh", "specials": "0", "first": "0", "words": "1", "mean": "both",
        "show": "mistakes", "mistake": "wrong_axis",
    }  # fmt: skip
    values, problems = from_url(**url)
    assert problems == []
    ticks = {"chat": True, "specials": True, "first": True, "words": True}
    assert values == url | ticks


@pytest.mark.parametrize("key", ["lang", "chat", "specials", "first", "words", "mean"])
@pytest.mark.parametrize("value", [*NASTY, "", "x" * 10_000, "../../etc/passwd", "True", "2"])
def test_an_unusable_value_gives_a_sentence_and_the_default(key, value):
    values, problems = from_url(**{key: value})
    assert values == from_url()[0]
    (sentence,) = problems
    assert in_markdown(value[:80]) in sentence and key in sentence
    assert len(sentence) < 1200


@pytest.mark.parametrize(
    "ref",
    ["x" * 501, "a\0b", "a\u202eb", "builtin:", "builtin:gpt9", "builtin:../x"],
)
def test_what_can_be_no_model_gives_a_sentence_and_the_default(ref):
    values, problems = from_url(model=ref)
    assert values == from_url()[0]
    (sentence,) = problems
    assert in_markdown(ref.strip()[:80]) in sentence and "model" in sentence
    assert len(sentence) < 1200


@pytest.mark.parametrize("ref", ["", " ", "\n"])
def test_no_name_at_all_is_the_default(ref):
    assert from_url(model=ref) == from_url()


@pytest.mark.parametrize(
    "ref", ["org/name", "org/name@main", "gpt2", "/models/a b", "./c", "~/d", "猫/狗", "<b>", "a:b"]
)
def test_what_may_be_a_checkpoint_is_left_for_whoever_opens_it(ref):
    values, problems = from_url(model=f" {ref} ")
    assert (values["model"], values["text"], problems) == (ref, "", [])


def test_a_built_in_model_goes_by_its_name_too():
    assert from_url(model="translator") == from_url(model=catalog.DEFAULT)


@pytest.mark.parametrize("text", NASTY)
def test_any_text_and_target_are_taken_to_the_letter(text):
    values, problems = from_url(text=text, target=text, pair=text)
    assert (values["text"], values["target"], values["pair"], problems) == (text, text, text, [])


@pytest.mark.parametrize("view", ALL_VIEWS)
def test_a_view_comes_back_from_its_parameters(view):
    written = address_of.view_parameters(view)
    assert address_of.view_from(written) == view
    assert all(isinstance(value, str) and value for value in written.values())
    values, problems = from_url(**written)
    assert problems == []
    read = {"specials": not view.specials, "first": not view.first, "words": view.words}
    assert {key: values[key] for key in read} == read
    assert values["mean"] == view.mean


def test_the_plain_view_needs_no_parameters():
    assert address_of.view_parameters(View()) == {}
    assert address_of.view_from({}) == View()


def test_unknown_switches_count_as_the_default():
    unknown = {"specials": "x", "first": "1", "words": "true", "mean": "<b>", "else": "0"}
    assert address_of.view_from(unknown) == View()


# ── Whole runs ───────────────────────────────────────────────────────────────────────


def test_a_first_visit_shows_the_first_example_and_no_error():
    app = opened()
    assert not app.exception and not app.error and not app.warning
    assert notices(app) == []
    assert app.text_input(key="text").value == translator().info.examples[0]
    assert address(app) == {}


def test_every_example_can_be_picked():
    app = opened()
    for example in translator().info.examples[1:]:
        app.selectbox(key="_examples").set_value(example).run()
        assert not app.exception
        assert app.text_input(key="text").value == example
        assert address(app)["text"] == example


def test_a_typed_text_and_target_go_into_the_address_and_the_default_leaves_it():
    app = opened()
    first = app.text_input(key="text").value
    app.text_input(key="text").set_value("A dog.").run()
    assert address(app) == {"text": "A dog."}
    app.text_input(key="target").set_value("狗。").run()
    assert address(app) == {"text": "A dog.", "target": "狗。"}
    app.text_input(key="text").set_value(first).run()
    assert address(app) == {"target": "狗。"}
    assert not app.exception


@pytest.mark.parametrize("view", [View(False, False, True, "heads"), View(mean="both")])
def test_switches_go_into_the_address_and_come_back_from_it(view):
    app = opened()
    app.checkbox(key="specials").set_value(not view.specials)
    app.checkbox(key="first").set_value(not view.first)
    app.checkbox(key="words").set_value(view.words)
    app.button_group(key="mean").set_value(view.mean)
    app.run()
    assert not app.exception
    assert address(app) == address_of.view_parameters(view)
    again = opened(**address(app))
    assert not again.exception and notices(again) == []
    assert again.checkbox(key="specials").value == (not view.specials)
    assert again.button_group(key="mean").value == view.mean


@pytest.mark.parametrize(
    "parameters",
    [
        {"model": "builtin:<b>"}, {"lang": "xx"}, {"specials": "yes"}, {"mean": "**all**"},
        {"layer": "99"}, {"head": "-1"}, {"layer": "٣"}, {"head": "1e3"}, {"row": "9999"},
        {"layer": "9" * 5000}, {"row": "9" * 5000}, {"stack": "<img>"}, {"scale": "rainbow"},
        {"view": "3d"},
    ],
    ids=lambda parameters: "-".join(f"{k}-{v[:9]}" for k, v in parameters.items()),
)  # fmt: skip
def test_an_address_that_asks_for_what_is_not_there_gets_a_sentence(parameters):
    app = opened(**parameters)
    assert not app.exception and not app.error
    assert len(notices(app)) == 1
    ((key, value),) = parameters.items()
    assert in_markdown(value[:20]) in notices(app)[0] and key in notices(app)[0]


def test_a_valid_place_in_the_address_is_no_trouble():
    app = opened(stack="decoder", layer="2", head="5", row="1", scale="log", view="map")
    assert not app.exception and notices(app) == []


@pytest.mark.parametrize("blank", ["", "  ", "\u3000"])
def test_a_blank_text_is_said_and_the_text_box_stays(blank):
    app = opened()
    app.text_input(key="text").set_value(blank).run()
    assert not app.exception
    assert [warning.value for warning in app.warning] == [NothingToTrace.message]
    app.text_input(key="text").set_value("A cat.").run()
    assert not app.exception and not app.warning


def test_a_fault_of_our_own_is_said_and_the_text_box_stays(monkeypatch):
    def break_down(*_):
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(cache, "trace", break_down)
    app = opened(text="A cat.")
    assert not app.exception
    (said,) = [warning.value for warning in app.warning]
    assert "RuntimeError" in said and "secret" not in said
    assert app.text_input(key="text").value == "A cat."


@pytest.mark.parametrize("text", [*NASTY[2:6], "<b>x</b> **y** :red[z] ☃ $a$"])
def test_a_text_is_never_rendered_as_markdown(text):
    app = opened(text=text)
    assert not app.exception
    shown = [m.value for m in app.markdown] + [c.value for c in app.caption] + notices(app)
    assert not any(text in value for value in shown)
    assert app.text_input(key="text").value == text


@pytest.mark.parametrize("switches", [{}, {"specials": "0"}, {"specials": "0", "words": "1"}])
@pytest.mark.parametrize("text", NASTY)
def test_any_text_shows_a_page_under_any_switch(text, switches):
    app = opened(text=text, **switches)
    assert not app.exception and not app.error


def test_what_was_left_out_is_said():
    app = opened(text="a " * 300, target="猫")
    limit = translator().info.context_length
    assert any(str(300 + 1 - limit) in notice and str(limit) in notice for notice in notices(app))


def test_a_text_too_long_for_a_link_is_said_and_stays_in_the_box():
    text = "a " * 16_001
    app = opened()
    app.text_input(key="text").set_value(text).run()
    assert not app.exception
    assert any("link" in notice for notice in notices(app))
    assert "text" not in address(app)
    assert app.text_input(key="text").value == text


def test_a_text_beyond_what_is_read_is_a_warning():
    app = opened()
    app.text_input(key="text").set_value("a" * 200_001).run()
    assert not app.exception
    assert "200001" in app.warning[0].value


def test_parameters_of_others_stay_in_the_address():
    app = opened(embed="true", stack="decoder")
    app.text_input(key="text").set_value("A dog.").run()
    assert address(app) == {"embed": "true", "stack": "decoder", "text": "A dog."}


def test_the_language_can_be_chosen_and_goes_into_the_address():
    app = opened()
    app.button_group(key="lang").set_value("zh").run()
    assert address(app) == {"lang": "zh"}
    english = [app.text_input(key="text").label for app in (opened(), app)]
    assert english[0] == "Text" and english[1] != "Text"
