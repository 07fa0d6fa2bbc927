"""Has what is written to a connection sent at once. Knows this process's sockets, not what is sent.

asyncio asks for that itself, but only of sockets that were made for TCP by name; Streamlit's is
made by default. So the end of each answer, and every small message after the first, waited until
the browser had acknowledged what came before, which a browser puts off for 40 ms (Nagle's
algorithm and delayed acknowledgements, RFC 896 and RFC 1122).
"""

import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

OPEN_FILES = Path("/dev/fd")  # Linux and macOS have it


def send_at_once() -> int:
    """Connections to come, to any port that this process listens on, send at once: they inherit
    that. Returns how many ports there are."""
    found = 0
    for listening in _listening():
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found += 1
    if not found:
        log.info("no listening socket was found; small answers may take 40 ms longer")
    return found


def _listening() -> Iterator[socket.socket]:
    """The sockets that listen, each as another handle of it, which is closed afterwards."""
    names = [path.name for path in OPEN_FILES.iterdir()] if OPEN_FILES.is_dir() else []
    for number in map(int, names):
        with suppress(OSError):  # the folder's own is closed by now
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as one:
                is_tcp = one.family in (socket.AF_INET, socket.AF_INET6)
                if is_tcp and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    yield one
