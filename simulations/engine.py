"""The packet engine: plays the network's levels, epoch by epoch.

An epoch is a stretch of time that every level plays in turn. Because no level lies upstream of
itself and every delay is ≥ 0, what arrives at a level before the epoch's end has all been handed
down when the level's turn comes: packets take the same course with any length of epoch. Feedback
closes the loop from one tick to the next, so an epoch of a run that adapts ends at every tick.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from scenarios.units import SECOND
from simulations.choosing import note_offer
from simulations.claims import claim
from simulations.compiled import Separate, direct, kernel, parallel_kernel
from simulations.compiling import compile_apart
from simulations.departures import note_departures, run_fan_out
from simulations.fanout import run_share
from simulations.groups import run_group
from simulations.ingress import run_ingress
from simulations.layout import zeros
from simulations.packets import ITEM
from simulations.sending import publish
from simulations.settings import TICK
from simulations.shares import SHARES, is_any_full
from simulations.stations import run_link
from simulations.steering import steer_group
from simulations.trains import RIDER
from simulations.upstream import run_seats
from simulations.world import (
    AGGREGATION_UP,
    BACKBONE_DOWN,
    CASCADE,
    FAN_OUT,
    GROUP,
    INGRESS,
    LEVELS,
    PEERING_DOWN,
    World,
)

SHORT = TICK // 25
"""ns. Epochs that are shorter, and end before the tick, are played by one thread: there is less to
do than threads take to meet after every step. There are many while clients join."""
EPOCH = 250_000_000
"""ns, where nothing adapts. Long enough to spread the cost of an epoch, short enough for its copies
to stay in cache."""
BREATH = SECOND
"""ns that are played at a time: a signal, as of Ctrl-C, is heard in between."""
PUBLISH = -1
"""The step before the first level: publishers send."""
STEERING = LEVELS
"""The step behind the last level, at ticks: nodes act upon the RTCP that endpoints have sent. It
needs no more than the group's own members, and follows for each group at once."""
SETTLING = LEVELS + 1
"""Beside the others: everyone is played whose turn it is not."""
COPYING = LEVELS + 2
"""The step before the fan-out: shares of nodes' subscribers decide which copies leave."""
IN_PARALLEL = (
    AGGREGATION_UP, COPYING, FAN_OUT, PEERING_DOWN, BACKBONE_DOWN, GROUP, SETTLING,
)  # fmt: skip
"""Steps in which there is enough to do for several threads."""


@kernel
def run_station(world: Any, level: int, s: int, until: int) -> None:
    """Play the station ``s`` of a level."""
    n = s - world.level_first[level]
    if level == FAN_OUT:
        world.full[s] = run_fan_out(world, s, n)
    elif level == INGRESS:
        world.full[s] = run_ingress(world, s, n, until)
    else:
        world.full[s] = run_link(world, s, until)


