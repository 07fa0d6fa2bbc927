"""The server process: the pages' frame, the HTTP routes beside it, what happens at start-up.

`make run` serves it. Knows what there is, and nothing of how it works.
"""

from functools import partial

import streamlit as st
from starlette.middleware import Middleware

from shell import late, routes_components, routes_share, show, warmup
from shell.compress import StaticGzip
from shell.first_look import FirstLook


def read_pages() -> None:
    """Import what the frame's script draws, before it is first run."""
    from pages import attention, positions, steps  # noqa: F401


app = st.App(
    "shell/frame.py",
    routes=[*routes_share.ROUTES, *routes_components.ROUTES, *warmup.ROUTES, *late.ROUTES],
    lifespan=partial(warmup.lifespan, read_pages),
    middleware=[Middleware(StaticGzip), Middleware(FirstLook, picture=routes_components.PICTURE)],
    on_script_error=show.unexpected,
)
