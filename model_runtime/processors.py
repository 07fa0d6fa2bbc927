"""How many processors this process may use.

Knows the operating system; not what is computed.
"""

import os


def processors() -> int:
    """Fewer than the machine has where the process was told so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
