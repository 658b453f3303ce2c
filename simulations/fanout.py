"""A media node's fan-out: copies to everyone who listens or watches, at once or paced."""

from typing import Any

import numpy as np

from simulations.allocation import seat_shown
from simulations.compiled import inlined, kernel, seldom
from simulations.copying import Out, add, bundle, copy
from simulations.heaps import drop_first, entry_of, put, put_off
from simulations.history import AGAIN, FILLER, FIRST, entry_slot
from simulations.legs import MOST_ORDERS
from simulations.outs import begin, is_ahead, number_of, out_index, takes_picture
from simulations.pacer import BURST, ROOM, hold, pace, release
from simulations.packets import AUDIO, SCREEN, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED
from simulations.settings import TICK
from simulations.shares import CAME, ORDERED, PASSED_ON, first_of, share_of
from simulations.world import FAN_OUT

_FAR, _NEAR = np.uint64(16), np.uint64(8)
"""Subscribers ahead whose records are asked for, and whose streams and histories."""
_NEXT_HELD, _LATER_HELD = 3, 7
"""Places in the share's heap, below its first, up to where those stand that it sends to next, and
soon."""
_RELEASE = MOST_ORDERS
"""The entry, in the share's heap, of what is no copy: the time at which a leg's pacer looks after
what waits there. There is never more than one for a leg."""
_EVENTS = 2
"""Bundles that a packet can become beside the one for all."""


@kernel
def run_share(world: Any, n: int, k: int, thread: int, until: int) -> None:
    """Decide which copies leave the share ``k`` of node ``n`` before ``until``, of what arrives at
    the node's fan-out and of what it sends of its own accord.

    If the share is ``full`` then, it goes on where it was once there is more room.
    """
    s = world.level_first[FAN_OUT] + n
    station, edges, packets = world.stations[s], world.edges, world.packets
    share, items, cursors = world.shares[n, k], world.edge_items, world.cursors[k]
    heap, heap_items = share.heap, world.heap_items
    share.thread = thread
    if share.until != until:
        _begin(world, station, n, k, until)
    bundles, departures = world.bundles[n, k], world.departures[n, k]
    out = Out(
        share, bundles, departures, world.turns, world.senders, world.copies, world.trace,
        world.trace_rows, np.uint64(world.trace[0]),
    )  # fmt: skip
    most = len(departures) - (share.last - share.first) - _EVENTS
    down = world.nodes[n].down
    e, came = _next_arrival(station, edges, items, cursors, until)
    while True:
        own = heap.tail > 0 and heap_items[np.uint64(heap.base)].time <= came
        own = own and heap_items[np.uint64(heap.base)].time < until
        if not own and e < 0:
            break
        if max(share.copies, share.bundles) > most:
            share.full = 1
            return
        if own:
            item = heap_items[np.uint64(heap.base)]
            now, index = item.time, item.packet
            to, entry = np.uint64(item.endpoint), entry_of(item)
            _ask_for_held(world, heap)
            if down:  # it has been counted already
                drop_first(heap, heap_items)
            elif entry == _RELEASE:
                _release(world, n, k, to, now)
            else:
                drop_first(heap, heap_items)
                _send_ordered(world, out, to, entry, index, now)
            continue
        index = items[slot(edges[np.uint64(e)], cursors[np.uint64(e)])].packet
        cursors[np.uint64(e)] += 1
        share.turn += 2
        if k == 0:
            _keep_books(world, out, n, edges[np.uint64(e)], index, came)
        if not down:
            _pass_on(world, out, n, k, packets[index], index, came)
        e, came = _next_arrival(station, edges, items, cursors, until)


@inlined
def _next_arrival(
    station: Any, edges: Any, items: Any, cursors: Any, until: int
) -> tuple[int, int]:
    """The input edge with the earliest packet that the share has not read, and its time; −1 and
    ``until``, where there is none before; the first of equals."""
    best, best_time = -1, until
    for e in range(station.first_edge, station.first_edge + station.edges):
        edge = edges[np.uint64(e)]
        if cursors[np.uint64(e)] < edge.tail:
            time = items[slot(edge, cursors[np.uint64(e)])].time
            if time < best_time:
                best, best_time = e, time
    return best, best_time


@inlined
def _begin(world: Any, station: Any, n: int, k: int, until: int) -> None:
    """Begin the epoch up to ``until``: nothing has been read nor decided upon, and what the node
    sends of its own accord in it is put in order of time."""
    share, ordered, orders = world.shares[n, k], world.ordered, world.orders
    share.until = until
    share.first, share.last = first_of(world, n, k), first_of(world, n, k + 1)
    share.bundles = share.copies = share.turn = 0
    share.left = share.copies_left = share.noted = share.copies_noted = 0
    for e in range(station.first_edge, station.first_edge + station.edges):
        world.cursors[k, np.uint64(e)] = world.edges[np.uint64(e)].head
    if world.clock[0] % TICK != 0:  # nodes order at ticks
        return
    for i in range(share.first, share.last):
        endpoint: Any = np.uint64(world.subscribers[n, i])
        for place in range(ordered[endpoint]):
            wanted = orders[endpoint, place]
            put(share.heap, world.heap_items, wanted.time, wanted.packet, endpoint, place)
        ordered[endpoint] = 0


