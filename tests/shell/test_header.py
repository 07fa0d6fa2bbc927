"""Choosing a model: what becomes of the text, the target and the address."""

import itertools
import re

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from model_runtime import catalog
from shell import cache
from shell.address import first_text
from tests.shell.conftest import SENTENCES, STEPS
from tests.shell.stubs import opened_as, stub
from tests.shell.test_state import FRAME, address, notices, opened
from tests.viz.reading import read_frame

pytestmark = pytest.mark.usefixtures("line_up")

EVERY = ("translator", "writes", "fills", "grows", "kinds")


def pick(app, name):
    """Choose a model by its line."""
    app.selectbox(key="_model").set_value(name).run()
    assert not app.exception and not app.error
    return app


def complaints(app):
    """What is said of the address; an untrained model also writes until it is stopped."""
    return [said for said in notices(app) if "still writing" not in said]


def text(app):
    return app.text_input(key="text").value


def fields(app):
    return {box.key: box.label for box in app.text_input}


def ref(app):
    return app.session_state["model"]


@pytest.mark.parametrize("entry", ["writes", "fills", "grows", "grows@0050", "kinds@none"])
def test_an_address_with_a_model_alone_opens_its_first_example(entry):
    app = opened(model=f"builtin:{entry}")
    assert not app.exception and complaints(app) == []
    assert text(app) == catalog.entry(f"builtin:{entry}").examples[0]
    assert address(app) == {"model": f"builtin:{entry}"}
    assert app.selectbox(key="_model").value == entry.partition("@")[0]


def test_every_line_says_what_the_model_is_in_the_language_of_the_page():
    assert "writes — writes *tiny*" in opened().selectbox(key="_model").options
    assert "writes — writes 很小" in opened(lang="zh").selectbox(key="_model").options
    said = [c.value for c in opened(model="builtin:grows@0050").caption if "steps" in c.value]
    in_card = "This card is of grows as a whole. What is shown now: 0050 steps."
    assert said == ["0050 steps", in_card]


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(EVERY, 2)))
def test_a_typed_text_is_kept_with_any_model(before, after):
    app = pick(opened(), before)
    app.text_input(key="text").set_value("my cat").run()
    assert text(pick(app, after)) == "my cat"
    assert address(app)["text"] == "my cat"


@pytest.mark.parametrize("after", ["writes", "fills"])
def test_an_example_stays_where_the_model_reads_the_same(after):
    app = opened()
    before = text(app)
    assert text(pick(app, after)) == before
    assert text(pick(app, "translator")) == before
    assert address(app) == {}


def test_an_example_goes_where_the_model_reads_something_else():
    app = pick(opened(text=SENTENCES[0]), "grows")
    assert text(app) == "12+34"
    assert address(app) == {"model": "builtin:grows"}
    assert text(pick(app, "kinds")) == "abcab"


def test_an_example_with_a_blank_goes_where_nothing_fills_it():
    app = opened(model="builtin:fills")
    assert "[MASK]" in text(app)
    assert text(pick(app, "writes")) == SENTENCES[0]
    app.text_input(key="text").set_value("my [MASK]").run()
    assert text(pick(app, "translator")) == "my [MASK]"


@pytest.mark.parametrize(("before", "after"), [("translator", "writes"), ("translator", "grows")])
def test_a_typed_target_goes_with_the_kind_of_model_that_it_was_for(before, after):
    app = pick(opened(model=f"builtin:{before}", text="my cat", target="d"), after)
    assert address(app) == {"model": f"builtin:{after}", "text": "my cat"}
    assert app.text_input(key="target").value == ""


def test_a_step_of_the_slider_keeps_text_and_target():
    app = opened(model="builtin:grows", text="7+8", target="b")
    for step in (*STEPS, ""):
        chosen = f"builtin:grows@{step}".rstrip("@")
        app.select_slider(key="_variant").set_value(chosen).run()
        assert not app.exception
        assert address(app) == {"model": chosen, "text": "7+8", "target": "b"}


def test_another_kind_of_the_same_model_keeps_the_text():
    app = opened(model="builtin:kinds@rotary", text="zz")
    app.button_group(key="_variant").set_value("builtin:kinds@none").run()
    assert not app.exception
    assert address(app) == {"model": "builtin:kinds@none", "text": "zz"}


@pytest.mark.parametrize(
    ("unknown", "shown"),
    [
        ("kinds", "builtin:kinds@rotary"),
        ("kinds@none2", "builtin:kinds@rotary"),
        ("grows@50", "builtin:grows"),
        ("grows@", "builtin:grows"),
        ("@0050", catalog.DEFAULT),
        ("nothing@0050", catalog.DEFAULT),
    ],
)
def test_an_unknown_variant_gets_a_sentence_and_its_model(unknown, shown):
    app = opened(model=f"builtin:{unknown}")
    assert not app.exception and len(complaints(app)) == 1
    assert ref(app) == shown


