"""What the server does at its start: have the first page ready, read torch, trace the page's text.

It answers meanwhile. The first page shows a pass that was recorded when the model was made, until
torch is there, which takes longer than all else. Knows the cache and Python's garbage collector;
draws nothing.

    GET /api/ready     200 once all of that is done; waits for it
"""

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.routing import Route

from shell.at_once import send_at_once

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that whoever opens the page at once has to ask for it
PAINTING = 0.5  # seconds that a browser takes to paint what it was sent
LONGEST = 120.0  # seconds that an answer to `ready` may take
_SENT = threading.Event()  # a first page
_READY = threading.Event()  # nothing is left to be done


def page_is_sent() -> None:
    """A page was sent to somebody."""
    _SENT.set()


def warm_up(read_pages: Callable[[], None]) -> None:
    """Make the first page as quick as the hundredth. `read_pages` imports them: the script that
    draws them needs them, but this module does not know them."""
    # What torch's modules are made of stays for good: to look through it for garbage, again and
    # again while it grows, is a fifth of the time that reading it takes.
    gc.disable()
    try:
        read_pages()
        _read_and_trace()
        # For the same reason it then goes out of the collector's sight: a sweep through its
        # hundred thousand objects takes 150 ms.
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()
        _READY.set()


def _read_and_trace() -> None:
    from model_runtime import catalog
    from model_runtime.types import Request
    from shell import cache

    model = cache.model(catalog.DEFAULT)
    example = Request(catalog.DEFAULT, model.info.examples[0])
    cache.trace(cache.PUBLIC, example)

    # One thread a forward pass: for models this small, sharing the work out costs more than it
    # saves (200 ms against 70 for 70 tokens on two cores), and others want the second core. Said
    # so that it holds whoever reads torch first.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Reading torch takes Python from whoever draws the first page, and a processor from a browser
    # on this machine. A text that is typed meanwhile does not wait: it reads torch itself.
    if _SENT.wait(PATIENCE):
        time.sleep(PAINTING)
    import torch

    torch.set_num_threads(1)
    cache.traced_anew(cache.PUBLIC, example)


@asynccontextmanager
async def lifespan(read_pages: Callable[[], None], app: object) -> AsyncIterator[None]:
    """Start-up and shut-down of the server process."""
    send_at_once()
    warming = asyncio.create_task(_warmed(read_pages))
    yield
    await warming


async def ready(request: WebRequest) -> Response:
    """For whoever starts the server and measures it, or sends visitors to it."""
    is_ready = await run_in_threadpool(_READY.wait, LONGEST)
    return Response(status_code=200 if is_ready else 503)


ROUTES = [Route("/api/ready", ready)]


async def _warmed(read_pages: Callable[[], None]) -> None:
    """A model that cannot be opened does not stop the server: the page will say what is wrong."""
    try:
        await run_in_threadpool(warm_up, read_pages)
    except Exception:
        log.exception("the default model could not be opened at start-up")