@inlined
def _keep_books(world: Any, out: Any, n: int, edge: Any, index: int, now: int) -> None:
    """Count a packet that comes to the node; its processor has to look at it."""
    node = world.nodes[n]
    if node.down:
        node.cut += edge.cascade
        return
    node.packets += 1
    node.cascaded += edge.cascade
    bundle(out, out.share.copies, index, now, 0, FIRST, CAME)


@inlined
def _pass_on(world: Any, out: Any, n: int, k: int, packet: Any, index: int, now: int) -> None:
    """Copy a packet that came to whom it concerns of the share."""
    seat, outs, settings = world.seats[packet.seat], world.outs, world.settings[0]
    people = len(world.endpoints)
    centre = people - 1
    if seat.publisher != packet.publisher or packet.source < seat.first_source:
        return
    kind = AGAIN if packet.again else FIRST
    if packet.media == AUDIO:
        if seat.voice_slot >= 0:
            _let_hear(world, out, n, packet, index, now, seat.voice_slot, kind)
        return
    at = seat.screen_slot if packet.media == SCREEN else seat.picture_slot
    if at >= 0 and (seat.only < 0 or packet.media == SCREEN):
        _let_see(world, out, n, k, packet, index, now, at, kind)
    elif at >= 0 and _is_served(world, seat.only, n, k):
        stream = outs[np.uint64(at * people + seat.only)]
        meant = seat_shown(world, at, seat.only) == packet.seat
        _let_one_see(world, out, n, k, packet, index, seat.only, now, stream, meant, at, kind)
    tile = seat.tile_slot
    if tile >= 0 and packet.media != SCREEN and _is_served(world, centre, n, k):
        stream = outs[out_index(settings, people, tile, centre)]
        meant = world.slot_seats[tile] == packet.seat
        out.share.turn += 1  # behind everyone's copies of the packet, in whichever share
        _let_one_see(world, out, n, k, packet, index, centre, now, stream, meant, tile, kind)
        out.share.turn -= 1


@inlined
def _is_served(world: Any, endpoint: int, n: int, k: int) -> bool:
    """Whether an endpoint is of the share ``k`` of the node ``n``."""
    return bool(world.endpoints[endpoint].served == n and share_of(world, endpoint) == k)


@inlined
def _let_one_see(
    world: Any, out: Any, n: int, k: int, packet: Any, index: int, endpoint: int, now: int,
    stream: Any, meant: bool, at: int, kind: int,
) -> None:  # fmt: skip
    """Send a picture's packet to one endpoint, if it takes it, or let it wait for its pace."""
    if not takes_picture(stream, packet, meant):
        return
    ahead = is_ahead(stream, packet)
    number = number_of(stream, packet)
    if number < stream.first:
        return
    to = np.uint64(endpoint)
    sender = out.senders[to]
    if sender.free_at >= now + BURST:
        _hold(world, n, k, endpoint, now, index, number, at, kind, ahead)
    else:
        copy(
            out, packet, index, to, now, number, at, kind, PASSED_ON, sender.pacing, ahead,
        )  # fmt: skip


@inlined
def _let_hear(
    world: Any, out: Any, n: int, packet: Any, index: int, now: int, at: int, kind: int
) -> None:
    """Send a voice's packet to everyone but its speaker. For the arguments see `copying.add`."""
    subscribers, outs = world.subscribers[n], world.outs
    row = np.uint64(at * len(world.endpoints))
    first, last = np.uint64(out.share.first), np.uint64(out.share.last)
    count = out.share.copies
    for i in range(first, last):
        to = np.uint64(subscribers[i])
        _ask_ahead(world, subscribers, i, last)
        if i + _NEAR < last:
            prefetch(outs, row + np.uint64(subscribers[i + _NEAR]), 0)
        if to == np.uint64(packet.publisher):
            continue
        stream = outs[row + to]
        if stream.source != packet.source:
            begin(stream, packet)
        number = number_of(stream, packet)
        count = add(
            out, count, packet, index, to, now, number, at, kind, out.senders[to].pacing, False
        )
    bundle(out, count, index, now, at, kind, PASSED_ON)


