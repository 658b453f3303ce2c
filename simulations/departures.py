"""Departures: copies leave a media node, as its processor and its network interface get to them."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.copying import trace_copy
from simulations.history import FILLER
from simulations.packets import is_full, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED, transmission
from simulations.shares import CAME, ORDERED, SHARES
from simulations.stations import rewind
from simulations.trains import board, follow, lengthen
from simulations.world import FAN_OUT

_AHEAD = np.uint64(8)
"""Copies ahead whose places in the histories are asked for."""


@kernel
def run_fan_out(world: Any, s: int, n: int) -> int:
    """Let all copies leave that the shares of node ``n``, station ``s``, have decided upon.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    node, station, edges, shares = world.nodes[n], world.stations[s], world.edges, world.shares[n]
    fans, fan_edges, fan_copies = world.fans, world.fan_edges, world.fan_copies
    while True:
        k, time, turn, other = _next_share(world, n)
        if k < 0:
            break
        share = shares[np.uint64(k)]
        while share.left < share.bundles:
            bundle = world.bundles[n, k, share.left]
            if other >= 0 and not _is_sooner(bundle, k, time, turn, other):
                break
            for i in range(fans[n], fans[n + 1]):
                if is_full(edges[fan_edges[i]], min(fan_copies[i], np.int64(bundle.count))):
                    return int(fan_edges[i])
            if bundle.cause == CAME and node.cpu_free - bundle.time <= node.queue:
                # beyond it, all copies are dropped unread
                node.cpu_free = max(node.cpu_free, bundle.time) + node.packet_cost
                node.cpu_work += node.packet_cost
            elif bundle.cause == ORDERED:
                node.padding += bundle.kind == FILLER
                node.retransmissions += bundle.kind != FILLER
            _leave(world, n, k, bundle, np.uint64(share.copies_left))
            share.left += 1
            share.copies_left += np.int64(bundle.count)
    for k in range(SHARES):
        share = shares[np.uint64(k)]
        node.copies += share.dropped
        node.dropped += share.dropped
        share.dropped = 0
    for e in range(station.first_edge, station.first_edge + station.edges):
        edges[np.uint64(e)].head = world.cursors[0, np.uint64(e)]
    rewind(station, edges)
    for e in range(station.first_edge, station.first_edge + station.edges):
        # The station may be played once more, while others' edges grow.
        world.cursors[0, np.uint64(e)] = edges[np.uint64(e)].head
    return -1


@inlined
def _next_share(world: Any, n: int) -> tuple[int, int, int, int]:
    """The share whose bundle leaves next, or −1; and of the share that is next then, the bundle's
    time and turn, and which it is, or −1."""
    best, other = -1, -1
    best_time: Any = 0
    best_turn: Any = 0
    other_time: Any = 0
    other_turn: Any = 0
    for k in range(SHARES):
        share = world.shares[n, k]
        if share.left == share.bundles:
            continue
        bundle = world.bundles[n, k, share.left]
        if best < 0 or _is_sooner(bundle, k, best_time, best_turn, best):
            other, other_time, other_turn = best, best_time, best_turn
            best, best_time, best_turn = k, bundle.time, np.int64(bundle.turn)
        elif other < 0 or _is_sooner(bundle, k, other_time, other_turn, other):
            other, other_time, other_turn = k, bundle.time, np.int64(bundle.turn)
    return best, other_time, other_turn, other


@inlined
def _is_sooner(bundle: Any, k: int, time: int, turn: int, other: int) -> bool:
    """Whether a bundle of the share ``k`` leaves before one of the ``other`` share."""
    if bundle.time != time:
        return bool(bundle.time < time)
    if np.int64(bundle.turn) != turn:
        return bool(np.int64(bundle.turn) < turn)
    return k < other


