"""What is known of kinds of models from reading their code: who has no softmax attention, who
asks for softmax more often than once an attention. Knows nothing of recording.
"""

from collections.abc import Callable

from torch import Tensor

NO_SOFTMAX: dict[str, str] = {
    "falcon_mamba": "a state-space model: a scan over time, no attention",
    "fnet": "mixes tokens by a Fourier transform",
    "mamba": "a state-space model: a scan over time, no attention",
    "mamba2": "a state-space model: a scan over time, no attention",
    "mra": "adds up blocks of exp(q·k) at two resolutions, never a row of softmax",
    "reformer": "normalises by logsumexp over hashed or local chunks, not by softmax over keys",
    "rwkv": "a recurrence with decaying weights, no attention",
    "xlstm": "a recurrence with a matrix as its memory, no attention",
    "yoso": "weighs values by how likely hashes collide, not by softmax",
}

CALLS_FOR_SOFTMAXES: dict[str, Callable[[list[Tensor]], int]] = {}
