"""Opening checkpoints: what is shown of them, what fails, what becomes of text and address."""

import threading
from typing import cast

import pytest
from streamlit.delta_generator import DeltaGenerator

from model_runtime import catalog
from model_runtime.errors import UnknownModel
from model_runtime.recording import Progress
from model_runtime.types import SelfCheck
from shell import cache, lineup, opening, show
from shell.models import ModelStore
from tests.shell.stubs import NO_SOFTMAX, opened_as, stub
from tests.shell.test_state import FIRST, address, notices, opened
from viz.labels import WORD_JOINER, in_markdown

MODELS = {
    "org/writes": stub("org/writes"),
    "org/more": stub("org/more", has_chat=True),
    "org/fills": stub("org/fills", family="encoder", takes_pair=True, mask="<mask>"),
    "org/both": stub("org/both", family="encoder-decoder"),
    "org/sorts": stub(
        "org/sorts", family="encoder", predicts="text labels", vocabulary=("good", "bad")
    ),
    "org/base": stub("org/base", family="encoder", predicts="nothing", vocabulary=()),
    "org/mamba": stub(
        "org/mamba", stacks=(), n_heads=0, n_kv_heads=0,
        self_check=SelfCheck(0.0, 0.0, 0.0, (NO_SOFTMAX,)),
    ),
    "/models/my_*own*": stub("/models/my_*own*"),
}  # fmt: skip
WRITES = MODELS["org/writes"].info


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """What was opened, in order."""
    return opened_as(monkeypatch, MODELS)


def pick(app, typed):
    """Type into the model's box, or pick a line of it."""
    box = app.selectbox(key="_model")
    if box.format_func(typed) not in box.options:
        # A browser sends what was typed; AppTest knows only options.
        box.options.append(box.format_func(typed))
    box.set_value(typed).run()
    assert not app.exception
    return app


def text(app):
    return app.text_input(key="text").value


def boxes(app):
    return {box.key: box.label for box in app.text_input}


def html(app):
    return "".join(element.proto.body for element in app.get("html"))


# ── Picking and the address ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("ref", MODELS)
def test_an_address_opens_a_checkpoint_with_its_first_example(ref, asked):
    app = opened(model=ref)
    assert not app.exception and not app.error and not app.warning
    assert text(app) == MODELS[ref].info.examples[0]
    assert address(app) == {"model": ref}
    assert app.selectbox(key="_model").value == ref
    assert asked == [ref]


@pytest.mark.parametrize("added", ["-medium", "@main", "_2"])
def test_what_is_added_to_the_name_in_the_box_goes_on_from_it(asked, added):
    pick(opened(model="org/writes"), added)
    assert asked[-1] == f"org/writes{added}"


def test_the_invisible_end_of_a_line_is_no_part_of_a_name(asked):
    pick(opened(), f"org/writes{WORD_JOINER}")
    assert asked == ["org/writes"]


def test_a_typed_reference_is_opened_and_keeps_the_text_whatever_it_was(asked):
    app = pick(opened(), " org/writes ")
    assert text(app) == FIRST
    assert address(app) == {"model": "org/writes", "text": FIRST}
    app.text_input(key="text").set_value("my cat").run()
    assert text(pick(app, "org/both")) == "my cat"
    assert text(pick(app, "translator")) == "my cat"
    assert address(app) == {"text": "my cat"}
    assert asked == ["org/writes", "org/both"]


@pytest.mark.parametrize("typed", ["translator", "transl", "builtin:translator", "TRANSL"])
def test_a_typed_name_of_a_built_in_model_is_that_model(typed):
    app = pick(opened(model="org/writes"), typed)
    assert app.session_state["model"] == catalog.DEFAULT
    assert address(app).get("model", catalog.DEFAULT) == catalog.DEFAULT


def test_what_can_be_no_model_is_said_and_changes_nothing():
    app = pick(opened(model="org/writes"), "builtin:gpt9")
    (said,) = notices(app)
    assert in_markdown("builtin:gpt9") in said and in_markdown("org/writes") in said
    assert app.session_state["model"] == "org/writes"


def test_an_example_of_a_checkpoint_makes_way_for_one_of_a_built_in_model():
    app = pick(opened(model="org/writes"), "translator")
    assert text(app) == FIRST
    app = pick(pick(opened(), "org/writes"), "translator")
    assert text(app) == FIRST and address(app) == {}


