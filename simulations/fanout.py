"""A media node's fan-out: copies to everyone who listens or watches, at once or paced."""

from typing import Any

import numpy as np

from simulations.allocation import seat_shown
from simulations.compiled import inlined, kernel
from simulations.copying import Out, begin_burst, copy, copy_in_burst, end_burst
from simulations.heaps import drop_first, entry_of, put, put_off
from simulations.history import AGAIN, FILLER, FIRST, entry_slot
from simulations.legs import MOST_ORDERS
from simulations.outs import begin, is_ahead, number_of, out_index, takes_picture
from simulations.pacer import BURST, ROOM, hold, pace, release
from simulations.packets import AUDIO, SCREEN, is_full, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED, transmission
from simulations.stations import next_edge, rewind
from simulations.world import FAN_OUT

_FAR, _NEAR = np.uint64(16), np.uint64(8)
"""Subscribers ahead whose records are asked for, and whose streams and histories."""
_NEXT_HELD, _LATER_HELD = 3, 7
"""Places in the node's heap, below its first, up to where those stand that it sends to next, and
soon."""
_RELEASE = MOST_ORDERS
"""The entry, in the node's own heap, of what is no copy: the time at which a leg's pacer looks
after what waits there. There is never more than one for a leg."""


@kernel
def run_fan_out(world: Any, s: int, n: int, until: int) -> int:  # noqa: PLR0912, PLR0915
    """Copy what arrives at the fan-out of node ``n``, station ``s``, before ``until``.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    full = _take_orders(world, n)
    if full >= 0:
        return full
    station, edges, packets, items = (
        world.stations[s], world.edges, world.packets, world.edge_items,
    )  # fmt: skip
    node, seats, settings = world.nodes[n], world.seats, world.settings[0]
    fans, fan_edges, fan_copies = world.fans, world.fan_edges, world.fan_copies
    outs, legs = world.outs, world.audience[n]
    out = Out(
        node, edges, items, world.riders, world.route[FAN_OUT], world.turns, world.senders,
        world.copies, world.trace, world.trace_rows, np.uint64(world.trace[0]),
    )  # fmt: skip
    own = world.orders_edges[n]
    people = len(world.endpoints)
    centre = people - 1
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[np.uint64(e)]
        item = items[slot(edge, edge.head)]
        for i in range(fans[n], fans[n + 1]):
            if is_full(edges[fan_edges[i]], fan_copies[i]):
                return int(fan_edges[i])
        if is_full(edges[own], legs):
            return int(own)
        now, index = item.time, item.packet
        if e == own:
            to, entry = np.uint64(item.endpoint), entry_of(item)
            _ask_for_held(world, edge)
            if node.down:  # it has been counted already
                drop_first(edge, items)
            elif entry == _RELEASE:
                _release(world, n, to, now)
            else:
                drop_first(edge, items)
                _send_ordered(world, out, to, entry, index, now)
            continue
        edge.head += 1
        if node.down:
            node.cut += edge.cascade
            continue
        packet = packets[index]
        cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
        wire = transmission(packet.size, node.nic)
        node.packets += 1
        node.cascaded += edge.cascade
        if node.cpu_free - now <= node.queue:  # beyond it, all copies are dropped unread
            node.cpu_free = max(node.cpu_free, now) + node.packet_cost
            node.cpu_work += node.packet_cost
        seat = seats[packet.seat]
        if seat.publisher != packet.publisher or packet.source < seat.first_source:
            continue
        kind = AGAIN if packet.again else FIRST
        if packet.media == AUDIO:
            if seat.voice_slot < 0:
                continue
            _let_hear(world, out, n, packet, index, now, cost, wire, seat.voice_slot, kind)
            continue
        at = seat.screen_slot if packet.media == SCREEN else seat.picture_slot
        if at >= 0 and (seat.only < 0 or packet.media == SCREEN):
            _let_see(world, out, n, packet, index, now, cost, wire, at, kind)
        elif at >= 0 and world.endpoints[seat.only].served == n:
            stream = outs[np.uint64(at * people + seat.only)]
            if takes_picture(stream, packet, seat_shown(world, at, seat.only) == packet.seat):
                ahead = is_ahead(stream, packet)
                number = number_of(stream, packet)
                if number >= stream.first:
                    only = np.uint64(seat.only)
                    _offer(
                        world, out, n, packet, index, only, now, cost, wire, number, at, kind,
                        ahead,
                    )  # fmt: skip
        tile = seat.tile_slot
        if tile >= 0 and packet.media != SCREEN and world.endpoints[centre].served == n:
            stream = outs[out_index(settings, people, tile, centre)]
            if takes_picture(stream, packet, world.slot_seats[tile] == packet.seat):
                ahead = is_ahead(stream, packet)
                number = number_of(stream, packet)
                if number >= stream.first:
                    to = np.uint64(centre)
                    _offer(
                        world, out, n, packet, index, to, now, cost, wire, number, tile, kind,
                        ahead,
                    )  # fmt: skip
    rewind(station, edges)
    return -1


@kernel
def _let_hear(
    world: Any, out: Any, n: int, packet: Any, index: int, now: int, cost: int, wire: int, at: int,
    kind: int,
) -> None:  # fmt: skip
    """Send a voice's packet to everyone but its speaker. For the arguments see
    `copying.copy_in_burst`."""
    subscribers, outs = world.subscribers[n], world.outs
    row = np.uint64(at * len(world.endpoints))
    last, burst = np.uint64(world.audience[n]), begin_burst(out.node)
    for i in range(last):
        to = np.uint64(subscribers[i])
        _ask_ahead(world, subscribers, i, last)
        if i + _NEAR < last:
            prefetch(outs, row + np.uint64(subscribers[i + _NEAR]), 0)
        if to == np.uint64(packet.publisher):
            continue
        stream = outs[row + to]
        if stream.source != packet.source:
            begin(stream, packet)
        number, dropped = number_of(stream, packet), burst.dropped
        burst = copy_in_burst(
            out, burst, packet, index, to, now, cost, wire, number, at, kind,
            out.senders[to].pacing, False,
        )  # fmt: skip
        if burst.dropped == dropped:
            stream.copies += 1
            stream.waited += burst.nic_free - now
    end_burst(out.node, burst, now, cost, packet.size)


@kernel
def _let_see(
    world: Any, out: Any, n: int, packet: Any, index: int, now: int, cost: int, wire: int, at: int,
    kind: int,
) -> None:  # fmt: skip
    """Send a picture's packet to everyone who takes it, or let it wait for its pace."""
    takers, outs, row = world.takers[n], world.outs, np.uint64(at * len(world.endpoints))
    last, burst = _find_takers(world, n, packet, row), begin_burst(out.node)
    shown = world.slot_seats[at]
    # Who is shown there may be shown this one instead: the chair, before it goes.
    other: Any = np.int64(-1 if shown < 0 else world.seats[shown].publisher)
    instead = shown >= 0 and seat_shown(world, at, other) == packet.seat
    for i in range(last):
        to = np.uint64(takers[i])
        _ask_ahead(world, takers, i, last)
        stream = outs[row + to]
        meant = instead if np.int64(to) == other else shown == packet.seat
        if to == np.uint64(packet.publisher) or not takes_picture(stream, packet, meant):
            continue
        ahead = is_ahead(stream, packet)
        number = number_of(stream, packet)
        if number < stream.first:
            continue
        if out.senders[to].free_at >= now + BURST:
            # What it drops for want of room takes none of the node's time: the burst stays right.
            _hold(world, n, np.int64(to), now, index, number, at, kind, ahead)
            continue
        burst = copy_in_burst(
            out, burst, packet, index, to, now, cost, wire, number, at, kind,
            out.senders[to].pacing, ahead,
        )  # fmt: skip
    end_burst(out.node, burst, now, cost, packet.size)


