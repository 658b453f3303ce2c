"""Losses on a link: Gilbert–Elliott, one step per packet."""

import math
from typing import Any

import numpy as np

from simulations.compiled import array_kernel, inlined, seldom
from simulations.randomness import uniform

LOSS = np.dtype(
    [
        # what every packet needs
        ("packets", np.int64),
        ("left", np.int64),  # packets until the state changes
        ("bad", np.int64),
        ("loss_in_bad", np.float64),
        ("loss_in_good", np.float64),
        # what losses and changes need
        ("to_bad", np.float64),
        ("to_good", np.float64),
        ("state_key", np.uint64),
        ("loss_key", np.uint64),
        ("changes", np.int64),  # draws made for the state
    ],
    align=True,
)
"""State of one link's loss process. A zero record loses nothing."""

_LONG = 1 << 62


@inlined
def _sojourn(loss: Any, probability: float) -> int:
    """Packets in a state that is left with ``probability`` after each: geometric, at least 1."""
    draw = uniform(loss.state_key, loss.changes)
    loss.changes += 1
    if probability <= 0.0:
        return _LONG
    if probability >= 1.0:
        return 1
    return 1 + int(math.log(draw) / math.log1p(-probability))


@inlined
def is_lost(loss: Any) -> bool:
    """Whether the next packet is lost."""
    if loss.left == 0:
        _change(loss)
    keep(loss, 1)
    return has_chance(loss) and bool(uniform(loss.loss_key, loss.packets) < _chance(loss))


@inlined
def keep(loss: Any, packets: int) -> None:
    """So many packets cross, with no change of state: `LOSS.left` says how many there may be."""
    loss.left -= packets
    loss.packets += packets


@inlined
def has_chance(loss: Any) -> bool:
    """Whether packets can be lost, in the present state."""
    return bool(_chance(loss) > 0.0)


@inlined
def _chance(loss: Any) -> float:
    return loss.loss_in_bad if loss.bad else loss.loss_in_good  # type: ignore[no-any-return]


@seldom
def _change(loss: Any) -> None:
    total = loss.to_bad + loss.to_good
    if total <= 0.0:
        loss.left = _LONG
    elif loss.changes == 0:  # the first state is stationary
        loss.bad = uniform(loss.state_key, 0) * total < loss.to_bad
        loss.changes = 1
        loss.left = _sojourn(loss, loss.to_good if loss.bad else loss.to_bad)
    else:
        loss.bad = not loss.bad
        loss.left = _sojourn(loss, loss.to_good if loss.bad else loss.to_bad)


@array_kernel
def losses(loss: Any, packets: int) -> Any:
    """Which of the next ``packets`` packets are lost: (packets,) bool."""
    lost = np.empty(packets, np.bool_)
    for i in range(packets):
        lost[i] = is_lost(loss)
    return lost
