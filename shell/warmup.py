"""What the server does at its start: read torch, open the default model, trace its text.

It answers meanwhile. Knows the cache and Python's garbage collector; draws nothing.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool

from shell.at_once import send_at_once

log = logging.getLogger(__name__)


def warm_up() -> None:
    """Make the first page as quick as the hundredth."""
    # What torch's modules are made of stays for good: to look through it for garbage, again and
    # again while it grows, is a fifth of the time that reading it takes.
    gc.disable()
    try:
        _read_and_trace()
        # For the same reason it then goes out of the collector's sight: a sweep through its
        # hundred thousand objects takes 150 ms.
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()


def _read_and_trace() -> None:
    import torch  # not before the server answers, see `late.py`

    # One thread a forward pass: for models this small, sharing the work out costs more than it
    # saves (200 ms against 70 for 70 tokens on two cores), and others want the second core.
    torch.set_num_threads(1)
    from model_runtime import catalog
    from model_runtime.types import Request
    from shell import cache

    model = cache.model(catalog.DEFAULT)
    cache.trace(cache.PUBLIC, Request(catalog.DEFAULT, model.info.examples[0]))


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Start-up and shut-down of the server process."""
    send_at_once()
    warming = asyncio.create_task(_warmed())
    yield
    await warming


async def _warmed() -> None:
    """A model that cannot be opened does not stop the server: the page will say what is wrong."""
    try:
        await run_in_threadpool(warm_up)
    except Exception:
        log.exception("the default model could not be opened at start-up")