@kernel
def _find_takers(world: Any, n: int, packet: Any, row: Any) -> Any:
    """Write down who takes a picture's packet, or may begin to with it; how many they are. Each
    packet is of one layer, and most subscribers take another."""
    subscribers, takers, outs = world.subscribers[n], world.takers[n], world.outs
    source, layer = packet.source, packet.layer
    begins = packet.key != 0 and packet.index == 0 and not packet.again
    count = np.uint64(0)
    for i in range(np.uint64(world.audience[n])):
        to = np.uint64(subscribers[i])
        stream = outs[row + to]
        takers[count] = to
        count += np.uint64((stream.source == source) | (begins & (stream.wanted == layer)))
    return count


@inlined
def _ask_ahead(world: Any, subscribers: Any, i: Any, count: Any) -> None:
    """Ask for where the next copies to the subscribers behind the one at ``i`` are written down."""
    if i + _FAR < count:
        prefetch(world.senders, np.uint64(subscribers[i + _FAR]), 0)
        near = np.uint64(subscribers[i + _NEAR])
        prefetch(world.copies, entry_slot(world.senders[near], world.senders[near].next), 0)


@inlined
def _ask_for_held(world: Any, heap: Any) -> None:
    """Ask for what the next endpoints have waiting that the node sends to of its own accord. Behind
    the heap's end stand items of long ago: their endpoints will do as well."""
    items = world.edge_items
    for place in range(_NEXT_HELD, _LATER_HELD):
        to = np.uint64(items[slot(heap, place)].endpoint)
        prefetch(world.senders, to, 0)
        prefetch(world.pacers, to, 0)
    for place in range(1, _NEXT_HELD):
        to = np.uint64(items[slot(heap, place)].endpoint)
        oldest = np.uint64(world.pacers[to].head & (ROOM - 1))
        prefetch(world.held, to * np.uint64(ROOM) + oldest, 0)
        prefetch(world.copies, entry_slot(world.senders[to], world.senders[to].next), 0)


