"""Grouping: the members of each group, and the order in which groups are played."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.world import World


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
    for group in largest_first(sizes):
        places[group] = loads.index(min(loads))
        loads[places[group]] += int(sizes[group])
    return places


def largest_first(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(groups,) `World.group_order`: the last ones, which leave some threads with nothing to do
    while others still play theirs, are small."""
    return np.argsort(-sizes, kind="stable")


def regroup(world: World) -> None:
    """Bring the members of all groups up to date with `ENDPOINT.group`."""
    members, first = grouped(world.endpoints["group"], len(world.group_first) - 1)
    world.group_members[:] = members
    world.group_first[:] = first
    world.group_order[:] = largest_first(np.diff(first))
