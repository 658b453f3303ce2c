"""What publishers send: tracks through the seat's pacer into the access uplink."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.links import carry
from simulations.media import earliest, emit
from simulations.packets import AUDIO, PADDING, RESENT, insert
from simulations.rates import FOREVER
from simulations.seats import KEPT, RESENDS, padding_track
from simulations.trace import SENT, UPLINK, note
from simulations.world import PUBLISHED, World

_SPARE = 512
"""Free slots that an edge from publishers must have before another packet is sent."""


@kernel
def publish(world: World, until: int) -> int:  # noqa: PLR0915
    """Send what publishers send before ``until``; the edge that is full, if one is, else −1."""
    tracks, edges, packets, seats = world.tracks, world.edges, world.packets, world.seats
    items, links = world.edge_items, world.uplinks
    starts, sizes = world.uplink_starts, world.uplink_sizes
    load_times, load_shares = world.load_times, world.load_shares
    trace, trace_rows = world.trace, world.trace_rows
    way_in = world.route[len(world.route) - 1]
    each, next_tracks = world.settings[0].tracks, world.next_tracks
    changed = -1
    while True:
        changed = _next_seat(tracks, next_tracks, each, changed)
        track = tracks[np.uint64(next_tracks[changed])]
        if track.next >= until:
            return -1
        seat = seats[track.seat]
        if track.media not in (AUDIO, PADDING) and seat.pacer_free > track.next:
            track.next = seat.pacer_free
            continue
        publisher = seat.publisher
        out = way_in[publisher]
        edge = edges[out]
        if edge.tail - edge.head > edge.mask - _SPARE:
            return int(out)
        index = world.totals[PUBLISHED] & world.settings[0].packet_mask
        world.totals[PUBLISHED] += 1
        packet = packets[index]
        if track.media == RESENT:
            _send_again(seat, track, packets, world.resends[track.seat], packet)
        elif track.media == PADDING:
            _send_padding(seat, track, packet)
        else:
            emit(track, packet)
        now = packet.sent
        if seat.padding > 0:  # what is sent meanwhile belongs to the probe, in place of padding
            packet.probe = seat.padding_probe
            seat.padding -= packet.size
            padding = tracks[np.uint64(track.seat * each + padding_track(each))]
            padding.next = max(padding.next, now) + packet.size * seat.padding_gap
            if seat.padding <= 0:
                padding.next = FOREVER
        if track.media not in (AUDIO, PADDING) and seat.pacing > 0.0:
            seat.pacer_free = now + np.int64(packet.size * seat.pacing)
        entry = seat.next
        world.seat_packets[track.seat, np.uint64(entry & (KEPT - 1))] = index
        seat.next += 1
        seat.bytes += packet.size
        seat.recent_bytes += packet.size
        arrival = carry(links[publisher], starts, sizes, load_times, load_shares, now, packet.size)
        if publisher == trace[0] and not packet.again:
            note(trace, trace_rows, packet, SENT, now, now)
            note(trace, trace_rows, packet, UPLINK, arrival, now)
        if arrival >= 0:
            insert(edge, items, arrival, index, publisher, entry)


@inlined
def _next_seat(tracks: Any, next_tracks: Any, each: int, changed: int) -> int:
    """The seat that sends next; the first of equals.

    Args:
        next_tracks: see `World`. each: tracks of a seat.
        changed: the only seat whose tracks have changed since the last time; −1: all have.
    """
    best = 0
    for s in range(len(next_tracks)):
        if changed in (s, -1):
            next_tracks[s] = earliest(tracks, s * each, each)
        if tracks[np.uint64(next_tracks[s])].next < tracks[np.uint64(next_tracks[best])].next:
            best = s
    return best


@inlined
def _send_again(seat: Any, track: Any, packets: Any, waiting: Any, packet: Any) -> None:
    """Write the next retransmission into the record ``packet``: the same but for its sending."""
    first = packets[waiting[np.uint64(seat.resend_head & (RESENDS - 1))]]
    seat.resend_head += 1
    packet.captured = first.captured
    packet.publisher = first.publisher
    packet.source = first.source
    packet.sequence = first.sequence
    packet.frame = first.frame
    packet.frame_packets = first.frame_packets
    packet.index = first.index
    packet.size = first.size
    packet.seat = first.seat
    packet.media = first.media
    packet.layer = first.layer
    packet.key = first.key
    packet.sent = track.next
    packet.at_node = -1
    packet.again = 1
    packet.probe = 0
    if seat.resend_head == seat.resend_tail:
        track.next = FOREVER


@inlined
def _send_padding(seat: Any, track: Any, packet: Any) -> None:
    """Write the next packet of a probe into the record ``packet``."""
    packet.captured = track.next
    packet.publisher = seat.publisher
    packet.source = track.source
    packet.sequence = track.sequence
    packet.frame = 0
    packet.frame_packets = 1
    packet.index = 0
    packet.size = track.header + track.payload
    packet.seat = track.seat
    packet.media = PADDING
    packet.layer = 0
    packet.key = 0
    packet.sent = track.next
    packet.at_node = -1
    packet.again = 0
    packet.probe = seat.padding_probe
    track.sequence += 1
