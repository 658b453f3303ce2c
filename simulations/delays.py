"""Delay of a link in time, beside its queue: jitter that is correlated, paths that change."""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.processes import PROCESS, advance
from simulations.randomness import standard_normal, uniform

JITTER = np.dtype(
    [
        ("median", np.float64),  # ns; 0: none
        ("spread", np.float64),
        *PROCESS,
        ("value", np.int64),  # ns, holds until `step_end`
    ],
    align=True,
)
"""State of one link's jitter: median · exp(spread · Ornstein–Uhlenbeck), on a grid."""

PATH = np.dtype(
    [
        ("next", np.int64),
        ("index", np.int64),
        ("log_p5", np.float64),  # ln ns
        ("log_p50", np.float64),
        ("log_p95", np.float64),
        ("loss", np.float64),
        ("loss_time", np.int64),
        ("loss_until", np.int64),
        ("packets", np.int64),
        ("key", np.uint64),
        ("loss_key", np.uint64),
        # what every packet needs
        ("value", np.int64),  # ns
        ("every", np.int64),  # ns; 0: the path never changes
    ],
    align=True,
)
"""State of one link's path, chosen anew every so often."""

_Z95 = 1.6448536269514722
"""The standard normal distribution's 95th percentile."""


@inlined
def jitter_at(jitter: Any, now: int) -> int:
    """Extra delay (ns) at the time ``now``, which never goes back."""
    if jitter.median <= 0.0:
        return 0
    if now >= jitter.step_end:
        _step_jitter(jitter, now)
    return jitter.value  # type: ignore[no-any-return]


@inlined
def _step_jitter(jitter: Any, now: int) -> None:
    advance(jitter, now)
    jitter.value = np.int64(jitter.median * math.exp(jitter.spread * jitter.state))


@inlined
def path_delay_at(path: Any, now: int) -> int:
    """Extra delay (ns) of the path in use at the time ``now``, which never goes back."""
    if path.every > 0 and now >= path.next:
        _change_path(path, now)
    return path.value  # type: ignore[no-any-return]


@seldom
def _change_path(path: Any, now: int) -> None:
    while path.next <= now:
        z = standard_normal(path.key, path.index) / _Z95
        slope = path.log_p95 - path.log_p50 if z > 0 else path.log_p50 - path.log_p5
        bounded = max(-1.5, min(1.5, z))
        path.value = np.int64(math.exp(path.log_p50 + bounded * slope))
        path.loss_until = path.next + path.loss_time
        path.index += 1
        path.next += path.every


@inlined
def is_lost_on_path(path: Any, now: int) -> bool:
    """Whether a packet is lost because the path has just changed."""
    if path.every == 0 or now >= path.loss_until:
        return False
    path.packets += 1
    return bool(uniform(path.loss_key, path.packets) < path.loss)
