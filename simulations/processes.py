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
    while process.step_end <= now:
        draw = standard_normal(process.key, process.index)
        if process.index == 0:
            process.state = draw  # stationary from the beginning
        else:
            innovation = math.sqrt(1.0 - process.decay * process.decay)
            process.state = process.decay * process.state + innovation * draw
        process.index += 1
        process.step_end += process.step
