"""The media node: packets in, copies out to everyone who listens or watches."""

from typing import Any, NamedTuple

import numpy as np

from simulations.allocation import seat_shown
from simulations.compiled import inlined, kernel
from simulations.heaps import drop_first, entry_of, put
from simulations.history import AGAIN, FILLER, FIRST, entry_slot
from simulations.legs import MOST_ORDERS
from simulations.nack import note as note_missing
from simulations.outs import begin, is_ahead, number_of, out_index, takes_picture
from simulations.pacer import BURST, ROOM, charge, hold, pace, release
from simulations.packets import AUDIO, PADDING, SCREEN, is_full, push, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED, transmission
from simulations.stations import next_edge
from simulations.trace import NODE_IN, NODE_OUT, SENT, note
from simulations.trains import board
from simulations.turns import alarm
from simulations.world import CASCADED, FAN_OUT, INGRESSED

_FAR, _NEAR = np.uint64(16), np.uint64(8)
"""Subscribers ahead whose records are asked for, and whose streams and histories."""
_NEXT_HELD, _LATER_HELD = 3, 7
"""Places in the node's heap where those stand that it sends to next, and soon: its top."""
_RELEASE = MOST_ORDERS
"""The entry, in the node's own heap, of what is no copy: the time at which a leg's pacer looks
after what waits there. There is never more than one for a leg."""


@kernel
def run_ingress(world: Any, s: int, n: int, until: int) -> int:
    """Take what arrives at the node ``n`` by the station ``s`` before ``until``.

    A packet goes to the node's own fan-out and, once each, to the other nodes, unless it is for one
    endpoint only: then it goes to that one's node.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    station, edges, packets = world.stations[s], world.edges, world.packets
    items, node_edges, totals = world.edge_items, world.node_edges, world.totals
    trace, trace_rows, seats = world.trace, world.trace_rows, world.seats
    node = world.nodes[n]
    columns = world.settings[0].layers + 1
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[np.uint64(e)]
        item = items[slot(edge, edge.head)]
        for m in range(len(node_edges)):
            if is_full(edges[node_edges[n, m]], 1):
                return int(node_edges[n, m])
        edge.head += 1
        if node.down:
            node.cut += 1
            continue
        now, index, publisher = item.time, item.packet, item.endpoint
        packet = packets[index]
        packet.at_node = now
        totals[INGRESSED] += 1
        if publisher == trace[0] and not packet.again:
            note(trace, trace_rows, packet, NODE_IN, now, now)
        seat = seats[packet.seat]
        if seat.publisher != publisher or packet.source < seat.first_source:
            continue  # the seat is somebody else's by now, or of another session
        seat.arrived = max(seat.arrived, item.entry + 1)
        seat.delay_sum += now - packet.sent
        seat.delay_packets += 1
        seat.delay_max = max(seat.delay_max, now - packet.sent)
        if packet.media == PADDING:
            continue
        if packet.media != AUDIO:
            column = columns - 1 if packet.media == SCREEN else packet.layer
            k = np.uint64(packet.seat * columns + column)
            if note_missing(
                world.seat_nacks[k], world.seat_missing[k], packet.sequence, packet.key
            ):
                world.key_wanted[packet.seat, column] = 1
        for m in range(len(node_edges)):
            if _is_wanted_at(world, packet, seat, m):
                totals[CASCADED] += n != m
                push(edges[node_edges[n, m]], items, now, index, publisher, 0)
    return -1


@inlined
def _is_wanted_at(world: Any, packet: Any, seat: Any, m: int) -> bool:
    """Whether the node ``m`` may have somebody for the packet."""
    places = world.endpoints
    if packet.media == AUDIO:
        return seat.voice_slot >= 0  # type: ignore[no-any-return]
    if packet.media == SCREEN or (seat.picture_slot >= 0 and seat.only < 0):
        return True
    if seat.picture_slot >= 0 and places[seat.only].served == m:
        return True
    centre = len(places) - 1
    return seat.tile_slot >= 0 and places[centre].served == m  # type: ignore[no-any-return]


class _Out(NamedTuple):
    """What a copy needs on its way out of a node."""

    settings: Any
    node: Any
    edges: Any
    items: Any
    riders: Any
    route: Any
    outs: Any
    turns: Any
    senders: Any
    copies: Any
    trace: Any
    trace_rows: Any


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
    subscribers, outs, legs = world.subscribers[n], world.outs, world.audience[n]
    last = np.uint64(legs)
    out = _Out(
        settings, node, edges, items, world.riders, world.route[FAN_OUT], outs, world.turns,
        world.senders, world.copies, world.trace, world.trace_rows,
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
            drop_first(edge, items)
            if node.down:
                continue  # it has been counted already
            _ask_for_held(world, edge)
            if entry == _RELEASE:
                _release(world, n, to, now)
            else:
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
            row = np.uint64(seat.voice_slot * people)
            for i in range(last):
                to = np.uint64(subscribers[i])
                _ask_ahead(world, subscribers, row, i, last)
                if to != np.uint64(packet.publisher):
                    stream = outs[row + to]
                    if stream.source != packet.source:
                        begin(stream, packet)
                    number = number_of(stream, packet)
                    pacing = out.senders[to].pacing
                    _copy(
                        out, packet, index, to, now, cost, wire, number, seat.voice_slot, kind,
                        pacing, False,
                    )  # fmt: skip
            continue
        at = seat.screen_slot if packet.media == SCREEN else seat.picture_slot
        if at >= 0 and (seat.only < 0 or packet.media == SCREEN):
            row = np.uint64(at * people)
            shown = world.slot_seats[at]
            # Who is shown there may be shown this one instead: the chair, before it goes.
            other: Any = np.int64(0 if shown < 0 else seats[shown].publisher)
            instead = shown >= 0 and seat_shown(world, at, other) == packet.seat
            for i in range(last):
                to = np.uint64(subscribers[i])
                _ask_ahead(world, subscribers, row, i, last)
                stream = outs[row + to]
                meant = instead if to == np.uint64(other) and shown >= 0 else shown == packet.seat
                if to != np.uint64(packet.publisher) and takes_picture(stream, packet, meant):
                    ahead = is_ahead(stream, packet)
                    number = number_of(stream, packet)
                    if number >= stream.first:
                        _offer(
                            world, out, n, packet, index, to, now, cost, wire, number, at, kind,
                            ahead,
                        )  # fmt: skip
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
    return -1


@inlined
def _ask_ahead(world: Any, subscribers: Any, row: Any, i: Any, count: Any) -> None:
    """Ask for where the next copies to the subscribers behind the one at ``i`` are written down."""
    if i + _FAR < count:
        prefetch(world.senders, np.uint64(subscribers[i + _FAR]), 0)
        near = np.uint64(subscribers[i + _NEAR])
        prefetch(world.outs, row + near, 0)
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
    for place in range(_NEXT_HELD):
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
    _copy(
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
        _copy(out, packet, index, to, now, cost, wire, number, at, kind, sender.pacing, ahead)


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
        _look_again(world, n, to, now)
    hold(pacer, held, now, index, world.packets[index].size, number, at, kind, ahead)


@kernel
def _release(world: Any, n: int, endpoint: Any, now: int) -> None:
    """Send the oldest copy that waits, if its time has come; look again when the next one's has."""
    to = np.uint64(endpoint)
    sender, pacer = world.senders[to], world.pacers[to]
    if sender.free_at <= now + BURST:
        _send_oldest(world, n, to, now, pace(pacer, sender.pacing, now))
    if pacer.head < pacer.tail:
        _look_again(world, n, to, now)


