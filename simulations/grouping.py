"""Grouping: the members of each group, and the order in which groups are played."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.world import World

FIRST_FEEDBACK = 2
"""The tick at which those of phase 0 first send feedback: nobody's comes together with everybody's
first packets."""


def grouped(group: NDArray[Any], groups: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """`World.group_members` and `World.group_first`, from the (n,) ``group`` of each endpoint."""
    members = np.argsort(group, kind="stable").astype(np.int32)
    first = np.searchsorted(group[members], np.arange(groups + 1)).astype(np.int64)
    return members, first


def phases(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(groups,) in which of ``count`` ticks, over and over, each group's members send feedback: in
    each of them about as many."""
    loads = [0] * count
    places = np.zeros(len(sizes), np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        places[group] = loads.index(min(loads))
        loads[places[group]] += int(sizes[group])
    return places


def orders(sizes: NDArray[np.int64], phase: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`World.group_order`: the last ones, which leave some threads with nothing to do while others
    still play theirs, are small, or have little to do at this tick.

    Args:
        sizes: (groups,) members of each. phase, count: see `phases`.
    """
    # Who is at ease is played at the tick after its feedback's, see `simulations.turns`.
    busy = (phase + FIRST_FEEDBACK + 1) % count == np.arange(count)[:, np.newaxis]
    return np.array([np.lexsort((-sizes, ~due)) for due in busy])


def regroup(world: World) -> None:
    """Bring the members of all groups up to date with `ENDPOINT.group`."""
    members, first = grouped(world.endpoints["group"], len(world.group_first) - 1)
    world.group_members[:] = members
    world.group_first[:] = first
    world.group_order[:] = orders(np.diff(first), world.phases, len(world.group_order))
