"""A random process that is correlated in time: Ornstein–Uhlenbeck, seen on a grid.

Its values are standard normal, and the correlation of two of them falls to 1/e within the
correlation time.
"""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.randomness import standard_normal

PROCESS: list[tuple[str, Any]] = [
    ("key", np.uint64),
    ("step", np.int64),  # ns; one value holds for so long
    ("step_end", np.int64),  # ns
    ("index", np.int64),  # values drawn
    ("state", np.float64),
    ("decay", np.float64),  # exp(−step / correlation time)
]
"""Fields of a record that has such a process."""


@inlined
def advance(process: Any, now: int) -> None:
    """Bring ``process.state`` to the time ``now``, which never goes back."""
    end, index, state, decay = process.step_end, process.index, process.state, process.decay
    if end > now:
        return
    innovation = math.sqrt(1.0 - decay * decay)
    while end <= now:
        draw = standard_normal(process.key, index)
        # stationary from the beginning
        state = draw if index == 0 else decay * state + innovation * draw
        index += 1
        end += process.step
    process.step_end, process.index, process.state = end, index, state