@inlined
def _leave(world: Any, n: int, k: int, bundle: Any, first: Any) -> None:
    """Let a bundle leave, the share's copies from the ``first`` on, and take it down."""
    node, packet, now = world.nodes[n], world.packets[bundle.packet], bundle.time
    cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
    cpu_free, nic_free, dropped = _serve(world, n, k, bundle, packet, first, cost)
    sent = np.int64(bundle.count) - dropped
    node.copies += np.int64(bundle.count)
    node.dropped += dropped
    if sent > 0:
        node.cpu_free, node.nic_free = cpu_free, nic_free
        node.cpu_work += sent * cost
        node.bytes += sent * packet.size
        node.delay_max = max(node.delay_max, nic_free - now)


@inlined
def _serve(
    world: Any, n: int, k: int, bundle: Any, packet: Any, first: Any, cost: int
) -> tuple[Any, Any, int]:
    """Let the processor and the network interface serve a bundle's copies one after the other.

    Args:
        cost: the processor's time for each (ns).

    Returns:
        When both are free (ns), and how many copies are dropped, as they would wait too long.
    """
    node, now = world.nodes[n], bundle.time
    departures, edges, route = world.departures[n, k], world.edges, world.route[FAN_OUT]
    items, riders = world.edge_items, world.riders
    cpu_free, nic_free, queue = node.cpu_free, node.nic_free, node.queue
    trace, rows, traced = world.trace, world.trace_rows, np.uint64(world.trace[0])
    wire = transmission(packet.size, node.nic)
    dropped = 0
    # Of the train that is boarding: its edge, how many have followed, and the last one's departure.
    e, more, alone = -1, 0, False
    before: Any = 0
    step: Any = 0
    for i in range(first, first + np.uint64(bundle.count)):
        departure = departures[i]
        to: Any = np.uint64(departure.endpoint)
        if max(cpu_free, nic_free) - now > queue:
            dropped += 1
            departure.left = DROPPED
            trace_copy(trace, rows, traced, packet, to, now, DROPPED, bundle.kind)
            continue
        cpu_free = max(cpu_free, now) + cost
        nic_free = max(nic_free, cpu_free) + wire
        departure.left = nic_free
        trace_copy(trace, rows, traced, packet, to, now, nic_free, bundle.kind)
        if route[to] == e and (alone or nic_free - before == step):
            step, alone = nic_free - before, False
            follow(edges[e], riders, more, to, departure.entry)
            more += 1
        else:
            if e >= 0:
                lengthen(edges[e], items, more, step)
            e = route[to]
            board(edges[e], items, riders, nic_free, bundle.packet, to, departure.entry)
            train = items[slot(edges[e], edges[e].last)]
            more, step, alone = 0, np.int64(train.step), train.count == 1
        before = nic_free
    if e >= 0:
        lengthen(edges[e], items, more, step)
    return cpu_free, nic_free, dropped


@kernel
def note_departures(world: Any, thread: int) -> None:
    """Note when copies left: in the histories of those whose copies the ``thread`` has decided on,
    which its processor has at hand."""
    for n in range(len(world.nodes)):
        for k in range(SHARES):
            share = world.shares[n, k]
            while share.thread == thread and share.noted < share.left:
                bundle = world.bundles[n, k, share.noted]
                _note(world, n, k, bundle, np.uint64(share.copies_noted))
                share.noted += 1
                share.copies_noted += np.int64(bundle.count)


@inlined
def _note(world: Any, n: int, k: int, bundle: Any, first: Any) -> None:
    """Note when a bundle's copies left, the share's from the ``first`` on."""
    departures, copies, outs = world.departures[n, k], world.copies, world.outs
    is_voice = bundle.slot < world.settings[0].voices and bundle.kind != FILLER
    row = np.uint64(bundle.slot * len(world.endpoints))
    last = first + np.uint64(bundle.count)
    for i in range(first, last):
        prefetch(copies, np.uint64(departures[min(i + _AHEAD, last - np.uint64(1))].place), 0)
        departure = departures[i]
        to, left = np.uint64(departure.endpoint), departure.left
        if left == DROPPED:
            continue
        copies[np.uint64(departure.place)].sent = left
        if is_voice:
            stream = outs[row + to]
            stream.copies += 1
            stream.waited += left - bundle.time
