"""A page that outlived its session: what it holds is heard, and nothing that it does not."""

from types import SimpleNamespace

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state import SafeSessionState, SessionState

from shell import reconnected

FIRST = {"text": "The first text.", "specials": False, "mean": "none"}


def widget(key, **value):
    return WidgetState(id=f"$$ID-0123456789abcdef-{key}", **value)


@pytest.fixture
def come_back(monkeypatch):
    """What is held when these widgets come with a message."""

    def held(*widgets, by_history=False):
        state = SessionState()
        state.set_widgets_from_proto(WidgetStates(widgets=widgets))
        safe = SafeSessionState(state, lambda: None)
        context = SimpleNamespace(is_history_navigation=by_history)
        monkeypatch.setattr(reconnected, "get_script_run_ctx", lambda: context)
        monkeypatch.setattr(reconnected, "get_session_state", lambda: safe)
        return reconnected.held(FIRST)

    return held


def test_a_page_that_was_just_opened_holds_nothing(come_back):
    assert come_back() == {}


def test_a_typed_text_and_a_tick_are_held(come_back):
    typed = widget("text", string_value="Typed while nobody was there.")
    ticked = widget("specials", bool_value=True)
    assert come_back(typed, ticked) == {"text": "Typed while nobody was there.", "specials": True}


def test_widgets_that_are_no_choice_or_of_another_kind_are_left_alone(come_back):
    other = widget("_examples", string_value="An example.")
    wrong = widget("specials", string_value="yes")
    nameless = widget("None", string_value="Of no key.")
    assert come_back(other, wrong, nameless) == {}


def test_after_a_step_back_in_the_history_the_address_is_the_newer(come_back):
    assert come_back(widget("text", string_value="Before."), by_history=True) == {}


def test_outside_a_run_nothing_is_held():
    assert reconnected.held(FIRST) == {}
