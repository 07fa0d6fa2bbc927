"""What the server does before its first visitor: open the default model, trace its text.

Knows the cache and Python's garbage collector; draws nothing.
"""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import torch
from starlette.concurrency import run_in_threadpool

from model_runtime import catalog
from model_runtime.types import Request
from shell import cache

log = logging.getLogger(__name__)


def warm_up() -> None:
    """Make the first page as quick as the hundredth."""
    # One thread a forward pass: for models this small, sharing the work out costs more than it
    # saves (200 ms against 70 for 70 tokens on two cores), and others want the second core.
    torch.set_num_threads(1)
    model = cache.model(catalog.DEFAULT)
    cache.trace(cache.PUBLIC, Request(catalog.DEFAULT, model.info.examples[0]))
    # Streamlit collects garbage after every script run, which with torch's hundred thousand
    # objects takes 150 ms each time. Those objects stay for good: out of the collector's sight.
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Start-up and shut-down of the server process. A model that cannot be opened does not
    keep the server from starting: the page will say what is wrong."""
    try:
        await run_in_threadpool(warm_up)
    except Exception:
        log.exception("the default model could not be opened at start-up")
    yield
