"""Grouping: the members of each group, and which thread plays which group."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.world import World


def grouped(group: NDArray[Any], groups: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """`World.group_members` and `World.group_first`, from the (n,) ``group`` of each endpoint."""
    members = np.argsort(group, kind="stable").astype(np.int32)
    first = np.searchsorted(group[members], np.arange(groups + 1)).astype(np.int64)
    return members, first


def shares(sizes: NDArray[np.int64], threads: int) -> NDArray[np.int64]:
    """Groups for each thread, the largest dealt first to whoever has least; ends with −1."""
    dealt: list[list[int]] = [[] for _ in range(threads)]
    loads = [0] * threads
    for group in sorted(range(len(sizes)), key=lambda g: -int(sizes[g])):
        thread = loads.index(min(loads))
        dealt[thread].append(group)
        loads[thread] += int(sizes[group])
    table = np.full((threads, len(sizes) + 1), -1, np.int64)
    for thread, groups in enumerate(dealt):
        table[thread, : len(groups)] = groups
    return table


def regroup(world: World) -> None:
    """Bring the members of all groups up to date with `ENDPOINT.group`."""
    members, first = grouped(world.endpoints["group"], len(world.group_first) - 1)
    world.group_members[:] = members
    world.group_first[:] = first
    world.shares[:] = shares(np.diff(first), len(world.shares))