@inlined
def _let_see(
    world: Any, out: Any, n: int, k: int, packet: Any, index: int, now: int, at: int, kind: int
) -> None:
    """Send a picture's packet to everyone who takes it, or let it wait for its pace."""
    takers, outs, row = world.takers[n], world.outs, np.uint64(at * len(world.endpoints))
    first, last = np.uint64(out.share.first), _find_takers(world, out.share, n, packet, row)
    count = out.share.copies
    shown = world.slot_seats[at]
    # Who is shown there may be shown this one instead: the chair, before it goes.
    other: Any = np.int64(-1 if shown < 0 else world.seats[shown].publisher)
    instead = shown >= 0 and seat_shown(world, at, other) == packet.seat
    for i in range(first, last):
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
            # What it drops for want of room is in no bundle.
            _hold(world, n, k, np.int64(to), now, index, number, at, kind, ahead)
            continue
        count = add(
            out, count, packet, index, to, now, number, at, kind, out.senders[to].pacing, ahead
        )
    bundle(out, count, index, now, at, kind, PASSED_ON)


@inlined
def _find_takers(world: Any, share: Any, n: int, packet: Any, row: Any) -> Any:
    """Write down who of the share takes a picture's packet, or may begin to with it, from its first
    place on; the end of what is written. Each packet is of one layer, and most subscribers take
    another."""
    subscribers, takers, outs = world.subscribers[n], world.takers[n], world.outs
    source, layer = packet.source, packet.layer
    begins = packet.key != 0 and packet.index == 0 and not packet.again
    count = np.uint64(share.first)
    for i in range(np.uint64(share.first), np.uint64(share.last)):
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
    items = world.heap_items
    for place in range(_NEXT_HELD, _LATER_HELD):
        to = np.uint64(items[np.uint64(heap.base + place)].endpoint)
        prefetch(world.senders, to, 0)
        prefetch(world.pacers, to, 0)
    for place in range(1, _NEXT_HELD):
        to = np.uint64(items[np.uint64(heap.base + place)].endpoint)
        oldest = np.uint64(world.pacers[to].head & (ROOM - 1))
        prefetch(world.held, to * np.uint64(ROOM) + oldest, 0)
        prefetch(world.copies, entry_slot(world.senders[to], world.senders[to].next), 0)


@inlined
def _send_ordered(world: Any, out: Any, to: Any, entry: Any, index: Any, now: int) -> None:
    """Send a retransmission or, unless other copies have taken its place, padding. Padding is
    nobody's debt."""
    wanted, packet, sender = world.orders[to, entry], world.packets[index], out.senders[to]
    pacing: Any = sender.pacing
    if wanted.kind == FILLER:
        ahead = sender.probe_at - now  # by what other copies took; a whole packet's place?
        if sender.probe != wanted.probe or ahead >= packet.size * sender.probe_gap:
            return
        pacing = np.int64(0)
    copy(
        out, packet, index, to, now, wanted.number, wanted.slot, wanted.kind, ORDERED, pacing,
        False,
    )  # fmt: skip


@seldom
def _hold(
    world: Any,
    n: int,
    k: int,
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
        _send_oldest(world, n, k, to, now, DROPPED)
    if pacer.tail == pacer.head:
        time = _look_at(world.senders[to], now)
        put(world.shares[n, k].heap, world.heap_items, time, 0, to, _RELEASE)
    hold(pacer, held, now, index, world.packets[index].size, number, at, kind, ahead)


@seldom
def _release(world: Any, n: int, k: int, endpoint: Any, now: int) -> None:
    """Send the oldest copy that waits, if its time has come; look again when the next one's has."""
    to, heap = np.uint64(endpoint), world.shares[n, k].heap
    sender, pacer = world.senders[to], world.pacers[to]
    if sender.free_at <= now + BURST:
        _send_oldest(world, n, k, to, now, pace(pacer, sender.pacing, now))
    if pacer.head < pacer.tail:
        put_off(heap, world.heap_items, _look_at(sender, now))
    else:
        drop_first(heap, world.heap_items)


@inlined
def _look_at(sender: Any, now: int) -> int:
    """When to look after what waits on a leg: as soon as its next copy may leave."""
    return max(sender.free_at - BURST, now)  # type: ignore[no-any-return]


@inlined
def _send_oldest(world: Any, n: int, k: int, to: Any, now: int, pacing: int) -> None:
    """Send, or drop, the copy that has waited longest."""
    pacer, held = world.pacers[to], world.held[to]
    oldest = held[np.uint64(pacer.head & (ROOM - 1))]
    release(pacer, oldest)
    out = Out(
        world.shares[n, k], world.bundles[n, k], world.departures[n, k], world.turns,
        world.senders, world.copies, world.trace, world.trace_rows, np.uint64(world.trace[0]),
    )  # fmt: skip
    copy(
        out, world.packets[oldest.packet], oldest.packet, to, now, oldest.number, oldest.slot,
        oldest.kind, PASSED_ON, pacing, bool(oldest.ahead),
    )  # fmt: skip
