"""The packet engine: plays the network's levels, epoch by epoch.

An epoch is a stretch of time that every level plays in turn. Because no level lies upstream of
itself and every delay is ≥ 0, what arrives at a level before the epoch's end has all been handed
down when the level's turn comes: packets take the same course with any length of epoch. Feedback
closes the loop from one tick to the next, so an epoch of a run that adapts ends at every tick.
"""

from typing import Any

import numba
import numpy as np

from simulations import reporting, steering
from simulations.compiled import kernel, parallel_kernel
from simulations.fanout import run_fan_out, run_ingress
from simulations.groups import run_group
from simulations.packets import ITEM
from simulations.reporting import report
from simulations.sending import publish
from simulations.settings import TICK
from simulations.stations import run_link
from simulations.steering import steer
from simulations.upstream import run_seats
from simulations.world import (
    BACKBONE_DOWN,
    FAN_OUT,
    GROUP,
    INGRESS,
    LEVELS,
    PEERING_DOWN,
    World,
)

EPOCH = 250_000_000
"""ns, where nothing adapts. Long enough to spread the cost of an epoch, short enough for its copies
to stay in cache."""
PUBLISH = -1
"""The step before the first level: publishers send."""
FEEDBACK, STEERING = LEVELS, LEVELS + 1
"""The steps behind the last level, at ticks: endpoints send RTCP, and nodes act upon it."""
STEPS = LEVELS + 2
IN_PARALLEL = (FAN_OUT, PEERING_DOWN, BACKBONE_DOWN, GROUP, FEEDBACK, STEERING)
"""Steps in which there is enough to do for several threads."""


@kernel
def run_station(world: Any, level: int, s: int, until: int) -> None:
    """Play the station ``s`` of a level."""
    n = s - world.level_first[level]
    if level == FAN_OUT:
        world.full[s] = run_fan_out(world, s, n, until)
    elif level == INGRESS:
        world.full[s] = run_ingress(world, s, n, until)
    else:
        world.full[s] = run_link(world, s, until)


@kernel
def run_part(world: Any, step: int, thread: int, until: int) -> None:
    """Play one thread's part of a step: its stations of a level, or its groups."""
    if step < GROUP:
        first, last = world.level_first[step], world.level_first[step + 1]
        for s in range(first + thread, last, len(world.shares)):
            run_station(world, step, s, until)
        return
    members, group_first = world.group_members, world.group_first
    for i in range(world.shares.shape[1]):
        group = world.shares[thread, i]
        if group < 0:
            break
        if step == GROUP:
            run_group(world, group, until)
            continue
        last = group_first[group + 1] - 1
        for j in range(group_first[group], last + 1):
            soon = np.uint64(members[min(j + 2, last)])
            if step == FEEDBACK:
                reporting.ask_ahead(world, soon, until)
                report(world, members[j], thread, until)
            else:
                steering.ask_ahead(world, soon)
                steer(world, members[j], until)


@parallel_kernel
def play(world: Any, until: int) -> bool:  # noqa: PLR0912
    """Play up to ``until``; False if edges in ``world.full`` must grow before playing goes on.

    There is one parallel loop for all steps: parallel loops are what takes longest to compile.
    """
    clock, full = world.clock, world.full
    adapts, threads = world.settings[0].adapts, len(world.shares)
    while clock[0] < until:
        end = min(clock[0] + EPOCH, until)
        if adapts:
            end = min((clock[0] // TICK + 1) * TICK, until)
        if clock[1] == PUBLISH:
            if adapts and clock[0] % TICK == 0 and clock[2] < clock[0]:
                clock[2] = clock[0]
                run_seats(world, clock[0])
            full[0] = publish(world, end)
            if full[0] >= 0:
                return False
            clock[1] = 0
        steps = STEPS if adapts and end % TICK == 0 else LEVELS
        while clock[1] < steps:
            step = clock[1]
            if step in IN_PARALLEL:
                for thread in numba.prange(threads):
                    run_part(world, step, thread, end)
            else:
                for s in range(world.level_first[step], world.level_first[step + 1]):
                    run_station(world, step, s, end)
            if step < GROUP:
                for s in range(world.level_first[step], world.level_first[step + 1]):
                    if full[s] >= 0:
                        return False
            clock[1] += 1
        clock[0] = end
        clock[1] = PUBLISH
    return True


class Engine:
    """Plays a world's packets."""

    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, until: int) -> None:
        """Play all packets up to the time ``until`` (ns)."""
        while not play(self.world, until):
            self.world = grown(self.world)


def grown(world: World) -> World:
    """The world with twice the room on the edges that were full."""
    sizes = world.edges["mask"] + 1
    new_sizes = sizes.copy()
    new_sizes[np.unique(world.full[world.full >= 0])] *= 2
    world.full[:] = -1
    bases = np.concatenate(([0], np.cumsum(new_sizes)[:-1]))
    items = np.zeros(int(new_sizes.sum()), ITEM)
    for e, old in enumerate(world.edges):
        used = np.arange(old["head"], old["tail"])
        items[bases[e] + used % new_sizes[e]] = world.edge_items[old["base"] + used % sizes[e]]
    world.edges["base"] = bases
    world.edges["mask"] = new_sizes - 1
    return world._replace(edge_items=items)