def test_an_example_of_a_built_in_model_goes_along_and_comes_back():
    english = catalog.entry(catalog.DEFAULT).examples[1]
    app = pick(opened(text=english), "org/writes")
    assert text(app) == english
    assert text(pick(app, "translator")) == english
    pick(pick(app, "org/writes"), "addition")
    assert text(app) == catalog.entry("builtin:addition").examples[0]


def test_a_target_stays_between_models_of_a_kind_alone():
    app = opened(model="org/writes", text="a", target="b")
    assert address(pick(app, "org/more")) == {"model": "org/more", "text": "a", "target": "b"}
    assert address(pick(app, "org/both")) == {"model": "org/both", "text": "a"}


def test_back_to_a_checkpoint_that_is_open_opens_nothing_again(asked):
    app = pick(pick(opened(model="org/writes"), "org/both"), "org/writes")
    assert text(app) == WRITES.examples[0]
    assert asked == ["org/writes", "org/both"]


def test_what_is_wrong_with_an_address_is_said_after_the_opening_too():
    (said,) = notices(opened(model="org/writes", mean="q"))
    assert "mean" in said


def test_a_place_that_the_next_checkpoint_has_not_is_no_reason_to_complain():
    app = opened(model="org/both", stack="cross", layer="1", head="1")
    assert notices(app) == []
    for ref in ("org/writes", "org/fills", "org/both"):
        assert notices(pick(app, ref)) == []


# ── What this browser opened before ──────────────────────────────────────────────────


def options(app):
    lines = app.selectbox(key="_model").options[len(lineup.names()) :]
    assert all(line.endswith(WORD_JOINER) for line in lines)  # no name goes on from another
    return [line.removesuffix(WORD_JOINER) for line in lines]


def told(refs, **parameters):
    """A visitor whose browser tells of these checkpoints."""
    app = opened(**parameters)
    app.session_state["_recent_known"] = refs  # what the component's callback keeps
    return app.run()


def test_the_list_ends_with_what_this_browser_opened():
    assert options(opened()) == []
    assert options(told(["org/a", "/models/b"])) == ["org/a", "/models/b"]


def test_the_chosen_checkpoint_is_in_the_list_once():
    assert options(opened(model="org/writes")) == ["org/writes"]
    assert options(told(["org/a"], model="org/writes")) == ["org/writes", "org/a"]
    assert options(told(["org/a", "org/writes"], model="org/writes")) == ["org/a", "org/writes"]


def test_what_was_opened_comes_first_and_what_failed_does_not_stay():
    app = told(["org/a", "org/both"])
    for ref, expected in (
        ("org/writes", ["org/writes", "org/a", "org/both"]),
        ("org/none", ["org/none", "org/writes", "org/a", "org/both"]),
        ("org/both", ["org/both", "org/writes", "org/a"]),
        ("translator", ["org/both", "org/writes", "org/a"]),
    ):
        assert options(pick(app, ref)) == expected


@pytest.mark.parametrize("refs", [None, 3, "org/a", {"a": 1}, [3, None, "", "a\0b", "x" * 501]])
def test_what_a_browser_tells_is_not_believed(refs):
    app = told(refs)
    assert not app.exception and options(app) == []


def test_no_more_than_the_last_eight_are_listed():
    refs = [f"org/{n}" for n in range(20)]
    assert options(told(refs)) == refs[:8]
    assert options(told(["translator", catalog.DEFAULT, "org/a", "org/a"])) == ["org/a"]


# ── The boxes ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("org/writes", {"text": "Text", "target": "Continuation"}),
        ("org/both", {"text": "Text", "target": "Target"}),
        ("org/fills", {"text": "Text", "pair": "Second text (optional)"}),
        ("org/sorts", {"text": "Text"}),
        ("org/base", {"text": "Text"}),
    ],
)
def test_there_is_a_box_for_what_the_model_reads(ref, expected):
    assert boxes(opened(model=ref)) == expected


@pytest.fixture
def requests(monkeypatch):
    """(whether it is everybody's, the request) of each trace that is asked for."""
    found = []
    real = cache.trace

    def remembered(session, request):
        found.append((session == cache.PUBLIC, request))
        return real(session, request)

    monkeypatch.setattr(cache, "trace", remembered)
    return found