@kernel
def run_part(world: Any, step: int, last_step: int, thread: Any, until: int) -> None:
    """Play one thread's part of a step: the shares of nodes' subscribers, or the stations of a
    level, that it gets hold of; or the groups, in the steps up to the last one: what is needed is
    at hand."""
    if step == COPYING:
        while True:
            place = claim(world.claimed)
            if place >= len(world.nodes) * SHARES:
                return
            run_share(world, place // SHARES, place % SHARES, thread, until)
    if step == PEERING_DOWN:
        note_departures(world, thread)
    if step < GROUP:
        first, last = world.level_first[step], world.level_first[step + 1]
        while True:
            s = first + claim(world.claimed)
            if s >= last:
                return
            run_station(world, step, s, until)
    order = world.group_order[until // TICK % len(world.group_order)]
    while True:
        place = claim(world.claimed)
        if place >= len(order):
            break
        group = order[place]
        for part in range(step, last_step + 1):
            if part == STEERING:
                steer_group(world, group, until)
            else:
                run_group(world, group, thread, until, part == SETTLING)


@parallel_kernel
def play(world: Any, part: Any, until: int, settle: bool) -> bool:  # noqa: PLR0912
    """Play up to ``until``; False if edges in ``world.full``, or shares that are ``full``, must
    grow before playing goes on.

    There is one parallel loop for all steps: parallel loops are what takes longest to compile.

    Args:
        part: `run_part`.
    """
    clock, full = world.clock, world.full
    adapts, threads = world.settings[0].adapts, len(world.numbers)
    while clock[0] < until or settle:
        end = min(clock[0] + EPOCH, until)
        if adapts:
            end = min((clock[0] // TICK + 1) * TICK, until)
        step = clock[1]
        if clock[0] >= until:
            end, step, settle = clock[0], SETTLING, False
        last = step
        if step == PUBLISH:
            if adapts and clock[0] % TICK == 0 and clock[2] < clock[0]:
                clock[2] = clock[0]
                run_seats(world, clock[0])
            full[0] = publish(world, end)
            if full[0] >= 0:
                return False
        elif step in IN_PARALLEL:
            if step == GROUP and adapts and end % TICK == 0:
                note_offer(world)
                last = STEERING
            world.claimed[0] = 0
            if adapts and step != SETTLING and end % TICK != 0 and end - clock[0] < SHORT:
                part(world, step, last, np.int64(0), end)
            else:
                for thread in numba.prange(threads):
                    part(world, step, last, np.int64(thread), end)
        else:
            for s in range(world.level_first[step], world.level_first[step + 1]):
                run_station(world, step, s, end)
        if 0 <= step < GROUP:
            for s in range(world.level_first[step], world.level_first[last + 1]):
                if full[s] >= 0:
                    return False
        if step == SETTLING:
            break
        if step == COPYING and is_any_full(world):
            return False
        clock[1] = min(last, GROUP) + 1
        if step in (CASCADE, COPYING):
            clock[1] = COPYING if step == CASCADE else FAN_OUT
        if clock[1] == LEVELS:
            clock[0] = end
            clock[1] = PUBLISH
    return True


class Engine:
    """Plays a world's packets."""

    def __init__(self, world: World) -> None:
        self.world = world
        arguments = (numba.typeof(world), *4 * [numba.int64])
        compile_apart(run_part, arguments)
        self._part = Separate(run_part, *arguments)
        self._kernel = direct(
            play, numba.typeof(world), numba.typeof(self._part), numba.int64, numba.boolean
        )

    def advance(self, until: int, settle: bool = True) -> None:
        """Play all packets up to the time ``until`` (ns).

        Args:
            settle: whoever's turn it is not is played as well (see `simulations.turns`): all that
                endpoints keep is as of ``until``. Otherwise `groups.bring_up` does it for one.
        """
        if not settle and until <= self.world.clock[0]:
            return  # asked thousands of times a second, while clients join
        while (now := int(self.world.clock[0])) < until - BREATH:
            # whole seconds end with a tick, so that none is cut
            self._play_up_to((now // BREATH + 1) * BREATH, settle=False)
        self._play_up_to(until, settle)

    def _play_up_to(self, until: int, settle: bool) -> None:
        while not self._kernel(self.world, self._part, until, settle):
            self.world = grown(self.world)


def grown(world: World) -> World:
    """The world with twice the room on the edges that were full, or in shares."""
    if (world.shares["full"] > 0).any():
        world.shares["full"] = 0
        return world._replace(
            bundles=_doubled(world.bundles, int(world.shares["bundles"].max())),
            departures=_doubled(world.departures, int(world.shares["copies"].max())),
        )
    sizes = world.edges["mask"] + 1
    new_sizes = sizes.copy()
    new_sizes[np.unique(world.full[world.full >= 0])] *= 2
    world.full[:] = -1
    bases = np.concatenate(([0], np.cumsum(new_sizes)[:-1]))
    items, riders = zeros(int(new_sizes.sum()), ITEM), zeros(int(new_sizes.sum()), RIDER)
    for e, old in enumerate(world.edges):
        used = np.arange(old["head"], old["tail"])
        before, after = old["base"] + used % sizes[e], bases[e] + used % new_sizes[e]
        items[after], riders[after] = world.edge_items[before], world.riders[before]
    world.edges["base"] = bases
    world.edges["mask"] = new_sizes - 1
    return world._replace(edge_items=items, riders=riders)


def _doubled(rows: NDArray[Any], used: int) -> NDArray[Any]:
    """Arrays of (nodes, shares, room) with twice the room, of which the first ``used`` are used."""
    more = zeros((*rows.shape[:2], 2 * rows.shape[2]), rows.dtype)
    more[:, :, :used] = rows[:, :, :used]
    return more
