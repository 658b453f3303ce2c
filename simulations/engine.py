"""The packet engine: plays the network's levels, epoch by epoch.

An epoch is a stretch of time that every level plays in turn. Because no level lies upstream of
itself and every delay is ≥ 0, what arrives at a level before the epoch's end has all been handed
down when the level's turn comes: any length of epoch gives the same result.
"""

from typing import Any

import numba
import numpy as np

from simulations.compiled import kernel, parallel_kernel
from simulations.fanout import run_fan_out, run_ingress
from simulations.groups import run_group
from simulations.links import carry
from simulations.media import earliest, emit
from simulations.packets import ITEM, insert
from simulations.stations import run_link
from simulations.trace import SENT, UPLINK, note
from simulations.world import (
    BACKBONE_DOWN,
    FAN_OUT,
    GROUP,
    INGRESS,
    LEVELS,
    PEERING_DOWN,
    PUBLISHED,
    World,
)

EPOCH = 250_000_000
"""ns. Long enough to spread the cost of an epoch, short enough for its copies to stay in cache."""
PUBLISH = -1
"""The step before the first level: publishers send."""
_SPARE = 512
"""Free slots that an edge from publishers must have before another packet is sent."""


@kernel
def publish(world: Any, until: int) -> int:
    """Send what publishers send before ``until``; the edge that is full, if one is, else −1."""
    tracks, edges, packets, links = world.tracks, world.edges, world.packets, world.uplinks
    items = world.edge_items
    starts, sizes = world.uplink_starts, world.uplink_sizes
    load_times, load_shares = world.load_times, world.load_shares
    trace, trace_rows = world.trace, world.trace_rows
    while True:
        track = tracks[earliest(tracks)]
        if track.next >= until:
            return -1
        publisher = track.publisher
        out = world.route[LEVELS, publisher]
        edge = edges[out]
        if edge.tail - edge.head > edge.mask - _SPARE:
            return int(out)
        index = world.totals[PUBLISHED] & (len(packets) - 1)
        world.totals[PUBLISHED] += 1
        packet = packets[index]
        emit(track, packet)
        now = packet.sent
        arrival = carry(links[publisher], starts, sizes, load_times, load_shares, now, packet.size)
        if publisher == trace[0]:
            note(trace, trace_rows, packet, SENT, now, now)
            note(trace, trace_rows, packet, UPLINK, arrival, now)
        if arrival >= 0:
            insert(edge, items, arrival, index, publisher)


@parallel_kernel
def run_level(world: Any, level: int, until: int) -> None:
    """Play the stations of one level, in parallel where there is much to do."""
    first, last = world.level_first[level], world.level_first[level + 1]
    full = world.full
    if level == GROUP:
        for thread in numba.prange(len(world.shares)):
            for i in range(world.shares.shape[1]):
                if world.shares[thread, i] < 0:
                    break
                run_group(world, world.shares[thread, i], until)
    elif level == FAN_OUT:
        for n in numba.prange(last - first):
            full[first + n] = run_fan_out(world, first + n, n, until)
    elif level in (PEERING_DOWN, BACKBONE_DOWN):
        for n in numba.prange(last - first):
            full[first + n] = run_link(world, first + n, until)
    elif level == INGRESS:
        for s in range(first, last):
            full[s] = run_ingress(world, s, s - first, until)
    else:
        for s in range(first, last):
            full[s] = run_link(world, s, until)


@kernel
def play(world: Any, until: int) -> bool:
    """Play up to ``until``; False if edges in ``world.full`` must grow before playing goes on."""
    clock, full = world.clock, world.full
    while clock[0] < until:
        end = min(clock[0] + EPOCH, until)
        if clock[1] == PUBLISH:
            full[0] = publish(world, end)
            if full[0] >= 0:
                return False
            clock[1] = 0
        while clock[1] < LEVELS:
            run_level(world, clock[1], end)
            for s in range(world.level_first[clock[1]], world.level_first[clock[1] + 1]):
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