def test_a_second_text_is_read_and_stands_in_the_address(requests):
    app = opened(model="org/fills", text="a b")
    app.text_input(key="pair").set_value("c d").run()
    assert not app.exception
    assert address(app) == {"model": "org/fills", "text": "a b", "pair": "c d"}
    assert opened(**address(app)).text_input(key="pair").value == "c d"
    assert [request.pair_text for _, request in requests] == [None, "c d", "c d"]


def test_a_chat_template_is_off_until_asked_for(requests):
    app = opened(model="org/more", text="a b")
    assert not app.checkbox(key="chat").value
    app.checkbox(key="chat").check().run()
    assert address(app) == {"model": "org/more", "text": "a b", "chat": "1"}
    assert opened(**address(app)).checkbox(key="chat").value
    assert [request.chat for _, request in requests] == [False, True, True]


def test_an_example_alone_is_everybodys(requests):
    opened(model="org/fills")
    opened(model="org/writes", text=FIRST)
    for more in ({"pair": "mine"}, {"text": "mine"}):
        opened(model="org/fills", **more)
    assert [is_public for is_public, _ in requests] == [True, True, False, False]


def test_what_another_model_read_is_no_part_of_what_this_one_is_asked():
    app = opened(model="org/base", target="left", pair="over", chat="1")
    assert address(app) == {"model": "org/base"}
    assert not [box for box in app.checkbox if box.key == "chat"]


# ── What is said of a checkpoint ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("org/writes", "predicts the next token"),
        ("org/fills", "predicts each token"),
        ("org/sorts", "gives the text a label"),
        ("org/base", "predicts nothing: it has no head"),
    ],
)
def test_a_line_says_what_it_is(ref, says):
    (line,) = [c.value for c in opened(model=ref).caption if "layers" in c.value]
    assert line.endswith(says)
    assert line.startswith(in_markdown("My_<b>_Model"))
    assert "2 layers × 2 heads" in line and "124.4M parameters" in line


def test_the_card_is_a_table_of_facts_and_none_of_it_is_live():
    page = html(opened(model="/models/my_*own*"))
    assert "My_&lt;b&gt;_Model" in page and "<b>" not in page
    assert "[mit](http://x.y)" in page and "124,439,808" in page and "32 bits" in page
    assert "2, which share 1 key and value head" in page
    assert "/models/my_*own*" in page and "revision" not in page
    assert "revision" in html(opened(model="org/writes"))


def test_the_footer_says_what_was_checked_for_this_text_and_at_opening():
    (checked,) = [c for c in opened(model="org/writes").caption if c.value.startswith("checked")]
    assert "3.0e-7" in checked.help and "2.0e-6" in checked.help and "logits to 0" in checked.help
    assert "of every head" not in checked.value
    (checked,) = [
        c
        for c in opened(model="org/writes", text="a " * 300).caption
        if c.value.startswith("checked")
    ]
    assert checked.value.endswith("in 8 rows of every head")


def test_a_model_without_attention_shows_its_tokens_and_what_it_predicts():
    app = opened(model="org/mamba", text="my **x** <b>")
    assert notices(app) == [f"{in_markdown('My_Mamba')} has no softmax *attention*."]
    page = html(app)
    assert "<ol" in page and "&lt;b&gt;</bdi>" in page
    (table,) = (
        e.proto for e in app.get("bidi_component") if "predictions" in e.proto.component_name
    )
    assert "api/predictions/" in str(table)
    assert not [box for box in app.checkbox if box.key == "specials"]


def test_a_place_that_is_not_there_gets_a_sentence():
    app = opened(model="org/writes", layer="2", head="1")
    (said,) = notices(app)
    assert "layer 2" in said and in_markdown("org/writes") in said


# ── What fails ───────────────────────────────────────────────────────────────────────


def warnings(app):
    return [warning.value for warning in app.warning]


def buttons(app):
    return {button.label: button for button in app.button}


