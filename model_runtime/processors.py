"""How many processors this process may use. Knows nothing of what is computed."""

import os


def processors() -> int:
    """At least one; fewer than the machine has where it was told so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