@inlined
def _look_again(world: Any, n: int, to: Any, now: int) -> None:
    """Look after what waits on a leg as soon as its next copy may leave."""
    time = max(world.senders[to].free_at - BURST, now)
    put(world.edges[world.orders_edges[n]], world.edge_items, time, 0, to, _RELEASE)


@inlined
def _send_oldest(world: Any, n: int, to: Any, now: int, pacing: int) -> None:
    """Send, or drop, the copy that has waited longest."""
    node, pacer, held = world.nodes[n], world.pacers[to], world.held[to]
    oldest = held[np.uint64(pacer.head & (ROOM - 1))]
    release(pacer, oldest)
    packet = world.packets[oldest.packet]
    cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
    wire = transmission(packet.size, node.nic)
    out = _Out(
        world.settings[0], node, world.edges, world.edge_items, world.riders,
        world.route[FAN_OUT], world.outs, world.turns, world.senders, world.copies, world.trace,
        world.trace_rows,
    )  # fmt: skip
    _copy(
        out, packet, oldest.packet, to, now, cost, wire, oldest.number, oldest.slot,
        oldest.kind, pacing, bool(oldest.ahead),
    )  # fmt: skip


@inlined
def _copy(
    out: Any,
    packet: Any,
    index: int,
    to: Any,
    now: int,
    cost: int,
    wire: int,
    number: int,
    at: int,
    kind: int,
    pacing: int,
    ahead: bool,
) -> None:
    """Send one copy: the processor and the network interface serve it one after the other.

    Args:
        now: when it may leave (ns). cost: the processor's time (ns). wire: the interface's.
        number: in the receiver's stream ``at``.
        pacing: ns by which each of its bytes adds to what is owed; DROPPED: it is dropped.
        ahead: a packet before it in its stream has not come.
    """
    node, sender = out.node, out.senders[to]
    entry = sender.next
    sender.next += 1
    sender.bytes += packet.size
    copy = out.copies[entry_slot(sender, entry)]
    copy.sent = now
    copy.arrival = 0
    copy.packet = index
    copy.number = number
    copy.size = packet.size
    copy.slot = at
    copy.kind = kind
    copy.probe = sender.probe
    if sender.probe > 0:
        sender.probe_at = max(sender.probe_at, now) + packet.size * sender.probe_gap
        sender.probe_bytes -= packet.size
        if sender.probe_bytes <= 0:
            sender.probe = 0
    node.copies += 1
    if ahead:
        alarm(out.turns[to], entry)
    left = DROPPED
    if pacing != DROPPED and max(node.cpu_free, node.nic_free) - now <= node.queue:
        charge(sender, pacing, now, packet.size)
        node.cpu_free = max(node.cpu_free, now) + cost
        node.cpu_work += cost
        node.nic_free = max(node.nic_free, node.cpu_free) + wire
        node.bytes += packet.size
        left = node.nic_free
        node.delay_max = max(node.delay_max, left - now)
        copy.sent = left
        if packet.media == AUDIO:
            mine: Any = np.int64(to)
            stream = out.outs[out_index(out.settings, len(out.turns), at, mine)]
            stream.copies += 1
            stream.waited += left - now
        board(out.edges[out.route[to]], out.items, out.riders, left, index, to, entry)
    else:
        node.dropped += 1
    if to == np.uint64(out.trace[0]) and kind == FIRST:
        note(out.trace, out.trace_rows, packet, SENT, packet.sent, now)
        note(out.trace, out.trace_rows, packet, NODE_IN, packet.at_node, now)
        note(out.trace, out.trace_rows, packet, NODE_OUT, left, now)