def test_a_checkpoint_that_cannot_be_opened_is_said_and_nothing_is_lost(asked):
    app = opened(model="org/writes", text="my cat")
    pick(app, "org/no_*ne*")
    (said,) = warnings(app)
    assert in_markdown("org/no_*ne*") in said
    assert text(app) == "my cat"
    assert address(app) == {"model": "org/no_*ne*", "text": "my cat"}
    app.text_input(key="text").set_value("my dog").run()
    assert len(warnings(app)) == 1 and text(app) == "my dog"
    assert asked == ["org/writes", "org/no_*ne*"]  # typing does not try again
    buttons(app)[f"back to {in_markdown('org/writes')}"].click().run()
    assert not app.exception and not warnings(app)
    assert address(app) == {"model": "org/writes", "text": "my dog"}


def test_an_address_that_cannot_be_opened_leads_back_to_the_default():
    app = opened(model="org/none")
    assert not app.exception and len(warnings(app)) == 1
    assert boxes(app) == {"text": "Text"}
    assert address(app) == {"model": "org/none"}
    buttons(app)["back to translator"].click().run()
    assert not warnings(app) and text(app) == FIRST
    assert address(app) == {}


def test_a_text_typed_beside_a_failure_goes_into_the_address():
    app = opened(model="org/none")
    app.text_input(key="text").set_value("my cat").run()
    assert address(app) == {"model": "org/none", "text": "my cat"}


def test_a_failure_is_tried_again_on_request(asked, monkeypatch):
    app = opened(model="org/late")
    asked = opened_as(monkeypatch, {"org/late": stub("org/late")})
    buttons(app)["try again"].click().run()
    assert not app.exception and not warnings(app)
    assert asked == ["org/late"]


def test_a_fault_of_our_own_while_opening_is_said_without_its_details(monkeypatch, caplog):
    opened_as(monkeypatch, {"org/bad": RuntimeError("a secret of the server")})
    app = opened(model="org/bad")
    assert not app.exception
    (said,) = warnings(app)
    assert "RuntimeError" in said and "secret" not in said
    assert "secret" in caplog.text


def test_a_failure_keeps_no_frame_alive_that_holds_what_was_half_loaded(monkeypatch):
    try:
        raise KeyError
    except KeyError as cause:
        problem = UnknownModel(ref="a", known="b")
        problem.__cause__ = cause
    opened_as(monkeypatch, {"org/bad": problem})
    under_way = opening.begin("org/bad")
    assert under_way.wait(30)
    assert under_way.problem is problem
    assert not any((problem.__traceback__, problem.__cause__, problem.__context__))


# ── On the way ───────────────────────────────────────────────────────────────────────


def test_two_who_wait_for_one_model_wait_for_one_opening(monkeypatch):
    go, runs = threading.Event(), []

    def slow(ref, report, room_for):
        runs.append(ref)
        report(Progress("downloading", 5, 10))
        assert go.wait(30)
        return stub(ref)

    monkeypatch.setattr(cache, "MODELS", ModelStore(slow, 10**12))
    first, second = opening.begin("org/slow"), opening.begin("org/slow")
    assert first is second
    assert not first.wait(0.05)
    assert first.progress == Progress("downloading", 5, 10)
    go.set()
    assert first.wait(30) and first.problem is None
    assert runs == ["org/slow"]
    assert opening.begin("org/slow") is not first


class Place:
    """What `show.progress` writes to, remembered."""

    def __init__(self):
        self.said = []

    def info(self, text, icon):
        self.said.append(text)

    def progress(self, share, text):
        self.said.append((share, text))


def said_of(progress):
    """What a page says of the progress of org/a_*b*."""
    place = Place()
    show.progress(cast(DeltaGenerator, place), "org/a_*b*", progress)
    (said,) = place.said
    return said


@pytest.mark.parametrize("stage", ["looking", "downloading", "loading", "checking"])
def test_each_stage_has_its_words(stage):
    assert in_markdown("org/a_*b*") in said_of(Progress(stage))


@pytest.mark.parametrize(("done", "share"), [(0, 0.0), (1_250_000, 0.5), (9_999_999, 1.0)])
def test_bytes_are_counted_and_never_more_than_there_are(done, share):
    shown, text = said_of(Progress("downloading", done, 2_500_000))
    assert shown == share
    assert f"{share * 2.5:.1f}".rstrip("0").rstrip(".") + " of 2.5 MB" in text