@pytest.mark.parametrize(
    ("model", "label"),
    [("translator", "Target"), ("grows@0050", "Target"), ("writes", "Continuation"), ("fills", "")],
)
def test_the_target_is_called_what_it_is(model, label):
    assert fields(opened(model=f"builtin:{model}")).get("target", "") == label


def test_the_model_that_writes_on_shows_what_it_wrote():
    app = opened(model="builtin:writes")
    (shown,) = [said.value for said in app.get("text") if said.value.startswith("→")]
    assert len(shown) > 2


@pytest.fixture
def asked(monkeypatch):
    """(whether it is everybody's, the request) of each trace that is asked for."""
    found = []
    real = cache.trace

    def remembered(session, request):
        found.append((session == cache.PUBLIC, request))
        return real(session, request)

    monkeypatch.setattr(cache, "trace", remembered)
    return found


def test_a_target_left_over_changes_nothing_of_an_encoder(asked):
    for left_over in ({}, {"target": "left over"}):
        app = opened(model="builtin:fills", **left_over)
        assert address(app) == {"model": "builtin:fills"}
    assert asked[0] == asked[1]
    assert asked[0][0] and asked[0][1].target_text is None


def test_an_example_of_one_model_is_shared_with_another_too(asked):
    pick(opened(model="builtin:grows"), "kinds")
    opened(model="builtin:writes", text="12+34")
    assert {is_public for is_public, _ in asked} == {True}
    opened(model="builtin:writes", text="my cat")
    assert not asked[-1][0]


@pytest.mark.parametrize("place", [("cross", "1", "1"), ("cross", "2", "5"), ("encoder", "2", "5")])
def test_a_place_that_the_next_model_has_not_is_no_reason_to_complain(place):
    stack, layer, head = place
    app = opened(stack=stack, layer=layer, head=head, row="5")
    assert complaints(app) == []
    for name in ("writes", "fills", "grows", "kinds", "translator"):
        assert complaints(pick(app, name)) == []


def test_a_hand_made_address_to_a_place_that_is_not_there_is_answered():
    app = opened(model="builtin:writes", stack="cross", layer="7")
    assert len(complaints(app)) == 2


def test_the_widgets_follow_the_address():
    app = opened()
    app.query_params["model"] = "builtin:grows@1200"
    app.run()
    assert app.selectbox(key="_model").value == "grows"
    assert app.select_slider(key="_variant").value == "builtin:grows@1200"
    assert first_text("builtin:grows@1200") == text(app) == "12+34"


def on_positions(**parameters):
    """The first run of a visitor who comes to the page "Positions" with this address."""
    app = AppTest.from_file(str(FRAME), default_timeout=60)
    # AppTest itself goes only to pages that are files.
    app._page_hash = calc_hash("positions")
    for key, value in parameters.items():
        app.query_params[key] = value
    return app.run()


def component(app, name):
    """The bytes that a component was sent."""
    (found,) = [e.proto for e in app.get("bidi_component") if e.proto.component_name == name]
    return found.bytes


@pytest.mark.parametrize(
    ("entry", "opens"),
    [("writes", "sinusoidal"), ("kinds@rotary", "rotary"), ("kinds@alibi", "relative"),
     ("kinds@none", "order"), ("translator", "sinusoidal")],
)  # fmt: skip
def test_the_page_of_positions_opens_where_the_model_is_told_of(entry, opens):
    app = on_positions(model=f"builtin:{entry}")
    assert not app.exception and not app.error
    assert [title.value for title in app.title] == [
        "Headlight\u2002:gray[How does it know where a token stands?]"
    ]
    header, _ = read_frame(component(app, "headlight_positions"))
    assert header["opens"] == opens
    assert len(header["found"]) == (2 if entry == "translator" else 1)
    trace = cache.TRACES.get(header["api"].removeprefix("api/positions/"))
    assert trace is not None and trace.request.ref == f"builtin:{entry}"


def test_the_page_of_positions_is_in_the_language_of_the_address():
    header, _ = read_frame(component(on_positions(lang="zh"), "headlight_positions"))
    assert header["lang"] == "zh"
    assert all(re.search("[\u4e00-\u9fff]", said) for said in header["found"])


def test_a_checkpoint_that_tells_no_positions_has_a_page_all_the_same(monkeypatch):
    opened_as(monkeypatch, {"org/writes": stub("org/writes")})
    app = on_positions(model="org/writes")
    assert not app.exception and not app.error
    header, _ = read_frame(component(app, "headlight_positions"))
    assert (header["found"], header["opens"]) == ([], "sinusoidal")


def test_the_choices_of_the_header_go_along_to_the_page_of_positions():
    asked = {"model": "builtin:grows@0050", "text": "7+8", "target": "b"}
    app = on_positions(**asked, enc="rotary", i="1")
    assert not app.exception and text(app) == "7+8"
    assert {name: address(app)[name] for name in asked} == asked