@kernel
def _take_orders(world: Any, n: int) -> int:
    """Put what the node sends of its own accord in this tick in order of time; −1, or an edge that
    must grow first."""
    edge, ordered, orders = world.edges[world.orders_edges[n]], world.ordered, world.orders
    for i in range(world.audience[n]):
        endpoint: Any = np.uint64(world.subscribers[n, i])
        if ordered[endpoint] == 0:
            continue
        if is_full(edge, ordered[endpoint]):
            return int(world.orders_edges[n])
        for k in range(ordered[endpoint]):
            wanted = orders[endpoint, k]
            put(edge, world.edge_items, wanted.time, wanted.packet, endpoint, k)
        ordered[endpoint] = 0
    return -1


@inlined
def _send_ordered(world: Any, out: Any, to: Any, entry: Any, index: Any, now: int) -> None:
    """Send a retransmission or, unless other copies have taken its place, padding. Padding is
    nobody's debt."""
    wanted, node, packet = world.orders[to, entry], out.node, world.packets[index]
    cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
    wire = transmission(packet.size, node.nic)
    pacing: Any = np.int64(0)
    if wanted.kind == FILLER:
        sender = out.senders[to]
        ahead = sender.probe_at - now  # by what other copies took; a whole packet's place?
        if sender.probe != wanted.probe or ahead >= packet.size * sender.probe_gap:
            return
        node.padding += 1
    else:
        node.retransmissions += 1
        pacing = out.senders[to].pacing
    copy(
        out, packet, index, to, now, cost, wire, wanted.number, wanted.slot,
        wanted.kind, pacing, False,
    )  # fmt: skip


@inlined
def _offer(
    world: Any,
    out: Any,
    n: int,
    packet: Any,
    index: int,
    to: Any,
    now: int,
    cost: int,
    wire: int,
    number: int,
    at: int,
    kind: int,
    ahead: bool,
) -> None:
    """Send a copy of a picture's packet, or let it wait for its pace."""
    sender = out.senders[to]
    if sender.free_at >= now + BURST:
        _hold(world, n, np.int64(to), now, index, number, at, kind, ahead)
    else:
        copy(out, packet, index, to, now, cost, wire, number, at, kind, sender.pacing, ahead)


@kernel
def _hold(
    world: Any,
    n: int,
    endpoint: Any,
    now: int,
    index: int,
    number: int,
    at: int,
    kind: int,
    ahead: bool,
) -> None:
    """Let a copy wait. Where there is no room, the oldest one is dropped."""
    to = np.uint64(endpoint)
    pacer, held = world.pacers[to], world.held[to]
    if pacer.tail - pacer.head == ROOM:
        _send_oldest(world, n, to, now, DROPPED)
    if pacer.tail == pacer.head:
        time = _look_at(world.senders[to], now)
        put(world.edges[world.orders_edges[n]], world.edge_items, time, 0, to, _RELEASE)
    hold(pacer, held, now, index, world.packets[index].size, number, at, kind, ahead)


@kernel
def _release(world: Any, n: int, endpoint: Any, now: int) -> None:
    """Send the oldest copy that waits, if its time has come; look again when the next one's has."""
    to, heap = np.uint64(endpoint), world.edges[world.orders_edges[n]]
    sender, pacer = world.senders[to], world.pacers[to]
    if sender.free_at <= now + BURST:
        _send_oldest(world, n, to, now, pace(pacer, sender.pacing, now))
    if pacer.head < pacer.tail:
        put_off(heap, world.edge_items, _look_at(sender, now))
    else:
        drop_first(heap, world.edge_items)


@inlined
def _look_at(sender: Any, now: int) -> int:
    """When to look after what waits on a leg: as soon as its next copy may leave."""
    return max(sender.free_at - BURST, now)  # type: ignore[no-any-return]


@inlined
def _send_oldest(world: Any, n: int, to: Any, now: int, pacing: int) -> None:
    """Send, or drop, the copy that has waited longest."""
    node, pacer, held = world.nodes[n], world.pacers[to], world.held[to]
    oldest = held[np.uint64(pacer.head & (ROOM - 1))]
    release(pacer, oldest)
    packet = world.packets[oldest.packet]
    cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
    wire = transmission(packet.size, node.nic)
    out = Out(
        node, world.edges, world.edge_items, world.riders, world.route[FAN_OUT], world.turns,
        world.senders, world.copies, world.trace, world.trace_rows, np.uint64(world.trace[0]),
    )  # fmt: skip
    copy(
        out, packet, oldest.packet, to, now, cost, wire, oldest.number, oldest.slot,
        oldest.kind, pacing, bool(oldest.ahead),
    )  # fmt: skip
