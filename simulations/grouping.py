"""Grouping: the members of each group, and which thread plays which group."""

from collections.abc import Iterable
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
    dealt: list[list[int]] = [[] for _ in range(count)]
    _deal(sizes, range(len(sizes)), dealt)
    places = np.zeros(len(sizes), np.int64)
    for number, groups in enumerate(dealt):
        places[groups] = number
    return places


def shares(sizes: NDArray[np.int64], phase: NDArray[np.int64], threads: int) -> NDArray[np.int64]:
    """Groups for each thread, those of each ``phase`` dealt evenly by themselves; ends with −1."""
    dealt: list[list[int]] = [[] for _ in range(threads)]
    for number in np.unique(phase):
        _deal(sizes, np.flatnonzero(phase == number).tolist(), dealt)
    table = np.full((threads, len(sizes) + 1), -1, np.int64)
    for thread, groups in enumerate(dealt):
        table[thread, : len(groups)] = groups
    return table


def _deal(sizes: NDArray[np.int64], groups: Iterable[int], dealt: list[list[int]]) -> None:
    """Deal ``groups`` out, the largest first to whoever has least of them."""
    loads = [0] * len(dealt)
    for group in sorted(groups, key=lambda g: -int(sizes[g])):
        place = loads.index(min(loads))
        dealt[place].append(group)
        loads[place] += int(sizes[group])


def regroup(world: World) -> None:
    """Bring the members of all groups up to date with `ENDPOINT.group`."""
    members, first = grouped(world.endpoints["group"], len(world.group_first) - 1)
    world.group_members[:] = members
    world.group_first[:] = first
    world.shares[:] = shares(np.diff(first), world.phases, len(world.shares))
