"""The server process: the pages' frame, the HTTP routes beside it, what happens at start-up.

`make run` serves it. Knows what there is, and nothing of how it works.
"""

import streamlit as st
from starlette.middleware import Middleware

from shell import late, routes_components, routes_share, show
from shell.compress import StaticGzip
from shell.first_look import FirstLook
from shell.warmup import lifespan

app = st.App(
    "shell/frame.py",
    routes=[*routes_share.ROUTES, *routes_components.ROUTES, *late.ROUTES],
    lifespan=lifespan,
    middleware=[Middleware(StaticGzip), Middleware(FirstLook, picture=routes_components.PICTURE)],
    on_script_error=show.unexpected,
)
