"""What an open page holds that comes back to a server which no longer knows its session.

Streamlit forgets a session when the server starts anew, and two minutes after a page went out of
reach. The page then stays as it was, and its next message is the first of a new session: what was
just typed or ticked comes with it, and the address beside it is of the moment before. Knows
Streamlit's messages; not what the widgets mean.
"""

from collections.abc import Mapping

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import get_session_state
from streamlit.runtime.state.common import user_key_from_element_id


def held(values: Mapping[str, object]) -> dict[str, object]:
    """Of the widgets whose keys and first values are given, the texts and ticks that came with
    this run's message; nothing where the reader went back in the history, for then the address
    is the newer."""
    context = get_script_run_ctx()
    if context is None or context.is_history_navigation:
        return {}
    found: dict[str, object] = {}
    # No public way leads to a value whose widget has not been drawn in this session.
    for widget in get_session_state()._state._new_widget_state.as_widget_states():
        key = user_key_from_element_id(widget.id)
        kind = widget.WhichOneof("value")
        if key and key in values and kind in ("string_value", "bool_value"):
            value = getattr(widget, kind)
            if type(value) is type(values[key]):
                found[key] = value
    return found
